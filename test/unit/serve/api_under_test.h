// SPDX-License-Identifier: Apache-2.0
//
// The query API over a small storage and one target, for tests of its bodies.
//
// Threads: belongs to one thread.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/prometheus_api.h"
#include "support/fake_clock.h"
#include "support/memory_querier.h"

namespace plimsoll::serve {

constexpr base::Time kStart = 1'767'225'600'000;  // 2026-01-01T00:00:00Z

class OneTarget final : public StatusSource {
 public:
  TargetsStatus Targets() const override {
    TargetsStatus status;
    status.active.push_back({.discovered_labels = {{"__address__", "127.0.0.1:1"}, {"job", "dead"}},
                             .labels = {{"instance", "127.0.0.1:1"}, {"job", "dead"}},
                             .scrape_pool = "dead",
                             .scrape_url = "http://127.0.0.1:1/metrics",
                             .last_error = "Get \"http://127.0.0.1:1/metrics\": connection refused",
                             .last_scrape = kStart + 461,
                             .last_scrape_duration = 0.000786214,
                             .health = TargetStatus::Health::kDown,
                             .scrape_interval = "2s",
                             .scrape_timeout = "2s"});
    status.dropped.push_back(
        {.discovered_labels = {{"__address__", "dropped:1"}}, .scrape_pool = "dead"});
    status.dropped_counts = {{"dead", 1}};
    return status;
  }
  std::vector<RuleGroupStatus> RuleGroups() const override {
    RuleGroupStatus first{.name = "g<1>", .file = "a.yml", .interval = 2, .evaluation_time = 0.5};
    first.rules.push_back({.name = "job:up:sum", .query = "sum by (job) (up)", .health = "ok"});
    first.rules.push_back({.name = "bad",
                           .query = "up * on () up",
                           .labels = {{"team", "a<b>"}},
                           .health = "err",
                           .last_error = "twice"});
    RuleGroupStatus second{
        .name = "g2", .file = "b.yml", .interval = 5, .limit = 3, .last_evaluation = kStart};
    second.rules.push_back(
        {.name = "x", .query = "vector(1)", .health = "ok", .last_evaluation = kStart});
    second.rules.push_back({.type = RuleStatus::Type::kAlerting,
                            .name = "Down",
                            .query = "up == 0",
                            .labels = {{"s", "page"}},
                            .last_error = "not supported",
                            .annotations = {{"summary", "down"}},
                            .duration = 300,
                            .keep_firing_for = 60});
    return {first, second};
  }
  std::map<std::string, PoolMetadata> Metadata() const override {
    return {{"dead",
             {{"go_goroutines", {model::MetricType::kGauge, "Number of goroutines.", ""}},
              {"up_total", {model::MetricType::kCounter, "A", ""}}}},
            {"other", {{"up_total", {model::MetricType::kUnknown, "B", "s"}}}}};
  }
  std::vector<TargetMetadata> MetadataOfTargets() const override {
    static const std::map<std::string, PoolMetadata> kAll = OneTarget().Metadata();
    TargetMetadata target({{"instance", "127.0.0.1:1"}, {"job", "dead"}}, "dead", nullptr);
    for (const auto& [name, entry] : kAll.at("dead")) target.families.emplace(name, &entry);
    return {target};
  }
  ProcessStatus Process() const override {
    return {.start_time = kStart,
            .working_directory = "/",
            .hostname = "h",
            .last_config_time = kStart,
            .threads = 7,
            .processors = 2,
            .storage_retention = "15m"};
  }
  std::string ConfigYaml() const override { return "global: {}\n"; }
  std::optional<std::string> PoolYaml(std::string_view pool) const override {
    if (pool != "dead") return std::nullopt;
    return "job_name: dead\n";
  }
  std::map<std::string, std::string> Flags() const override {
    return {{"config.file", "a.yml"}, {"web.cors.origin", ".*"}};
  }
  model::Labels ExternalLabels() const override { return {{"site", "s"}}; }
};

struct Api {
  test::MemoryStorage storage;
  OneTarget status;
  test::FakeClock clock{kStart};
  telemetry::Telemetry telemetry;
  PrometheusApi::Options options{.build = {.revision = "0.1.0"}};
  http::Request request;

  Api() {
    for (const char* job : {"a", "b"}) {
      for (int i = 0; i <= 2; ++i) {
        storage.Add({{"__name__", "up"}, {"job", job}}, kStart - 30'000 + i * 15'000, i);
      }
    }
    storage.Add({{"__name__", "go<info>"}, {"version", "é<1>"}}, kStart, 1);
  }
  http::Response Ask(std::string method, std::string target) {
    const PrometheusApi api(storage, status, clock, &telemetry, options);
    const std::size_t question = target.find('?');
    request.method = std::move(method);
    const std::string prefix = target.starts_with("/federate") ? "" : "/api/v1";
    request.raw_path = request.path = prefix + target.substr(0, question);
    request.raw_query = question == std::string::npos ? "" : target.substr(question + 1);
    http::Response response = api.Handle(request);
    CHECK((response.Body().empty() || !response.content_type.empty()));
    return response;
  }
  // "200 {...}"
  std::string Get(std::string target) {
    const http::Response response = Ask("GET", std::move(target));
    return std::to_string(response.status) + " " + response.body;
  }
};

inline std::string Bad(std::string_view message) {
  return R"(400 {"status":"error","errorType":"bad_data","error":")" + std::string(message) + "\"}";
}
inline std::string Good(std::string_view data) {
  return R"(200 {"status":"success","data":)" + std::string(data) + "}";
}

}  // namespace plimsoll::serve
