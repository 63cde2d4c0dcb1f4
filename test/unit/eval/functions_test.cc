// SPDX-License-Identifier: Apache-2.0
//
// Functions, one rule each. What is tested is what a careless engine gets wrong.
#include "promql/functions.h"

#include <doctest/doctest.h>

#include "unit/eval/language.h"

using namespace plimsoll;
using namespace plimsoll::eval;

TEST_CASE_FIXTURE(World, "rate reaches for the window's ends, but not below a counter's zero") {
  Load("far_total 100 160 220 280 340 400");
  CHECK(Eval("rate(far_total[5m])", 5min) == "{} 1");
  CHECK(Eval("increase(far_total[5m])", 5min) == "{} 300");
  Load("near_total _ 1 61 121 181 241");
  CHECK(Eval("increase(near_total[5m])", 5min) == "{} 241");
  Load("alone_total 1");
  CHECK(Eval("rate(alone_total[5m])", 0min) == "");
}

TEST_CASE_FIXTURE(World,
                  "rate adds what a counter had before each reset, in every window that holds it") {
  Load("x_total 0 60 30 90 10 70");
  CHECK(Eval("increase(x_total[5m])", 5min) == "{} 200");
  CHECK(EvalRange("increase(x_total[3m])", 3min, 5min, 1min) ==
        "{} 135@180 99.99999999999999@240 105@300");
}

TEST_CASE_FIXTURE(World, "a reset counts wherever it lies in a long window") {
  for (int reset = 1; reset < 40; ++reset) {
    const std::string number = std::to_string(reset), before = std::to_string(99 + reset);
    const std::string until = " 100+1x" + std::to_string(reset - 1) + " ";
    const std::string rest = "+1x" + std::to_string(39 - reset);
    Load("reset" + number + "_total" + until + "0" + rest);
    Load("never" + number + "_total" + until + before + rest);
    const std::string expected = Eval("increase(never" + number + "_total[40m])", 39min);
    CHECK(Eval("increase(reset" + number + "_total[40m])", 39min) == expected);
  }
}

TEST_CASE_FIXTURE(World, "rate of something that is not named like a counter is remarked upon") {
  Load("x 0 60 120");
  CHECK(Eval("rate(x[2m])", 2min) ==
        "{} 1 [PromQL info: metric might not be a counter, name does not end in "
        "_total/_sum/_count/_bucket: \"x\" (1:6)]");
}

TEST_CASE_FIXTURE(World, "irate after a reset uses the last value alone") {
  Load("x_total 0 60 30");
  CHECK(Eval("irate(x_total[5m])", 2min) == "{} 0.5");
  CHECK(Eval("idelta(x_total[5m])", 2min) == "{} -30");
}

TEST_CASE_FIXTURE(World, "sums are compensated") {
  Load("x 1 1e100 1 -1e100");
  CHECK(Eval("sum_over_time(x[5m])", 3min) == "{} 2");
  CHECK(Eval("avg_over_time(x[5m])", 3min) == "{} 0.5");
  Load("big 1.7e308 1.7e308");
  CHECK(Eval("avg_over_time(big[5m])", 1min) == "{} 1.7e+308");
  Load("y{a=\"1\"} 1");
  Load("y{a=\"2\"} 1e100");
  Load("y{a=\"3\"} 1");
  Load("y{a=\"4\"} -1e100");
  CHECK(Eval("sum(y)", 0min) == "{} 2");
}

TEST_CASE_FIXTURE(World, "minimum and maximum ignore NaN unless there is nothing else") {
  Load("x NaN 3 1 NaN 2");
  CHECK(Eval("max_over_time(x[5m])", 4min) == "{} 3");
  CHECK(Eval("min_over_time(x[5m])", 4min) == "{} 1");
  CHECK(EvalRange("max_over_time(x[2m])", 0min, 4min, 1min) == "{} NaN@0 3@60 3@120 1@180 2@240");
  CHECK(Eval("max_over_time(x[1m])", 3min) == "{} NaN");
}

