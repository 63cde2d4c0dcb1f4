// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <doctest/doctest.h>

using namespace plimsoll::base;

namespace {

std::string Utf8(char32_t code) {
  std::string out;
  AppendUtf8(code, out);
  return out;
}

bool IsBroken(std::string_view text) {
  const CodePoint first = FirstCodePoint(text);
  return !first.valid && first.value == kReplacementCharacter && first.bytes == 1;
}

}  // namespace

TEST_CASE("every code point is written so that it reads back") {
  int wrong = 0;
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    const std::string text = Utf8(code) + "x";
    const CodePoint first = FirstCodePoint(text);
    const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
    const char32_t expected = is_surrogate ? kReplacementCharacter : code;
    if (!first.valid || first.value != expected || first.bytes != text.size() - 1) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(Utf8(0x110000) == "\xEF\xBF\xBD");
}

TEST_CASE("a byte that begins no character counts as one U+FFFD") {
  CHECK(IsBroken("\x80"));
  CHECK(IsBroken("\xC1\x81"));          // longer than needed
  CHECK(IsBroken("\xE0\x9F\xBF"));      // likewise
  CHECK(IsBroken("\xF0\x8F\xBF\xBF"));  // likewise
  CHECK(IsBroken("\xED\xA0\x80"));      // a surrogate
  CHECK(IsBroken("\xF4\x90\x80\x80"));  // beyond U+10FFFF
  CHECK(IsBroken("\xF5\x80\x80\x80"));
  CHECK(IsBroken("\xE2\x82"));  // cut
  CHECK(IsBroken("\xE2\x82x"));
}

TEST_CASE("characters without ink are not printable") {
  for (const char32_t code :
       {0x00, 0x1F, 0x7F, 0xA0, 0xAD, 0x2028, 0x3000, 0xE000, 0xFEFF, 0x10FFFD})
    CHECK_FALSE(IsPrintable(code));
  for (const char32_t code : {0x20, 0x7E, 0xA1, 0x20AC, 0xFFFD, 0x1F600}) CHECK(IsPrintable(code));
}

TEST_CASE("a text is cut between characters") {
  CHECK(CutUtf8("abc", 3) == "abc");
  CHECK(CutUtf8("abcd", 3) == "abc");
  CHECK(CutUtf8("ab\xC3\xA4", 3) == "ab");
  CHECK(CutUtf8("\xF0\x9F\x98\x80", 3) == "");
  CHECK(CutUtf8("\x80\x80", 1) == "");
}
