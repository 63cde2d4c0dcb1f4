// SPDX-License-Identifier: Apache-2.0
//
// The C library's Unicode tables under its built-in C.UTF-8 locale, which agree with Go's for every
// character.
#include "discovery/detail/letter_case.h"

#include <locale.h>
#include <wctype.h>

#include "base/utf8.h"

namespace plimsoll::discovery::detail {

namespace {

locale_t Utf8() {
  static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;  // null where the C library has no such locale: then only ASCII letters change
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
    const base::CodePoint character = base::FirstCodePoint(text);
    text.remove_prefix(character.bytes);
    base::AppendUtf8(Utf8() == nullptr
                         ? character.value
                         : static_cast<char32_t>(wide(static_cast<wint_t>(character.value))),
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
