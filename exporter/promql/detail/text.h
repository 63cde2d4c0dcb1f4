// SPDX-License-Identifier: Apache-2.0
//
// Literals of the language: how they are read, and how Go quotes them in error texts.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace plimsoll::promql::detail {

// One code point and how many bytes it took. Bytes that are not UTF-8 read as U+FFFD, one at a
// time; at the end of the text the rune is kEndOfText and the width zero.
constexpr std::int32_t kEndOfText = -1;
constexpr std::int32_t kReplacement = 0xFFFD;
struct Rune {
  std::int32_t value = kEndOfText;
  int width = 0;
};
Rune DecodeRune(std::string_view text);

// Go's %q of a rune ('x'), %#U of a rune (U+0078 'x'), %q of a string, and %.10q... of a long one.
std::string QuoteRune(std::int32_t rune);
std::string UnicodeName(std::int32_t rune);
std::string QuoteForError(std::string_view text);
std::string QuoteShortened(std::string_view text);

// A double-quoted literal that Unquote reads back: as Go quotes, but U+FFFD is escaped, because the
// lexer takes it for broken UTF-8.
std::string QuoteLiteral(std::string_view text);

// Reads "..." and '...' with Go's escapes, and `...` without. The quotes are part of `text`.
// Returns: nothing if an escape is malformed.
std::optional<std::string> Unquote(std::string_view text);

// Reads a NUMBER token: decimal, hexadecimal and octal integers with underscores, else a float.
// Fails with: kBadInput and Go's text, "strconv.ParseFloat: parsing ...".
base::Result<double> ReadNumber(std::string_view text);

}  // namespace plimsoll::promql::detail
