// SPDX-License-Identifier: Apache-2.0
//
// The table of functions.
#include "promql/functions.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace plimsoll::promql {

TEST_CASE("the table is sorted, complete and indexed by itself") {
  const auto table = Functions();
  CHECK(table.size() == 90);
  CHECK(std::count_if(table.begin(), table.end(),
                      [](const Function& row) { return row.experimental; }) == 17);
  CHECK(std::is_sorted(table.begin(), table.end(),
                       [](const Function& a, const Function& b) { return a.name < b.name; }));
  for (const Function& row : table) {
    CHECK(FindFunction(row.name) == &row);
    CHECK(&GetFunction(row.id()) == &row);
  }
}

TEST_CASE("a name that is no function is not found") {
  CHECK(FindFunction("holt_winters") == nullptr);
  CHECK(FindFunction("RATE") == nullptr);
  CHECK(FindFunction("") == nullptr);
  CHECK(FindFunction("zzz") == nullptr);
}

TEST_CASE("rows say what a call takes and gives") {
  const Function* quantile = FindFunction("quantile_over_time");
  REQUIRE(quantile != nullptr);
  CHECK(quantile->args == std::vector{ValueType::kScalar, ValueType::kMatrix});
  CHECK(quantile->returns == ValueType::kVector);
  CHECK(quantile->variadic == 0);
  CHECK(FindFunction("time")->returns == ValueType::kScalar);
  CHECK(FindFunction("label_join")->variadic == -1);
  CHECK(FindFunction("round")->variadic == 1);
}

}  // namespace plimsoll::promql
