// SPDX-License-Identifier: Apache-2.0
//
// Which parts are the same at every step follows prometheus/prometheus promql/engine.go
// (PreprocessExpr), because it decides what a sort warns about and what time() sees.
#include "eval/detail/plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/format.h"
#include "eval/detail/info_reference.h"
#include "eval/detail/numerics.h"
#include "promql/functions.h"

namespace plimsoll::eval {
namespace {

// Their value follows the step although their arguments do not.
constexpr std::array<std::string_view, 15> kFollowTheStep = {
    "day_of_month", "day_of_week", "day_of_year", "days_in_month",  "end",
    "hour",         "minute",      "month",       "predict_linear", "range",
    "start",        "step",        "time",        "timestamp",      "year"};

bool FollowsTheStep(std::string_view name) {
  return std::find(kFollowTheStep.begin(), kFollowTheStep.end(), name) != kFollowTheStep.end();
}

struct Made {
  Node node;
  bool invariant = false;
  bool wrap = false;  // worth marking as invariant by itself
};

Node Invariant(Node child) {
  Node node;
  node.kind = Node::Kind::kInvariant;
  node.expr = child.expr;
  node.children.push_back(std::move(child));
  return node;
}

class Planner {
 public:
  explicit Planner(const QueryTimes& times) : times_(times) {}

  base::Result<Made> Make(const promql::Expr& expr) {
    return std::visit([&](const auto& node) { return MakeNode(expr, node); }, expr.node);
  }
  std::size_t selectors() const { return selectors_; }

 private:
  using Result = base::Result<Made>;

  static Made Leaf(const promql::Expr& expr, Node::Kind kind) {
    Made made;
    made.node.kind = kind;
    made.node.expr = &expr;
    return made;
  }

  Result MakeNode(const promql::Expr& expr, const promql::NumberLiteral& literal) {
    Made made = Leaf(expr, Node::Kind::kNumber);
    made.node.number = literal.value;
    made.invariant = true;
    return made;
  }

  Result MakeNode(const promql::Expr& expr, const promql::StringLiteral&) {
    Made made = Leaf(expr, Node::Kind::kString);
    made.invariant = true;
    return made;
  }

  Result MakeNode(const promql::Expr& expr, const promql::VectorSelector& selector) {
    Made made = Leaf(expr, Node::Kind::kSelector);
    const auto offset = Length(selector.offset, true);
    if (!offset) return offset.error();
    made.node.offset = *offset;
    made.node.at = Instant(selector.at);
    made.node.selector = selectors_++;
    made.invariant = made.wrap = made.node.at.has_value();
    return made;
  }

  Result MakeNode(const promql::Expr& expr, const promql::MatrixSelector& selector) {
    auto inner = Make(*selector.vector);
    if (!inner) return inner;
    const auto range = Length(selector.range, false);
    if (!range) return range.error();
    Made made = std::move(*inner);
    made.node.kind = Node::Kind::kRangeSelector;
    made.node.expr = &expr;
    made.node.range = *range;
    made.wrap = false;
    return made;
  }

  Result MakeNode(const promql::Expr& expr, const promql::Subquery& subquery) {
    auto inner = Make(*subquery.expr);
    if (!inner) return inner;
    Made made = Leaf(expr, Node::Kind::kSubquery);
    const auto offset = Length(subquery.offset, true);
    if (!offset) return offset.error();
    if (subquery.step.expr) {
      const auto step = Length(subquery.step, false);
      if (!step) return step.error();
      made.node.step = *step;
    } else {
      made.node.step = subquery.step.milliseconds;
    }
    const auto range = Length(subquery.range, false);
    if (!range) return range.error();
    made.node.offset = *offset;
    made.node.range = *range;
    made.node.at = Instant(subquery.at);
    made.node.children.push_back(inner->invariant ? Invariant(std::move(inner->node))
                                                  : std::move(inner->node));
    made.invariant = made.node.at.has_value();
    return made;
  }

