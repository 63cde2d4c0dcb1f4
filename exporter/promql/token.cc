// SPDX-License-Identifier: Apache-2.0
//
// Keywords and their places. See detail/token.h.
#include "promql/detail/token.h"

#include <algorithm>
#include <array>
#include <utility>

#include "promql/detail/text.h"

namespace plimsoll::promql::detail {

namespace {

using Kind = TokenKind;

constexpr std::array<std::pair<std::string_view, Kind>, 39> kWords = {{
    {"anchored", Kind::kAnchored},
    {"and", Kind::kAnd},
    {"atan2", Kind::kAtan2},
    {"avg", Kind::kAvg},
    {"bool", Kind::kBool},
    {"bottomk", Kind::kBottomk},
    {"by", Kind::kBy},
    {"count", Kind::kCount},
    {"count_values", Kind::kCountValues},
    {"end", Kind::kEnd},
    {"fill", Kind::kFill},
    {"fill_left", Kind::kFillLeft},
    {"fill_right", Kind::kFillRight},
    {"group", Kind::kGroup},
    {"group_left", Kind::kGroupLeft},
    {"group_right", Kind::kGroupRight},
    {"ignoring", Kind::kIgnoring},
    {"inf", Kind::kNumber},
    {"limit_ratio", Kind::kLimitRatio},
    {"limitk", Kind::kLimitk},
    {"max", Kind::kMax},
    {"max_of", Kind::kMaxOf},
    {"min", Kind::kMin},
    {"min_of", Kind::kMinOf},
    {"nan", Kind::kNumber},
    {"offset", Kind::kOffset},
    {"on", Kind::kOn},
    {"or", Kind::kOr},
    {"quantile", Kind::kQuantile},
    {"range", Kind::kRange},
    {"smoothed", Kind::kSmoothed},
    {"start", Kind::kStart},
    {"stddev", Kind::kStddev},
    {"stdvar", Kind::kStdvar},
    {"step", Kind::kStep},
    {"sum", Kind::kSum},
    {"topk", Kind::kTopk},
    {"unless", Kind::kUnless},
    {"without", Kind::kWithout},
}};

constexpr std::size_t kLongestWord = 12;  // count_values

}  // namespace

TokenKind KeywordOf(std::string_view word) {
  if (word.size() > kLongestWord) return Kind::kIdentifier;
  std::array<char, kLongestWord> buffer;
  std::transform(word.begin(), word.end(), buffer.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::string_view lower(buffer.data(), word.size());
  const auto* const at =
      std::lower_bound(kWords.begin(), kWords.end(), lower,
                       [](const auto& row, std::string_view wanted) { return row.first < wanted; });
  return at != kWords.end() && at->first == lower ? at->second : Kind::kIdentifier;
}

bool MayNameMetric(TokenKind kind) {
  switch (kind) {
    case Kind::kIdentifier:
    case Kind::kMetricIdentifier:
    case Kind::kAnd:
    case Kind::kOr:
    case Kind::kUnless:
    case Kind::kBy:
    case Kind::kWithout:
    case Kind::kOffset:
    case Kind::kFill:
    case Kind::kFillLeft:
    case Kind::kFillRight:
    case Kind::kAnchored:
    case Kind::kSmoothed:
    case Kind::kStart:
    case Kind::kEnd:
    case Kind::kStep:
    case Kind::kRange:
    case Kind::kMaxOf:
    case Kind::kMinOf:
      return true;
    default:
      return IsAggregator(kind);
  }
}

bool MayNameLabel(TokenKind kind) {
  if (kind == Kind::kWithout) return false;
  return MayNameMetric(kind) || kind == Kind::kAtan2 || kind == Kind::kBool || kind == Kind::kOn ||
         kind == Kind::kIgnoring || kind == Kind::kGroupLeft || kind == Kind::kGroupRight;
}

bool MayBeginExpr(TokenKind kind) {
  return MayNameMetric(kind) || kind == Kind::kNumber || kind == Kind::kDuration ||
         kind == Kind::kString || kind == Kind::kLeftParen || kind == Kind::kLeftBrace ||
         kind == Kind::kAdd || kind == Kind::kSub;
}

std::string Describe(const Token& token) {
  const std::string text(token.text);
  switch (token.kind) {
    case Kind::kEof:
      return "end of input";
    case Kind::kError:
      return "error " + token.error;
    case Kind::kIdentifier:
      return "identifier " + QuoteForError(text);
    case Kind::kMetricIdentifier:
      return "metric identifier " + QuoteForError(text);
    case Kind::kString:
      return "string " + QuoteShortened(text);
    case Kind::kNumber:
      return "number " + QuoteShortened(text);
    case Kind::kDuration:
      return "duration " + QuoteShortened(text);
    default:
      break;
  }
  if (IsKeyword(token.kind)) return '<' + text + '>';
  if (IsOperator(token.kind)) return "<op:" + text + '>';
  if (IsAggregator(token.kind)) return "<aggr:" + text + '>';
  return QuoteShortened(text);
}

}  // namespace plimsoll::promql::detail
