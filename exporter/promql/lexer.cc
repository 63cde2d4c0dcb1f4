// SPDX-License-Identifier: Apache-2.0
//
// The lexer's states: statements, braces, durations. Literals are in lexer_literals.cc.
#include "promql/detail/lexer.h"

#include "base/format.h"

namespace plimsoll::promql::detail {

namespace {

using Kind = TokenKind;

bool IsSpace(std::int32_t r) { return r == ' ' || r == '\t' || r == '\n' || r == '\r'; }
bool IsDigit(std::int32_t r) { return r >= '0' && r <= '9'; }
bool IsAlpha(std::int32_t r) {
  return r == '_' || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z');
}
bool IsAlphaNumeric(std::int32_t r) { return IsAlpha(r) || IsDigit(r); }
// First letters of step, range, max_of and min_of.
bool MayStartDurationKeyword(std::int32_t r) {
  return r > 0 && r < 0x80 &&
         std::string_view("srmSRM").find(static_cast<char>(r)) != std::string_view::npos;
}

}  // namespace

std::int32_t Lexer::Advance() {
  const Rune rune = Peek();
  pos_ += static_cast<std::size_t>(rune.width);
  return rune.value;
}

bool Lexer::Is(std::string_view valid) const {
  return pos_ < input_.size() && valid.find(input_[pos_]) != std::string_view::npos;
}

bool Lexer::Accept(std::string_view valid) {
  if (!Is(valid)) return false;
  ++pos_;
  return true;
}

void Lexer::AcceptRun(std::string_view valid) {
  while (Accept(valid)) {
  }
}

Token Lexer::Emit(TokenKind kind) {
  Token token{kind, static_cast<std::int32_t>(start_), input_.substr(start_, pos_ - start_), {}};
  start_ = pos_;
  return token;
}

Token Lexer::Fail(std::string message) const {
  return {Kind::kError, static_cast<std::int32_t>(start_), {}, std::move(message)};
}

Token Lexer::Fail(std::string_view message, std::int32_t rune) const {
  return Fail(std::string(message) + QuoteRune(rune));
}

void Lexer::SkipSpaces() {
  while (Is(" \t\n\r")) ++pos_;
  start_ = pos_;
}

void Lexer::SkipComment() {
  while (pos_ < input_.size() && !Is("\r\n")) ++pos_;
  start_ = pos_;
}

Token Lexer::Next() {
  Token token;
  for (;;) {
    start_ = pos_;
    bool done = false;
    switch (state_) {
      case State::kStatements:
        done = Statements(token);
        break;
      case State::kBraces:
        done = Braces(token);
        break;
      case State::kDuration:
        done = InDuration(token);
        break;
      case State::kValues:
        done = Values(token);
        break;
    }
    if (done) return token;
  }
}

bool Lexer::Statements(Token& token) {
  if (brace_open_) {
    state_ = State::kBraces;
    return false;
  }
  if (Is("#")) return SkipComment(), false;
  const Rune next = Peek();
  const std::int32_t r = next.value;
  if (r == kEndOfText) {
    token = paren_depth_ != 0 ? Fail("unclosed left parenthesis")
            : bracket_open_   ? Fail("unclosed left bracket")
                              : Emit(Kind::kEof);
    return true;
  }
  if (IsSpace(r)) return SkipSpaces(), false;
  const bool point = r == '.' && pos_ + 1 < input_.size() && IsDigit(input_[pos_ + 1]);
  if (IsDigit(r) || point) return token = NumberOrDuration(), true;
  if (IsAlpha(r) || r == ':') return token = bracket_open_ ? WordInBrackets(r) : Word(), true;
  pos_ += static_cast<std::size_t>(next.width);
  if (!Punctuation(r, token)) token = Fail("unexpected character: ", r);
  return true;
}

// Everything of one or two characters. Returns: false if `rune`, already taken, is none of them.
bool Lexer::Punctuation(std::int32_t rune, Token& token) {
  const auto one = [&](Kind kind) { return token = Emit(kind), true; };
  switch (rune) {
    case ',':
      return one(Kind::kComma);
    case '*':
      return one(Kind::kMul);
    case '/':
      return one(Kind::kDiv);
    case '%':
      return one(Kind::kMod);
    case '+':
      return one(Kind::kAdd);
    case '-':
      return one(Kind::kSub);
    case '^':
      return one(Kind::kPow);
    case '@':
      return one(Kind::kAt);
    case '=':
      if (Accept("=")) return one(Kind::kEqual);
      if (Is("~")) return token = Fail("unexpected character after '=': ", '~'), true;
      return one(Kind::kAssign);
    case '!': {
      const std::int32_t next = Advance();
      if (next != '=') return token = Fail("unexpected character after '!': ", next), true;
      return one(Kind::kNotEqual);
    }
    case '<':
      return one(Accept("=") ? Kind::kLessEqual : Accept("/") ? Kind::kTrimUpper : Kind::kLess);
    case '>':
      return one(Accept("=")   ? Kind::kGreaterEqual
                 : Accept("/") ? Kind::kTrimLower
                               : Kind::kGreater);
    case '"':
    case '\'':
      return token = String(static_cast<char>(rune)), true;
    case '`':
      return token = RawString(), true;
    case '(':
      ++paren_depth_;
      return one(Kind::kLeftParen);
    case ')':
      return CloseParen(token);
    case '{':
      brace_open_ = true;
      return one(Kind::kLeftBrace);
    case '[':
      if (bracket_open_) return token = Fail("unexpected left bracket ", rune), true;
      got_colon_ = false;
      one(Kind::kLeftBracket);
      SkipSpaces();
      bracket_open_ = true;
      state_ = State::kDuration;
      return true;
    case ']':
      if (!bracket_open_) return token = Fail("unexpected right bracket ", rune), true;
      bracket_open_ = false;
      return one(Kind::kRightBracket);
    default:
      return false;
  }
}

bool Lexer::CloseParen(Token& token) {
  token = Emit(Kind::kRightParen);
  if (--paren_depth_ < 0) token = Fail("unexpected right parenthesis ", ')');
  return true;
}

Token Lexer::WordInBrackets(std::int32_t rune) {
  Token token;
  if (rune == ':') {
    ++pos_;
    if (got_colon_) return Fail("unexpected colon ", rune);
    got_colon_ = true;
    return Emit(Kind::kColon);
  }
  if (MayStartDurationKeyword(rune) && DurationKeyword(token)) return token;
  return Fail(
      base::format("unexpected character: {}, expected {}", QuoteRune(rune), QuoteRune(':')));
}

bool Lexer::DurationKeyword(Token& token) {
  while (IsAlpha(Peek().value)) ++pos_;
  const TokenKind kind = KeywordOf(input_.substr(start_, pos_ - start_));
  if (kind != Kind::kStep && kind != Kind::kRange && kind != Kind::kMaxOf && kind != Kind::kMinOf) {
    return false;
  }
  token = Emit(kind);
  return true;
}

bool Lexer::FollowedByLeftParen() const {
  const std::size_t at = input_.find_first_not_of(" \t\n\r", pos_);
  return at != std::string_view::npos && input_[at] == '(';
}

Token Lexer::Word() {
  bool colon = false;
  for (; IsAlphaNumeric(Peek().value) || Is(":"); ++pos_) colon = colon || Is(":");
  const TokenKind kind = KeywordOf(input_.substr(start_, pos_ - start_));
  // The fill modifiers came late: they are keywords only where a parenthesis follows.
  const bool fill = kind == Kind::kFill || kind == Kind::kFillLeft || kind == Kind::kFillRight;
  if (series_) state_ = Is("{") ? State::kStatements : State::kValues;
  if (fill && !FollowedByLeftParen()) return Emit(Kind::kIdentifier);
  return Emit(colon ? Kind::kMetricIdentifier : kind);
}

Token Lexer::Identifier() {
  while (IsAlphaNumeric(Peek().value)) ++pos_;
  return Emit(Kind::kIdentifier);
}

bool Lexer::Braces(Token& token) {
  if (Is("#")) return SkipComment(), false;
  const Rune next = Peek();
  const std::int32_t r = next.value;
  if (r == kEndOfText) return token = Fail("unexpected end of input inside braces"), true;
  if (IsSpace(r)) return SkipSpaces(), false;
  if (IsAlpha(r)) return token = Identifier(), true;
  pos_ += static_cast<std::size_t>(next.width);
  switch (r) {
    case ',':
      return token = Emit(Kind::kComma), true;
    case '"':
    case '\'':
      return token = String(static_cast<char>(r)), true;
    case '`':
      return token = RawString(), true;
    case '=':
      return token = Emit(Accept("~") ? Kind::kMatch : Kind::kAssign), true;
    case '!': {
      const std::int32_t after = Advance();
      if (after == '~') return token = Emit(Kind::kNotMatch), true;
      if (after == '=') return token = Emit(Kind::kNotEqual), true;
      return token = Fail("unexpected character after '!' inside braces: ", after), true;
    }
    case '{':
      return token = Fail("unexpected left brace ", r), true;
    case '}':
      brace_open_ = false;
      state_ = series_ ? State::kValues : State::kStatements;
      return token = Emit(Kind::kRightBrace), true;
    default:
      return token = Fail("unexpected character inside braces: ", r), true;
  }
}

bool Lexer::InDuration(Token& token) {
  const Rune next = Peek();
  const std::int32_t r = next.value;
  if (r == kEndOfText) {
    return token = Fail("unexpected end of input in duration expression"), true;
  }
  if (IsSpace(r)) return SkipSpaces(), false;
  const bool point = r == '.' && pos_ + 1 < input_.size() && IsDigit(input_[pos_ + 1]);
  if (IsDigit(r) || point) {
    got_duration_ = true;
    state_ = State::kStatements;
    return token = NumberOrDuration(), true;
  }
  if (MayStartDurationKeyword(r)) {
    if (!DurationKeyword(token)) token = Fail("unexpected character in duration expression: ", r);
    return true;
  }
  pos_ += static_cast<std::size_t>(next.width);
  switch (r) {
    case ']':
      bracket_open_ = false;
      got_colon_ = false;
      state_ = State::kStatements;
      return token = Emit(Kind::kRightBracket), true;
    case ':':
      token = Emit(Kind::kColon);
      if (!got_duration_) {
        token = Fail("unexpected colon before duration in duration expression");
      } else if (got_colon_) {
        token = Fail("unexpected repeated colon in duration expression");
      }
      got_colon_ = true;
      return true;
    case '(':
      ++paren_depth_;
      return token = Emit(Kind::kLeftParen), true;
    case ')':
      return CloseParen(token);
    case '+':
      return token = Emit(Kind::kAdd), true;
    case '-':
      return token = Emit(Kind::kSub), true;
    case '*':
      return token = Emit(Kind::kMul), true;
    case '/':
      return token = Emit(Kind::kDiv), true;
    case '%':
      return token = Emit(Kind::kMod), true;
    case '^':
      return token = Emit(Kind::kPow), true;
    case ',':
      return token = Emit(Kind::kComma), true;
    default:
      return token = Fail("unexpected character in duration expression: ", r), true;
  }
}

// The values of a series: white space tells them apart, so it is a token here.
bool Lexer::Values(Token& token) {
  const Rune next = Peek();
  const std::int32_t r = next.value;
  if (r == kEndOfText) return state_ = State::kStatements, false;
  if (input_.substr(pos_, 2) == "{{") return token = Histogram(), true;
  const bool point = r == '.' && pos_ + 1 < input_.size() && IsDigit(input_[pos_ + 1]);
  if (IsDigit(r) || point) {
    token = ScanNumber()
                ? Emit(Kind::kNumber)
                : Fail("bad number syntax: " + QuoteForError(input_.substr(start_, pos_ - start_)));
    return true;
  }
  if (IsAlpha(r) && r != '_' && r != 'x') return token = Word(), true;
  pos_ += static_cast<std::size_t>(next.width);
  if (IsSpace(r)) {
    token = Emit(Kind::kSpace);
    SkipSpaces();
    return true;
  }
  switch (r) {
    case '+':
      return token = Emit(Kind::kAdd), true;
    case '-':
      return token = Emit(Kind::kSub), true;
    case 'x':
      return token = Emit(Kind::kTimes), true;
    case '_':
      return token = Emit(Kind::kBlank), true;
    default:
      return token = Fail("unexpected character in series sequence: ", r), true;
  }
}

}  // namespace plimsoll::promql::detail