  // Prometheus does not prepare the parameter of an aggregation, and so keeps its parentheses,
  // which then have the place of the argument, and hide a selector from timestamp() and absent().
  Result MakeNode(const promql::Expr& expr, const promql::Paren& paren) {
    auto inner = Make(*paren.expr);
    if (!inner || !in_parameter_ || !IsInstant(inner->node)) return inner;
    return Same(expr, *std::move(inner));
  }

  static bool IsInstant(const Node& node) {
    return node.kind != Node::Kind::kString && node.kind != Node::Kind::kRangeSelector &&
           node.kind != Node::Kind::kSubquery;
  }
  static Made Same(const promql::Expr& expr, Made inner) {
    Made made = Leaf(expr, Node::Kind::kPlus);
    made.invariant = inner.invariant;
    made.wrap = inner.wrap;
    made.node.children.push_back(std::move(inner.node));
    return made;
  }
  static const promql::Expr& Unwrapped(const promql::Expr& expr) {
    const auto* const paren = std::get_if<promql::Paren>(&expr.node);
    return paren == nullptr ? expr : Unwrapped(*paren->expr);
  }

  Result MakeNode(const promql::Expr& expr, const promql::Unary& unary) {
    auto inner = Make(*unary.expr);
    if (!inner) return inner;
    if (!unary.negative) return Same(expr, *std::move(inner));
    Made made = Leaf(expr, Node::Kind::kNegate);
    made.invariant = inner->invariant;
    made.wrap = inner->wrap;
    made.node.children.push_back(std::move(inner->node));
    return made;
  }

  Result MakeNode(const promql::Expr& expr, const promql::Binary& binary) {
    auto lhs = Make(*binary.lhs);
    if (!lhs) return lhs;
    auto rhs = Make(*binary.rhs);
    if (!rhs) return rhs;
    Made made = Leaf(expr, Node::Kind::kBinary);
    made.invariant = made.wrap = lhs->invariant && rhs->invariant;
    for (auto* side : {&*lhs, &*rhs}) {
      const bool mark = !made.invariant && side->wrap;
      made.node.children.push_back(mark ? Invariant(std::move(side->node)) : std::move(side->node));
    }
    return made;
  }

  Result MakeNode(const promql::Expr& expr, const promql::Aggregate& aggregate) {
    auto inner = Make(*aggregate.expr);
    if (!inner) return inner;
    Made made = Leaf(expr, Node::Kind::kAggregate);
    made.invariant = inner->invariant;
    made.wrap = inner->wrap;
    made.node.children.push_back(std::move(inner->node));
    if (aggregate.param) {
      const bool outside = !std::exchange(in_parameter_, true);
      auto param = Make(outside ? Unwrapped(*aggregate.param) : *aggregate.param);
      in_parameter_ = !outside;
      if (!param) return param;
      made.node.children.push_back(param->wrap ? Invariant(std::move(param->node))
                                               : std::move(param->node));
    }
    return made;
  }

  Result MakeNode(const promql::Expr& expr, const promql::Call& call) {
    const std::string_view name = call.function->name;
    if (name == "start" || name == "end" || name == "range" || name == "step")
      return QueryContext(expr, name);
    Made made = Leaf(expr, Node::Kind::kCall);
    bool invariant = !FollowsTheStep(name);
    bool timestamp_of_fixed = name == "timestamp";
    std::vector<Made> args;
    for (const promql::ExprPtr& arg : call.args) {
      auto inner = Make(name == "info" ? Unwrapped(*arg) : *arg);
      if (!inner) return inner;
      if (name == "info" && !args.empty()) {  // a selector in form only
        inner->wrap = false;
        args.push_back(std::move(*inner));
        continue;
      }
      invariant = invariant && inner->invariant;
      if (!inner->invariant || inner->node.kind != Node::Kind::kSelector)
        timestamp_of_fixed = false;
      args.push_back(std::move(*inner));
    }
    if (name == "info") invariant = invariant && SharedReference(args[0].node).has_value();
    made.invariant = made.wrap = invariant || timestamp_of_fixed;
    for (Made& arg : args) {
      const bool mark = !made.invariant && arg.wrap;
      made.node.children.push_back(mark ? Invariant(std::move(arg.node)) : std::move(arg.node));
    }
    return made;
  }

