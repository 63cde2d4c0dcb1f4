// SPDX-License-Identifier: Apache-2.0
//
// How far back an expression reads.
#include "promql/reach.h"

#include <doctest/doctest.h>

#include "promql/parser.h"
#include "support/error_text.h"

namespace plimsoll::promql {

namespace {

using std::chrono::minutes;
using namespace std::chrono_literals;

Reach Of(std::string_view query) {
  ParseOptions options;
  options.extended_range_selectors = options.experimental_functions = true;
  const auto parsed = Parse(query, options);
  REQUIRE_MESSAGE(parsed.has_value(), test::ErrorText(parsed));
  return ReachOf(**parsed, 5min, 1min);
}

}  // namespace

TEST_CASE("an instant selector reads the lookback, a range its length") {
  CHECK(Of("up").back == 5min);
  CHECK(Of("rate(up[10m])").back == 10min);
  CHECK(Of("rate(up[1m])").back == 1min);
  CHECK(Of("1 + time()").back == 0min);
  CHECK(Of("rate(up[1m] anchored)").back == 6min);
}

TEST_CASE("offsets and subqueries add up, and the farthest selector counts") {
  CHECK(Of("up offset 1h").back == 65min);
  CHECK(Of("max_over_time(rate(up[5m])[1h:1m])").back == 65min);
  CHECK(Of("max_over_time(rate(up[5m] offset 10m)[1h:1m] offset 2h)").back == 195min);
  CHECK(Of("sum(rate(up[1m])) / max_over_time(up[2h])").back == 120min);
  CHECK(Of("up offset -10m").back == 0min);
  CHECK(Of("rate(up[2m * 3])").back == 6min);
  CHECK(Of("topk(scalar(count_over_time(a[7m])), b)").back == 7min);
}

TEST_CASE("an instant fixed in the query is named") {
  CHECK_FALSE(Of("up").fixed_at);
  CHECK(Of("up @ 5").fixed_at);
  CHECK(Of("max_over_time(up[5m:] @ 5)").fixed_at);
  CHECK_FALSE(Of("up @ end()").fixed_at);
  CHECK(Of("up @ end()").range_dependent);
  CHECK(Of("rate(up[range() + 1m])").range_dependent);
  CHECK_FALSE(Of("rate(up[5m])").range_dependent);
}

TEST_CASE("selectors come in the order of the text") {
  const auto parsed = Parse("sum(a + rate(b[5m])) / topk(scalar(c), max_over_time(d[1h:]))");
  REQUIRE(parsed.has_value());
  std::string names;
  for (const VectorSelector* selector : Selectors(**parsed)) names += selector->name;
  CHECK(names == "abcd");
}

}  // namespace plimsoll::promql
