// SPDX-License-Identifier: Apache-2.0
//
// The one loop: scrape, rules, signals, snapshot.
//
// All targets of a job share a slot. When the slot comes, their fetches start together; pages are
// appended as they arrive; the tick closes when all are in, or at its deadline. Closing it
// evaluates the rules that follow the tick, then the signals, and publishes one snapshot. A page
// that comes later is appended at its own slot time and triggers one more run, so a slow target
// delays nobody. The loop serves the sidecar, --once, the demo, replays and tests alike: time is an
// argument of Step.
//
// Threads: one thread calls Step or Run, and is the store's writer. Wake and Post may be called
// from
//          any thread.
// Bounds:  a slot that passes while an earlier one is still being worked on is skipped and counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/published.h"
#include "config/config.h"
#include "hub/hub.h"
#include "ruler/ruler.h"
#include "scrape/job_scraper.h"
#include "signals/evaluator.h"
#include "store/memory_store.h"
#include "telemetry/telemetry.h"

namespace plimsoll::tick {

using base::Time;

// What one configuration brings; a reload replaces it as a whole.
struct Plan {
  std::shared_ptr<const config::Config> config;
  std::vector<std::shared_ptr<scrape::JobScraper>> jobs;
  std::shared_ptr<ruler::Ruler> ruler;
  std::shared_ptr<signals::Evaluator> signals;
  std::shared_ptr<hub::Hub> hub = {};  // null: no job scrapes sidecars
  std::chrono::milliseconds window{std::chrono::minutes(15)};
};

class Loop {
 public:
  struct Parts {
    const base::Clock* clock = nullptr;
    store::MemoryStore* store = nullptr;
    base::Published<signals::Snapshot>* snapshot = nullptr;
    telemetry::Telemetry* telemetry = nullptr;
    std::function<void()> published = {};  // called after each snapshot, on the loop's thread
  };

  explicit Loop(Parts parts);
  ~Loop();

  // Takes the first configuration into use: every job's first slot is now.
  void Use(Plan plan, Time now);
  // Takes the configuration of a reload into use, between two steps: targets, rules and last good
  // values that are in both go on; series of what is gone end.
  void Replace(Plan plan, Time now);
  const Plan& plan() const { return plan_; }

  // Does everything that is due at `now` and returns when the next thing will be.
  // Requires: `now` does not go back by more than a slot (a clock that is set back waits for its
  // next slot).
  Time Step(Time now);

  // Steps until `stop`, then Close; between steps waits for the next due time, a page or Wake.
  void Run(std::stop_token stop);
  // Makes a waiting Run look again. Called when a page has arrived or a reload is ready.
  void Wake();
  // Runs `job` on the loop's thread before its next step: how a reload reaches the plan.
  // Returns: false when the loop is closed, and the job never runs.
  bool Post(std::function<void()> job);
  // Runs what was posted, for somebody may wait for it, and takes no more. On the thread of Step.
  void Close();

  // One complete tick of every job at `at`, for --once: begins all fetches, waits for all of them
  // or their time-outs, evaluates and publishes.
  void Once(Time at, std::stop_token stop);

  std::uint64_t ticks() const { return ticks_; }

 private:
  struct OpenTick {
    scrape::JobScraper* job = nullptr;
    Time slot = 0;
    Time deadline = 0;
    std::size_t outstanding = 0;
  };
  struct Inbox {
    bool woken = false;
    bool closed = false;
    std::vector<std::function<void()>> posted;
  };

  void BeginDue(Time now);
  bool AppendFinished(Time now);  // Returns: whether a late page was among them
  void CloseTicks(Time now);
  void Evaluate(Time at);
  void AppendParams(Time at);
  void Publish(Time at);
  void RunPosted();
  Time NextDue(Time now) const;
  std::vector<signals::Upstream> Upstreams() const;
  // What discovery and scraping know now of the jobs of the hub.
  struct Sidecars {
    std::vector<hub::Job> jobs;
    std::vector<hub::Sidecar> sidecars;
  };
  Sidecars KnownSidecars() const;
  signals::Imported Import(const signals::Snapshot* before, Time at) const;
  std::chrono::milliseconds Deadline(const scrape::JobScraper& job) const;

  Parts parts_;
  Plan plan_;
  std::vector<OpenTick> open_;
  std::vector<std::pair<scrape::JobScraper*, Time>> next_slots_;
  std::vector<store::SeriesRef> param_refs_;
  Time last_evaluation_ = INT64_MIN;
  std::uint64_t ticks_ = 0;
  base::Guarded<Inbox> inbox_;
  telemetry::Histogram duration_;
  telemetry::Counter skipped_;
  telemetry::Counter late_;
};

}  // namespace plimsoll::tick
