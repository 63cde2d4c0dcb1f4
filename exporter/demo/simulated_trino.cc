// SPDX-License-Identifier: Apache-2.0
//
// How the cluster moves: in steps of fixed length, so that it does not matter how often it is
// asked.
//
// Within a step: workers change state, queries arrive, are admitted, work, and memory runs out.
// Only sums, products and comparisons are used: no library function whose last digit differs by
// machine.
#include "demo/simulated_trino.h"

#include <algorithm>
#include <utility>

namespace plimsoll::demo {
namespace {

constexpr milliseconds kStep{250};

double StepSeconds() { return std::chrono::duration<double>(kStep).count(); }

// From 0 at the start of a period to 1 in its middle and back.
double Triangle(base::Time since_start, milliseconds period) {
  const auto phase =
      static_cast<double>(since_start % period.count()) / static_cast<double>(period.count());
  return phase < 0.5 ? 2 * phase : 2 - 2 * phase;
}

}  // namespace

SimulatedTrino::SimulatedTrino(const TrinoOptions& options, base::Time start)
    : options_(options),
      start_(start),
      now_(start),
      coordinator_start_(start),
      replicas_(options.workers) {
  const base::Time long_ago = start - options.gauge_delay.count();
  for (int i = 0; i < options.workers; ++i) {
    workers_.push_back({Worker::State::kActive, long_ago, Worker::State::kActive});
  }
}

void SimulatedTrino::AdvanceTo(base::Time now) {
  while (now_ + kStep.count() <= now) Step();
}

void SimulatedTrino::Step() {
  now_ += kStep.count();
  MoveWorkers();
  if (!coordinator_up_) return;
  Arrive();
  FailOldWaiting();
  Admit();
  Work();
  MindMemory();
}

void SimulatedTrino::Arrive() {
  const LoadWave& load = options_.load;
  if (load.period.count() <= 0) return;
  const double per_minute = load.low_per_minute + (load.high_per_minute - load.low_per_minute) *
                                                      Triangle(now_ - start_, load.period);
  arrived_ += per_minute / 60 * StepSeconds();
  while (arrived_ >= 1) {
    arrived_ -= 1;
    // Weights in a fixed pattern: queries differ, runs do not.
    const double weight = 1 + static_cast<double>(number_ * 3 % 5) / 4;
    const double memory = 1 + static_cast<double>(number_ % 3);
    Submit(options_.query_worker_seconds * weight, options_.query_gib * memory);
  }
}

void SimulatedTrino::Submit(double worker_seconds, double gib, int required_workers) {
  ++number_;
  if (!coordinator_up_) return;
  ++submitted_;
  if (queued_.size() + waiting_.size() + running_.size() >= options_.max_queries) {
    ++failed_;
    return;
  }
  queued_.push_back({now_, worker_seconds, gib, required_workers});
}

void SimulatedTrino::CancelAll() {
  cancelled_ += static_cast<std::int64_t>(queued_.size() + waiting_.size() + running_.size());
  queued_.clear();
  waiting_.clear();
  running_.clear();
}

void SimulatedTrino::FailOldWaiting() {
  const auto late = [&](const Query& query) {
    return now_ - query.submitted > options_.waiting_limit.count();
  };
  const auto gone = static_cast<std::int64_t>(std::erase_if(waiting_, late));
  failed_ += gone;
  insufficient_ += gone;
}

void SimulatedTrino::Admit() {
  const auto limit = static_cast<std::size_t>(std::max(options_.concurrency_limit, 0));
  while (!queued_.empty() && running_.size() + waiting_.size() < limit) {
    waiting_.push_back(queued_.front());
    queued_.pop_front();
  }
  // As Trino: what the coordinator believes decides, not what is true.
  const int active = CountSeen(Worker::State::kActive);
  const auto first_waiting =
      std::stable_partition(waiting_.begin(), waiting_.end(),
                            [&](const Query& query) { return query.required_workers <= active; });
  started_ += first_waiting - waiting_.begin();
  running_.insert(running_.end(), waiting_.begin(), first_waiting);
  waiting_.erase(waiting_.begin(), first_waiting);
}

void SimulatedTrino::Work() {
  if (running_.empty() || blocked_since_ != 0) return;
  const double workers = CountReal(Worker::State::kActive) + CountReal(Worker::State::kDraining) +
                         CountReal(Worker::State::kShuttingDown);
  const double each =
      std::min<double>(options_.workers_per_query, workers / static_cast<double>(running_.size())) *
      StepSeconds();
  for (Query& query : running_) {
    consumed_seconds_ += std::min(each, query.worker_seconds);
    query.worker_seconds -= each;
  }
  completed_ += static_cast<std::int64_t>(
      std::erase_if(running_, [](const Query& query) { return query.worker_seconds <= 0; }));
}

void SimulatedTrino::MindMemory() {
  if (UsedGib() <= PoolWorkers() * options_.worker_pool_gib || running_.empty()) {
    blocked_since_ = 0;
    return;
  }
  if (blocked_since_ == 0) blocked_since_ = now_;
  if (now_ - blocked_since_ < options_.out_of_memory_limit.count()) return;
  running_.erase(std::max_element(running_.begin(), running_.end(),
                                  [](const Query& a, const Query& b) { return a.gib < b.gib; }));
  ++failed_;
  ++insufficient_;
  ++killed_for_memory_;
  blocked_since_ = 0;
}

void SimulatedTrino::Change(Worker& worker, Worker::State state) {
  worker.seen_before = Seen(worker);
  worker.state = state;
  worker.since = now_;
}

void SimulatedTrino::MoveWorkers() {
  for (Worker& worker : workers_) {
    const base::Time age = now_ - worker.since;
    if (worker.state == Worker::State::kStarting && age >= options_.worker_start.count()) {
      Change(worker, Worker::State::kActive);
    } else if (worker.state == Worker::State::kShuttingDown &&
               age >= options_.worker_grace.count()) {
      Change(worker, Worker::State::kDead);
    }
  }
  // A dead one stays until the coordinator has noticed.
  std::erase_if(workers_, [&](const Worker& worker) {
    return worker.state == Worker::State::kDead && Seen(worker) == Worker::State::kDead;
  });
}

SimulatedTrino::Worker* SimulatedTrino::Youngest(Worker::State state) {
  const auto found = std::find_if(workers_.rbegin(), workers_.rend(),
                                  [&](const Worker& worker) { return worker.state == state; });
  return found == workers_.rend() ? nullptr : &*found;
}

void SimulatedTrino::SetReplicas(int replicas) {
  replicas_ = std::max(replicas, 0);
  const auto there = [&] {
    return CountReal(Worker::State::kStarting) + CountReal(Worker::State::kActive) +
           CountReal(Worker::State::kDraining);
  };
  while (there() < replicas_)
    workers_.push_back({Worker::State::kStarting, now_, Worker::State::kStarting});
  while (there() > replicas_) {
    if (Worker* starting = Youngest(Worker::State::kStarting)) {
      workers_.erase(workers_.begin() + (starting - workers_.data()));
    } else if (Worker* draining = Youngest(Worker::State::kDraining)) {
      Change(*draining, Worker::State::kShuttingDown);
    } else {
      Change(*Youngest(Worker::State::kActive), Worker::State::kShuttingDown);
    }
  }
}

bool SimulatedTrino::KillWorker() {
  Worker* worker = Youngest(Worker::State::kActive);
  if (worker) Change(*worker, Worker::State::kDead);
  return worker != nullptr;
}

bool SimulatedTrino::DrainWorker() {
  Worker* worker = Youngest(Worker::State::kActive);
  if (worker) Change(*worker, Worker::State::kDraining);
  return worker != nullptr;
}

bool SimulatedTrino::ReviveWorker() {
  Worker* worker = Youngest(Worker::State::kDraining);
  if (worker) Change(*worker, Worker::State::kActive);
  return worker != nullptr;
}

void SimulatedTrino::SetCoordinatorUp(bool up) {
  if (coordinator_up_ == up) return;
  coordinator_up_ = up;
  queued_.clear();
  waiting_.clear();
  running_.clear();
  blocked_since_ = 0;
  if (!up) return;
  coordinator_start_ = now_;
  submitted_ = started_ = completed_ = cancelled_ = failed_ = insufficient_ = killed_for_memory_ =
      0;
  consumed_seconds_ = 0;
  for (Worker& worker : workers_) {
    if (worker.state == Worker::State::kStarting) continue;
    // Seen as not yet there until it announces itself.
    worker.seen_before = Worker::State::kStarting;
    worker.since = now_;
  }
}

SimulatedTrino::Worker::State SimulatedTrino::Seen(const Worker& worker) const {
  return now_ - worker.since < options_.gauge_delay.count() ? worker.seen_before : worker.state;
}

int SimulatedTrino::CountSeen(Worker::State state) const {
  return static_cast<int>(
      std::count_if(workers_.begin(), workers_.end(),
                    [&](const Worker& worker) { return Seen(worker) == state; }));
}

int SimulatedTrino::CountReal(Worker::State state) const {
  return static_cast<int>(
      std::count_if(workers_.begin(), workers_.end(),
                    [&](const Worker& worker) { return worker.state == state; }));
}

int SimulatedTrino::PoolWorkers() const {
  return CountSeen(Worker::State::kActive) + CountSeen(Worker::State::kDraining) +
         CountSeen(Worker::State::kShuttingDown);
}

double SimulatedTrino::UsedGib() const {
  double used = 0;
  for (const Query& query : running_) used += query.gib;
  return used;
}

TrinoCounts SimulatedTrino::Counts() const {
  TrinoCounts counts;
  counts.queued = static_cast<int>(queued_.size());
  counts.running = static_cast<int>(running_.size());
  counts.waiting = static_cast<int>(waiting_.size());
  for (const Query& query : waiting_)
    counts.required_workers = std::max(counts.required_workers, query.required_workers);
  counts.workers_active = CountReal(Worker::State::kActive);
  counts.workers_starting = CountReal(Worker::State::kStarting);
  counts.workers_leaving =
      CountReal(Worker::State::kDraining) + CountReal(Worker::State::kShuttingDown);
  counts.free_gib = PoolWorkers() * options_.worker_pool_gib - UsedGib();
  counts.submitted = submitted_;
  counts.completed = completed_;
  counts.failed = failed_;
  counts.out_of_memory = killed_for_memory_;
  return counts;
}

http::Handler ServeTrino(std::shared_ptr<base::Guarded<SimulatedTrino>> trino,
                         const base::Clock& clock) {
  return [trino = std::move(trino), &clock](const http::Request& request) {
    return trino->With([&](SimulatedTrino& cluster) {
      cluster.AdvanceTo(clock.Now());
      return cluster.Handle(request);
    });
  };
}

}  // namespace plimsoll::demo
