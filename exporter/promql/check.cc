// SPDX-License-Identifier: Apache-2.0
//
// The type checker. See detail/check.h.
#include "promql/detail/check.h"

#include <algorithm>
#include <string>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/detail/parse.h"
#include "promql/functions.h"

namespace plimsoll::promql::detail {

namespace {

using Status = base::Result<void>;

// The words of one old error text, which has not learnt the newer ones.
std::string_view ShortTypeText(ValueType type) {
  switch (type) {
    case ValueType::kVector:
      return "vector";
    case ValueType::kMatrix:
      return "matrix";
    case ValueType::kScalar:
    case ValueType::kString:
    case ValueType::kNone:
      break;
  }
  return TypeText(type);
}

bool IsArithmetic(ValueType type) {
  return type == ValueType::kScalar || type == ValueType::kVector;
}

class Checker {
 public:
  explicit Checker(std::string_view query) : query_(query) {}

  Status Check(Expr& expr) {
    return std::visit([&](auto& node) { return Check(expr, node); }, expr.node);
  }

 private:
  Status Fail(std::int32_t at, std::string_view message) const {
    return ErrorAt(query_, at, message);
  }

  Status Expect(Expr& expr, ValueType want, std::string_view context) {
    if (auto status = Check(expr); !status) return status;
    if (expr.type == want) return {};
    return Fail(expr.pos.start, base::format("expected type {} in {}, got {}", TypeText(want),
                                             context, TypeText(expr.type)));
  }

  Status Check(const Expr&, NumberLiteral&) { return {}; }
  Status Check(const Expr&, StringLiteral&) { return {}; }
  Status Check(const Expr&, Paren& node) { return Check(*node.expr); }
  Status Check(const Expr&, MatrixSelector& node) { return Check(*node.vector); }

  Status Check(const Expr& expr, VectorSelector& node) {
    if (!node.name.empty()) {
      // The last matcher is the name before the braces.
      for (std::size_t i = 0; i + 1 < node.matchers.size(); ++i) {
        const model::Matcher& matcher = node.matchers[i];
        if (matcher.name() != model::kMetricName) continue;
        return Fail(expr.pos.start,
                    base::format("metric name must not be set twice: {} or {}",
                                 base::GoQuote(node.name), base::GoQuote(matcher.value())));
      }
      return {};
    }
    const bool selective =
        std::any_of(node.matchers.begin(), node.matchers.end(),
                    [](const model::Matcher& matcher) { return !matcher.MatchesEmpty(); });
    if (selective || may_match_all_ == &node) return {};
    return Fail(expr.pos.start, "vector selector must contain at least one non-empty matcher");
  }

  Status Check(const Expr& expr, Subquery& node) {
    if (auto status = Check(*node.expr); !status) return status;
    if (node.expr->type == ValueType::kVector) return {};
    return Fail(expr.pos.start,
                base::format("subquery is only allowed on instant vector, got {} instead",
                             ShortTypeText(node.expr->type)));
  }

  Status Check(const Expr& expr, Unary& node) {
    if (auto status = Check(*node.expr); !status) return status;
    if (IsArithmetic(node.expr->type)) return {};
    return Fail(expr.pos.start,
                base::format("unary expression only allowed on expressions of type scalar or "
                             "instant vector, got \"{}\"",
                             TypeText(node.expr->type)));
  }

  Status Check(const Expr&, Aggregate& node) {
    if (auto status = Expect(*node.expr, ValueType::kVector, "aggregation expression"); !status) {
      return status;
    }
    if (node.param == nullptr) return {};
    const bool text = node.op == AggregateOp::kCountValues;
    return Expect(*node.param, text ? ValueType::kString : ValueType::kScalar,
                  "aggregation parameter");
  }

  Status Check(const Expr& expr, Binary& node);
  Status CheckMatching(const Expr& expr, Binary& node);
  Status Check(const Expr& expr, Call& node);
  Status CheckArgumentCount(const Expr& expr, const Call& node) const;
  Status CheckInfo(const Expr& expr, const Call& node);

  // Where the operator of `node` is reported: after the left side and white space.
  std::int32_t OperatorStart(const Binary& node) const {
    auto at = static_cast<std::size_t>(node.lhs->pos.end);
    while (at < query_.size() &&
           std::string_view(" \t\n\r").find(query_[at]) != std::string_view::npos) {
      ++at;
    }
    return static_cast<std::int32_t>(at);
  }

