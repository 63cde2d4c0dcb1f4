// SPDX-License-Identifier: Apache-2.0
//
// The C library's Unicode tables under its built-in C.UTF-8 locale, which agree with Go's for every
// character.
#include "discovery/detail/letter_case.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>

#include "base/number_text.h"

namespace plimsoll::discovery::detail {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

locale_t Utf8() {
  static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;  // null where the C library has no such locale: then only ASCII letters change
}

// Takes one character off the front.
char32_t TakeCharacter(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < length || !base::IsValidUtf8(text.substr(0, length))) {
    text.remove_prefix(1);
    return kReplacement;
  }
  char32_t character = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i)
    character = character << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  text.remove_prefix(length);
  return character;
}

void AppendCharacter(char32_t c, std::string& out) {
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80U | ((c >> shift) & 0x3FU));
  };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0U | (c >> 6U));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0U | (c >> 12U));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | (c >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

template <typename Ascii, typename Wide>
std::string Map(std::string_view text, Ascii ascii, Wide wide) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      out += ascii(text[0]);
      text.remove_prefix(1);
      continue;
    }
    const char32_t character = TakeCharacter(text);
    AppendCharacter(
        Utf8() == nullptr ? character : static_cast<char32_t>(wide(static_cast<wint_t>(character))),
        out);
  }
  return out;
}

}  // namespace

std::string ToLower(std::string_view text) {
  return Map(
      text, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; },
      [](wint_t c) { return ::towlower_l(c, Utf8()); });
}

std::string ToUpper(std::string_view text) {
  return Map(
      text, [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; },
      [](wint_t c) { return ::towupper_l(c, Utf8()); });
}

}  // namespace plimsoll::discovery::detail
