// SPDX-License-Identifier: Apache-2.0
//
// How old a value is: the rules of docs/architecture.md, "Source time".
#include <doctest/doctest.h>

#include "unit/eval/language.h"

using namespace plimsoll;
using namespace plimsoll::eval;

namespace {

// young has samples up to 4 min, old up to 2 min.
struct Ages : World {
  Ages() {
    Load("young 1 2 3 4 5");
    Load("old 1 2 3");
  }
};

}  // namespace

TEST_CASE_FIXTURE(Ages, "a sample is as old as itself, and so is what functions make of it") {
  CHECK(Source("young", 5min) == "240");
  CHECK(Source("ceil(young / 2)", 5min) == "240");
  CHECK(Source("scalar(old)", 5min) == "120");
  CHECK(Source("vector(scalar(old))", 5min) == "120");
}

TEST_CASE_FIXTURE(Ages, "windows and aggregations are as old as their newest sample") {
  CHECK(Source("avg_over_time(old[5m])", 4min) == "120");
  CHECK(Source("sum({__name__=~\"young|old\"})", 5min) == "240");
  CHECK(Source("max_over_time((old + young)[3m:1m])", 4min) == "120");
}

TEST_CASE_FIXTURE(Ages,
                  "a binary operator is as old as its older side, `or` as the side it chose") {
  CHECK(Source("young + on() old", 4min) == "120");
  CHECK(Source("young and on() old", 4min) == "120");
  CHECK(Source("young or on() old", 4min) == "240");
  CHECK(Source("nothing or on() old", 4min) == "120");
  CHECK(Source("old > 1", 4min) == "120");
}

TEST_CASE_FIXTURE(Ages, "literals, time() and parameters come from no scrape") {
  Load("plimsoll_param{name=\"p\"} 7");
  CHECK(Source("sum(nothing) or vector(0)", 4min) == "none");
  CHECK(Source("time()", 4min) == "none");
  CHECK(Source("plimsoll_param", 4min) == "none");
  CHECK(Source("max(plimsoll_param)", 4min) == "none");
  CHECK(Source("old / on() max(plimsoll_param)", 4min) == "120");
  CHECK(Source("absent(nothing)", 4min) == "none");
}

TEST_CASE_FIXTURE(Ages, "a recorded series is as old as what it was made from") {
  Load("recorded 1 2 3 4 5");
  auto& series = storage.At(model::Labels{{"__name__", "recorded"}});
  series.recorded = true;
  series.source = 90000;
  CHECK(Source("recorded", 4min) == "90");
  CHECK(Source("max_over_time(recorded[3m])", 4min) == "90");
}

TEST_CASE_FIXTURE(Ages, "what is read from the past on purpose is not old for it") {
  CHECK(Source("young offset 2m", 4min) == "240");
  CHECK(Source("max_over_time(young[2m] offset 2m)", 4min) == "240");
  CHECK(Source("young and on() (old offset 2m)", 4min) == "240");
}

TEST_CASE_FIXTURE(Ages, "without sources the answer is the same") {
  Load("load{a=\"1\"} 1 2 stale 4");
  Load("load{a=\"2\"} 5x2 _ 7");
  for (const char* text : {"1",
                           "time()",
                           "scalar(old)",
                           "load",
                           "-load",
                           "rate(load[3m])",
                           "sum(load)",
                           "avg by (a) (rate(load[3m]))",
                           "topk(1, load)",
                           "quantile(0.5, load)",
                           "sum(load) + old",
                           "load * on() group_left() old",
                           "load or old",
                           "absent(nothing)",
                           "timestamp(load)",
                           "max_over_time(load[3m:30s])",
                           "label_replace(load, \"b\", \"$1\", \"a\", \"(.*)\")",
                           "count_values(\"v\", load)",
                           "sort_desc(load)",
                           "load @ 60",
                           "load[2m]",
                           "vector(1) == 1"}) {
    options.sources = true;
    const std::string with = Eval(text, 4min);
    options.sources = false;
    CHECK_MESSAGE(Eval(text, 4min) == with, text);
    CHECK(with != "");
  }
  CHECK(Source("young", 4min) == "none");
}