  std::string_view query_;
  const VectorSelector* may_match_all_ = nullptr;  // the second argument of info()
};

Status Checker::Check(const Expr& expr, Binary& node) {
  if (auto status = Check(*node.lhs); !status) return status;
  if (auto status = Check(*node.rhs); !status) return status;
  const ValueType left = node.lhs->type;
  const ValueType right = node.rhs->type;
  const bool scalars = left == ValueType::kScalar && right == ValueType::kScalar;
  if (node.return_bool && !IsComparison(node.op)) {
    return Fail(OperatorStart(node), "bool modifier can only be used on comparison operators");
  }
  if (IsComparison(node.op) && !node.return_bool && scalars) {
    return Fail(OperatorStart(node), "comparisons between scalars must use BOOL modifier");
  }
  if (auto status = CheckMatching(expr, node); !status) return status;
  if (IsSetOp(node.op) && (left == ValueType::kScalar || right == ValueType::kScalar)) {
    return Fail(expr.pos.start,
                base::format("set operator \"{}\" not allowed in binary scalar expression",
                             OpText(node.op)));
  }
  return {};
}

// How two vectors match; one-to-one becomes many-to-many for a set operator, and nothing is left of
// the matching when one side is a scalar.
Status Checker::CheckMatching(const Expr& expr, Binary& node) {
  using Card = VectorMatching::Card;
  VectorMatching& matching = *node.matching;
  if (IsSetOp(node.op) && matching.card == Card::kOneToOne) matching.card = Card::kManyToMany;
  for (const std::string& label : matching.labels) {
    const bool twice = matching.on && std::find(matching.include.begin(), matching.include.end(),
                                                label) != matching.include.end();
    if (!twice) continue;
    return Fail(OperatorStart(node),
                base::format("label {} must not occur in ON and GROUP clause at once",
                             base::GoQuote(label)));
  }
  for (const Expr* side : {node.lhs.get(), node.rhs.get()}) {
    if (IsArithmetic(side->type)) continue;
    return Fail(side->pos.start,
                "binary expression must contain only scalar and instant vector types");
  }
  const bool fills = matching.fill_left || matching.fill_right;
  if (node.lhs->type != ValueType::kVector || node.rhs->type != ValueType::kVector) {
    if (!matching.labels.empty()) {
      return Fail(expr.pos.start, "vector matching only allowed between instant vectors");
    }
    if (fills) {
      return Fail(expr.pos.start, "filling in missing series only allowed between instant vectors");
    }
    node.matching.reset();
    return {};
  }
  if (!IsSetOp(node.op)) return {};
  if (matching.card != Card::kManyToMany) {
    return Fail(expr.pos.start,
                base::format("no grouping allowed for \"{}\" operation", OpText(node.op)));
  }
  if (fills) {
    return Fail(expr.pos.start, "filling in missing series not allowed for set operators");
  }
  return {};
}

Status Checker::CheckArgumentCount(const Expr& expr, const Call& node) const {
  const Function& function = *node.function;
  const std::size_t given = node.args.size();
  const std::size_t declared = function.args.size();
  const auto fail = [&](std::string_view words, std::size_t wanted) {
    return Fail(expr.pos.start, base::format("expected {}{} argument(s) in call to \"{}\", got {}",
                                             words, wanted, function.name, given));
  };
  if (function.variadic == 0) return given == declared ? Status() : fail("", declared);
  const std::size_t least = declared - 1;
  if (given < least) return fail("at least ", least);
  const std::size_t most = least + static_cast<std::size_t>(std::max(function.variadic, 0));
  if (function.variadic > 0 && given > most) return fail("at most ", most);
  return {};
}

Status Checker::CheckInfo(const Expr& expr, const Call& node) {
  const Expr& second = *node.args[1];
  if (second.type != ValueType::kVector) {
    return Fail(expr.pos.start,
                base::format("expected type instant vector in call to function \"info\", got {}",
                             TypeText(second.type)));
  }
  const auto* selector = std::get_if<VectorSelector>(&second.node);
  if (selector == nullptr) return Fail(second.pos.start, "expected label selectors only");
  if (!selector->name.empty()) {
    return Fail(second.pos.start, "expected label selectors only, got vector selector instead");
  }
  may_match_all_ = selector;
  return {};
}

Status Checker::Check(const Expr& expr, Call& node) {
  if (auto status = CheckArgumentCount(expr, node); !status) return status;
  const Function& function = *node.function;
  if (function.id() == FunctionId::info && node.args.size() > 1) {
    if (auto status = CheckInfo(expr, node); !status) return status;
  }
  for (std::size_t i = 0; i < node.args.size(); ++i) {
    const ValueType want = function.args[std::min(i, function.args.size() - 1)];
    const auto status =
        Expect(*node.args[i], want, base::format("call to function \"{}\"", function.name));
    if (!status) return status;
  }
  return {};
}

}  // namespace

Status CheckTypes(Expr& expr, std::string_view query) { return Checker(query).Check(expr); }

}  // namespace plimsoll::promql::detail
