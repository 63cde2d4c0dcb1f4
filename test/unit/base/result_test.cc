// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <doctest/doctest.h>

using namespace plimsoll::base;

TEST_CASE("an error names file, line and column") {
  CHECK(BadInput("unknown key", {"plimsoll.yml", 3, 7}).ToString() ==
        "plimsoll.yml:3:7: unknown key");
  CHECK(BadInput("unknown key", {"plimsoll.yml", 0, 0}).ToString() == "plimsoll.yml: unknown key");
  CHECK(BadInput("unknown key").ToString() == "unknown key");
}

TEST_CASE("a result is a value or an error, never both") {
  const Result<int> good = 3;
  const Result<int> bad = BadInput("no");
  CHECK(good.has_value());
  CHECK(*good == 3);
  CHECK_FALSE(bad.has_value());
  CHECK(bad.error().message == "no");
  CHECK(bad.value_or(7) == 7);
}
