// SPDX-License-Identifier: Apache-2.0
#include "exposition/writer.h"

#include <doctest/doctest.h>

#include <limits>

#include "model/sample.h"

using namespace plimsoll;
using exposition::Format;
using exposition::WritePage;
using model::Family;
using model::Labels;
using model::MetricType;

namespace {

const exposition::WriteOptions kText{Format::kText};
const exposition::WriteOptions kOpenMetrics{Format::kOpenMetrics};

Family Make(std::string name, MetricType type, std::vector<Family::Point> points,
            std::string help = "", std::string unit = "") {
  return {std::move(name), {type, std::move(help), std::move(unit)}, std::move(points)};
}
Family::Point Point(Labels labels, double value, model::Time time = model::kNoSource) {
  return {std::move(labels), value, time};
}

}  // namespace

TEST_CASE("a gauge is its help, its type and its samples") {
  const Family up = Make(
      "up", MetricType::kGauge,
      {Point({{"__name__", "up"}, {"job", "a"}}, 1), Point({{"__name__", "up"}}, 0.5)}, "Is it?");
  CHECK(WritePage({up}, kText) == "# HELP up Is it?\n# TYPE up gauge\nup{job=\"a\"} 1\nup 0.5\n");
  CHECK(WritePage({up}, kOpenMetrics) ==
        "# HELP up Is it?\n# TYPE up gauge\nup{job=\"a\"} 1\nup 0.5\n# EOF\n");
}

TEST_CASE("an empty page is empty in text and the end mark in OpenMetrics") {
  CHECK(WritePage({}, kText) == "");
  CHECK(WritePage({}, kOpenMetrics) == "# EOF\n");
  CHECK(WritePage({Make("a", MetricType::kGauge, {}, "no points")}, kText) == "");
}

TEST_CASE("a counter has the name that the format wants, from either spelling") {
  const std::string open_metrics = "# TYPE a counter\na_total 2\n# EOF\n";
  const Family with = Make("a_total", MetricType::kCounter, {Point({{"__name__", "a_total"}}, 2)});
  CHECK(WritePage({with}, kText) == "# TYPE a_total counter\na_total 2\n");
  CHECK(WritePage({with}, kOpenMetrics) == open_metrics);
  const Family mixed = Make("a", MetricType::kCounter, {Point({{"__name__", "a_total"}}, 2)});
  CHECK(WritePage({mixed}, kText) == "# TYPE a_total counter\na_total 2\n");
  CHECK(WritePage({mixed}, kOpenMetrics) == open_metrics);
  const Family without = Make("a", MetricType::kCounter, {Point({{"__name__", "a"}}, 2)});
  CHECK(WritePage({without}, kText) == "# TYPE a counter\na 2\n");
  CHECK(WritePage({without}, kOpenMetrics) == open_metrics);
}

TEST_CASE("a start time stays in an OpenMetrics family and is a gauge of its own in text") {
  const Family family =
      Make("a", MetricType::kCounter,
           {Point({{"__name__", "a_total"}}, 2), Point({{"__name__", "a_created"}}, 17)});
  CHECK(WritePage({family}, kOpenMetrics) == "# TYPE a counter\na_total 2\na_created 17\n# EOF\n");
  CHECK(WritePage({family}, kText) ==
        "# TYPE a_total counter\na_total 2\n# TYPE a_created gauge\na_created 17\n");
}

TEST_CASE("types that text does not know become ones that it does") {
  const Family info =
      Make("build", MetricType::kInfo, {Point({{"__name__", "build_info"}, {"v", "1"}}, 1)});
  CHECK(WritePage({info}, kText) == "# TYPE build_info gauge\nbuild_info{v=\"1\"} 1\n");
  CHECK(WritePage({info}, kOpenMetrics) == "# TYPE build info\nbuild_info{v=\"1\"} 1\n# EOF\n");
  const Family states =
      Make("s", MetricType::kStateSet, {Point({{"__name__", "s"}, {"s", "on"}}, 1)});
  CHECK(WritePage({states}, kText) == "# TYPE s gauge\ns{s=\"on\"} 1\n");
  const Family unknown = Make("u", MetricType::kUnknown, {Point({{"__name__", "u"}}, 1)});
  CHECK(WritePage({unknown}, kText) == "# TYPE u untyped\nu 1\n");
  CHECK(WritePage({unknown}, kOpenMetrics) == "# TYPE u unknown\nu 1\n# EOF\n");
  const Family sizes = Make("g", MetricType::kGaugeHistogram,
                            {Point({{"__name__", "g_bucket"}, {"le", "+Inf"}}, 1)});
  CHECK(WritePage({sizes}, kText) == "# TYPE g untyped\ng_bucket{le=\"+Inf\"} 1\n");
  CHECK(WritePage({sizes}, kOpenMetrics) ==
        "# TYPE g gaugehistogram\ng_bucket{le=\"+Inf\"} 1\n# EOF\n");
}

