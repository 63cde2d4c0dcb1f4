// SPDX-License-Identifier: Apache-2.0
//
// The walk behind promql/reach.h.
#include "promql/reach.h"

#include <algorithm>
#include <cmath>

#include "promql/walk.h"

namespace plimsoll::promql {

namespace {

using std::chrono::milliseconds;

class Walk {
 public:
  Walk(milliseconds lookback, milliseconds step) : lookback_(lookback), step_(step) {}

  // `before`: how much the subqueries around have already moved the evaluation back.
  void Visit(const Expr& expr, milliseconds before) {
    if (const auto* vector = std::get_if<VectorSelector>(&expr.node)) {
      return Add(before + OffsetOf(*vector) + lookback_);
    }
    if (const auto* matrix = std::get_if<MatrixSelector>(&expr.node)) {
      const auto& vector = std::get<VectorSelector>(matrix->vector->node);
      // Anchored and smoothed ranges also read the sample before the range.
      const milliseconds more = vector.anchored || vector.smoothed ? lookback_ : milliseconds(0);
      return Add(before + OffsetOf(vector) + Length(matrix->range) + more);
    }
    if (const auto* subquery = std::get_if<Subquery>(&expr.node)) {
      Note(subquery->at);
      const milliseconds moved = Length(subquery->offset) + Length(subquery->range);
      Length(subquery->step);
      return Visit(*subquery->expr, before + moved);
    }
    ForEachChild(expr, [&](const Expr& child) { Visit(child, before); });
  }

  Reach result() const { return reach_; }

 private:
  void Add(milliseconds back) { reach_.back = std::max(reach_.back, back); }

  void Note(const std::optional<AtModifier>& at) {
    if (!at) return;
    if (at->kind == AtModifier::Kind::kTime) reach_.fixed_at = true;
    if (at->kind != AtModifier::Kind::kTime) reach_.range_dependent = true;
  }

  milliseconds OffsetOf(const VectorSelector& vector) {
    Note(vector.at);
    return Length(vector.offset);
  }

  milliseconds Length(const Duration& duration) {
    if (duration.expr == nullptr) return milliseconds(duration.milliseconds);
    const double seconds = Seconds(*duration.expr);
    // What cannot be a length reaches nowhere: the evaluation itself reports it.
    constexpr double kCentury = 100.0 * 365 * 86400;
    if (!(std::abs(seconds) <= kCentury)) return milliseconds(0);
    return milliseconds(static_cast<std::int64_t>(seconds * 1000));
  }

  double Seconds(const DurationExpr& expr) {
    using Op = DurationExpr::Op;
    const auto lhs = [&] { return Seconds(*expr.lhs); };
    const auto rhs = [&] { return Seconds(*expr.rhs); };
    switch (expr.op) {
      case Op::kNumber:
        return expr.seconds;
      case Op::kNegate:
        return -lhs();
      case Op::kPlus:
        return lhs();
      case Op::kAdd:
        return lhs() + rhs();
      case Op::kSub:
        return lhs() - rhs();
      case Op::kMul:
        return lhs() * rhs();
      case Op::kDiv:
        return lhs() / rhs();
      case Op::kMod:
        return std::fmod(lhs(), rhs());
      case Op::kPow:
        return std::pow(lhs(), rhs());
      case Op::kMinOf:
        return std::min(lhs(), rhs());
      case Op::kMaxOf:
        return std::max(lhs(), rhs());
      case Op::kStep:
        reach_.range_dependent = true;
        return std::chrono::duration<double>(step_).count();
      case Op::kRange:
        reach_.range_dependent = true;
        return 0;
    }
    return 0;
  }

  milliseconds lookback_;
  milliseconds step_;
  Reach reach_;
};

void Collect(const Expr& expr, std::vector<const VectorSelector*>& out) {
  if (const auto* vector = std::get_if<VectorSelector>(&expr.node)) out.push_back(vector);
  ForEachChild(expr, [&](const Expr& child) { Collect(child, out); });
}

}  // namespace

Reach ReachOf(const Expr& expr, milliseconds lookback, milliseconds step) {
  Walk walk(lookback, step);
  walk.Visit(expr, milliseconds(0));
  return walk.result();
}

std::vector<const VectorSelector*> Selectors(const Expr& expr) {
  std::vector<const VectorSelector*> found;
  Collect(expr, found);
  return found;
}

}  // namespace plimsoll::promql
