// SPDX-License-Identifier: Apache-2.0
//
// The words of the language, and how error texts name them.
//
// Threads: a Token is a plain value; its text lives as long as the query.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "promql/ast.h"

namespace plimsoll::promql::detail {

// The order makes ranges: operators, aggregators, keywords and preprocessors are contiguous.
enum class TokenKind : std::uint8_t {
  kEof,
  kError,
  kComment,
  kIdentifier,
  kMetricIdentifier,
  kNumber,
  kDuration,
  kString,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kAssign,
  // Only in the values of a series (promql/series.h).
  kSpace,
  kBlank,
  kTimes,
  kHistogram,
  // Operators.
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
  kTrimUpper,
  kTrimLower,
  kAnd,
  kOr,
  kUnless,
  kMatch,
  kNotMatch,
  kAt,
  // Aggregators.
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
  // Keywords.
  kBool,
  kBy,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kIgnoring,
  kOffset,
  kSmoothed,
  kAnchored,
  kOn,
  kWithout,
  // Preprocessors.
  kStart,
  kEnd,
  kStep,
  kRange,
  kMaxOf,
  kMinOf,
};

struct Token {
  TokenKind kind = TokenKind::kEof;
  std::int32_t start = 0;
  std::string_view text;  // as written
  std::string error;      // only of kError
  std::int32_t end() const { return start + static_cast<std::int32_t>(text.size()); }
  PosRange pos() const { return {start, end()}; }
};

inline bool IsOperator(TokenKind kind) { return kind >= TokenKind::kAdd && kind <= TokenKind::kAt; }
inline bool IsAggregator(TokenKind kind) {
  return kind >= TokenKind::kSum && kind <= TokenKind::kLimitRatio;
}
inline bool IsKeyword(TokenKind kind) {
  return kind >= TokenKind::kBool && kind <= TokenKind::kWithout;
}

// Returns: kIdentifier if `word` is none. Any case.
TokenKind KeywordOf(std::string_view word);
// Words that may stand where a metric name is expected.
bool MayNameMetric(TokenKind kind);
// Words that may stand in by (...), on (...) and their like.
bool MayNameLabel(TokenKind kind);
// Whether an expression can begin with this token.
bool MayBeginExpr(TokenKind kind);

// Returns: what "unexpected ..." says, e.g. `identifier "foo"`, `<op:+>`, `end of input`.
std::string Describe(const Token& token);

}  // namespace plimsoll::promql::detail
