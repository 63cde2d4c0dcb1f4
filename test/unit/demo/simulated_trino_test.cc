// SPDX-License-Identifier: Apache-2.0
//
// The cluster under hand-made load: no query arrives by itself unless a case says so.
#include "demo/simulated_trino.h"

#include <charconv>
#include <optional>
#include <string>

#include "doctest/doctest.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using demo::SimulatedTrino;
using demo::TrinoOptions;

namespace {

constexpr base::Time kStart = 1'700'000'000'000;
constexpr base::Time kSecond = 1000;

TrinoOptions Quiet(int workers) {
  TrinoOptions options;
  options.load.period = demo::milliseconds(0);
  options.workers = workers;
  return options;
}

http::Request Scrape() {
  http::Request request;
  request.path = "/metrics";
  request.headers = {{"x-trino-user", "test"},
                     {"Accept", "application/openmetrics-text;version=1.0.0"}};
  return request;
}

// The value on the page's line of this name.
std::optional<double> Read(const SimulatedTrino& trino, const std::string& name) {
  const std::string page(trino.Handle(Scrape()).Body());
  const std::size_t at = page.find("\n" + name + " ");
  if (at == std::string::npos) return std::nullopt;
  double value = 0;
  std::from_chars(page.data() + at + name.size() + 2, page.data() + page.size(), value);
  return value;
}

const std::string kManager = "trino_execution_name_QueryManager_";
const std::string kNodes = "trino_node_name_CoordinatorNodeManager_";
const std::string kPool = "trino_memory_type_ClusterMemoryPool_name_general_";

}  // namespace

TEST_CASE("queries above the concurrency limit queue") {
  TrinoOptions options = Quiet(2);
  options.concurrency_limit = 4;
  SimulatedTrino trino(options, kStart);
  for (int i = 0; i < 7; ++i) trino.Submit(100, 1);
  trino.AdvanceTo(kStart + kSecond);
  CHECK(Read(trino, kManager + "RunningQueries") == 4);
  CHECK(Read(trino, kManager + "QueuedQueries") == 3);
  CHECK(Read(trino, kManager + "SubmittedQueries") == 7);
  CHECK(Read(trino, kManager + "StartedQueries") == 4);
}

TEST_CASE("without workers queries wait, which is neither queued nor running") {
  SimulatedTrino trino(Quiet(0), kStart);
  trino.Submit(10, 1);
  trino.Submit(10, 1, 3);
  trino.AdvanceTo(kStart + 4 * kSecond);
  CHECK(Read(trino, kManager + "QueuedQueries") == 0);
  CHECK(Read(trino, kManager + "RunningQueries") == 0);
  CHECK(Read(trino, kManager + "WaitingForResourcesQueries") == 2);
  CHECK(Read(trino, kManager + "WaitingForResourcesMaxAgeInSeconds") == 4);
  CHECK(Read(trino, "trino_execution_name_ClusterSizeMonitor_RequiredWorkers") == 3);
  CHECK(Read(trino, kNodes + "ActiveNodeCount") == 1);
}

TEST_CASE("a query waits for workers no longer than its limit") {
  SimulatedTrino trino(Quiet(0), kStart);
  trino.Submit(10, 1);
  trino.AdvanceTo(kStart + 301 * kSecond);
  CHECK(trino.Counts().waiting == 0);
  CHECK(Read(trino, kManager + "InsufficientResourcesFailures") == 1);
}

TEST_CASE("a started worker takes the waiting query when the coordinator has seen it") {
  SimulatedTrino trino(Quiet(0), kStart);
  trino.Submit(1000, 1);
  trino.SetReplicas(1);
  trino.AdvanceTo(kStart + 24 * kSecond);  // ready at 20 s, seen 5 s later
  CHECK(trino.Counts().workers_active == 1);
  CHECK(Read(trino, kNodes + "ActiveWorkerCount") == 0);
  CHECK(trino.Counts().waiting == 1);
  trino.AdvanceTo(kStart + 26 * kSecond);
  CHECK(Read(trino, kNodes + "ActiveWorkerCount") == 1);
  CHECK(trino.Counts().running == 1);
}

TEST_CASE("more workers finish the same work sooner, up to what one query can use") {
  for (const auto& [workers, seconds] :
       {std::pair(1, 40), std::pair(2, 20), std::pair(4, 10), std::pair(8, 10)}) {
    CAPTURE(workers);
    SimulatedTrino trino(Quiet(workers), kStart);
    trino.Submit(40, 1);
    trino.AdvanceTo(kStart + (seconds - 1) * kSecond);
    CHECK(trino.Counts().running == 1);
    trino.AdvanceTo(kStart + (seconds + 1) * kSecond);
    CHECK(trino.Counts().completed == 1);
  }
}

