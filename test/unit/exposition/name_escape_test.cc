// SPDX-License-Identifier: Apache-2.0
//
// UTF-8 names in plain ones, and back.
#include "exposition/name_escape.h"

#include <doctest/doctest.h>

namespace plimsoll::exposition {
namespace {

using config::NameEscaping;

TEST_CASE("a name that needs no escaping is left alone") {
  for (const auto escaping : {NameEscaping::kAllowUtf8, NameEscaping::kUnderscores,
                              NameEscaping::kDots, NameEscaping::kValues}) {
    CHECK(EscapeName("a_b:c", escaping) == "a_b:c");
  }
}

TEST_CASE("three ways to spell a name that does") {
  CHECK(EscapeName("a.b_\xc3\xa9", NameEscaping::kAllowUtf8) == "a.b_\xc3\xa9");
  CHECK(EscapeName("a.b_\xc3\xa9", NameEscaping::kUnderscores) == "a_b__");
  CHECK(EscapeName("a.b_\xc3\xa9", NameEscaping::kDots) == "a_dot_b____");
  CHECK(EscapeName("a.b_\xc3\xa9", NameEscaping::kValues) == "U__a_2e_b___e9_");
  CHECK(EscapeName("9a", NameEscaping::kUnderscores) == "_a");
  CHECK(EscapeName("9a", NameEscaping::kValues) == "U___39_a");
  CHECK(EscapeName("a\xff", NameEscaping::kValues) == "U__a_fffd_");
  CHECK(EscapeName("\xf0\x9f\x98\x80 ", NameEscaping::kValues) == "U___1f600__20_");
}

TEST_CASE("values read back") {
  for (const char* name : {"a.b_\xc3\xa9", "9a", "\xf0\x9f\x98\x80 ", "\xe2\x82\xac"})
    CHECK(UnescapeValues(EscapeName(name, NameEscaping::kValues)) == name);
}

TEST_CASE("what is malformed stays as it is") {
  for (const char* name : {"a__b", "U_a", "U__a_", "U__a_2e", "U__a_2g_", "U__a_d800_",
                           "U__a_10ffff_", "U__a_1234567_"}) {
    CHECK(UnescapeValues(name) == name);
  }
  CHECK(UnescapeValues("U__") == "");
  CHECK(UnescapeValues("U__a__b_2E_c") == "a_b.c");
}

}  // namespace
}  // namespace plimsoll::exposition
