// SPDX-License-Identifier: Apache-2.0
//
// Line breaks, as a Prometheus 3.15 server was seen to set them.
#include "promql/prettify.h"

#include <doctest/doctest.h>

#include "promql/parser.h"
#include "promql/print.h"
#include "support/error_text.h"

namespace plimsoll::promql {
namespace {

std::string Pretty(std::string_view query) {
  const auto expr = Parse(query);
  REQUIRE_MESSAGE(expr, expr.error().message);
  const std::string pretty = Prettify(**expr);
  const auto again = Parse(pretty);
  REQUIRE_MESSAGE(again, again.error().message);
  CHECK(Equal(**expr, **again));
  return pretty;
}

TEST_CASE("what fits on a line of a hundred bytes stays on it") {
  CHECK(Pretty("sum  by(a)(  rate(x[5m])) # comment") == "sum by (a) (rate(x[5m]))");
  const std::string fits = "(" + std::string(98, 'n') + ")";
  CHECK(Pretty(fits) == fits);
  CHECK(Pretty("(" + std::string(99, 'n') + ")") == "(\n  " + std::string(99, 'n') + "\n)");
  // A name is not broken, however long.
  CHECK(Pretty(std::string(200, 'n')) == std::string(200, 'n'));
}

TEST_CASE("calls, aggregations and parentheses hold their parts on lines of their own") {
  const std::string name(60, 'n');
  CHECK(Pretty("round(" + name + " + " + name + ", 5)") ==
        "round(\n    " + name + "\n  +\n    " + name + ",\n  5\n)");
  CHECK(Pretty("topk without(a, b)(3, (" + name + " * " + name + "))") ==
        "topk without (a, b) (\n  3,\n  (\n      " + name + "\n    *\n      " + name + "\n  )\n)");
}

TEST_CASE("an operator takes its matching along") {
  const std::string name(60, 'n');
  CHECK(Pretty(name + " >=bool on(a)group_left(b)" + name) ==
        "  " + name + "\n>= bool on (a) group_left (b)\n  " + name);
}

TEST_CASE("signs, ranges and subqueries stay at what they belong to") {
  const std::string name(60, 'n');
  CHECK(Pretty("-(" + name + "+" + name + ")") == "-(\n    " + name + "\n  +\n    " + name + "\n)");
  CHECK(Pretty("max_over_time((" + name + "+" + name + ")[5m:1m] offset 3m)") ==
        "max_over_time(\n  (\n      " + name + "\n    +\n      " + name +
            "\n  )[5m:1m] offset 3m\n)");
  // A subquery that fits is not indented.
  const std::string fits = "(" + name + ")[5m:1m]";
  CHECK(Pretty("quantile_over_time(scalar(the_quantile_to_use), " + fits + ")") ==
        "quantile_over_time(\n  scalar(the_quantile_to_use),\n" + fits + "\n)");
}

}  // namespace
}  // namespace plimsoll::promql
