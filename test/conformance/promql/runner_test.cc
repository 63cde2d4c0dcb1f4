// SPDX-License-Identifier: Apache-2.0
//
// The runner of scripts finds what is wrong: a script that cannot fail proves nothing.
#include <doctest/doctest.h>

#include "support/promql_runner.h"

namespace plimsoll::test {

namespace {

constexpr std::string_view kData =
    "load 1m\n"
    "  x{a=\"1\"} 1 2 3\n"
    "  x{a=\"2\"} 4 5 6\n"
    "\n";

// Runs one case over the data. Returns: the first failure, or "passed".
std::string Run(const std::string& eval, const RunnerOptions& options = {}) {
  const auto script = ParseScript(std::string(kData) + eval, "f.test");
  if (!script) return script.error().ToString();
  const RunnerReport report = RunScript(*script, "f.test", options);
  return report.failures.empty() ? "passed" : report.failures.front();
}

}  // namespace

TEST_CASE("a right case passes in every way it is run") {
  const auto script = ParseScript(
      std::string(kData) + "eval instant at 1m sum(x)\n  {} 7\n\neval instant at 0 1\n  1\n", "f");
  REQUIRE(script.has_value());
  const RunnerReport report = RunScript(*script, "f", {});
  CHECK(report.failures == std::vector<std::string>());
  CHECK(report.cases == 2);
  // Each as it is and as a range; fixed at five other times, at the epoch at three, and both again.
  CHECK(report.queries == 2 * (1 + 5) + 2 * (1 + 3));
  CHECK(report.used == std::set<std::string>{"all", "number", "sum", "{=}"});
}

TEST_CASE("wrong values, labels and counts are found and shown") {
  CHECK(Run("eval instant at 1m sum(x)\n  {} 8\n") ==
        "f.test:5: sum(x): wrong result (at 60000 ms)\n  expected\n    {} 8\n  got\n    {} 7");
  CHECK(Run("eval instant at 1m x\n  x{a=\"1\"} 2\n") ==
        "f.test:5: x: wrong result (at 60000 ms)\n  expected\n    x{a=\"1\"} 2\n  got\n"
        "    x{a=\"1\"} 2\n    x{a=\"2\"} 5");
  CHECK(
      Run("eval instant at 1m x{a=\"1\"}\n  x{a=\"1\"} 2\n  x{a=\"3\"} 2\n").find("wrong result") !=
      std::string::npos);
  CHECK(Run("eval instant at 1m x{a=\"1\"}\n  {a=\"1\"} 2\n").find("wrong result") !=
        std::string::npos);
  CHECK(Run("eval instant at 1m nothing\n  {} 1\n") ==
        "f.test:5: nothing: wrong result (at 60000 ms)\n  expected\n    {} 1\n  got\n    nothing");
  CHECK(Run("eval range from 0 to 2m step 1m x{a=\"1\"}\n  x{a=\"1\"} 1 2 4\n") ==
        "f.test:5: x{a=\"1\"}: wrong result\n  expected\n    x{a=\"1\"} 1 2 4\n  got\n"
        "    x{a=\"1\"} 1@0 2@60000 3@120000");
  CHECK(
      Run("eval range from 0 to 2m step 1m x{a=\"1\"}\n  x{a=\"1\"} 1 2\n").find("wrong result") !=
      std::string::npos);
  CHECK(Run("eval instant at 0 1\n  2\n").find("wrong result") != std::string::npos);
  CHECK(Run("eval instant at 0 1\n  {} 1\n").find("wrong result") != std::string::npos);
  CHECK(Run("eval instant at 0 vector(1)\n  1\n").find("wrong result") != std::string::npos);
  CHECK(Run("eval instant at 0 \"a\"\n  expect string \"b\"\n").find("wrong result") !=
        std::string::npos);
}

TEST_CASE("order counts only where it is asked for") {
  const std::string wrong = "  x{a=\"1\"} 2\n  x{a=\"2\"} 5\n";
  CHECK(Run("eval instant at 1m sort_desc(x)\n" + wrong) == "passed");
  CHECK(Run("eval_ordered instant at 1m sort_desc(x)\n" + wrong).find("in this order") !=
        std::string::npos);
  CHECK(Run("eval instant at 1m sort_desc(x)\n  expect ordered\n" + wrong).find("in this order") !=
        std::string::npos);
  CHECK(Run("eval_ordered instant at 1m sort_desc(x)\n  x{a=\"2\"} 5\n  x{a=\"1\"} 2\n") ==
        "passed");
}

TEST_CASE("errors are expected or wrong, with their texts") {
  CHECK(Run("eval instant at 0 x + on() x\n  expect fail\n") == "passed");
  CHECK(Run("eval_fail instant at 0 x + on() x\n") == "passed");
  CHECK(Run("eval instant at 0 x\n  expect fail\n") ==
        "f.test:5: x: expected an error (at 0 ms), got none");
  CHECK(Run("eval instant at 0 x + on() x\n  expect fail msg: no\n")
            .find("expected the error no, got found duplicate series") != std::string::npos);
  CHECK(Run("eval instant at 0 x + on() x\n  expect fail regex: duplicate.*group\n") == "passed");
  CHECK(Run("eval_fail instant at 0 x + on() x\n  expected_fail_regexp duplicate\n") == "passed");
  CHECK(Run("eval_fail instant at 0 x + on() x\n  expected_fail_message no\n")
            .find("expected the "
                  "error no") != std::string::npos);
  CHECK(Run("eval instant at 0 x + on() x\n").find("failed (at 0 ms): found duplicate") !=
        std::string::npos);
  CHECK(Run("eval instant at 0 x +\n") ==
        "f.test:5: x +: 1:4: parse error: unexpected end of input");
}

TEST_CASE("warnings and infos are checked where a line asks for them, both ways") {
  const std::string warns = "eval instant at 1m quantile(2, x)\n";
  CHECK(Run(warns + "  {} Inf\n") == "passed");
  CHECK(Run(warns + "  expect warn\n  {} Inf\n") == "passed");
  CHECK(Run("eval_warn" + warns.substr(4) + "  {} Inf\n") == "passed");
  CHECK(Run(warns + "  expect no_warn\n  {} Inf\n").find("expected no warning, got") !=
        std::string::npos);
  CHECK(Run(warns + "  expect warn regex: other\n  {} Inf\n").find("expected the warning other") !=
        std::string::npos);
  CHECK(Run(warns + "  expect info\n  {} Inf\n").find("expected the info") != std::string::npos);
  CHECK(Run("eval instant at 1m rate(x[5m])\n  expect no_info\n  {a=\"1\"} 0.005\n  {a=\"2\"} "
            "0.005\n")
            .find("expected no info, got") != std::string::npos);
  CHECK(Run("eval_info instant at 1m x{a=\"1\"}\n  x{a=\"1\"} 2\n").find("expected the info") !=
        std::string::npos);
}

TEST_CASE("a tolerance is relative, and NaN is NaN") {
  RunnerOptions exact;
  exact.epsilon = 0;
  CHECK(Run("eval instant at 1m sum(x)\n  {} 7.000001\n") == "passed");
  CHECK(Run("eval instant at 1m sum(x)\n  {} 7.000001\n", exact) != "passed");
  CHECK(Run("eval instant at 1m sum(x)\n  {} 7\n", exact) == "passed");
  CHECK(Run("eval instant at 1m sum(x) * NaN\n  {} NaN\n", exact) == "passed");
  CHECK(Run("eval instant at 1m sum(x) * NaN\n  {} 1\n") != "passed");
  CHECK(Run("eval instant at 1m sum(x) - 7\n  {} 1e-9\n") != "passed");
}

TEST_CASE("a series that goes back in time is not loaded") {
  CHECK(Run("load 30s\n  x{a=\"1\"} 9 9\n") ==
        "f.test:5: x{a=\"1\"}: the store refuses the value at 0s: out_of_order");
  CHECK(Run("clear\n\neval instant at 0 x\n") == "passed");
}

TEST_CASE("a line that is no command is refused with its number") {
  CHECK(Run("evaluate x\n") ==
        "f.test:5: invalid command \"evaluate x\", expected load, clear or eval");
  CHECK(Run("load_with_nhcb 1m\n") ==
        "f.test:5: load_with_nhcb is not supported: it makes native histograms");
  CHECK(Run("load 1x\n").find("f.test:5: invalid step definition \"1x\"") == 0);
  CHECK(Run("load 1m\n  x 1 {{}}\n") == "f.test:6: native histograms are not supported");
  CHECK(Run("load 1m\n  x@st 1m\n") == "f.test:6: start timestamps (@st) are not supported");
  CHECK(Run("load 1m\n  x{ 1\n").find("f.test:6: 1:4: parse error: ") == 0);
  CHECK(Run("eval_slow instant at 0 x\n") == "f.test:5: invalid command eval_slow");
  CHECK(Run("eval instant x\n") == "f.test:5: expected 'at <time>' after 'eval instant'");
  CHECK(Run("eval range from 1m to 0 step 1m x\n") == "f.test:5: the end is before the start");
  CHECK(Run("eval range from 0 to 1m step 0 x\n") == "f.test:5: the step is zero");
  CHECK(Run("eval instant at 0 x\n  expect all\n").find("f.test:6: invalid expect line") == 0);
  CHECK(Run("eval instant at 0 x\n  expect fail\n  expect fail\n") ==
        "f.test:7: invalid expect lines, multiple expect fail lines are not allowed");
  CHECK(Run("eval instant at 0 x\n  expect warn\n  expect no_warn\n") ==
        "f.test:7: invalid expect lines, warn and no_warn cannot be used together");
  CHECK(Run("eval instant at 0 x\n  x{a=\"1\"} 1 2\n").find("f.test:6: an instant query has one") ==
        0);
}

}  // namespace plimsoll::test
