// SPDX-License-Identifier: Apache-2.0
//
// What the simulated coordinator answers. Families stand in the order in which release 483 lists
// them.
//
// The optimizer's families carry no information; they are there because two thirds of a real page
// are such families, and all their summaries are NaN.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/format.h"
#include "demo/detail/trino_page.h"
#include "demo/simulated_trino.h"

namespace plimsoll::demo {
namespace {

constexpr double kGib = 1024.0 * 1024 * 1024;
constexpr std::string_view kOpenMetrics =
    "application/openmetrics-text;charset=utf-8;version=1.0.0";
constexpr std::string_view kPlain = "text/plain;charset=utf-8";

constexpr std::string_view kOptimizerRules[] = {
    "PruneSpatialJoinColumns", "EvaluateZeroSample",         "RemoveAggregationInSemiJoin",
    "PushLimitThroughUnion",   "PruneOrderByInWindow",       "MergeAdjacentWindows",
    "RemoveRedundantDistinct", "PushPredicateIntoTableScan",
};

http::Response Answer(int status, std::string_view content_type, std::string body) {
  http::Response response;
  response.status = status;
  response.content_type = content_type;
  response.headers = {{"Vary", "Accept-Encoding"}};
  response.body = std::move(body);
  return response;
}

// Trino accepts any name and asks for no password over plain HTTP, but it wants a name.
bool HasIdentity(const http::Request& request) {
  return !request.Header("X-Trino-User").empty() ||
         !request.Header("X-Trino-Original-User").empty() ||
         request.Header("Authorization").substr(0, 6) == "Basic ";
}

// The page exists as OpenMetrics only; text/plain does not match it, a wildcard does.
bool AcceptsOpenMetrics(std::string_view accept) {
  if (accept.empty()) return true;
  while (!accept.empty()) {
    const std::size_t comma = std::min(accept.find(','), accept.size());
    std::string_view range = accept.substr(0, comma);
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    range = range.substr(0, range.find(';'));
    const std::size_t begin = range.find_first_not_of(' ');
    const std::size_t end = range.find_last_not_of(' ');
    if (begin == std::string_view::npos) continue;
    range = range.substr(begin, end - begin + 1);
    if (range == "*/*" || range == "application/*" || range == "application/openmetrics-text")
      return true;
  }
  return false;
}

std::string Uptime(base::Time milliseconds) {
  const double seconds = static_cast<double>(milliseconds) / 1000;
  return seconds < 60 ? base::format("{:.2f}s", seconds) : base::format("{:.2f}m", seconds / 60);
}

}  // namespace

http::Response SimulatedTrino::Handle(const http::Request& request) const {
  if (!coordinator_up_) return Answer(503, kPlain, "the coordinator is down\n");
  if (request.method != "GET")
    return Answer(405, kPlain, "Error 405 Method Not Allowed: HTTP 405 Method Not Allowed");
  if (request.path == "/v1/info") return Answer(200, "application/json", StatusJson(true));
  if (request.path == "/v1/status") return Answer(200, "application/json", StatusJson(false));
  if (request.path != "/metrics")
    return Answer(404, kPlain, "Error 404 Not Found: HTTP 404 Not Found");
  if (!HasIdentity(request)) {
    http::Response response = Answer(
        401, kPlain, "Basic authentication or X-Trino-Original-User or X-Trino-User must be sent");
    response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"Trino\"");
    return response;
  }
  if (!AcceptsOpenMetrics(request.Header("Accept"))) return Answer(406, kPlain, "");
  std::vector<std::string> names;
  for (const auto& [key, value] : http::ParseQuery(request.raw_query)) {
    if (key == "name[]" || key == "name") names.push_back(value);
  }
  return Answer(200, kOpenMetrics, MetricsPage(names));
}

