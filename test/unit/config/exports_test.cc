// SPDX-License-Identifier: Apache-2.0
//
// params, signals and external_metrics: what may leave, and under which policy.
#include <doctest/doctest.h>

#include "unit/config/loading.h"

using namespace plimsoll;
using namespace plimsoll::config;
using namespace std::chrono_literals;

namespace {

std::string MetricErrors(std::string_view fields) {
  return test::ErrorsOf("external_metrics:\n- {name: m, query: q, " + std::string(fields) + "}\n");
}
ExternalMetric Metric(std::string_view fields) {
  return test::LoadGood("external_metrics:\n- {name: m, query: q, " + std::string(fields) + "}\n")
      ->external_metrics.at(0);
}
std::string QueryErrors(std::string_view query) {
  return test::ErrorsOf("external_metrics:\n- name: m\n  query: " + std::string(query) + "\n");
}

}  // namespace

TEST_CASE("an external metric is cautious unless told otherwise") {
  const ExternalMetric metric = Metric("");
  CHECK(metric.type == ExternalMetric::Type::kAverageValue);
  CHECK(metric.namespaces.empty());
  CHECK(metric.max_age == 90s);
  CHECK(metric.hold == 0ms);
  CHECK_FALSE(metric.then);
  CHECK_FALSE(metric.when_empty);
  CHECK(metric.several == ExternalMetric::Several::kError);
  CHECK(metric.valid_min == 0);
  CHECK(metric.valid_max == 9.2e15);
  CHECK(metric.round == ExternalMetric::Round::kNearest);
  CHECK(metric.where.line == 2);
}

TEST_CASE("every policy can be written") {
  const ExternalMetric metric = Metric(
      "namespaces: [a, b-1], max_age: 30s, when_stale: {hold: 2m, then: {exactly: 8}}, when_empty: "
      "0, several: sum, "
      "valid: {min: -1, max: 100}, clamp: {min: 1}, round: up");
  CHECK(metric.namespaces == std::vector<std::string>{"a", "b-1"});
  CHECK(metric.max_age == 30s);
  CHECK(metric.hold == 2min);
  REQUIRE(metric.then);
  CHECK(metric.then->exactly);
  CHECK(metric.then->value == 8);
  CHECK(metric.when_empty == 0.0);
  CHECK(metric.several == ExternalMetric::Several::kSum);
  CHECK(metric.valid_min == -1);
  CHECK(metric.clamp_min == 1.0);
  CHECK_FALSE(metric.clamp_max);
  CHECK(metric.round == ExternalMetric::Round::kUp);
  CHECK_FALSE(Metric("when_stale: {then: 8}").then->exactly);
  CHECK_FALSE(Metric("when_stale: error, when_empty: error").then);
}

TEST_CASE("a Value metric is never held") {
  const std::string text =
      "'when_stale': a metric of type Value is never held: the HPA multiplies it by the current "
      "replicas at every sync";
  CHECK(MetricErrors("type: Value, when_stale: {hold: 1m}") == "f:2:48: " + text);
  CHECK(MetricErrors("type: Value, when_stale: {then: 1}") == "f:2:48: " + text);
  CHECK(MetricErrors("type: Value, when_stale: {then: {exactly: 1}}") == "f:2:48: " + text);
  CHECK(MetricErrors("type: Value, when_stale: {hold: 0s}").empty());
}