TEST_CASE_FIXTURE(World, "an extreme is found wherever it lies, and which zero it is") {
  for (int at = 0; at < 13; ++at) {
    std::string low = "low" + std::to_string(at), high = "high" + std::to_string(at);
    for (int i = 0; i < 13; ++i) {
      low += i == at ? " -7" : i % 3 == 0 ? " NaN" : " 5";
      high += i == at ? " 7" : i % 3 == 0 ? " NaN" : " -5";
    }
    Load(low);
    Load(high);
    CHECK(Eval("min_over_time(low" + std::to_string(at) + "[1h])", 12min) == "{} -7");
    CHECK(Eval("max_over_time(high" + std::to_string(at) + "[1h])", 12min) == "{} 7");
  }
  // Of equal values the first counts.
  Load("zeros -0 0 0 0 0 -0");
  CHECK(Eval("1 / max_over_time(zeros[1h])", 5min) == "{} -Inf");
  CHECK(Eval("1 / min_over_time(zeros[4m30s])", 5min) == "{} +Inf");
  Load("ends -Inf -Inf NaN -Inf -Inf");
  CHECK(Eval("max_over_time(ends[1h])", 4min) == "{} -Inf");
  CHECK(Eval("min_over_time((-ends)[1h:1m])", 4min) == "{} +Inf");
  Load("none NaN NaN NaN NaN NaN");
  CHECK(Eval("max_over_time(none[1h])", 4min) == "{} NaN");
}

TEST_CASE_FIXTURE(World,
                  "series with the same times and series with others have their own windows") {
  Load("x{a=\"1\"} 1 2 3 4 5 6");
  Load("x{a=\"2\"} 10 20 30 40 50 60");
  Load("x{a=\"3\"} 100 _ 300 400 _ 600");
  Load("x{a=\"4\"} 1000 2000 stale 4000 5000 6000");
  Load("x{a=\"5\"} 7 8 9 10 11 12");
  CHECK(EvalRange("sum_over_time(x[2m])", 2min, 5min, 1min) ==
        "{a=\"1\"} 5@120 7@180 9@240 11@300; {a=\"2\"} 50@120 70@180 90@240 110@300; "
        "{a=\"3\"} 300@120 700@180 400@240 600@300; "
        "{a=\"4\"} 2000@120 4000@180 9000@240 11000@300; "
        "{a=\"5\"} 17@120 19@180 21@240 23@300");
}

TEST_CASE_FIXTURE(World, "NaN to NaN is no change") {
  Load("x NaN NaN 1 1 2");
  CHECK(Eval("changes(x[5m])", 4min) == "{} 2");
}

TEST_CASE_FIXTURE(World, "quantile_over_time interpolates and warns of what is no quantile") {
  Load("x 0 1 2");
  CHECK(Eval("quantile_over_time(0.25, x[5m])", 2min) == "{} 0.5");
  CHECK(Eval("quantile_over_time(2, x[5m])", 2min) ==
        "{} +Inf [PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)]");
}

TEST_CASE_FIXTURE(World, "the slope of a constant is zero") {
  Load("x 5x9");
  CHECK(Eval("deriv(x[9m])", 9min) == "{} 0");
  CHECK(Eval("predict_linear(x[9m], 3600)", 9min) == "{} 5");
  Load("y 0+60x9");
  CHECK(Eval("deriv(y[9m])", 9min) == "{} 1");
  CHECK(Eval("predict_linear(y[9m], 60)", 9min) == "{} 600");
}

TEST_CASE_FIXTURE(World, "absent names what equality pins down") {
  CHECK(Eval("absent(x{a=\"1\",b=~\"2\",c=\"3\"})", 0min) == "{a=\"1\", c=\"3\"} 1");
  CHECK(Eval("absent(x{a=\"1\",a=\"2\"})", 0min) == "{} 1");
  CHECK(Eval("absent(x{a!=\"b\",a=\"c\"})", 0min) == "{} 1");
  CHECK(Eval("absent(sum(x))", 0min) == "{} 1");
  Load("x 1 _ _ _ _ _ _ 1");
  CHECK(EvalRange("absent(x)", 4min, 7min, 1min) == "{} 1@300 1@360");
  CHECK(EvalRange("absent_over_time(x[2m])", 1min, 3min, 1min) == "{} 1@120 1@180");
}

TEST_CASE_FIXTURE(World, "clamp with its bounds crossed gives nothing, and NaN stays NaN") {
  Load("x 5");
  CHECK(Eval("clamp(x, 6, 4)", 0min) == "");
  CHECK(Eval("clamp(x, 1, 3)", 0min) == "{} 3");
  Load("n NaN");
  CHECK(Eval("clamp_min(n, 1)", 0min) == "{} NaN");
}