TEST_CASE("the pool counts the coordinator's own memory, which is never used") {
  SimulatedTrino trino(Quiet(2), kStart);
  trino.Submit(1000, 28);
  trino.AdvanceTo(kStart + kSecond);
  constexpr double kGib = 1024.0 * 1024 * 1024;
  CHECK(Read(trino, kPool + "Nodes") == 3);
  CHECK(Read(trino, kPool + "TotalDistributedBytes") == (8 + 2 * 64) * kGib);
  CHECK(Read(trino, kPool + "FreeDistributedBytes") == (8 + 2 * 64 - 28) * kGib);
  CHECK(Read(trino, "trino_memory_type_MemoryPool_name_general_FreeBytes") == 8 * kGib);
  CHECK(trino.Counts().free_gib == 100);
}

TEST_CASE("a pool that is too small blocks nodes and then kills the largest query") {
  SimulatedTrino trino(Quiet(1), kStart);
  trino.Submit(1000, 30);
  trino.Submit(1000, 40);
  trino.AdvanceTo(kStart + 2 * kSecond);
  CHECK(Read(trino, kPool + "BlockedNodes") == 1);
  CHECK(Read(trino, kManager + "RunningQueries") == 2);
  CHECK(Read(trino, kManager + "ProgressingQueries") == 0);
  CHECK(trino.Counts().free_gib == -6);
  trino.AdvanceTo(kStart + 8 * kSecond);
  CHECK(Read(trino, "trino_memory_name_ClusterMemoryManager_QueriesKilledDueToOutOfMemory") == 1);
  CHECK(Read(trino, kPool + "BlockedNodes") == 0);
  CHECK(trino.Counts().free_gib == 34);
}

TEST_CASE("fewer replicas shut the youngest workers down, which are seen to leave") {
  SimulatedTrino trino(Quiet(3), kStart);
  trino.SetReplicas(1);
  trino.AdvanceTo(kStart + 4 * kSecond);
  CHECK(Read(trino, kNodes + "ShuttingDownNodeCount") == 0);  // trails
  CHECK(Read(trino, kNodes + "ActiveWorkerCount") == 3);
  trino.AdvanceTo(kStart + 6 * kSecond);
  CHECK(Read(trino, kNodes + "ShuttingDownNodeCount") == 2);
  CHECK(Read(trino, kNodes + "ActiveWorkerCount") == 1);
  CHECK(Read(trino, kPool + "Nodes") == 4);
  trino.AdvanceTo(kStart + 20 * kSecond);
  CHECK(Read(trino, kNodes + "ShuttingDownNodeCount") == 0);
  CHECK(Read(trino, kPool + "Nodes") == 2);
}

TEST_CASE("a draining worker stays in the pool and can be revived") {
  SimulatedTrino trino(Quiet(2), kStart);
  CHECK(trino.DrainWorker());
  trino.AdvanceTo(kStart + 10 * kSecond);
  CHECK(Read(trino, kNodes + "DrainingNodeCount") == 1);
  CHECK(Read(trino, kNodes + "ActiveWorkerCount") == 1);
  CHECK(Read(trino, kPool + "Nodes") == 3);
  CHECK(trino.ReviveWorker());
  CHECK_FALSE(trino.ReviveWorker());
  trino.AdvanceTo(kStart + 20 * kSecond);
  CHECK(Read(trino, kNodes + "DrainingNodeCount") == 0);
  CHECK(Read(trino, kNodes + "ActiveWorkerCount") == 2);
}

TEST_CASE("a killed worker is missed later, and the Deployment replaces it") {
  SimulatedTrino trino(Quiet(2), kStart);
  CHECK(trino.KillWorker());
  trino.AdvanceTo(kStart + 3 * kSecond);
  CHECK(trino.Counts().workers_active == 1);
  CHECK(Read(trino, kNodes + "ActiveWorkerCount") == 2);
  trino.AdvanceTo(kStart + 10 * kSecond);
  CHECK(Read(trino, kNodes + "ActiveWorkerCount") == 1);
  trino.SetReplicas(2);
  CHECK(trino.Counts().workers_starting == 1);
  CHECK_FALSE(SimulatedTrino(Quiet(0), kStart).KillWorker());
}

