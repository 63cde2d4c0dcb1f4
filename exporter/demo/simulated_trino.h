// SPDX-License-Identifier: Apache-2.0
//
// A Trino cluster that exists only as numbers: a queue, running queries, workers and their memory.
//
// A demo and the integration tests need an engine that is loaded, scaled, drained and killed on
// demand, without Java and without waiting. So it is a state machine to which time is an argument:
// the same operations at the same instants give the same pages, on any machine and however often it
// is asked. Pages have the names, types, number forms and faults of a real coordinator (release
// 483).
//
// Threads: a plain value; ServeTrino shares one among a server's threads.
// Bounds:  Options::max_queries; a query beyond it fails at once and is counted as failed.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "http/message.h"

namespace plimsoll::demo {

using std::chrono::milliseconds;

// Arrivals that rise and fall in a triangle, from `low` at the start to `high` half a period later.
struct LoadWave {
  double low_per_minute = 2;
  double high_per_minute = 20;
  milliseconds period = std::chrono::minutes(10);  // zero: nothing arrives by itself
};

struct TrinoOptions {
  LoadWave load;
  int workers = 1;            // active from the start
  int concurrency_limit = 8;  // running and waiting queries together; further ones queue
  int workers_per_query = 4;  // a query gains nothing from more
  double worker_pool_gib = 64;
  double coordinator_pool_gib = 8;
  double query_worker_seconds = 16;  // the lightest query; the heaviest takes twice as much
  double query_gib = 8;              // likewise, thrice as much
  milliseconds worker_start = std::chrono::seconds(20);
  milliseconds worker_grace = std::chrono::seconds(10);        // from shutting down to gone
  milliseconds gauge_delay = std::chrono::seconds(5);          // node gauges trail the nodes
  milliseconds waiting_limit = std::chrono::minutes(5);        // then a waiting query fails
  milliseconds out_of_memory_limit = std::chrono::seconds(5);  // then the largest query is killed
  std::size_t max_queries = 10000;
};

// The truth behind the page, with which a test compares what was computed from the page.
struct TrinoCounts {
  int queued = 0;
  int running = 0;
  int waiting = 0;
  int required_workers = 0;  // the largest demand among the waiting
  int workers_active = 0;
  int workers_starting = 0;
  int workers_leaving = 0;  // draining or shutting down
  double free_gib = 0;      // of the workers' pools
  std::int64_t submitted = 0, completed = 0, failed = 0, out_of_memory = 0;
};

class SimulatedTrino {
 public:
  SimulatedTrino(const TrinoOptions& options, base::Time start);

  // Lets time pass up to `now`; an earlier instant changes nothing.
  void AdvanceTo(base::Time now);

  // What the Deployment is told: workers are started, or shut down from the youngest.
  void SetReplicas(int replicas);

  // One query more, now.
  void Submit(double worker_seconds, double gib, int required_workers = 1);
  // Ends every query, as a user who cancels.
  void CancelAll();

  // Return: whether there was a worker to which it could happen (the youngest that applies).
  bool KillWorker();    // gone at once; the coordinator notices later
  bool DrainWorker();   // takes no new work and stays
  bool ReviveWorker();  // a draining one becomes active again

  // A coordinator that is down answers 503; coming up again, it has forgotten every query and knows
  // no worker for a while.
  void SetCoordinatorUp(bool up);

  TrinoCounts Counts() const;
  base::Time Now() const { return now_; }

  // GET /metrics, /v1/info, /v1/status, as of the instant of AdvanceTo.
  http::Response Handle(const http::Request& request) const;

 private:
  struct Query {
    base::Time submitted;
    double worker_seconds;  // left to do
    double gib;
    int required_workers;
  };
  struct Worker {
    enum class State { kStarting, kActive, kDraining, kShuttingDown, kDead };
    State state;
    base::Time since;
    State seen_before;  // what the coordinator believes until the gauges have caught up
  };

  void Step();
  void Arrive();
  void MoveWorkers();
  void Admit();
  void Work();
  void MindMemory();
  void FailOldWaiting();
  void Change(Worker& worker, Worker::State state);
  Worker* Youngest(Worker::State state);
  Worker::State Seen(const Worker& worker) const;
  int CountSeen(Worker::State state) const;
  int CountReal(Worker::State state) const;
  int PoolWorkers() const;
  double UsedGib() const;
  std::string MetricsPage(const std::vector<std::string>& names) const;
  std::string StatusJson(bool info) const;

  TrinoOptions options_;
  base::Time start_;
  base::Time now_;
  base::Time coordinator_start_;
  bool coordinator_up_ = true;
  int replicas_;
  double arrived_ = 0;  // of the next query, the part that has come
  std::int64_t number_ = 0;
  std::vector<Worker> workers_;
  std::deque<Query> queued_;
  std::vector<Query> waiting_;
  std::vector<Query> running_;
  base::Time blocked_since_ = 0;
  std::int64_t submitted_ = 0, started_ = 0, completed_ = 0, cancelled_ = 0, failed_ = 0,
               insufficient_ = 0;
  std::int64_t killed_for_memory_ = 0;
  double consumed_seconds_ = 0;
};

// A handler that first lets time pass up to the clock's. Both live as long as the handler.
http::Handler ServeTrino(std::shared_ptr<base::Guarded<SimulatedTrino>> trino,
                         const base::Clock& clock);

}  // namespace plimsoll::demo
