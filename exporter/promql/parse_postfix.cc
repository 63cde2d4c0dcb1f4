// SPDX-License-Identifier: Apache-2.0
//
// What may follow an operand, in any order: [range], [range:step], offset, @, anchored, smoothed.
// The modifiers change the selector or subquery that they follow.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/format.h"
#include "promql/detail/parse.h"

namespace plimsoll::promql::detail {

namespace {

using Kind = TokenKind;

// Go's %f.
std::string FixedSix(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return base::format("{:.6f}", value);
}

// What a modifier changes: the parts of the selector or subquery before it.
struct Target {
  Duration* offset = nullptr;
  std::optional<AtModifier>* at = nullptr;
};

// Returns: nulls if no modifier may follow `expr`.
Target TargetOf(Expr& expr) {
  if (auto* vector = std::get_if<VectorSelector>(&expr.node)) return {&vector->offset, &vector->at};
  if (auto* subquery = std::get_if<Subquery>(&expr.node)) return {&subquery->offset, &subquery->at};
  if (auto* matrix = std::get_if<MatrixSelector>(&expr.node)) return TargetOf(*matrix->vector);
  return {};
}

bool IsSet(const Duration& offset) { return offset.milliseconds != 0 || offset.expr != nullptr; }

// Nanoseconds, as Go counts them, cut to milliseconds; of a NaN it makes the smallest integer.
std::int64_t Milliseconds(double seconds) {
  const double nanoseconds = std::round(seconds * 1e9);
  constexpr double kEnd = 9223372036854775808.0;
  if (nanoseconds >= kEnd) return std::numeric_limits<std::int64_t>::max() / 1000000;
  if (!(nanoseconds >= -kEnd)) return std::numeric_limits<std::int64_t>::min() / 1000000;
  return static_cast<std::int64_t>(nanoseconds) / 1000000;
}

// A plain number becomes milliseconds; anything else is known only when the query runs.
Duration Settled(DurationExprPtr value) {
  if (value->op != DurationExpr::Op::kNumber || value->wrapped) return {0, std::move(value)};
  return {Milliseconds(value->seconds), nullptr};
}

}  // namespace

Parsed Parser::Postfix(Parsed operand) {
  while (operand) {
    bool good = true;
    switch (Peek().kind) {
      case Kind::kLeftBracket:
        operand = Bracket(std::move(operand));
        break;
      case Kind::kOffset:
        good = Offset(*operand.expr);
        break;
      case Kind::kAt:
        good = At(*operand.expr);
        break;
      case Kind::kAnchored:
      case Kind::kSmoothed:
        good = Extended(*operand.expr);
        break;
      default:
        if (failed()) return {};
        return operand;
    }
    if (!good) return {};
  }
  return {};
}

std::optional<Duration> Parser::PositiveDuration() {
  ParsedDuration parsed = DurationExpression(1);
  if (!parsed) return std::nullopt;
  Duration result = Settled(parsed.value);
  if (result.expr != nullptr) return result;
  if (parsed.value->seconds <= 0) {
    return Fail(parsed.value->pos.start, "duration must be greater than 0");
  }
  // Shorter than the unit of time: kept as written, because a zero would not read back.
  if (result.milliseconds == 0) result.expr = parsed.value;
  return result;
}

Parsed Parser::Bracket(Parsed operand) {
  const Token open = Take();
  duration_place_ = DurationPlace::kRange;
  auto range = PositiveDuration();
  if (!range) return {};
  if (NextIs(Kind::kRightBracket))
    return RangeSelection(std::move(operand), open, *std::move(range));
  if (!TakeIf(Kind::kColon)) return Unexpected("subquery or range", "\":\" or \"]\""), Parsed{};

  Subquery subquery;
  subquery.range = *std::move(range);
  if (!NextIs(Kind::kRightBracket)) {
    duration_place_ = DurationPlace::kStep;
    auto step = PositiveDuration();
    if (!step) return {};
    subquery.step = *std::move(step);
    if (!NextIs(Kind::kRightBracket)) return Unexpected("subquery selector", "\"]\""), Parsed{};
  }
  const PosRange pos{operand.expr->pos.start, Take().end()};
  subquery.expr = std::move(operand.expr);
  return Made({std::move(subquery), ValueType::kMatrix, pos}, operand.height + 1);
}

Parsed Parser::RangeSelection(Parsed operand, const Token& open, Duration range) {
  const Token close = Take();
  const auto* vector = std::get_if<VectorSelector>(&operand.expr->node);
  std::string_view wrong;
  if (vector == nullptr) {
    wrong = "ranges only allowed for vector selectors";
  } else if (IsSet(vector->offset)) {
    wrong = "no offset modifiers allowed before range";
  } else if (vector->at) {
    wrong = "no @ modifiers allowed before range";
  }
  if (!wrong.empty()) return Fail(open.start, std::string(wrong)), Parsed{};
  const PosRange pos{operand.expr->pos.start, close.end()};
  MatrixSelector matrix{std::move(operand.expr), std::move(range)};
  return Made({std::move(matrix), ValueType::kMatrix, pos}, operand.height + 1);
}

bool Parser::Offset(Expr& operand) {
  Take();
  duration_place_ = DurationPlace::kOffset;
  ParsedDuration parsed = OffsetDuration();
  if (!parsed) return false;
  const Target target = TargetOf(operand);
  if (target.offset == nullptr) {
    Fail(operand.pos.start,
         "offset modifier must be preceded by an instant vector selector or range vector selector "
         "or a subquery");
  } else if (IsSet(*target.offset)) {
    Fail(operand.pos.start, "offset may not be set multiple times");
  } else {
    *target.offset = Settled(std::move(parsed.value));
    operand.pos.end = last_close_;
  }
  return !failed();
}

// Reads the instant after @; bounds are checked here because their error comes first.
std::optional<AtModifier> Parser::AtInstant(const Expr& operand) {
  const auto unexpected = [this] { return Unexpected("@", "timestamp"); };
  if (NextIs(Kind::kStart) || NextIs(Kind::kEnd)) {
    const bool start = Take().kind == Kind::kStart;
    if (!TakeIf(Kind::kLeftParen)) return unexpected();
    if (!TakeIf(Kind::kRightParen)) return unexpected();
    return AtModifier{start ? AtModifier::Kind::kStart : AtModifier::Kind::kEnd, 0};
  }
  double sign = 1;
  if (NextIs(Kind::kAdd) || NextIs(Kind::kSub)) sign = Take().kind == Kind::kSub ? -1 : 1;
  if (!NextIs(Kind::kNumber) && !NextIs(Kind::kDuration)) return unexpected();
  bool is_duration = false;
  const auto number = NumberOrDuration(is_duration);
  if (!number) return std::nullopt;
  const double seconds = sign * *number;
  const double milliseconds = std::round(seconds * 1000);
  constexpr double kEnd = 9223372036854775808.0;
  if (!(milliseconds > -kEnd && milliseconds < kEnd)) {
    return Fail(operand.pos.start, "timestamp out of bounds for @ modifier: " + FixedSix(seconds));
  }
  return AtModifier{AtModifier::Kind::kTime, static_cast<base::Time>(milliseconds)};
}

bool Parser::At(Expr& operand) {
  Take();
  const auto instant = AtInstant(operand);
  if (!instant) return false;
  const Target target = TargetOf(operand);
  if (target.at == nullptr) {
    Fail(operand.pos.start,
         "@ modifier must be preceded by an instant vector selector or range vector selector or a "
         "subquery");
  } else if (*target.at) {
    Fail(operand.pos.start, "@ <timestamp> may not be set multiple times");
  } else {
    *target.at = instant;
    operand.pos.end = last_close_;
  }
  return !failed();
}

bool Parser::Extended(Expr& operand) {
  const bool anchored = Take().kind == Kind::kAnchored;
  const std::string word = anchored ? "anchored" : "smoothed";
  const auto fail = [&](const std::string& message) {
    return Fail(operand.pos.start, message), false;
  };
  if (!options_.extended_range_selectors) {
    return fail(word + " modifier is experimental and not enabled");
  }
  if (std::holds_alternative<Subquery>(operand.node)) {
    return fail(word + " modifier is not supported for subqueries");
  }
  Expr* holder = &operand;
  if (auto* matrix = std::get_if<MatrixSelector>(&operand.node)) holder = matrix->vector.get();
  auto* vector = std::get_if<VectorSelector>(&holder->node);
  if (vector == nullptr) return fail(word + " modifier not implemented");
  (anchored ? vector->anchored : vector->smoothed) = true;
  if (vector->anchored && vector->smoothed) {
    return fail("anchored and smoothed modifiers cannot be used together");
  }
  return true;
}

}  // namespace plimsoll::promql::detail
