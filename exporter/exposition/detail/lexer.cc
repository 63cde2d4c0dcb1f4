// SPDX-License-Identifier: Apache-2.0
//
// Tokens of an exposition page. See lexer.h.
//
// On purpose not as in Prometheus: its lexers drop NUL bytes in places where they then change the
// meaning (behind the closing quote of a label value, within the words HELP and TYPE, at the start
// of a comment, where a page silently ends). Here a NUL is a byte of a label value, a HELP text or
// a comment, and wrong elsewhere.
#include "exposition/detail/lexer.h"

#include <algorithm>
#include <array>

#include "base/number_text.h"
#include "exposition/detail/char_class.h"

namespace plimsoll::exposition::detail {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// An error shows this much of an entry; a page without a closing quote would be one entry.
constexpr std::size_t kShownBytes = 400;

}  // namespace

std::string_view TokenName(Token token) {
  switch (token) {
    case Token::kInvalid:
      return "INVALID";
    case Token::kEnd:
      return "EOF";
    case Token::kLinebreak:
      return "LINEBREAK";
    case Token::kHelp:
      return "HELP";
    case Token::kType:
      return "TYPE";
    case Token::kUnit:
      return "UNIT";
    case Token::kEofWord:
      return "EOFWORD";
    case Token::kText:
      return "TEXT";
    case Token::kComment:
      return "COMMENT";
    case Token::kMetricName:
      return "MNAME";
    case Token::kQuoted:
      return "QSTRING";
    case Token::kBraceOpen:
      return "BOPEN";
    case Token::kBraceClose:
      return "BCLOSE";
    case Token::kLabelName:
      return "LNAME";
    case Token::kLabelValue:
      return "LVALUE";
    case Token::kComma:
      return "COMMA";
    case Token::kEqual:
      return "EQUAL";
    case Token::kTimestamp:
      return "TIMESTAMP";
    case Token::kValue:
      return "VALUE";
  }
  return "";
}

std::string Lexer::Seen(std::size_t from) const {
  const std::size_t end = std::min(size_, at_ + 1);
  std::string shown;
  for (std::size_t i = from; i < end && shown.size() < kShownBytes; ++i) shown += At(i);
  std::string quoted = base::GoQuote(shown);
  if (end - from > kShownBytes) quoted.insert(quoted.size() - 1, "...");
  return quoted;
}

Token Lexer::Next() {
  while (true) {
    if (at_ >= size_) return Token::kEnd;  // errors then show the token before
    start_ = at_;
    if (format_ == Format::kOpenMetrics) return OpenMetrics();
    blank_ = false;
    const Token token = Text();
    if (!blank_) return token;
  }
}

Token Lexer::Blanks() {
  blank_ = true;
  std::size_t i = at_;
  while (IsBlank(At(i))) ++i;
  return Accept(i, Token::kText);
}

Token Lexer::Word(Token token, State next, bool colon) {
  const std::uint8_t first = colon ? kMetricStart : kLabelStart;
  const std::uint8_t further = colon ? kMetricChar : kLabelChar;
  std::size_t i = at_;
  if (!Is(At(i), first)) return Stuck(i);
  while (Is(At(i), further)) ++i;
  return Accept(i, token, next);
}

Token Lexer::Quoted(Token token, State next, bool newline, bool nul) {
  std::size_t i = at_ + 1;
  for (;; ++i) {
    if (nul)
      while (i < size_ && At(i) == '\0') ++i;
    char c = At(i);
    if (c == '"') return Accept(i + 1, token, next);
    const bool escaped = c == '\\';
    if (escaped) {
      ++i;
      if (nul)
        while (i < size_ && At(i) == '\0') ++i;
      c = At(i);
    }
    if (c == '\0' || (c == '\n' && (escaped || !newline))) return Stuck(i);
  }
}

Token Lexer::MetaName() {
  if (At(at_) == '"') return Quoted(Token::kMetricName, State::kMetaText, true, false);
  return Word(Token::kMetricName, State::kMetaText, true);
}

Token Lexer::InLabels(State after_equal, State after_close, bool newline) {
  switch (At(at_)) {
    case '"':
      return Quoted(Token::kQuoted, state_, newline, false);
    case '}':
      return Accept(at_ + 1, Token::kBraceClose, after_close);
    case '=':
      return Accept(at_ + 1, Token::kEqual, after_equal);
    case ',':
      return Accept(at_ + 1, Token::kComma);
    default:
      return Word(Token::kLabelName, state_, false);
  }
}

Token Lexer::TextInit() {
  switch (At(at_)) {
    case '\0':
      return Accept(at_ + 1, Token::kEnd);
    case '\n':
      return Accept(at_ + 1, Token::kLinebreak);
    case '{':
      return Accept(at_ + 1, Token::kBraceOpen, State::kLabels);
    case '#':
      return TextComment();
    default:
      return Word(Token::kMetricName, State::kValue, true);
  }
}

Token Lexer::TextComment() {
  std::size_t i = at_ + 1;
  if (IsBlank(At(i))) {
    while (IsBlank(At(i))) ++i;
    const std::string_view word = page_.substr(std::min(i, page_.size()), 4);
    if ((word == "HELP" || word == "TYPE") && IsBlank(At(i + 4))) {
      i += 4;
      while (IsBlank(At(i))) ++i;
      return Accept(i, word == "HELP" ? Token::kHelp : Token::kType, State::kMetaName);
    }
  }
  return Accept(std::min(page_.find('\n', i), page_.size()), Token::kComment);
}

