// SPDX-License-Identifier: Apache-2.0
//
// Characters to tokens, one at a time, on demand.
//
// What a character means depends on where it stands: inside braces keywords are names, inside
// brackets only durations are expected. The lexer therefore remembers which bracket is open and
// which state comes next; after a number inside brackets it reads as outside them, which is why
// `foo[5m x]` and `foo[x 5m]` fail with different texts, here as in Prometheus (promql/parser
// lex.go).
//
// Threads: a Lexer belongs to one thread. Lives as long as: the query it was given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "promql/detail/text.h"
#include "promql/detail/token.h"

namespace plimsoll::promql::detail {

class Lexer {
 public:
  // What the text is: an expression, or a series with its values (promql/series.h).
  enum class Text { kExpression, kSeries };
  explicit Lexer(std::string_view query, Text text = Text::kExpression)
      : input_(query), series_(text == Text::kSeries) {}

  // Returns: the next token that is no comment. After kError or kEof nothing more may be asked.
  Token Next();
  std::string_view input() const { return input_; }

 private:
  enum class State { kStatements, kBraces, kDuration, kValues };

  Rune Peek() const { return DecodeRune(input_.substr(pos_)); }
  std::int32_t Advance();
  bool Accept(std::string_view valid);
  bool Is(std::string_view valid) const;
  void AcceptRun(std::string_view valid);

  Token Emit(TokenKind kind);
  Token Fail(std::string message) const;
  Token Fail(std::string_view message, std::int32_t rune) const;

  // Each returns true when it filled `token`; false means "look again", as after white space.
  bool Statements(Token& token);
  bool Braces(Token& token);
  bool InDuration(Token& token);
  bool Values(Token& token);

  bool Punctuation(std::int32_t rune, Token& token);
  bool CloseParen(Token& token);
  Token Word();
  Token WordInBrackets(std::int32_t rune);
  Token Identifier();
  bool DurationKeyword(Token& token);
  Token NumberOrDuration();
  bool ScanNumber();
  bool ScanDurationRest();
  Token String(char quote);
  Token RawString();
  Token Histogram();
  bool Escape(char quote, Token& error);
  void SkipSpaces();
  void SkipComment();
  bool FollowedByLeftParen() const;

  std::string_view input_;
  bool series_;
  std::size_t pos_ = 0;
  std::size_t start_ = 0;  // where the pending token began
  State state_ = State::kStatements;
  int paren_depth_ = 0;
  bool brace_open_ = false;
  bool bracket_open_ = false;
  bool got_colon_ = false;     // after the last [
  bool got_duration_ = false;  // a number was seen inside some bracket
};

}  // namespace plimsoll::promql::detail
