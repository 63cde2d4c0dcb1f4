// SPDX-License-Identifier: Apache-2.0
#include "model/regex.h"

#include <doctest/doctest.h>

using plimsoll::model::Regex;

namespace {
bool Matches(std::string_view pattern, std::string_view text) {
  return Regex::Compile(pattern)->Matches(text);
}
std::string Expand(std::string_view pattern, std::string_view text, std::string_view replacement) {
  std::string out;
  return Regex::Compile(pattern)->Expand(text, replacement, out) ? out : "no match";
}
}  // namespace

TEST_CASE("expressions are anchored and the dot matches a newline") {
  CHECK(Matches("a.c", "a\nc"));
  CHECK_FALSE(Matches("b", "abc"));
  CHECK(Matches("a|bc", "bc"));
  CHECK_FALSE(Matches("a|bc", "abc"));
  CHECK(Matches("", ""));
  CHECK(Matches("a\\.b|c", "a.b"));
  CHECK_FALSE(Matches("a\\.b|c", "axb"));
}

TEST_CASE("an alternation of literals is known as such") {
  CHECK(Regex::Compile("b|a|a")->literals() == std::vector<std::string>{"a", "b"});
  CHECK(Regex::Compile("a.*")->literals().empty());
}

TEST_CASE("templates are Go's") {
  CHECK(Expand("(.*)-(.*)", "a-b", "$2/$1") == "b/a");
  CHECK(Expand("(a)", "a", "$1x") == "");
  CHECK(Expand("(a)", "a", "${1}x") == "ax");
  CHECK(Expand("(?P<n>a)", "a", "<$n>") == "<a>");
  CHECK(Expand("a", "a", "$$ $") == "$ $");
  CHECK(Expand("b", "a", "x") == "no match");
}

TEST_CASE("a bad expression says what is wrong") {
  CHECK(Regex::Compile("a(").error().message.find("error parsing regexp: missing") == 0);
  CHECK_FALSE(Regex::Compile("a)(b").has_value());
}
