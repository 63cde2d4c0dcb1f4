// SPDX-License-Identifier: Apache-2.0
//
// Series as tests write them: values, gaps, repetitions, and what is refused.
#include "promql/series.h"

#include <doctest/doctest.h>

#include "model/sample.h"

namespace plimsoll::promql {

namespace {

// Labels, then the values spelled out; or the error.
std::string Read(std::string_view text, const SeriesLimits& limits = {}) {
  const auto series = ParseSeries(text, limits);
  return series ? PrintSeries(*series) : series.error().message;
}

std::string Metric(std::string_view text) {
  const auto labels = ParseMetric(text);
  return labels ? labels->ToString() : labels.error().message;
}

}  // namespace

TEST_CASE("values stand one after the other, with or without a sign") {
  CHECK(Read("x 1 2 3") == "x 1 2 3");
  CHECK(Read("{} 1 -1 +4 -2.5 1e3 .5") == "{} 1 -1 4 -2.5 1000 0.5");
  CHECK(Read("x NaN inf -Inf 1_000 010") == "x NaN +Inf -Inf 1000 8");
  CHECK(Read("x{a=\"1\"}   1\t2  ") == "x{a=\"1\"} 1 2");
  CHECK(Read("x") == "x");
}

TEST_CASE("gaps and staleness markers are no values") {
  const auto series = ParseSeries("x 1 _ stale _x2 5");
  REQUIRE(series.has_value());
  CHECK(PrintSeries(*series) == "x 1 _ stale _ _ 5");
  CHECK_FALSE(series->values[1].has_value());
  CHECK(model::IsStaleNaN(series->values[2].value()));
}

TEST_CASE("a repetition is so many more") {
  CHECK(Read("x 7x2") == "x 7 7 7");
  CHECK(Read("x 7x0") == "x 7");
  CHECK(Read("x _x0 1") == "x 1");
  CHECK(Read("x 0x3") == "x 0 0 0 0");
  CHECK(Read("x 1+2x3") == "x 1 3 5 7");
  CHECK(Read("x 3-10x2 1") == "x 3 -7 -17 1");
  CHECK(Read("x -3-10x1") == "x -3 -13");
  CHECK(Read("x 1.5+0.25x2") == "x 1.5 1.75 2");
}

TEST_CASE("a name that reads as a number is printed within the braces") {
  CHECK(Read("{\"Inf\"} 1") == "{\"Inf\"} 1");
  CHECK(Read("{\"nan\", a=\"b\"} 1") == "{\"nan\", a=\"b\"} 1");
  CHECK(Read("{\"info\"} 1") == "info 1");
}

TEST_CASE("labels are those of a selector that only knows equality") {
  CHECK(Read("x{a=\"b\", c='d',} 1") == "x{a=\"b\", c=\"d\"} 1");
  CHECK(Read("{a=\"\\u70ac\"} 1") == "{a=\"\xE7\x82\xAC\"} 1");
  CHECK(Read("sum{by=\"x\"} 1") == "sum{by=\"x\"} 1");
  CHECK(Metric("a:b") == "a:b");
  CHECK(Metric("") == "{}");
  CHECK(Metric(" { \"a.b\" , c = `d` } ") == "{\"a.b\", c=\"d\"}");
}

TEST_CASE("a native histogram is recognised and left out") {
  const auto series =
      ParseSeries("x 1 {{schema:1 buckets:[1 2]}} {{}}x1 {{count:1}}+{{count:2}}x2 3");
  REQUIRE(series.has_value());
  CHECK(series->histograms);
  CHECK(PrintSeries(*series) == "x 1 _ _ _ _ _ _ 3");
  CHECK(Read("x {{count:1") == "1:3: parse error: unexpected end of input in a histogram");
}

TEST_CASE("what is no series is refused at its place") {
  CHECK(Read("x 1+1") == "1:6: parse error: unexpected end of input in series values");
  CHECK(Read("x -3-3 -3") == "1:7: parse error: unexpected \" \" in series values");
  CHECK(Read("x 3+3x4-4") == "1:8: parse error: unexpected <op:-> in series values");
  CHECK(Read("x _-2") == "1:4: parse error: unexpected <op:-> in series values");
  CHECK(Read("x fresh") ==
        "1:3: parse error: unexpected identifier \"fresh\" in series values, expected number or "
        "\"stale\"");
  CHECK(
      Read("x 1x1e3") ==
      "1:5: parse error: invalid repetition in series values: expected a whole number, found 1e3");
  CHECK(Read("x 1 *") == "1:5: parse error: unexpected character in series sequence: '*'");
  CHECK(Read("x 1 2a") == "1:5: parse error: bad number syntax: \"2\"");
  CHECK(Read("x{a=~\"b\"} 1") ==
        "1:4: parse error: unexpected <op:=~> in label set, expected \"=\"");
  CHECK(Read("x{a=1} 1") == "1:5: parse error: unexpected character inside braces: '1'");
  CHECK(Read("x{a=\"1\",a=\"2\"} 1") == "1:9: parse error: label name \"a\" is not unique");
  CHECK(Metric("x 1") == "1:3: parse error: unexpected number \"1\"");
}

TEST_CASE("a series holds only so many values") {
  CHECK(Read("x 1x3", {.values = 4}) == "x 1 1 1 1");
  CHECK(Read("x 1x4", {.values = 4}) == "a series has too many values, expected at most 4");
  CHECK(Read("x 1 2 _x3", {.values = 4}) == "a series has too many values, expected at most 4");
  CHECK(Read("x 1x99999999999999", {.values = 4}) ==
        "a series has too many values, expected at most 4");
  const auto refused = ParseSeries("x 1x18446744073709551614");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == base::Error::Kind::kLimit);
}

}  // namespace plimsoll::promql
