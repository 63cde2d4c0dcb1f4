// SPDX-License-Identifier: Apache-2.0
//
// Go's strconv and utf8 as far as the language needs them. See detail/text.h.
#include "promql/detail/text.h"

#include <charconv>
#include <cmath>

#include "base/format.h"
#include "base/number_text.h"
#include "base/utf8.h"

namespace plimsoll::promql::detail {

namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The value of a simple escape (\n), or nothing.
std::optional<char> SimpleEscape(char c) {
  switch (c) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '\\':
      return '\\';
    default:
      return std::nullopt;
  }
}

// Reads what follows a backslash; advances `at` past it.
bool AppendEscape(std::string_view text, std::size_t& at, char quote, std::string& out) {
  if (at >= text.size()) return false;
  const char c = text[at++];
  if (const auto simple = SimpleEscape(c)) {
    out += *simple;
    return true;
  }
  if (c == quote) {
    out += c;
    return true;
  }
  const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  std::uint32_t code = 0;
  if (digits > 0) {
    if (at + digits > text.size()) return false;
    for (std::size_t i = 0; i < digits; ++i) {
      const int value = HexValue(text[at++]);
      if (value < 0) return false;
      code = code << 4 | static_cast<std::uint32_t>(value);
    }
    if (c == 'x') {
      out += static_cast<char>(code);
    } else {
      if (code > 0x10FFFF) return false;
      base::AppendUtf8(code, out);
    }
    return true;
  }
  if (c < '0' || c > '7' || at + 2 > text.size()) return false;
  code = static_cast<std::uint32_t>(c - '0');
  for (int i = 0; i < 2; ++i) {
    const char digit = text[at++];
    if (digit < '0' || digit > '7') return false;
    code = code << 3 | static_cast<std::uint32_t>(digit - '0');
  }
  if (code > 255) return false;
  out += static_cast<char>(code);
  return true;
}

// Go's rule: an underscore stands between digits, or between a base prefix and a digit.
bool UnderscoresAreSound(std::string_view text, bool prefixed) {
  char before = '^';
  std::size_t at = 0;
  if (prefixed) {
    at = 2;
    before = '0';
  } else if (text.size() > 1 && text[0] == '0') {
    at = 1;
    before = '0';
  }
  for (; at < text.size(); ++at) {
    const char c = text[at];
    const bool digit = prefixed ? HexValue(c) >= 0 : c >= '0' && c <= '9';
    if (digit) {
      before = '0';
    } else if (c == '_') {
      if (before != '0') return false;
      before = '_';
    } else {
      if (before == '_') return false;
      before = '!';
    }
  }
  return before != '_';
}

// digits[.digits][e[+-]digits], with a digit somewhere before the exponent.
bool IsDecimalFloat(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t first = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - first;
  };
  std::size_t mantissa = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    mantissa += digits();
  }
  if (mantissa == 0) return false;
  if (at < text.size() && (text[at] | 0x20) == 'e') {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

}  // namespace

Rune DecodeRune(std::string_view text) {
  if (text.empty()) return {};
  const base::CodePoint first = base::FirstCodePoint(text);
  return {static_cast<std::int32_t>(first.value), static_cast<int>(first.bytes)};
}

std::string QuoteRune(std::int32_t rune) {
  if (rune < 0 || rune > 0x10FFFF) rune = kReplacement;
  if (rune == '\'') return "'\\''";
  if (rune == '"') return "'\"'";
  std::string text;
  base::AppendUtf8(static_cast<char32_t>(rune), text);
  const std::string quoted = base::GoQuote(text);
  return "'" + quoted.substr(1, quoted.size() - 2) + "'";
}

std::string UnicodeName(std::int32_t rune) {
  std::string text = base::format("U+{:04X}", rune);
  if (!base::IsPrintable(static_cast<char32_t>(rune))) return text;
  text += " '";
  base::AppendUtf8(static_cast<char32_t>(rune), text);
  return text + "'";
}

std::string QuoteForError(std::string_view text) { return base::GoQuote(text); }

std::string QuoteShortened(std::string_view text) {
  constexpr int kRunes = 10;
  if (text.size() <= kRunes) return base::GoQuote(text);
  std::size_t length = 0;
  for (int i = 0; i < kRunes && length < text.size(); ++i) {
    length += static_cast<std::size_t>(DecodeRune(text.substr(length)).width);
  }
  return base::GoQuote(text.substr(0, length)) + "...";
}

std::string QuoteLiteral(std::string_view text) {
  std::string quoted = base::GoQuote(text);
  constexpr std::string_view kBytes = "\xEF\xBF\xBD";
  for (std::size_t at = 0; (at = quoted.find(kBytes, at)) != std::string::npos;) {
    quoted.replace(at, kBytes.size(), "\\ufffd");
  }
  return quoted;
}

std::optional<std::string> Unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != text.back()) return std::nullopt;
  const char quote = text.front();
  text = text.substr(1, text.size() - 2);
  if (quote == '`') return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (c == quote || c == '\n') return std::nullopt;
    if (c != '\\') {
      out += c;
    } else if (!AppendEscape(text, at, quote, out)) {
      return std::nullopt;
    }
  }
  return out;
}

base::Result<double> ReadNumber(std::string_view text) {
  const auto fail = [&](std::string_view why) {
    return base::BadInput(
        base::format("strconv.ParseFloat: parsing {}: {}", base::GoQuote(text), why));
  };
  const bool hex = text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
  std::string digits;
  for (const char c : text) {
    if (c != '_') digits += c;
  }
  if (digits.size() != text.size() && !UnderscoresAreSound(text, hex))
    return fail("invalid syntax");

  // Integers first, as Go's ParseInt(s, 0, 64) has them: a leading zero means octal.
  const bool octal = !hex && digits.size() > 1 && digits[0] == '0';
  const char* const first = digits.data() + (hex ? 2 : octal ? 1 : 0);
  const char* const last = digits.data() + digits.size();
  std::int64_t integer = 0;
  const auto [end, code] = std::from_chars(first, last, integer, hex ? 16 : octal ? 8 : 10);
  if (end == last && code == std::errc() && first != last) return static_cast<double>(integer);
  if (hex) return fail("invalid syntax");

  const auto value = base::ParseFloat(digits);
  if (value) return *value;
  return fail(IsDecimalFloat(digits) ? "value out of range" : "invalid syntax");
}

}  // namespace plimsoll::promql::detail
