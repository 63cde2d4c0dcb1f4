// SPDX-License-Identifier: Apache-2.0
//
// The typed tree of a PromQL expression.
//
// A tree is immutable after Parse and knows no data. It prints back to text that parses to an equal
// tree (promql/print.h). Positions are byte offsets into the query text, so that errors and
// annotations can name line and column. Source of the language: prometheus/prometheus
// promql/parser (ast.go, generated_parser.y).
//
// Threads: a tree may be shared once it is built.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "model/matcher.h"

namespace plimsoll::promql {

enum class ValueType { kScalar, kVector, kMatrix, kString, kNone };
// Returns: "scalar", "instant vector", "range vector", "string": the words of error texts.
std::string_view TypeText(ValueType type);

// Byte offsets into the query: [start, end).
struct PosRange {
  std::int32_t start = 0;
  std::int32_t end = 0;
  bool operator==(const PosRange&) const = default;
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

// An instant that the query fixes: `@ 1603774568`, `@ start()`, `@ end()`.
struct AtModifier {
  enum class Kind { kTime, kStart, kEnd };
  Kind kind = Kind::kTime;
  base::Time time = 0;  // milliseconds; only for kTime
  bool operator==(const AtModifier&) const = default;
};

// A length of time in a range, a subquery or an offset: a number of milliseconds, or an expression
// of numbers, step(), range(), min_of() and max_of() that is known only when start, end and step
// are.
struct DurationExpr;
using DurationExprPtr = std::shared_ptr<const DurationExpr>;
struct DurationExpr {
  enum class Op {
    kNumber,
    kNegate,
    kPlus,
    kAdd,
    kSub,
    kMul,
    kDiv,
    kMod,
    kPow,
    kStep,
    kRange,
    kMinOf,
    kMaxOf
  };
  Op op = Op::kNumber;
  double seconds = 0;             // only for kNumber
  bool duration_literal = false;  // kNumber: printed as 5m rather than 300
  bool wrapped = false;           // printed in parentheses
  DurationExprPtr lhs;            // the operand of unary operators too
  DurationExprPtr rhs;
  PosRange pos;
};
struct Duration {
  std::int64_t milliseconds = 0;  // when `expr` is null
  DurationExprPtr expr;           // when not null, it decides
};

struct NumberLiteral {
  double value = 0;
  bool duration = false;  // written as a duration ("5m"): printed as one
};
struct StringLiteral {
  std::string value;
};
struct VectorSelector {
  std::string name;          // as written before the braces; also in matchers
  model::Matchers matchers;  // includes the one on __name__
  Duration offset;           // original; may be negative
  std::optional<AtModifier> at;
  bool anchored = false;
  bool smoothed = false;
};
struct MatrixSelector {
  ExprPtr vector;  // a VectorSelector
  Duration range;
};
struct Subquery {
  ExprPtr expr;
  Duration range;
  Duration step;  // zero with a null expr: the default step
  Duration offset;
  std::optional<AtModifier> at;
};
struct Paren {
  ExprPtr expr;
};
struct Unary {
  bool negative = false;
  ExprPtr expr;
};

enum class BinaryOp {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,
  kOr,
  kUnless,
  kTrimUpper,
  kTrimLower,  // </ and >/: native histograms only
};
std::string_view OpText(BinaryOp op);
bool IsComparison(BinaryOp op);
bool IsSetOp(BinaryOp op);

struct VectorMatching {
  enum class Card { kOneToOne, kManyToOne, kOneToMany, kManyToMany };
  Card card = Card::kOneToOne;
  bool on = false;  // labels are those of on(...), else of ignoring(...)
  std::vector<std::string> labels;
  std::vector<std::string> include;  // of group_left/group_right
  std::optional<double> fill_left;
  std::optional<double> fill_right;
};
struct Binary {
  BinaryOp op = BinaryOp::kAdd;
  ExprPtr lhs;
  ExprPtr rhs;
  std::optional<VectorMatching> matching;  // only between two vectors
  bool return_bool = false;
  PosRange op_pos;
};

enum class AggregateOp {
  kSum,
  kAvg,
  kMin,
  kMax,
  kGroup,
  kCount,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kQuantile,
  kCountValues,
  kLimitk,
  kLimitRatio,
};
std::string_view OpText(AggregateOp op);
struct Aggregate {
  AggregateOp op = AggregateOp::kSum;
  ExprPtr expr;
  ExprPtr param;  // of topk, bottomk, quantile, count_values, limitk, limit_ratio
  bool without = false;
  std::vector<std::string> grouping;
};

struct Function;  // promql/functions.h
struct Call {
  const Function* function = nullptr;  // a row of the table; lives as long as the process
  std::vector<ExprPtr> args;
};

struct Expr {
  using Node = std::variant<NumberLiteral, StringLiteral, VectorSelector, MatrixSelector, Subquery,
                            Paren, Unary, Binary, Aggregate, Call>;
  Node node;
  ValueType type = ValueType::kNone;
  PosRange pos;
};

}  // namespace plimsoll::promql
