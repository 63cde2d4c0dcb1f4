// SPDX-License-Identifier: Apache-2.0
//
// Durations: a small arithmetic of its own, inside brackets and after `offset`.
//
// After `offset` only one operand is taken, so that `foo offset 5m + bar` is a sum of vectors; an
// expression there needs parentheses (or two signs, which the grammar also takes for an
// expression).
#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/detail/parse.h"
#include "promql/detail/text.h"

namespace plimsoll::promql::detail {

namespace {

using Kind = TokenKind;
using Op = DurationExpr::Op;

constexpr int kLowest = 1;
constexpr int kPower = 3;

int PrecedenceOf(Kind kind) {
  switch (kind) {
    case Kind::kAdd:
    case Kind::kSub:
      return kLowest;
    case Kind::kMul:
    case Kind::kDiv:
    case Kind::kMod:
      return 2;
    case Kind::kPow:
      return kPower;
    default:
      return 0;
  }
}

Op OpOf(Kind kind) {
  switch (kind) {
    case Kind::kAdd:
      return Op::kAdd;
    case Kind::kSub:
      return Op::kSub;
    case Kind::kMul:
      return Op::kMul;
    case Kind::kDiv:
      return Op::kDiv;
    case Kind::kMod:
      return Op::kMod;
    case Kind::kRange:
      return Op::kRange;
    case Kind::kMinOf:
      return Op::kMinOf;
    case Kind::kMaxOf:
      return Op::kMaxOf;
    case Kind::kStep:
      return Op::kStep;
    default:
      return Op::kPow;
  }
}

bool IsCall(Kind kind) {
  return kind == Kind::kStep || kind == Kind::kRange || kind == Kind::kMinOf ||
         kind == Kind::kMaxOf;
}
bool IsSign(Kind kind) { return kind == Kind::kAdd || kind == Kind::kSub; }
bool IsNumber(Kind kind) { return kind == Kind::kNumber || kind == Kind::kDuration; }

bool IsPlainNumber(const DurationExpr& expr) { return expr.op == Op::kNumber && !expr.wrapped; }

// Durations are nanoseconds in 64 bits. NaN passes, as in Prometheus: arithmetic with it is refused
// when the query's times are known.
bool OutOfRange(double seconds) {
  constexpr double kMax = 9223372036.854775808;
  return seconds > kMax || seconds < -kMax;
}

}  // namespace

std::nullopt_t Parser::UnexpectedInDuration() {
  switch (duration_place_) {
    case DurationPlace::kRange:
      return Unexpected("subquery or range selector", "number, duration, step(), or range()");
    case DurationPlace::kStep:
      return Unexpected("subquery selector", "number, duration, step(), range(), or \"]\"");
    case DurationPlace::kOffset:
      return Unexpected("offset", "number, duration, step(), or range()");
  }
  return std::nullopt;
}

ParsedDuration Parser::DurationMade(DurationExpr expr, int height) {
  if (height > options_.max_depth) {
    Fail(expr.pos.start, base::format("duration is nested too deeply, expected at most {} levels",
                                      options_.max_depth));
    return {};
  }
  return {std::make_shared<const DurationExpr>(std::move(expr)), height};
}

std::optional<double> Parser::NumberOrDuration(bool& is_duration) {
  const Token token = Take();
  is_duration = token.kind == Kind::kDuration;
  if (!is_duration) {
    auto number = ReadNumber(token.text);
    if (!number) return Fail(token.start, "error parsing number: " + number.error().message);
    return *number;
  }
  const auto duration = base::ParseDuration(token.text);
  if (!duration) return Fail(token.start, duration.error().message);
  // As Go's Duration.Seconds: whole seconds and fraction apart.
  const std::int64_t milliseconds = duration->count();
  return static_cast<double>(milliseconds / 1000) +
         static_cast<double>(milliseconds % 1000) * 1e6 / 1e9;
}

// `check_range`: unless a sign before the number is to be counted first.
ParsedDuration Parser::DurationNumber(bool check_range) {
  const PosRange pos = Peek().pos();
  DurationExpr expr;
  expr.pos = pos;
  const auto number = NumberOrDuration(expr.duration_literal);
  if (!number) return {};
  expr.seconds = *number;
  if (check_range && OutOfRange(expr.seconds)) {
    return Fail(pos.start, "duration out of range"), ParsedDuration{};
  }
  return DurationMade(std::move(expr), 1);
}

ParsedDuration Parser::DurationExpression(int min_precedence) {
  ++depth_;
  if (depth_ > options_.max_depth) {
    Fail(Peek().start, base::format("expression is nested too deeply, expected at most {} levels",
                                    options_.max_depth));
    return {};
  }
  ParsedDuration result = DurationRest(DurationOperand(), min_precedence);
  --depth_;
  return result;
}

ParsedDuration Parser::DurationRest(ParsedDuration lhs, int min_precedence) {
  while (lhs) {
    const int precedence = PrecedenceOf(Peek().kind);
    if (failed()) return {};
    if (precedence == 0 || precedence < min_precedence) return lhs;
    const Token op = Take();
    ParsedDuration rhs = DurationExpression(precedence == kPower ? precedence : precedence + 1);
    if (!rhs) return {};
    lhs = DurationBinary(std::move(lhs), op, std::move(rhs));
  }
  return {};
}

ParsedDuration Parser::DurationBinary(ParsedDuration lhs, const Token& op, ParsedDuration rhs) {
  const bool zero = IsPlainNumber(*rhs.value) && rhs.value->seconds == 0;
  if (zero && op.kind == Kind::kDiv) return Fail(op.start, "division by zero"), ParsedDuration{};
  if (zero && op.kind == Kind::kMod) return Fail(op.start, "modulo by zero"), ParsedDuration{};
  DurationExpr expr;
  expr.op = OpOf(op.kind);
  expr.pos = {lhs.value->pos.start, rhs.value->pos.end};
  expr.lhs = std::move(lhs.value);
  expr.rhs = std::move(rhs.value);
  return DurationMade(std::move(expr), std::max(lhs.height, rhs.height) + 1);
}

ParsedDuration Parser::DurationOperand() {
  const Kind kind = Peek().kind;
  if (failed()) return {};
  if (IsNumber(kind)) return DurationNumber(true);
  if (IsCall(kind)) return DurationCall();
  if (kind == Kind::kLeftParen) return DurationParenthesized();
  if (!IsSign(kind)) return UnexpectedInDuration(), ParsedDuration{};
  const Token sign = Take();
  return Signed(sign, DurationExpression(kPower));
}

// Numbers take the sign at once; of anything else a plus leaves no trace.
ParsedDuration Parser::Signed(const Token& sign, ParsedDuration operand) {
  if (!operand) return {};
  const bool minus = sign.kind == Kind::kSub;
  DurationExpr expr = *operand.value;
  if (IsPlainNumber(expr)) {
    if (minus) expr.seconds = -expr.seconds;
    if (OutOfRange(expr.seconds)) {
      return Fail(sign.start, "duration out of range"), ParsedDuration{};
    }
    expr.pos.start = sign.start;
    return DurationMade(std::move(expr), operand.height);
  }
  if (!minus) return operand;
  DurationExpr negated;
  negated.op = Op::kNegate;
  negated.pos = {sign.start, operand.value->pos.end};
  negated.lhs = std::move(operand.value);
  return DurationMade(std::move(negated), operand.height + 1);
}

ParsedDuration Parser::DurationParenthesized() {
  const Token open = Take();
  ParsedDuration inner = DurationExpression(kLowest);
  if (!inner) return {};
  const auto close = TakeIf(Kind::kRightParen);
  if (!close) return UnexpectedInDuration(), ParsedDuration{};
  DurationExpr expr = *inner.value;
  if (IsPlainNumber(expr)) expr.pos = {open.start, close->end()};
  expr.wrapped = true;
  return DurationMade(std::move(expr), inner.height);
}

ParsedDuration Parser::DurationCall() {
  const Token name = Take();
  DurationExpr expr;
  expr.op = OpOf(name.kind);
  int height = 1;
  if (!TakeIf(Kind::kLeftParen)) return UnexpectedInDuration(), ParsedDuration{};
  if (expr.op == Op::kMinOf || expr.op == Op::kMaxOf) {
    ParsedDuration lhs = DurationExpression(kLowest);
    if (!lhs) return {};
    if (!TakeIf(Kind::kComma)) return UnexpectedInDuration(), ParsedDuration{};
    ParsedDuration rhs = DurationExpression(kLowest);
    if (!rhs) return {};
    height = std::max(lhs.height, rhs.height) + 1;
    expr.lhs = std::move(lhs.value);
    expr.rhs = std::move(rhs.value);
  }
  const auto close = TakeIf(Kind::kRightParen);
  if (!close) return UnexpectedInDuration(), ParsedDuration{};
  expr.pos = {name.start, close->end()};
  if (expr.lhs != nullptr) expr.pos = {expr.lhs->pos.start, expr.rhs->pos.end};
  return DurationMade(std::move(expr), height);
}

ParsedDuration Parser::OffsetDuration() {
  const Kind kind = Peek().kind;
  if (failed()) return {};
  if (IsNumber(kind)) return DurationNumber(true);
  if (IsCall(kind)) return DurationCall();
  if (kind == Kind::kLeftParen) return DurationExpression(kLowest);
  if (!IsSign(kind)) return UnexpectedInDuration(), ParsedDuration{};
  const Token sign = Take();
  const Kind after = Peek().kind;
  if (failed()) return {};
  if (IsNumber(after)) return Signed(sign, DurationNumber(false));
  if (IsCall(after)) return Signed(sign, DurationCall());
  if (after == Kind::kLeftParen) return Signed(sign, DurationParenthesized());
  if (!IsSign(after)) return UnexpectedInDuration(), ParsedDuration{};
  return DurationRest(Signed(sign, DurationExpression(kPower)), kLowest);
}

}  // namespace plimsoll::promql::detail