TEST_CASE("a name is one that client-go can ask for") {
  const auto errors = [](std::string_view name) {
    return test::ErrorsOf("external_metrics: [{query: q, name: " + std::string(name) + "}]");
  };
  for (const char* good :
       {"a", "trino-workers_wanted", "s0-prometheus", "a.b", "a:b", "datadogmetric@x:y"}) {
    CHECK(errors("'" + std::string(good) + "'").empty());
  }
  CHECK(errors("Trino") ==
        "f:1:37: 'name': \"Trino\" has an upper-case letter, and Kubernetes asks in lower case");
  CHECK(errors("status") ==
        "f:1:37: 'name': the API server reads 'status' as a subresource, so no metric can have "
        "this name");
  CHECK(errors("finalize") ==
        "f:1:37: 'name': the API server reads 'finalize' as a subresource, so no metric can have "
        "this name");
  for (const char* bad : {"a/b", "a%b", "a b", "a?b", "a#b", "\xC3\xA4"}) {
    CHECK(errors("'" + std::string(bad) + "'") ==
          "f:1:37: 'name': \"" + std::string(bad) +
              "\" cannot be asked for in a URL: no '/', '%', '?', '#', '\\', blanks or non-ASCII "
              "letters");
  }
  for (const char* bad : {"'.'", "'..'"}) {
    CHECK(errors(bad) == "f:1:37: 'name': '.' and '..' cannot be asked for in a URL");
  }
  CHECK(errors("''") == "f:1:37: 'name': an external metric needs a name");
  CHECK(errors(std::string(253, 'a')).empty());
  CHECK(errors(std::string(254, 'a')) == "f:1:37: 'name': the name is longer than 253 bytes");
}

TEST_CASE("a name is unique in each namespace") {
  const auto errors = [](std::string_view first, std::string_view second) {
    return test::ErrorsOf("external_metrics:\n- {name: m, query: q" + std::string(first) +
                          "}\n- {name: m, query: q" + std::string(second) + "}\n");
  };
  CHECK(errors("", "") == "f:3:3: external metric \"m\" is defined twice, first in line 2");
  CHECK(errors(", namespaces: [a]", ", namespaces: [b]").empty());
  CHECK(errors(", namespaces: [a, b]", ", namespaces: [c, b]") ==
        "f:3:3: external metric \"m\" is defined twice for namespace \"b\", first in line 2");
  CHECK(errors(", namespaces: ['*']", ", namespaces: [c]") ==
        "f:3:3: external metric \"m\" is defined twice for namespace \"c\", first in line 2");
  CHECK(errors(", namespaces: [c]", ", namespaces: ['*']") ==
        "f:3:3: external metric \"m\" is defined twice, first in line 2");
  CHECK(errors("", ", namespaces: ['*']") ==
        "f:3:3: external metric \"m\" is defined twice, first in line 2");
  CHECK(errors("", ", namespaces: [c]").empty());
}

TEST_CASE("namespaces have names") {
  CHECK(MetricErrors("namespaces: ['*', a]") ==
        "f:2:36: 'namespaces': \"*\" means all and stands alone");
  CHECK(MetricErrors("namespaces: [A]") == "f:2:36: 'namespaces': \"A\" is not a namespace's name");
  CHECK(MetricErrors("namespaces: [a, a]") == "f:2:39: 'namespaces': \"a\" is listed twice");
}

TEST_CASE("numbers are such that an HPA reads them right") {
  CHECK(MetricErrors("valid: {max: 9.2e15}").empty());
  CHECK(MetricErrors("valid: {max: 9.3e15}") ==
        "f:2:36: 'max': expected a number between -9.2e+15 and 9.2e+15, found 9.3e+15");
  CHECK(MetricErrors("valid: {min: .nan}") ==
        "f:2:36: 'min': expected a number between -9.2e+15 and 9.2e+15, found NaN");
  CHECK(MetricErrors("valid: {min: 2, max: 1}") == "f:2:30: 'valid': min 2 is above max 1");
  CHECK(MetricErrors("clamp: {min: 2, max: 1}") == "f:2:30: 'clamp': min 2 is above max 1");
  CHECK(MetricErrors("when_empty: -1") ==
        "f:2:35: 'when_empty': -1 lies outside of 'valid', 0 to 9.2e+15");
  CHECK(MetricErrors("valid: {max: 5}, when_stale: {then: 8}") ==
        "f:2:52: 'when_stale': then: 8 lies outside of 'valid', 0 to 5");
  CHECK(MetricErrors("when_empty: zero") ==
        "f:2:35: 'when_empty': expected 'error' or a number, found the text \"zero\"");
  CHECK(MetricErrors("when_stale: hold") ==
        "f:2:35: 'when_stale': expected 'error' or a mapping with hold and then, found the text "
        "\"hold\"");
  CHECK(MetricErrors("when_stale: {then: {}}") ==
        "f:2:42: 'then': expected a number, or {exactly: number}");
  CHECK(MetricErrors("max_age: 0s") ==
        "f:2:32: 'max_age': expected a duration above zero, found 0");
}

