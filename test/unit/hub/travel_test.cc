// SPDX-License-Identifier: Apache-2.0
//
// A snapshot to series and a policy back: nothing is lost on the way, and nothing bad gets through.
#include "hub/travel.h"

#include <doctest/doctest.h>

#include "exposition/writer.h"
#include "support/fake_clock.h"

namespace plimsoll::hub {
namespace {

using namespace std::chrono_literals;
using config::ExternalMetric;
using signals::Moment;

constexpr base::Time kStart = 1'767'225'600'123;  // 2026-01-01T00:00:00.123Z

signals::Metric MetricOf(ExternalMetric policy) {
  signals::Metric metric;
  metric.policy = std::make_shared<const ExternalMetric>(std::move(policy));
  metric.namespaces = {"default"};
  return metric;
}

std::string PageOf(const signals::Snapshot& snapshot, Moment now) {
  std::string page = exposition::WritePage(ExportedFamilies(snapshot, now), {});
  std::string samples;
  for (std::size_t at = 0; at < page.size(); at = page.find('\n', at) + 1) {
    if (page[at] != '#') samples += page.substr(at, page.find('\n', at) + 1 - at);
  }
  return samples;
}

TEST_CASE("what travels is the value as it was given, its time, the last good one and the policy") {
  const test::FakeClock clock(kStart);
  const Moment now = Moment::Of(clock);
  const Moment before{now.wall - 4500, now.steady - 4500ms};
  signals::Metric metric = MetricOf({.name = "queued", .query = "q"});
  metric.evaluated = now;
  metric.entries = {{.labels = {{"cluster", "a"}},
                     .present = true,
                     .value = 0.1,
                     .source = before,
                     .seen = now,
                     .last_good = signals::Good{0.1, before}},
                    {.labels = {{"cluster", "b"}},
                     .present = true,
                     .value = -1,
                     .source = now,
                     .seen = now,
                     .last_good = signals::Good{3, before}}};
  signals::Snapshot snapshot;
  snapshot.metrics.push_back(metric);
  CHECK(
      PageOf(snapshot, now) ==
      "plimsoll_exported_metric_info{max_age=\"1m30s\",metric=\"queued\",reads=\"scraped\",round="
      "\"nearest\",several=\"error\",type=\"AverageValue\",valid_max=\"9.2e+15\",valid_min=\"0\","
      "window=\"0\"} 1\n"
      "plimsoll_exported_metric_value{label_cluster=\"a\",metric=\"queued\"} 0.1\n"
      "plimsoll_exported_metric_value{label_cluster=\"b\",metric=\"queued\"} -1\n"
      "plimsoll_exported_metric_source_timestamp_seconds{label_cluster=\"a\",metric=\"queued\"} "
      "1.767225595623e+09\n"
      "plimsoll_exported_metric_source_timestamp_seconds{label_cluster=\"b\",metric=\"queued\"} "
      "1.767225600123e+09\n"
      "plimsoll_exported_metric_last_good_value{label_cluster=\"b\",metric=\"queued\"} 3\n"
      "plimsoll_exported_metric_last_good_timestamp_seconds{label_cluster=\"b\",metric=\"queued\"} "
      "1.767225595623e+09\n"
      "plimsoll_exported_metric_evaluated_timestamp_seconds{metric=\"queued\"} "
      "1.767225600123e+09\n"
      "plimsoll_exported_metric_series{metric=\"queued\"} 2\n"
      "plimsoll_exported_page_timestamp_seconds 1.767225600123e+09\n");
}

TEST_CASE("two metrics of one name travel apart, each with its namespaces") {
  const Moment now{kStart, 5s};
  signals::Snapshot snapshot;
  for (const char* name_space : {"a", "b"}) {
    signals::Metric metric = MetricOf({.name = "m", .query = "q", .namespaces = {name_space}});
    metric.evaluated = now;
    metric.entries = {{.present = true, .value = 1, .source = now, .seen = now}};
    snapshot.metrics.push_back(metric);
  }
  const std::string page = PageOf(snapshot, now);
  for (const std::string name_space : {"a", "b"}) {
    CAPTURE(name_space);
    const std::string labels = "{metric=\"m\",namespaces=\"" + name_space + "\"} ";
    for (const std::string& one :
         {"value" + labels + "1\n", "source_timestamp_seconds" + labels + "1.767225600123e+09\n",
          "evaluated_timestamp_seconds" + labels + "1.767225600123e+09\n",
          "series" + labels + "1\n"}) {
      CHECK(page.find("plimsoll_exported_metric_" + one) != std::string::npos);
    }
  }
}

TEST_CASE("why there is nothing travels too, in words that do not change by the second") {
  const Moment now{kStart, 5s};
  signals::Metric metric = MetricOf({.name = "m"});
  metric.evaluated = now;
  signals::Snapshot snapshot;
  snapshot.metrics.push_back(metric);
  snapshot.upstreams.push_back({.name = "trino http://t/metrics",
                                .failing_since = now,
                                .last_error = std::string(300, 'x')});
  const std::string page = PageOf(snapshot, now);
  const std::string cut = "trino http://t/metrics: " + std::string(200 - 24, 'x');
  CHECK(page.find("plimsoll_exported_metric_problem{error=\"" + cut +
                  "\",metric=\"m\",reason=\"never_scraped\"} 1\n") != std::string::npos);
}

TEST_CASE("what a hub has heard of sidecars does not travel on") {
  signals::Snapshot snapshot;
  signals::Metric metric = MetricOf({.name = "m"});
  metric.origin = std::make_shared<signals::Origin>();
  snapshot.metrics.push_back(metric);
  CHECK(PageOf(snapshot, {kStart, 5s}) ==
        "plimsoll_exported_page_timestamp_seconds 1.767225600123e+09\n");
}

TEST_CASE("a policy comes back as it was") {
  ExternalMetric policy{.name = "m"};
  policy.namespaces = {"a", "b-c"};
  policy.max_age = 1500ms;
  policy.hold = 2min;
  policy.then = ExternalMetric::Fallback{0.1 + 0.2, true};
  policy.when_empty = 7;
  policy.several = ExternalMetric::Several::kSum;
  policy.valid_min = 0;
  policy.valid_max = 1e15 / 3;
  policy.clamp_min = 1;
  policy.clamp_max = 1e6;
  policy.round = ExternalMetric::Round::kUp;
  signals::Metric metric = MetricOf(policy);
  metric.window = 60s;
  metric.reads_scraped = false;
  const auto back = ReadPolicy(PolicyLabels(metric));
  REQUIRE(back.has_value());
  const ExternalMetric& got = *back->metric;
  CHECK(back->window == 60s);
  CHECK_FALSE(back->reads_scraped);
  CHECK(got.name == policy.name);
  CHECK(got.namespaces == policy.namespaces);
  CHECK(got.max_age == policy.max_age);
  CHECK(got.hold == policy.hold);
  CHECK(got.then->value == policy.then->value);
  CHECK(got.then->exactly);
  CHECK(got.when_empty == policy.when_empty);
  CHECK(got.several == policy.several);
  CHECK(got.valid_min == policy.valid_min);
  CHECK(got.valid_max == policy.valid_max);
  CHECK(got.clamp_min == policy.clamp_min);
  CHECK(got.clamp_max == policy.clamp_max);
  CHECK(got.round == policy.round);
}

TEST_CASE("a page cannot ask for what a configuration could not") {
  const model::Labels good = PolicyLabels(MetricOf({.name = "m"}));
  REQUIRE(ReadPolicy(good).has_value());
  const auto with = [&](std::string_view name, std::string_view value) {
    return ReadPolicy(model::LabelsBuilder(good).Set(name, value).Build());
  };
  CHECK(with("metric", "M").error().message ==
        "label metric: \"M\" has an upper-case letter, and Kubernetes asks in lower case");
  CHECK(with("type", "Ratio").error().message ==
        "label type: expected one of AverageValue, Value, found \"Ratio\"");
  CHECK(with("valid_max", "1e300").error().message ==
        "label valid_max: expected a number that an HPA can be told, found \"1e300\"");
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"metric", ""},
                                                                  {"metric", "status"},
                                                                  {"max_age", ""},
                                                                  {"max_age", "-1s"},
                                                                  {"max_age", "9000000h"},
                                                                  {"hold", "x"},
                                                                  {"then", "-1"},
                                                                  {"when_empty", "NaN"},
                                                                  {"valid_min", "+Inf"},
                                                                  {"namespaces", "a,B"},
                                                                  {"namespaces", "*,a"},
                                                                  {"window", "-1"},
                                                                  {"several", "min"},
                                                                  {"round", ""}}) {
    CAPTURE(name);
    CAPTURE(value);
    CHECK_FALSE(with(name, value).has_value());
  }
  const auto held = model::LabelsBuilder(good).Set("type", "Value").Set("hold", "1m").Build();
  CHECK(ReadPolicy(held).error().message ==
        "when_stale: a metric of type Value is never held: the HPA multiplies it by the current "
        "replicas at every sync");
  CHECK(with("when_empty", "-1").error().message ==
        "when_empty: -1 lies outside of 'valid', 0 to 9.2e+15");
}

}  // namespace
}  // namespace plimsoll::hub
