// SPDX-License-Identifier: Apache-2.0
//
// One character of UTF-8 at a time, as Go's utf8 and strconv packages see it.
//
// Threads: pure functions.
// See:     unicode/utf8 DecodeRune and AppendRune, strconv IsPrint; docs/differences.md
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace plimsoll::base {

constexpr char32_t kReplacementCharacter = 0xFFFD;

struct CodePoint {
  char32_t value = kReplacementCharacter;
  std::size_t bytes = 1;
  bool valid = false;  // U+FFFD may be there in its own right
};

// Bytes that begin no character count as U+FFFD, one at a time. Requires: `text` is not empty.
constexpr CodePoint FirstCodePoint(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  char32_t value = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80U) return {};
    value = value << 6U | (next & 0x3FU);
  }
  const bool is_longer_than_needed = value < (bytes == 4 ? 0x10000U : bytes == 3 ? 0x800U : 0x80U);
  const bool is_surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (is_longer_than_needed || is_surrogate || value > 0x10FFFF) return {};
  return {value, bytes, true};
}

// The first `bytes` of a text at most, cut between two characters.
constexpr std::string_view CutUtf8(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

// Surrogates and what is no code point become U+FFFD.
void AppendUtf8(char32_t code, std::string& out);

// Whether a quoted text shows it as it is. Go's table also leaves out code points without a
// meaning, which are as many as Unicode's version says.
bool IsPrintable(char32_t code);

}  // namespace plimsoll::base