  Result QueryContext(const promql::Expr& expr, std::string_view name) {
    Made made = Leaf(expr, Node::Kind::kNumber);
    made.invariant = true;
    const Time value = name == "start"   ? times_.start
                       : name == "end"   ? times_.end
                       : name == "range" ? times_.end - times_.start
                                         : (times_.start == times_.end ? 0 : times_.step);
    made.node.number = static_cast<double>(value) / 1000;
    return made;
  }

  std::optional<Time> Instant(const std::optional<promql::AtModifier>& at) const {
    if (!at) return std::nullopt;
    switch (at->kind) {
      case promql::AtModifier::Kind::kTime:
        return at->time;
      case promql::AtModifier::Kind::kStart:
        return times_.start;
      case promql::AtModifier::Kind::kEnd:
        return times_.end;
    }
    return std::nullopt;
  }

  static base::Error Wrong(const promql::DurationExpr& expr, std::string_view what) {
    return base::BadInput(base::format("{}:{}: {}", expr.pos.start, expr.pos.end, what));
  }

  base::Result<Time> Length(const promql::Duration& duration, bool negative_allowed) const {
    if (!duration.expr) return Time{duration.milliseconds};
    const auto seconds = Seconds(*duration.expr);
    if (!seconds) return seconds.error();
    if (!std::isfinite(*seconds)) return Wrong(*duration.expr, "duration is NaN or infinite");
    if (*seconds <= 0 && !negative_allowed)
      return Wrong(*duration.expr, "duration must be greater than 0");
    if (std::abs(*seconds) > 9223372036.854775807)
      return Wrong(*duration.expr, "duration is out of range");
    return static_cast<Time>(*seconds * 1000);
  }

  base::Result<double> Seconds(const promql::DurationExpr& expr) const {
    using Op = promql::DurationExpr::Op;
    double lhs = 0, rhs = 0;
    if (expr.lhs) {
      const auto side = Seconds(*expr.lhs);
      if (!side) return side;
      lhs = *side;
    }
    if (expr.rhs) {
      const auto side = Seconds(*expr.rhs);
      if (!side) return side;
      rhs = *side;
    }
    switch (expr.op) {
      case Op::kNumber:
        return expr.seconds;
      case Op::kNegate:
        return -lhs;
      case Op::kPlus:
        return lhs;
      case Op::kAdd:
        return lhs + rhs;
      case Op::kSub:
        return lhs - rhs;
      case Op::kMul:
        return lhs * rhs;
      case Op::kDiv:
        if (rhs == 0) return Wrong(expr, "division by zero");
        return lhs / rhs;
      case Op::kMod:
        if (rhs == 0) return Wrong(expr, "modulo by zero");
        return std::fmod(lhs, rhs);
      case Op::kPow:
        return std::pow(lhs, rhs);
      case Op::kStep:
        return static_cast<double>(times_.step) / 1000;
      case Op::kRange:
        return static_cast<double>(times_.end - times_.start) / 1000;
      case Op::kMinOf:
        return GoMin(lhs, rhs);
      case Op::kMaxOf:
        return GoMax(lhs, rhs);
    }
    return 0.0;
  }

  QueryTimes times_;
  std::size_t selectors_ = 0;
  bool in_parameter_ = false;  // of an aggregation
};

}  // namespace

const promql::VectorSelector& Node::vector_selector() const {
  if (const auto* matrix = std::get_if<promql::MatrixSelector>(&expr->node)) {
    return std::get<promql::VectorSelector>(matrix->vector->node);
  }
  return std::get<promql::VectorSelector>(expr->node);
}

base::Result<Plan> MakePlan(const promql::Expr& expr, const QueryTimes& times) {
  Planner planner(times);
  auto made = planner.Make(expr);
  if (!made) return made.error();
  Plan plan;
  plan.root = made->wrap ? Invariant(std::move(made->node)) : std::move(made->node);
  plan.selectors = planner.selectors();
  return plan;
}

}  // namespace plimsoll::eval