TEST_CASE_FIXTURE(World, "round rounds ties up, to any unit") {
  CHECK(Eval("round(vector(-2.5))", 0min) == "{} -2");
  CHECK(Eval("round(vector(7), 5)", 0min) == "{} 5");
}

TEST_CASE_FIXTURE(World, "scalar is NaN unless there is exactly one element") {
  Load("x{a=\"1\"} 1");
  CHECK(Eval("scalar(x)", 0min) == "1");
  Load("x{a=\"2\"} 2");
  CHECK(Eval("scalar(x)", 0min) == "NaN");
}

TEST_CASE_FIXTURE(World,
                  "timestamp of a selector is the sample's time, of anything else the step's") {
  Load("x 1");
  CHECK(Eval("timestamp(x)", 2min) == "{} 0");
  CHECK(Eval("timestamp(x + 0)", 2min) == "{} 120");
}

TEST_CASE_FIXTURE(World, "the calendar is UTC, and a NaN has a date as in Go") {
  CHECK(Eval("day_of_week()", 0min) == "{} 4");
  CHECK(Eval("days_in_month(vector(951782400))", 0min) == "{} 29");
  CHECK(Eval("day_of_year(vector(1709164800))", 0min) == "{} 60");
  CHECK(Eval("year(vector(-1))", 0min) == "{} 1969");
  CHECK(Eval("hour(vector(NaN))", 0min) == "{} 15");
  CHECK(Eval("minute(vector(NaN))", 0min) == "{} 30");
}

TEST_CASE_FIXTURE(World,
                  "label_replace rewrites what matches whole and deletes what becomes empty") {
  Load("x{a=\"foo-1\"} 1");
  CHECK(Eval("label_replace(x, \"b\", \"$1\", \"a\", \"foo-(.*)\")", 0min) ==
        "x{a=\"foo-1\", b=\"1\"} 1");
  CHECK(Eval("label_replace(x, \"a\", \"\", \"a\", \".*\")", 0min) == "x 1");
  CHECK(Eval("label_replace(x, \"b\", \"$1\", \"a\", \"foo\")", 0min) == "x{a=\"foo-1\"} 1");
  CHECK(Eval("label_replace(x, \"b\", \"$1\", \"a\", \"(\")", 0min) ==
        "invalid regular expression in label_replace(): (");
  CHECK(Eval("label_join(x, \"c\", \"/\", \"a\", \"a\")", 0min) ==
        "x{a=\"foo-1\", c=\"foo-1/foo-1\"} 1");
}

TEST_CASE_FIXTURE(World, "sort puts NaN last in both directions, and is useless over a range") {
  Load("x{a=\"1\"} 2");
  Load("x{a=\"2\"} NaN");
  Load("x{a=\"3\"} 1");
  CHECK(Eval("sort(x)", 0min) == "x{a=\"3\"} 1; x{a=\"1\"} 2; x{a=\"2\"} NaN");
  CHECK(Eval("sort_desc(x)", 0min) == "x{a=\"1\"} 2; x{a=\"3\"} 1; x{a=\"2\"} NaN");
  CHECK(EvalRange("sort(x{a=\"1\"})", 0min, 1min, 1min) ==
        "x{a=\"1\"} 2@0 2@60 [PromQL warning: sort is ineffective for range queries since results "
        "are always ordered by "
        "labels (1:1)]");
}

TEST_CASE_FIXTURE(World, "histogram_quantile interpolates within a bucket") {
  Load("h_bucket{le=\"1\"} 10");
  Load("h_bucket{le=\"2\"} 20");
  Load("h_bucket{le=\"+Inf\"} 20");
  CHECK(Eval("histogram_quantile(0.75, h_bucket)", 0min) == "{} 1.5");
  CHECK(Eval("histogram_quantile(0.25, h_bucket)", 0min) == "{} 0.5");
  CHECK(Eval("histogram_quantile(1, h_bucket)", 0min) == "{} 2");
  CHECK(Eval("histogram_fraction(0.5, 1.5, h_bucket)", 0min) == "{} 0.5");
}

TEST_CASE_FIXTURE(World, "counts that fall with the bound are repaired, and that is said") {
  Load("h_bucket{le=\"1\"} 10");
  Load("h_bucket{le=\"2\"} 8");
  Load("h_bucket{le=\"+Inf\"} 20");
  CHECK(
      Eval("histogram_quantile(0.25, h_bucket)", 0min) ==
      "{} 0.5 [PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
      "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile), from "
      "buckets 2 to 2, with "
      "a max diff of 2, over 1 samples from 1970-01-01T00:00:00Z to 1970-01-01T00:00:00Z (1:26)]");
}

