// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic and the comparisons of the language on two numbers.
#pragma once

#include <cmath>

#include "eval/detail/block.h"
#include "promql/ast.h"

namespace plimsoll::eval {

// Calls `use(operation)` with a function object (double, double) -> double. A comparison between
// elements keeps the left value or is Absent(); `truth` makes it one or zero.
template <typename Use>
void WithOperator(promql::BinaryOp op, bool truth, Use&& use) {
  using Op = promql::BinaryOp;
  const auto compare = [&](auto holds) {
    if (truth) {
      use([holds](double a, double b) { return holds(a, b) ? 1.0 : 0.0; });
    } else {
      use([holds](double a, double b) { return holds(a, b) ? a : Absent(); });
    }
  };
  switch (op) {
    case Op::kAdd:
      return use([](double a, double b) { return a + b; });
    case Op::kSub:
      return use([](double a, double b) { return a - b; });
    case Op::kMul:
      return use([](double a, double b) { return a * b; });
    case Op::kDiv:
      return use([](double a, double b) { return a / b; });
    case Op::kMod:
      return use([](double a, double b) { return std::fmod(a, b); });
    case Op::kPow:
      return use([](double a, double b) { return std::pow(a, b); });
    case Op::kAtan2:
      return use([](double a, double b) { return std::atan2(a, b); });
    case Op::kEqual:
      return compare([](double a, double b) { return a == b; });
    case Op::kNotEqual:
      return compare([](double a, double b) { return a != b; });
    case Op::kLess:
      return compare([](double a, double b) { return a < b; });
    case Op::kLessEqual:
      return compare([](double a, double b) { return a <= b; });
    case Op::kGreater:
      return compare([](double a, double b) { return a > b; });
    case Op::kGreaterEqual:
      return compare([](double a, double b) { return a >= b; });
    case Op::kAnd:
    case Op::kOr:
    case Op::kUnless:
      break;
    // Between floats these give nothing; the caller says so.
    case Op::kTrimUpper:
    case Op::kTrimLower:
      return use([](double, double) { return Absent(); });
  }
}

// Whether the result is another quantity than the operands, so that the metric's name must go.
inline bool ChangesMetric(promql::BinaryOp op) {
  using Op = promql::BinaryOp;
  return op == Op::kAdd || op == Op::kSub || op == Op::kMul || op == Op::kDiv || op == Op::kMod ||
         op == Op::kPow || op == Op::kAtan2;
}

}  // namespace plimsoll::eval
