// SPDX-License-Identifier: Apache-2.0
#include "telemetry/telemetry.h"

#include <doctest/doctest.h>

using namespace plimsoll::telemetry;

TEST_CASE("a counter appears on the page once it has a handle, with the labels of its row") {
  Telemetry telemetry;
  CHECK(telemetry.Collect().empty());
  telemetry.CounterOf(MetricId::kScrapeFailures, {"trino", "timeout"}).Add(2);
  const auto families = telemetry.Collect();
  REQUIRE(families.size() == 1);
  CHECK(families[0].name == "plimsoll_scrape_failures_total");
  CHECK(families[0].points[0].labels.ToString() ==
        "plimsoll_scrape_failures_total{job=\"trino\", reason=\"timeout\"}");
  CHECK(families[0].points[0].value == 2);
}

TEST_CASE("the same labels give the same metric") {
  Telemetry telemetry;
  telemetry.CounterOf(MetricId::kTicksSkipped).Add();
  telemetry.CounterOf(MetricId::kTicksSkipped).Add();
  CHECK(telemetry.CounterOf(MetricId::kTicksSkipped).Value() == 2);
}

TEST_CASE("a handle of nothing does nothing") {
  Counter counter;
  counter.Add();
  CHECK(counter.Value() == 0);
}

TEST_CASE("a metric that is forgotten is off the page and starts anew") {
  Telemetry telemetry;
  telemetry.CounterOf(MetricId::kRuleEvaluations, {"a"}).Add();
  telemetry.CounterOf(MetricId::kRuleEvaluations, {"b"}).Add();
  telemetry.GaugeOf(MetricId::kRuleGroupRules, {"a"}).Set(3);
  telemetry.Forget(MetricId::kRuleEvaluations, {"a"});
  telemetry.Forget(MetricId::kRuleGroupRules, {"a"});
  const auto families = telemetry.Collect();
  REQUIRE(families.size() == 1);
  REQUIRE(families[0].points.size() == 1);
  CHECK(families[0].points[0].labels.Get("rule_group") == "b");
  CHECK(telemetry.CounterOf(MetricId::kRuleEvaluations, {"a"}).Value() == 0);
}
