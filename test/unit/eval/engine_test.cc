// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "unit/eval/language.h"

using namespace plimsoll;
using namespace plimsoll::eval;

TEST_CASE_FIXTURE(World,
                  "an instant selector takes the newest sample within the lookback, left-open") {
  Load("x 1 2 3");
  CHECK(Eval("x", 2min) == "x 3");
  CHECK(Eval("x", 6min) == "x 3");
  CHECK(Eval("x", 7min) == "");
}

TEST_CASE_FIXTURE(World, "a staleness marker hides a series at once and is skipped in ranges") {
  Load("x 1 2 stale");
  CHECK(Eval("x", 2min) == "");
  CHECK(Eval("count_over_time(x[5m])", 2min) == "{} 2");
}

TEST_CASE_FIXTURE(World, "a restart of the target is one reset") {
  Load("requests 10 20 5 15");
  CHECK(Eval("resets(requests[5m])", 3min) == "{} 1");
}

TEST_CASE_FIXTURE(World, "a range is left-open") {
  Load("x 1 2 3 4");
  CHECK(Eval("count_over_time(x[1m])", 3min) == "{} 1");
  CHECK(Eval("sum_over_time(x[3m])", 3min) == "{} 9");
}

TEST_CASE_FIXTURE(World, "offset and @ move the time that is read") {
  Load("x 0+1x10");
  CHECK(Eval("x offset 2m", 5min) == "x 3");
  CHECK(Eval("x offset -2m", 5min) == "x 7");
  CHECK(Eval("x @ 60", 5min) == "x 1");
  CHECK(EvalRange("x @ end()", 1min, 3min, 1min) == "x 3@60 3@120 3@180");
  CHECK(Eval("sum_over_time(x[2m] @ 120)", 5min) == "{} 3");
}

TEST_CASE_FIXTURE(World, "a subquery is evaluated at multiples of its step") {
  Load("x 0+1x20", 30s);
  CHECK(Eval("x[3m:1m] offset 1m", 5min + 10s) == "x 4@120 6@180 8@240");
  CHECK(Eval("max_over_time(sum(x)[2m:30s])", 5min) == "{} 10");
}

TEST_CASE_FIXTURE(World, "a range query merges series that lose their name and do not overlap") {
  Load("a 1 2 stale");
  Load("b _ _ 5 6");
  CHECK(EvalRange("-{__name__=~\"a|b\"}", 0min, 3min, 1min) == "{} -1@0 -2@60 -5@120 -6@180");
  CHECK(EvalRange("abs({__name__=~\"a|b\"})", 0min, 3min, 1min) == "{} 1@0 2@60 5@120 6@180");
  Load("c 1 1 1");
  CHECK(Eval("-{__name__=~\"a|c\"}", 1min) ==
        "vector cannot contain metrics with the same labelset");
}

TEST_CASE_FIXTURE(World, "what makes a query too big is said as Prometheus says it") {
  Load("x 1x100");
  options.max_samples = 10;
  CHECK(EvalRange("x", 0min, 9min, 1min).starts_with("x 1@0 1@60"));
  CHECK(EvalRange("x", 0min, 10min, 1min) ==
        "query processing would load too many samples into memory in query execution");
  CHECK(Ask("sum_over_time(x[20m])", 60min).error().kind == base::Error::Kind::kLimit);
  options.max_samples = 1000;
  options.max_cells = 5;
  CHECK(EvalRange("x", 0min, 5min, 1min) ==
        "query processing would load too many samples into memory in query execution");
}

TEST_CASE_FIXTURE(World, "a query can be canceled") {
  Load("x 1");
  options.canceled = [] { return true; };
  CHECK(Eval("x", 0min) == "query was canceled in expression evaluation");
}

TEST_CASE_FIXTURE(World, "a query over one series can be canceled between its windows") {
  const auto asked = [&](const std::string& window) {
    int times = 0;
    options.canceled = [&times] { return ++times > 100; };
    CHECK(EvalRange("max_over_time(vector(1)[" + window + ":1s])", 0min, 60min, 1s)
              .starts_with("{} 1@0"));
    return times;
  };
  const int before = asked("1s");
  CHECK(asked("3600s") > before);
  int times = 0;
  options.canceled = [&] { return ++times > before; };
  CHECK(EvalRange("max_over_time(vector(1)[3600s:1s])", 0min, 60min, 1s) ==
        "query was canceled in expression evaluation");
}

TEST_CASE_FIXTURE(World, "a range selector cannot be asked for at several steps") {
  CHECK(
      EvalRange("x[5m]", 0min, 1min, 1min) ==
      "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector");
}

TEST_CASE_FIXTURE(World,
                  "a prepared query asks for its series again only when the table has changed") {
  Load("x{a=\"1\"} 1 2 3");
  Prepared prepared(std::move(*promql::Parse("sum(x) + sum(x)")), "sum(x) + sum(x)");
  CHECK(Text(prepared.Instant(*storage.Open(), 60000)) == "{} 4");
  CHECK(storage.selects() == 2);
  CHECK(Text(prepared.Instant(*storage.Open(), 120000)) == "{} 6");
  CHECK(storage.selects() == 2);
  Load("x{a=\"2\"} 1 2 10");
  CHECK(Text(prepared.Instant(*storage.Open(), 120000)) == "{} 26");
  CHECK(storage.selects() == 4);
}

TEST_CASE_FIXTURE(
    World,
    "@ inside a subquery reads its instant, except where Prometheus adds the subquery's offset") {
  Load("x 0+1x20");
  CHECK(Eval("max_over_time((x @ 300)[2m:] offset 1m)", 10min) == "{} 5");
  // The subquery begins exactly at the evaluation time.
  CHECK(Eval("max_over_time((x @ 300)[1m:] offset -1m)", 10min) == "{} 5");
  CHECK(Eval("max_over_time((x @ 300)[1m:] offset -30s)", 10min + 1ms) == "{} 5");
  CHECK(Eval("max_over_time((x @ 300)[1m:] offset -59s)", 10min) == "{} 4");
}