TEST_CASE("a coordinator that restarts knows nothing for a while") {
  SimulatedTrino trino(Quiet(2), kStart);
  trino.Submit(1000, 1);
  trino.AdvanceTo(kStart + 10 * kSecond);
  trino.SetCoordinatorUp(false);
  CHECK(trino.Handle(Scrape()).status == 503);
  trino.AdvanceTo(kStart + 20 * kSecond);
  trino.SetCoordinatorUp(true);
  trino.AdvanceTo(kStart + 21 * kSecond);
  CHECK(Read(trino, kManager + "SubmittedQueries") == 0);
  CHECK(Read(trino, kPool + "Nodes") == 0);
  CHECK(Read(trino, kPool + "TotalDistributedBytes") == 0);
  CHECK(Read(trino, "io_airlift_node_name_NodeInfo_StartTime") == kStart + 20 * kSecond);
  trino.AdvanceTo(kStart + 30 * kSecond);
  CHECK(Read(trino, kPool + "Nodes") == 3);
}

TEST_CASE("load rises and falls, the same in every run and however often it is asked") {
  TrinoOptions options;
  options.workers = 8;
  SimulatedTrino once(options, kStart);
  SimulatedTrino often(options, kStart);
  for (int minute = 1; minute <= 10; ++minute) {
    once.AdvanceTo(kStart + minute * 60 * kSecond);
    for (base::Time t = often.Now(); t <= kStart + minute * 60 * kSecond; t += 137)
      often.AdvanceTo(t);
    often.AdvanceTo(kStart + minute * 60 * kSecond);
    CHECK(once.Handle(Scrape()).Body() == often.Handle(Scrape()).Body());
  }
  // 10 minutes at (2 + 20) / 2 a minute.
  CHECK(once.Counts().submitted >= 109);
  CHECK(once.Counts().submitted <= 110);
}

TEST_CASE("a flood of queries fails at the bound") {
  TrinoOptions options = Quiet(1);
  options.max_queries = 3;
  SimulatedTrino trino(options, kStart);
  for (int i = 0; i < 5; ++i) trino.Submit(100, 1);
  CHECK(trino.Counts().queued == 3);
  CHECK(trino.Counts().failed == 2);
  trino.CancelAll();
  trino.AdvanceTo(kStart + kSecond);
  CHECK(Read(trino, kManager + "CanceledQueries") == 3);
}

TEST_CASE("the page wants an identity and an Accept that allows OpenMetrics") {
  const SimulatedTrino trino(Quiet(1), kStart);
  http::Request request = Scrape();
  CHECK(trino.Handle(request).status == 200);
  CHECK(trino.Handle(request).content_type ==
        "application/openmetrics-text;charset=utf-8;version=1.0.0");

  request.headers = {{"Accept", "*/*"}};
  CHECK(trino.Handle(request).status == 401);
  CHECK(trino.Handle(request).Body() ==
        "Basic authentication or X-Trino-Original-User or X-Trino-User must be sent");
  request.headers = {{"Authorization", "Basic Ym9iOg=="}};
  CHECK(trino.Handle(request).status == 200);

  const auto with_accept = [&](const char* accept) {
    http::Request asked = Scrape();
    asked.headers = {{"X-Trino-User", "test"}, {"Accept", accept}};
    return trino.Handle(asked).status;
  };
  CHECK(with_accept("text/plain") == 406);
  CHECK(with_accept("text/plain;version=0.0.4;q=0.5, */*;q=0.1") == 200);
  CHECK(with_accept("text/plain, application/openmetrics-text;version=1.0.0;q=0.7") == 200);
}

TEST_CASE("families are filtered by name, and unknown names leave only the end mark") {
  const SimulatedTrino trino(Quiet(1), kStart);
  http::Request request = Scrape();
  request.raw_query = "name%5B%5D=trino_execution_name_QueryManager_QueuedQueries&name[]=nothing";
  CHECK(trino.Handle(request).Body() ==
        "# TYPE trino_execution_name_QueryManager_QueuedQueries gauge\n"
        "trino_execution_name_QueryManager_QueuedQueries 0.0\n# EOF\n");
  request.raw_query = "name[]=nothing";
  CHECK(trino.Handle(request).Body() == "# EOF\n");
}

TEST_CASE("information needs no identity, and nothing else is served") {
  SimulatedTrino trino(Quiet(1), kStart);
  trino.AdvanceTo(kStart + 125 * kSecond);
  http::Request request;
  request.path = "/v1/info";
  CHECK(trino.Handle(request).Body() ==
        "{\"nodeId\":\"coordinator\",\"state\":\"ACTIVE\",\"nodeVersion\":{\"version\":\"483\"},"
        "\"environment\":\"demo\",\"coordinator\":true,\"coordinatorId\":\"plims\",\"starting\":"
        "false,"
        "\"uptime\":\"2.08m\"}");
  request.path = "/v1/status";
  CHECK(trino.Handle(request).status == 200);
  CHECK(trino.Handle(request).content_type == "application/json");
  request.path = "/v1/jmx";
  CHECK(trino.Handle(request).status == 404);
  request.path = "/metrics";
  request.method = "PUT";
  CHECK(trino.Handle(request).status == 405);
}