TEST_CASE("a unit is said where the format has it and the name ends with it") {
  const Family::Point point = Point({{"__name__", "a_seconds_total"}}, 1);
  CHECK(WritePage({Make("a_seconds_total", MetricType::kCounter, {point}, "h", "seconds")},
                  kOpenMetrics) ==
        "# HELP a_seconds h\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total "
        "1\n# EOF\n");
  CHECK(
      WritePage({Make("a_seconds_total", MetricType::kCounter, {point}, "h", "seconds")}, kText) ==
      "# HELP a_seconds_total h\n# TYPE a_seconds_total counter\na_seconds_total 1\n");
  CHECK(WritePage({Make("b", MetricType::kGauge, {Point({{"__name__", "b"}}, 1)}, "", "ratio")},
                  kOpenMetrics) == "# TYPE b gauge\nb 1\n# EOF\n");
}

TEST_CASE("help and label values are escaped as each format has it") {
  const Family family = Make("a", MetricType::kGauge,
                             {Point({{"__name__", "a"}, {"l", "q\"b\\n\n"}}, 1)}, "q\"b\\n\n");
  CHECK(WritePage({family}, kText) ==
        "# HELP a q\"b\\\\n\\n\n# TYPE a gauge\na{l=\"q\\\"b\\\\n\\n\"} 1\n");
  CHECK(WritePage({family}, kOpenMetrics) ==
        "# HELP a q\\\"b\\\\n\\n\n# TYPE a gauge\na{l=\"q\\\"b\\\\n\\n\"} 1\n# EOF\n");
}

TEST_CASE("numbers are written as Go writes them") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<Family::Point> points;
  for (const double value :
       {1e6, 10886816.0, 0.1, -0.0, kInfinity, -kInfinity, model::NormalNaN(), 1e-9}) {
    points.push_back(Point({{"__name__", "a"}}, value));
  }
  CHECK(WritePage({Make("a", MetricType::kGauge, points)}, kText) ==
        "# TYPE a gauge\na 1e+06\na 1.0886816e+07\na 0.1\na -0\na +Inf\na -Inf\na NaN\na 1e-09\n");
}

TEST_CASE("times are milliseconds in text and seconds that read back whole in OpenMetrics") {
  const Family family =
      Make("a", MetricType::kGauge,
           {Point({{"__name__", "a"}}, 1, 1700000000123), Point({{"__name__", "a"}}, 1, -1500),
            Point({{"__name__", "a"}}, 1, 0), Point({{"__name__", "a"}}, 1, 1001)});
  CHECK(WritePage({family}, kText) ==
        "# TYPE a gauge\na 1 1700000000123\na 1 -1500\na 1 0\na 1 1001\n");
  CHECK(WritePage({family}, kOpenMetrics) ==
        "# TYPE a gauge\na 1 1700000000.123\na 1 -1.5\na 1 0\na 1 1.0010000000000001\n# EOF\n");
}

TEST_CASE(
    "names that are not plain are quoted for those who can read them and replaced for the others") {
  const Family family = Make("my.metric", MetricType::kGauge,
                             {Point({{"__name__", "my.metric"}, {"a.\"b", "v"}}, 1),
                              Point({{"__name__", "my.metric"}}, 2)},
                             "h");
  CHECK(WritePage({family}, {Format::kText, config::NameEscaping::kAllowUtf8}) ==
        "# HELP \"my.metric\" h\n# TYPE \"my.metric\" gauge\n{\"my.metric\",\"a.\\\"b\"=\"v\"} "
        "1\n{\"my.metric\"} 2\n");
  CHECK(WritePage({family}, kText) ==
        "# HELP my_metric h\n# TYPE my_metric gauge\nmy_metric{a__b=\"v\"} 1\nmy_metric 2\n");
  const Family greek = Make("9\xce\xb1:x", MetricType::kGauge,
                            {Point({{"__name__", "9\xce\xb1:x"}, {"a:b", "v"}}, 1)});
  CHECK(WritePage({greek}, kText) == "# TYPE __:x gauge\n__:x{a_b=\"v\"} 1\n");
}