TEST_CASE("a query is parsed, and its errors point into the file") {
  CHECK(QueryErrors("sum(rate(x[1m]))").empty());
  CHECK(QueryErrors("time()").empty());
  CHECK(QueryErrors("''") == "f:3:10: an external metric needs a query");
  CHECK(QueryErrors("\"x[5m]\"") ==
        "f:3:10: 'query': expected an instant vector or a scalar, found a range vector");
  CHECK(QueryErrors("sum(x").starts_with("f:3:15: 'query': parse error: "));
  CHECK(QueryErrors("'sum(x'").starts_with("f:3:16: 'query': parse error: "));
  CHECK(QueryErrors("|\n    sum(\n      x y\n    )").starts_with("f:5:9: 'query': parse error: "));
}

TEST_CASE("signals have metric names of their own") {
  const auto config = test::LoadGood(
      "signals:\n- {name: trino_idle, help: Idle., type: gauge}\n- {name: a_total, type: counter, "
      "unit: seconds}\n");
  CHECK(config->signals[0].help == "Idle.");
  CHECK(config->signals[1].type == model::MetricType::kCounter);
  CHECK(config->signals[1].unit == "seconds");
  CHECK(test::ErrorsOf("signals: [{name: a-b}]") ==
        "f:1:18: 'name': expected a metric name, found \"a-b\"");
  CHECK(test::ErrorsOf("signals: [{help: x}]") ==
        "f:1:11: 'name': expected a metric name, found \"\"");
  CHECK(test::ErrorsOf("signals: [{name: plimsoll_x}]") ==
        "f:1:18: 'name': names that begin with plimsoll_ are those of plimsoll's own metrics");
  CHECK(test::ErrorsOf("signals:\n- name: a\n- name: a\n") ==
        "f:3:3: signal a is defined twice, first in line 2");
  CHECK(test::ErrorsOf("signals: [{name: a, type: histogram}]") ==
        "f:1:27: 'type': expected one of gauge, counter, unknown, found the text \"histogram\"");
}

TEST_CASE("parameters are finite numbers") {
  const auto config = test::LoadGood("params: {a: 1, b: -2.5e3}");
  CHECK(config->params == std::vector<std::pair<std::string, double>>{{"a", 1}, {"b", -2500}});
  CHECK(test::ErrorsOf("params: {a: .inf}") == "f:1:13: 'a': expected a finite number, found +Inf");
  CHECK(test::ErrorsOf("params: {a: }") == "f:1:10: 'a': expected a number, found nothing");
}

TEST_CASE("bounds of the process are above zero") {
  const auto config = test::LoadGood(
      "tick: {deadline: 2s}\nstorage: {max_window: 1h}\nlimits: {max_series: 5, max_bytes: 1MB}\n");
  CHECK(config->tick_deadline == 2s);
  CHECK(config->max_window == 1h);
  CHECK(config->limits.max_series == 5);
  CHECK(config->limits.max_bytes == 1U << 20);
  CHECK(test::ErrorsOf("tick: {deadline: 0s}") ==
        "f:1:18: 'deadline': expected a duration above zero, found 0");
  CHECK(test::ErrorsOf("storage: {max_window: 0s}") ==
        "f:1:23: 'max_window': expected a duration above zero, found 0");
  CHECK(test::ErrorsOf("limits: {max_series: 0}") ==
        "f:1:22: 'max_series': expected more than zero");
}