std::string SimulatedTrino::MetricsPage(const std::vector<std::string>& names) const {
  const TrinoCounts counts = Counts();
  const int active = CountSeen(Worker::State::kActive);
  const bool found_itself =
      now_ - coordinator_start_ >= options_.gauge_delay.count() || coordinator_start_ == start_;
  const double own = options_.coordinator_pool_gib * kGib;
  const double used = UsedGib() * kGib;
  const double total = found_itself ? own + PoolWorkers() * options_.worker_pool_gib * kGib : 0;
  base::Time oldest = now_;
  for (const Query& query : waiting_) oldest = std::min(oldest, query.submitted);

  detail::TrinoPage page(names);
  for (const std::string_view rule : kOptimizerRules) {
    const std::string family =
        base::format("trino_sql_planner_iterative_name_IterativeOptimizer_rule_{}", rule);
    page.EmptySummary(family + "_Time");
    page.Gauge(family + "_Hits", 0);
    page.Gauge(family + "_Failures", 0);
    page.Gauge(family + "_Invocations", static_cast<double>(submitted_));
  }
  page.Gauge("io_airlift_node_name_NodeInfo_StartTime", static_cast<double>(coordinator_start_));
  const std::string manager = "trino_execution_name_QueryManager_";
  page.Gauge(manager + "QueuedQueries", counts.queued);
  page.Counter(manager + "ConsumedCpuTimeSecs", static_cast<std::int64_t>(consumed_seconds_));
  page.Counter(manager + "CompletedQueries", completed_ + failed_ + cancelled_);
  page.Counter(manager + "CanceledQueries", cancelled_);
  page.Counter(manager + "AbandonedQueries", 0);
  page.Counter(manager + "StartedQueries", started_);
  page.EmptySummary(manager + "ExecutionTime_OneMinute");
  page.Counter(manager + "SubmittedQueries", submitted_);
  page.Counter(manager + "FailedQueries", failed_);
  page.EmptySummary(manager + "QueuedTime_OneMinute");
  page.Counter(manager + "InsufficientResourcesFailures", insufficient_);
  page.Gauge(manager + "RunningQueries", counts.running);
  page.Gauge(manager + "WaitingForResourcesMaxAgeInSeconds",
             static_cast<double>(now_ - oldest) / 1000);
  page.Gauge(manager + "WaitingForResourcesQueries", counts.waiting);
  page.Gauge(manager + "ProgressingQueries", blocked_since_ == 0 ? counts.running : 0);
  page.Gauge("trino_execution_name_ClusterSizeMonitor_RequiredWorkers", counts.required_workers);
  page.Gauge("trino_memory_type_MemoryPool_name_general_ReservedBytes", 0);
  page.Gauge("trino_memory_type_MemoryPool_name_general_ReservedRevocableBytes", 0);
  page.Gauge("trino_memory_type_MemoryPool_name_general_FreeBytes", own);
  page.Gauge("trino_memory_type_MemoryPool_name_general_MaxBytes", own);
  const std::string memory = "trino_memory_name_ClusterMemoryManager_";
  page.Gauge(memory + "NumberOfLeakedQueries", 0);
  page.Gauge(memory + "QueriesKilledDueToOutOfMemory", static_cast<double>(killed_for_memory_));
  page.Gauge(memory + "ClusterMemoryBytes", total);
  page.Gauge(memory + "TotalAvailableProcessors", 16.0 * (PoolWorkers() + 1));
  page.Gauge(memory + "TasksKilledDueToOutOfMemory", 0);
  page.Gauge(memory + "ClusterUserMemoryReservation", used);
  page.Gauge(memory + "ClusterTotalMemoryReservation", used);
  const std::string nodes = "trino_node_name_CoordinatorNodeManager_";
  page.Gauge(nodes + "InactiveNodeCount", 0);
  page.Gauge(nodes + "ActiveNodeCount", found_itself ? active + 1 : 0);
  page.Gauge(nodes + "ShuttingDownNodeCount", CountSeen(Worker::State::kShuttingDown));
  page.Gauge(nodes + "DrainedNodeCount", 0);
  page.Gauge(nodes + "ActiveWorkerCount", active);
  page.Gauge(nodes + "DrainingNodeCount", CountSeen(Worker::State::kDraining));
  const std::string pool = "trino_memory_type_ClusterMemoryPool_name_general_";
  page.Gauge(pool + "ReservedRevocableDistributedBytes", 0);
  page.Gauge(pool + "AssignedQueries", counts.running);
  page.Gauge(pool + "FreeDistributedBytes", total - used);
  page.Gauge(pool + "BlockedNodes", blocked_since_ == 0 ? 0 : PoolWorkers());
  page.Gauge(pool + "ReservedDistributedBytes", used);
  page.Gauge(pool + "Nodes", found_itself ? PoolWorkers() + 1 : 0);
  page.Gauge(pool + "TotalDistributedBytes", total);
  return std::move(page).Finish();
}

std::string SimulatedTrino::StatusJson(bool info) const {
  const std::string uptime = Uptime(now_ - coordinator_start_);
  if (info) {
    return base::format(
        R"({{"nodeId":"coordinator","state":"ACTIVE","nodeVersion":{{"version":"483"}},"environment":"demo",)"
        R"("coordinator":true,"coordinatorId":"plims","starting":false,"uptime":"{}"}})",
        uptime);
  }
  const auto pool = static_cast<std::int64_t>(options_.coordinator_pool_gib * kGib);
  return base::format(
      R"({{"nodeId":"coordinator","nodeVersion":{{"version":"483"}},"environment":"demo","coordinator":true,)"
      R"("uptime":"{}","externalAddress":"127.0.0.1","internalAddress":"127.0.0.1","memoryInfo":{{)"
      R"("availableProcessors":16,"pool":{{"maxBytes":{},"reservedBytes":0,"reservedRevocableBytes":0,)"
      R"("queryMemoryReservations":{{}},"queryMemoryAllocations":{{}},"taskMemoryReservations":{{}},)"
      R"("taskMemoryRevocableReservations":{{}},"freeBytes":{}}}}},"processors":16,"processCpuLoad":0.05,)"
      R"("systemCpuLoad":0.1,"heapUsed":117435544,"heapAvailable":1073741824,"nonHeapUsed":153918056}})",
      uptime, pool, pool);
}

}  // namespace plimsoll::demo
