// SPDX-License-Identifier: Apache-2.0
//
// Numbers, durations and strings. What is scanned here need not be valid: the parser reads the
// value.
#include "base/format.h"
#include "promql/detail/lexer.h"

namespace plimsoll::promql::detail {

namespace {

constexpr std::string_view kDecimal = "0123456789";
constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF";

bool IsAlphaNumeric(std::int32_t r) {
  return r == '_' || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9');
}

std::uint32_t DigitValue(std::int32_t r) {
  if (r >= '0' && r <= '9') return static_cast<std::uint32_t>(r - '0');
  if (r >= 'a' && r <= 'f') return static_cast<std::uint32_t>(r - 'a' + 10);
  if (r >= 'A' && r <= 'F') return static_cast<std::uint32_t>(r - 'A' + 10);
  return 16;
}

}  // namespace

Token Lexer::NumberOrDuration() {
  if (ScanNumber()) return Emit(TokenKind::kNumber);
  if (ScanDurationRest()) return Emit(TokenKind::kDuration);
  return Fail("bad number or duration syntax: " +
              QuoteForError(input_.substr(start_, pos_ - start_)));
}

// [.]digits, then digits, one point, one exponent and underscores, each with its own rule of what
// may not follow. On failure the offending character has been taken, because the error text shows
// it.
bool Lexer::ScanNumber() {
  std::string_view digits = kDecimal;
  // In a series `0x3` is zero, three times more.
  if (!series_ && Accept("0") && Accept("xX")) {
    Accept("_");
    digits = kHexadecimal;
  }
  Accept(".");
  Accept(digits);
  bool had_point = false;
  bool had_exponent = false;
  const auto at_end = [this] { return pos_ >= input_.size(); };
  while (Is(digits) || Is("._eE")) {
    if (had_point && Accept(".")) return false;
    if (had_exponent && Accept("eE")) return false;
    if (Accept(".")) {
      had_point = true;
      if (Accept("_.") || digits == kHexadecimal) return false;
    } else if (Accept("eE")) {
      had_exponent = true;
      Accept("+-");
      if (Accept("._eE") || at_end()) return false;
    } else if (Accept("_")) {
      if (Accept("._eE") || at_end()) return false;
    } else {
      AcceptRun(digits);
    }
  }
  return (series_ && Is("x")) || !IsAlphaNumeric(Peek().value);
}

// A native histogram as a whole; what stands in it is not read.
Token Lexer::Histogram() {
  const std::size_t end = input_.find("}}", pos_);
  if (end == std::string_view::npos) return Fail("unexpected end of input in a histogram");
  pos_ = end + 2;
  return Emit(TokenKind::kHistogram);
}

// The unit after the first number, then more pairs. Wrong units are found when the value is read.
bool Lexer::ScanDurationRest() {
  if (!Accept("smhdwy")) return false;
  Accept("s");
  while (Accept(kDecimal)) {
    AcceptRun(kDecimal);
    if (!Accept("smhdw")) return false;
    Accept("s");
  }
  if (!IsAlphaNumeric(Peek().value)) return true;
  ++pos_;
  return false;
}

Token Lexer::String(char quote) {
  for (;;) {
    const std::int32_t r = Advance();
    if (r == quote) {
      state_ = State::kStatements;
      return Emit(TokenKind::kString);
    }
    if (r == '\\') {
      Token error;
      if (!Escape(quote, error)) return error;
    } else if (r == kReplacement) {
      return Fail("invalid UTF-8 rune");
    } else if (r == kEndOfText || r == '\n') {
      return Fail("unterminated quoted string");
    }
  }
}

Token Lexer::RawString() {
  for (;;) {
    const std::int32_t r = Advance();
    if (r == '`') {
      state_ = State::kStatements;
      return Emit(TokenKind::kString);
    }
    if (r == kReplacement) return Fail("invalid UTF-8 rune");
    if (r == kEndOfText) return Fail("unterminated raw string");
  }
}

// The backslash has been taken.
bool Lexer::Escape(char quote, Token& error) {
  std::int32_t r = Advance();
  int count = 0;
  std::uint32_t base = 16;
  std::uint32_t max = 0x10FFFF;
  switch (r) {
    case 'a':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'v':
    case '\\':
      return true;
    case 'x':
      count = 2, max = 255;
      break;
    case 'u':
      count = 4;
      break;
    case 'U':
      count = 8;
      break;
    case kEndOfText:
      return error = Fail("escape sequence not terminated"), false;
    default:
      if (r == quote) return true;
      if (r < '0' || r > '7') {
        return error = Fail("unknown escape sequence " + UnicodeName(r)), false;
      }
      count = 3, base = 8, max = 255;
  }
  if (base == 16) r = Advance();
  std::uint32_t value = 0;
  for (; count > 0; --count) {
    const std::uint32_t digit = DigitValue(r);
    if (digit >= base) {
      error = Fail(r == kEndOfText ? "escape sequence not terminated"
                                   : "illegal character " + UnicodeName(r) + " in escape sequence");
      return false;
    }
    value = value * base + digit;
    if (count > 1) r = Advance();
  }
  if (value <= max && (value < 0xD800 || value > 0xDFFF)) return true;
  return error = Fail("escape sequence is an invalid Unicode code point"), false;
}

}  // namespace plimsoll::promql::detail
