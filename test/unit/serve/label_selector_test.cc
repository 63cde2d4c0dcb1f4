// SPDX-License-Identifier: Apache-2.0
//
// Label selectors: what they mean, how they print, and how they are refused.
#include "serve/label_selector.h"

#include <doctest/doctest.h>

namespace plimsoll::serve {
namespace {

const model::Labels kProd{{"env", "prod"}, {"size", "12"}, {"team", "a"}};

bool Selects(std::string_view text, const model::Labels& labels = kProd) {
  const auto selector = LabelSelector::Parse(text);
  REQUIRE(selector.has_value());
  return selector->Matches(labels);
}
std::string Printed(std::string_view text) {
  const auto selector = LabelSelector::Parse(text);
  return selector.has_value() ? selector->ToString() : "error: " + selector.error().message;
}

TEST_CASE("the empty selector selects everything") {
  CHECK(Selects(""));
  CHECK(Selects("  "));
  CHECK(Selects("", {}));
  CHECK(LabelSelector::Parse("")->everything());
}

TEST_CASE("equality in three spellings") {
  CHECK(Selects("env=prod"));
  CHECK(Selects("env==prod"));
  CHECK(Selects(" env = prod , team = a "));
  CHECK_FALSE(Selects("env=dev"));
  CHECK_FALSE(Selects("region=eu"));
}

TEST_CASE("inequality holds for a label that is absent") {
  CHECK(Selects("env!=dev"));
  CHECK(Selects("region!=eu"));
  CHECK_FALSE(Selects("env!=prod"));
  CHECK(Selects("region notin (eu,us)"));
  CHECK_FALSE(Selects("env notin (prod)"));
}

TEST_CASE("sets, existence and absence") {
  CHECK(Selects("env in (dev,prod)"));
  CHECK_FALSE(Selects("env in (dev,test)"));
  CHECK_FALSE(Selects("region in (eu)"));
  CHECK(Selects("env"));
  CHECK_FALSE(Selects("region"));
  CHECK(Selects("!region"));
  CHECK_FALSE(Selects("!env"));
}

TEST_CASE("greater and less compare integers") {
  CHECK(Selects("size>11"));
  CHECK_FALSE(Selects("size>12"));
  CHECK(Selects("size<13"));
  CHECK_FALSE(Selects("env>1"));
  CHECK_FALSE(Selects("region<1"));
}

TEST_CASE("what a selector asks of one label can be asked alone") {
  const auto allows = [](std::string_view text, std::string_view value) {
    const auto selector = LabelSelector::Parse(text);
    REQUIRE(selector.has_value());
    return selector->Allows("engine", value);
  };
  CHECK(allows("", "a"));
  CHECK(allows("env=prod", "a"));
  CHECK(allows("engine=a,env=prod", "a"));
  CHECK_FALSE(allows("engine=a,env=prod", "b"));
  CHECK_FALSE(allows("engine!=b,engine in (b,c)", "b"));
  CHECK_FALSE(allows("!engine", "a"));
  CHECK(allows("engine", "a"));
}

TEST_CASE("a label may be called in") {
  CHECK(Selects("in in (in)", {{"in", "in"}}));
  CHECK(Selects("notin=in", {{"notin", "in"}}));
}

TEST_CASE("the canonical text is sorted by key and by value") {
  CHECK(Printed("k1,!k2,env in (prod,dev)") == "env in (dev,prod),k1,!k2");
  CHECK(Printed("b==1,a!=2,c>3,d<4,e=") == "a!=2,b==1,c>3,d<4,e=");
  CHECK(Printed("x notin (b,,a)") == "x notin (,a,b)");
  CHECK(Printed("x in ()") == "x in ()");
  CHECK(Printed("x in (,)") == "x in ()");
  CHECK(Printed("x in (a,)") == "x in (,a)");
  CHECK(Printed("example.com/role=db") == "example.com/role=db");
}

TEST_CASE("an HPA's text arrives canonical and stays") {
  for (const std::string_view text :
       {"env in (dev,prod),k1,!k2", "a=b", "a!=b,c", "x notin (,a)"}) {
    CHECK(Printed(text) == text);
  }
}

TEST_CASE("what does not parse is refused in an API server's words") {
  CHECK(Printed("=") == "error: found '=', expected: !, identifier, or 'end of string'");
  CHECK(Printed("!=a") == "error: found '!=', expected: !, identifier, or 'end of string'");
  CHECK(Printed("!") == "error: unable to parse requirement: found '', expected: identifier");
  CHECK(Printed("!!a") == "error: unable to parse requirement: found '!', expected: identifier");
  CHECK(Printed("a,") == "error: found '', expected: identifier after ','");
  CHECK(Printed(",a") == "error: found ',', expected: !, identifier, or 'end of string'");
  CHECK(Printed("a b") ==
        "error: unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
  CHECK(Printed("a==b==c") == "error: found '==', expected: ',' or 'end of string'");
  CHECK(Printed("a=!b") == "error: unable to parse requirement: found '!', expected: identifier");
  CHECK(Printed("a in b") == "error: unable to parse requirement: found 'b' expected: '('");
  CHECK(Printed("a in (b c)") ==
        "error: unable to parse requirement: found 'c', expected: ',' or ')'");
  CHECK(Printed("a in (b") == "error: unable to parse requirement: found '', expected: ',' or ')'");
  CHECK(Printed("!a=b") == "error: found '=', expected: ',' or 'end of string'");
}

TEST_CASE("keys and values have Kubernetes's form") {
  CHECK(Printed("-a=b") ==
        "error: unable to parse requirement: invalid label key \"-a\": the name of a label key "
        "must be 1 to 63 "
        "characters of [-A-Za-z0-9_.], alphanumeric at both ends");
  CHECK(Printed("a/b/c") ==
        "error: unable to parse requirement: invalid label key \"a/b/c\": a label key has at most "
        "one '/'");
  CHECK(Printed("Exam/b") ==
        "error: unable to parse requirement: invalid label key \"Exam/b\": the prefix of a label "
        "key must be a "
        "lower-case DNS subdomain");
  CHECK(Printed("a=http://x") ==
        "error: unable to parse requirement: invalid label value \"http://x\": it must be empty or "
        "at most 63 "
        "characters of [-A-Za-z0-9_.], alphanumeric at both ends");
  CHECK(Printed("a>b") ==
        "error: unable to parse requirement: invalid value \"b\": for 'Gt', 'Lt' operators, the "
        "value must be an "
        "integer");
  CHECK(Printed(std::string(63, 'a')) == std::string(63, 'a'));
  CHECK(Printed(std::string(64, 'a')).substr(0, 6) == "error:");
}

TEST_CASE("a selector is bounded, and at the bound it still parses") {
  const SelectorLimits limits{.bytes = 8};
  CHECK(LabelSelector::Parse("abcdefgh", limits).has_value());
  const auto refused = LabelSelector::Parse("abcdefghi", limits);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message == "a label selector has at most 8 bytes, this one has 9");
}

}  // namespace
}  // namespace plimsoll::serve
