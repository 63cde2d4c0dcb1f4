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

TEST_CASE("a bad expression is described in the words of Go's regexp") {
  const auto error = [](std::string_view pattern) {
    return Regex::Compile(pattern).error().message;
  };
  CHECK(error("a(b") == "error parsing regexp: missing closing ): `a(b`");
  CHECK(error("a)") == "error parsing regexp: unexpected ): `a)`");
  CHECK(error("[a") == "error parsing regexp: missing closing ]: `[a`");
  CHECK(error("*a") == "error parsing regexp: missing argument to repetition operator: `*`");
  CHECK(error("a**") == "error parsing regexp: invalid nested repetition operator: `**`");
  CHECK(error("a\\") == "error parsing regexp: trailing backslash at end of expression: ``");
  CHECK(error("a{1001}") == "error parsing regexp: invalid repeat count: `{1001}`");
  CHECK(error("(?P<n") == "error parsing regexp: invalid named capture: `(?P<n`");
  CHECK(error("(?i") == "error parsing regexp: invalid or unsupported Perl syntax: `(?i`");
}

TEST_CASE("a group may be named as in Go, with or without a P") {
  const auto expand = [](std::string_view pattern, std::string_view text) {
    const auto regex = Regex::Compile(pattern);
    std::string out;
    if (!regex || !regex->Expand(text, "$n", out)) return std::string("no match");
    return out;
  };
  CHECK(expand("a(?<n>.*)", "abc") == "bc");
  CHECK(expand("a(?P<n>.*)", "abc") == "bc");
  CHECK(expand("[(?<n>]+(?<n>x)", "(?<n>x") == "x");
  CHECK(expand("[]](?<n>x)", "]x") == "x");
  CHECK(expand("[^](?<[:alpha:]](?<n>x)", "1x") == "x");
  CHECK(expand(R"(\Q(?<n>\E(?<n>x))", "(?<n>x") == "x");
  CHECK(expand(R"(\((?<n>x))", "(x") == "x");
  CHECK_FALSE(Regex::Compile("(?<=a)b"));
}