TEST_CASE_FIXTURE(World, "buckets without a usable bound are left out with a warning") {
  Load("h_bucket{le=\"x\"} 10");
  CHECK(
      Eval("histogram_quantile(0.5, h_bucket)", 0min) ==
      " [PromQL warning: bucket label \"le\" is missing or has a malformed value of \"x\" (1:25)]");
  Load("g_bucket{le=\"1\"} 10");
  CHECK(Eval("histogram_quantile(0.5, g_bucket)", 0min) == "{} NaN");
}

TEST_CASE_FIXTURE(World, "functions of native histograms have nothing to say about floats") {
  Load("x 1");
  CHECK(Eval("histogram_count(x)", 0min) == "");
  CHECK(Eval("histogram_avg(x)", 0min) == "");
}

TEST_CASE_FIXTURE(World, "every function of the language can be asked") {
  parse.experimental_functions = true;
  Load("x{le=\"1\"} 1 2 3");
  for (const promql::Function& function : promql::Functions()) {
    std::string text = std::string(function.name) + "(";
    for (std::size_t i = 0; i < function.args.size(); ++i) {
      if (i > 0) text += ", ";
      text += function.args[i] == promql::ValueType::kVector   ? std::string("x")
              : function.args[i] == promql::ValueType::kMatrix ? "x[5m]"
              : function.args[i] == promql::ValueType::kScalar ? "0." + std::to_string(i + 1)
                                                               : "\"a\"";
    }
    text += ")";
    INFO(text);
    if (function.name != "info") CHECK(Ask(text, 2min).has_value());
  }
}

TEST_CASE_FIXTURE(World, "logarithms, acos and sinh err where Prometheus's do") {
  CHECK(Eval("log10(vector(1000))", 0min) == "{} 3");
  CHECK(Eval("log2(vector(8))", 0min) == "{} 3");
  CHECK(Eval("log2(vector(0))", 0min) == "{} -Inf");
  CHECK(Eval("log10(vector(-1))", 0min) == "{} NaN");
  CHECK(Eval("log2(vector(1.0000001))", 0min) == "{} 1.442694970155145e-07");
  CHECK(Eval("acos(vector(0.9999999999244696))", 0min) == "{} 1.2290676120407795e-05");
  CHECK(Eval("acos(vector(-2))", 0min) == "{} NaN");
  CHECK(Eval("sinh(vector(710))", 0min) == "{} +Inf");
  CHECK(Eval("sinh(vector(-710))", 0min) == "{} -Inf");
  CHECK(Eval("cosh(vector(-710))", 0min) == "{} +Inf");
}

TEST_CASE_FIXTURE(World, "a unary plus is no selector to timestamp(), and a place of its own") {
  Load("x 1 2");
  CHECK(Eval("timestamp(x)", 90s) == "{} 60");
  CHECK(Eval("timestamp(+x)", 90s) == "{} 90");
  CHECK(Eval("quantile(+scalar(y), x)", 0min) ==
        "{} NaN [PromQL warning: quantile value should be between 0 and 1, got NaN (1:10)]");
}

TEST_CASE_FIXTURE(
    World, "timestamp() of a selector with @ looks from there, within what the offset selects") {
  Load("x 1 2 3 4 5 6 7 8 9 10");
  CHECK(Eval("timestamp(x @ 300)", 9min) == "{} 300");
  CHECK(Eval("timestamp(x @ 300 offset 1m)", 9min) == "{} 240");
  CHECK(Eval("timestamp(x @ 300 offset -1m)", 9min) == "{} 300");
  CHECK(Eval("timestamp(x @ 300 offset 6m)", 9min) == "");
  CHECK(EvalRange("timestamp(x @ 300 offset -1m)", 8min, 9min, 1min) == "{} 300@480 300@540");
}

TEST_CASE_FIXTURE(World, "a quantile keeps zeros of either sign in the order of time") {
  Load("x -0 0 -0");
  CHECK(Eval("quantile_over_time(0, x[5m])", 2min) == "{} 0");
  CHECK(Eval("quantile_over_time(0.5, x[5m])", 2min) == "{} 0");
  CHECK(Eval("1 / quantile_over_time(1, x[5m])", 2min) == "{} -Inf");
}
