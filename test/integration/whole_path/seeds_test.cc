// SPDX-License-Identifier: Apache-2.0
//
// The queries with which others scale Trino, as they wrote them but for the job, over recorded
// pages of a JMX agent: as external metrics they give what Prometheus would give, and unlike there
// they end when the coordinator does.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "integration/whole_path/faces.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using namespace std::chrono_literals;

namespace {

const std::string kUrl = "http://coordinator:9483/metrics";

const std::string kConfig = R"(
global: {scrape_interval: 15s}
rule_files: ["pack:trino/*.rules.yml"]
params: {trino_target_free_gib: 100, trino_queries_per_worker: 1, trino_fault_tolerant: 0}
scrape_configs:
- job_name: trino-coordinator
  static_configs: [{targets: ['coordinator:9483'], labels: {service: trino}}]
external_metrics:
# A ScaledObject of BestSecret.
- name: memory_pressure_index
  type: Value
  query: 1 / (sum by (job) ((avg_over_time(trino_memory_MemoryPool_MaxBytes{job="trino-coordinator"}[1m]) - avg_over_time(trino_memory_MemoryPool_ReservedBytes{job="trino-coordinator"}[1m])) / 1024 / 1024 / 1024))
- name: queued_queries
  type: Value
  query: sum by (job) (avg_over_time(trino_execution_QueryManager_QueuedQueries{job="trino-coordinator"}[1m]))
# Data on EKS: two triggers of today, three of an earlier one.
- name: trino_queued_queries
  query: |
    sum(trino_execution_QueryManager_QueuedQueries{job="trino-coordinator"})
- name: trino_running_queries
  query: |
    sum(trino_execution_QueryManager_RunningQueries{job="trino-coordinator"})
- name: eks_queued_queries
  query: sum by (service) (avg_over_time(trino_execution_QueryManager_QueuedQueries{service="trino"}[30s]))
- name: eks_active_queries
  query: sum by (service) (avg_over_time(trino_execution_QueryManager_RunningQueries{service="trino"}[30s]))
- name: eks_required_workers
  type: Value
  query: sum by (service) (avg_over_time(trino_execution_ClusterSizeMonitor_RequiredWorkers{service="trino"}[30s]))
# What keeps a number alive in Prometheus for as long as nobody looks.
- {name: peak, query: 'max_over_time(trino_queued[10m])', max_age: 90s}
- {name: or_zero, query: sum(trino_queued) or vector(0), max_age: 90s}
)";

struct Cluster : test::Faces {
  Cluster() : Faces(test::ConfigOf(kConfig)) {}
  // What the coordinator says from the next scrape on.
  void Say(const std::string& state) {
    std::ifstream in(
        PLIMSOLL_SOURCE_ROOT "/test/fixtures/trino-435/" + state + "/jmx-agent-filtered.prom",
        std::ios::binary);
    REQUIRE(in.good());
    path.targets.Serve(kUrl, {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()},
                       "text/plain; version=0.0.4; charset=utf-8");
  }
  void Die() {
    path.targets.Fail(kUrl, base::Error{base::Error::Kind::kUnavailable,
                                        "Get \"" + kUrl + "\": connect: connection refused"});
  }
};

}  // namespace

TEST_CASE("the queries of others give what their arithmetic says") {
  Cluster trino;
  trino.Say("06-running-1w");  // 2 run, none is queued, 824 MiB of the coordinator's pool are free
  trino.path.Run(60s);
  CHECK(trino.Read("memory_pressure_index") == "1243m");  // 1 / (824 / 1024) = 1.24271...
  CHECK(trino.Read("queued_queries") == "0");
  CHECK(trino.Read("trino_queued_queries") == "0");
  CHECK(trino.Read("trino_running_queries") == "2");
  CHECK(trino.Read("eks_active_queries") == "2");
  CHECK(trino.Read("eks_required_workers") == "0");

  // Three more are queued. A minute holds four scrapes and half a minute two.
  trino.Say("07-queued-1w");
  for (const auto& [minute, half] :
       {std::pair("750m", "1500m"), {"1500m", "3"}, {"2250m", "3"}, {"3", "3"}, {"3", "3"}}) {
    trino.path.Run(15s);
    CHECK(trino.Read("queued_queries") == minute);
    CHECK(trino.Read("eks_queued_queries") == half);
    CHECK(trino.Read("trino_queued_queries") == "3");
    CHECK(trino.Read("trino_running_queries") == "2");
  }
}

TEST_CASE("the query API gives the same numbers in full") {
  Cluster trino;
  trino.Say("06-running-1w");
  trino.path.Run(60s);
  const std::string query = trino.path.loop.plan().config->external_metrics.at(0).query;
  CHECK(trino.Query(query).body ==
        R"({"status":"success","data":{"resultType":"vector","result":[)"
        R"({"metric":{"job":"trino-coordinator"},"value":[)" +
            std::to_string(trino.path.clock.Now() / 1000) + "." +
            std::to_string(1000 + trino.path.clock.Now() % 1000).substr(1) +
            R"(,"1.2427184466019416"]}]}})");
}

TEST_CASE("a peak and an `or vector(0)` end ninety seconds after the coordinator") {
  Cluster trino;
  trino.Say("07-queued-1w");
  trino.path.Run(60s);
  CHECK(trino.Read("peak") == "3");
  CHECK(trino.Read("or_zero") == "3");

  trino.Die();  // the last page is of now
  trino.path.Run(90s);
  CHECK(trino.Read("peak") == "3");
  CHECK(trino.Read("or_zero") == "3");
  trino.path.clock.Advance(1ms);
  // Both queries still give numbers, 3 and 0: the first of old samples, the second of none.
  CHECK(trino.Read("peak") == "503 stale");
  CHECK(trino.Read("or_zero") == "503 empty");
  for (int slot = 0; slot < 60; ++slot) {
    trino.path.Run(15s);
    CHECK(trino.Read("peak") == (slot < 33 ? "503 stale" : "503 empty"));
    CHECK(trino.Read("or_zero") == "503 empty");
  }
}

TEST_CASE("the boundary is the same when no tick comes any more") {
  Cluster trino;
  trino.Say("07-queued-1w");
  trino.path.Run(60s);
  trino.path.clock.Advance(90s);
  CHECK(trino.Read("peak") == "3");
  CHECK(trino.Read("or_zero") == "3");
  trino.path.clock.Advance(1ms);
  CHECK(trino.Read("peak") == "503 stale");
  CHECK(trino.Read("or_zero") == "503 stale");
}

TEST_CASE("a coordinator that comes back is believed at its first page") {
  Cluster trino;
  trino.Say("07-queued-1w");
  trino.path.Run(60s);
  trino.Die();
  trino.path.Run(5min);
  CHECK(trino.Read("or_zero") == "503 empty");
  trino.Say("06-running-1w");
  trino.path.Run(15s);
  CHECK(trino.Read("or_zero") == "0");
  CHECK(trino.Read("peak") == "3");
}
