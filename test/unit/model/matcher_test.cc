// SPDX-License-Identifier: Apache-2.0
#include "model/matcher.h"

#include <doctest/doctest.h>

using namespace plimsoll::model;

TEST_CASE("a missing label matches as the empty string") {
  const Labels labels{{"a", "1"}};
  CHECK(MatchesAll({*Matcher::Make(Matcher::Type::kEqual, "b", "")}, labels));
  CHECK(MatchesAll({*Matcher::Make(Matcher::Type::kNotEqual, "b", "x")}, labels));
  CHECK(MatchesAll({*Matcher::Make(Matcher::Type::kRegex, "b", ".*")}, labels));
  CHECK_FALSE(MatchesAll({*Matcher::Make(Matcher::Type::kRegex, "b", ".+")}, labels));
}

TEST_CASE("a matcher prints as it is written") {
  CHECK(Matcher::Make(Matcher::Type::kNotRegex, "a", "x\"y")->ToString() == "a!~\"x\\\"y\"");
  CHECK(Matcher::Equal("a.b", "1").ToString() == "\"a.b\"=\"1\"");
}