Token Lexer::Text() {
  const char c = At(at_);
  if (state_ != State::kMetaText && IsBlank(c)) return Blanks();
  switch (state_) {
    case State::kInit:
      return TextInit();
    case State::kMetaName:
      return MetaName();
    case State::kMetaText: {
      if (c == '\0') return Accept(at_, Token::kText, State::kInit);
      const std::size_t end = std::min(page_.find('\n', at_), page_.size());
      const std::string_view rest = page_.substr(std::min(at_, page_.size()), end - at_);
      if (!rest.empty() &&
          rest.find_first_not_of(std::string_view(" \t\0", 3)) == std::string_view::npos) {
        start_ = end;  // nothing but blanks counts as nothing
      }
      return Accept(end, Token::kText, State::kInit);
    }
    case State::kLabels:
      return InLabels(State::kLabelValue, State::kValue, true);
    case State::kLabelValue:
      return c == '"' ? Quoted(Token::kLabelValue, State::kLabels, true, true) : Stuck(at_);
    case State::kValue: {
      if (c == '{') return Accept(at_ + 1, Token::kBraceOpen, State::kLabels);
      std::size_t i = at_;
      while (!IsBlank(At(i)) && At(i) != '{' && At(i) != '\n' && At(i) != '\0') ++i;
      return i == at_ ? Stuck(i) : Accept(i, Token::kValue, State::kTimestamp);
    }
    case State::kTimestamp: {
      if (c == '\n') return Accept(at_ + 1, Token::kLinebreak, State::kInit);
      std::size_t i = at_;
      while (At(i) >= '0' && At(i) <= '9') ++i;
      return i == at_ ? Stuck(i) : Accept(i, Token::kTimestamp);
    }
    case State::kExemplar:
    case State::kExemplarValue:
    case State::kExemplarTimestamp:
      break;  // not states of a text page
  }
  return Stuck(at_);
}

Token Lexer::OpenMetricsComment() {
  struct Keyword {
    std::string_view word;
    Token token;
    State next;
  };
  static constexpr std::array<Keyword, 4> kKeywords = {{{"# HELP ", Token::kHelp, State::kMetaName},
                                                        {"# TYPE ", Token::kType, State::kMetaName},
                                                        {"# UNIT ", Token::kUnit, State::kMetaName},
                                                        {"# EOF", Token::kEofWord, State::kInit}}};
  std::size_t furthest = at_ + 1;
  for (const Keyword& keyword : kKeywords) {
    std::size_t i = 0;
    while (i < keyword.word.size() && At(at_ + i) == keyword.word[i]) ++i;
    furthest = std::max(furthest, at_ + i);
    if (i < keyword.word.size()) continue;
    const bool line_end = keyword.token == Token::kEofWord && At(at_ + i) == '\n';
    return Accept(at_ + i + (line_end ? 1 : 0), keyword.token, keyword.next);
  }
  return Stuck(furthest);
}

Token Lexer::SpacedValue(Token token, State next) {
  std::size_t i = at_;
  if (At(i) != ' ') return Stuck(i);
  do ++i;
  while (At(i) != ' ' && At(i) != '\n' && At(i) != '\0');
  return i == at_ + 1 ? Stuck(i) : Accept(i, token, next);
}

Token Lexer::OpenMetricsTimestamp() {
  if (At(at_) == '\n') return Accept(at_ + 1, Token::kLinebreak, State::kInit);
  if (At(at_) == ' ' && At(at_ + 1) == '#' && At(at_ + 2) == ' ') {
    if (At(at_ + 3) != '{') return Stuck(at_ + 3);
    return Accept(at_ + 4, Token::kComment, State::kExemplar);
  }
  return SpacedValue(Token::kTimestamp, state_);
}

Token Lexer::OpenMetrics() {
  const char c = At(at_);
  switch (state_) {
    case State::kInit:
      if (c == '#') return OpenMetricsComment();
      if (c == '{') return Accept(at_ + 1, Token::kBraceOpen, State::kLabels);
      return Word(Token::kMetricName, State::kValue, true);
    case State::kMetaName:
      return MetaName();
    case State::kMetaText: {
      if (c != ' ') return Stuck(at_);
      const std::size_t end = page_.find('\n', at_);
      if (end == std::string_view::npos) return Stuck(page_.size());
      return Accept(end + 1, Token::kText, State::kInit);
    }
    case State::kLabels:
      return InLabels(State::kLabelValue, State::kValue, true);
    case State::kLabelValue:
      return c == '"' ? Quoted(Token::kLabelValue, State::kLabels, false, true) : Stuck(at_);
    case State::kValue:
      if (c == '{') return Accept(at_ + 1, Token::kBraceOpen, State::kLabels);
      return SpacedValue(Token::kValue, State::kTimestamp);
    case State::kTimestamp:
      return OpenMetricsTimestamp();
    case State::kExemplar:
      return InLabels(State::kExemplarValue, State::kExemplarValue, false);
    case State::kExemplarValue:
      if (c == '"') return Quoted(Token::kLabelValue, State::kExemplar, false, false);
      return SpacedValue(Token::kValue, State::kExemplarTimestamp);
    case State::kExemplarTimestamp:
      if (c == '\n') return Accept(at_ + 1, Token::kLinebreak, State::kInit);
      return SpacedValue(Token::kTimestamp, state_);
  }
  return Stuck(at_);
}

}  // namespace plimsoll::exposition::detail
