// SPDX-License-Identifier: Apache-2.0
//
// The last step of a tick: queries and selections in, the next snapshot out.
//
// Of a result only what has a source counts: an expression that reads scraped series and has no
// scraped sample behind an element (`sum(x) or vector(0)` on a dead engine) does not have that
// element. Last good values survive: from snapshot to snapshot, and over a reload by namespace,
// name and labels.
//
// Threads: one thread at a time (the tick's). What it returns is immutable.
// Bounds:  Limits; what is left out is counted by plimsoll_signals_refused_total{reason}.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "eval/engine.h"
#include "signals/snapshot.h"
#include "store/querier.h"
#include "telemetry/telemetry.h"

namespace plimsoll::signals {

class Evaluator {
 public:
  struct Limits {
    std::size_t series_per_metric =
        1000;  // more: the metric is a query error; vanished ones are forgotten first
    std::size_t series_per_signal = 10000;  // more are left out
  };
  struct Options {
    std::string own_namespace = "default";  // of metrics that name none
    std::chrono::milliseconds lookback = std::chrono::minutes(5);
    std::chrono::nanoseconds query_timeout = std::chrono::seconds(10);
    const base::Clock* clock = nullptr;  // null: queries have no time-out
    Limits limits = {};
    // Whether an expression reads scraped series, through any chain of rules (ruler's analysis).
    // Empty: whether it has a selector at all.
    std::function<bool(const promql::Expr&)> reads_scraped = {};
  };

  // Fails with: kBadInput, at the metric's place, when a query does not parse or is no instant
  // vector or scalar.
  static base::Result<std::unique_ptr<Evaluator>> Make(std::shared_ptr<const config::Config> config,
                                                       Options options,
                                                       telemetry::Telemetry* telemetry);
  ~Evaluator();

  // Evaluates everything at `at` (the tick's slot time).
  // `previous` may be null, or of another Evaluator (a reload). `now`: when this is called.
  // Requires: every `storage` passed to one Evaluator is the same.
  std::shared_ptr<const Snapshot> Next(const Snapshot* previous, const store::Queryable& storage,
                                       Time at, Moment now, std::vector<Upstream> upstreams,
                                       Imported imported = {});

  // A snapshot for the time before the first tick: every read fails with never_scraped, unless
  // `previous` (before a reload) has last good values.
  std::shared_ptr<const Snapshot> First(const Snapshot* previous, Moment now,
                                        Imported imported = {}) const;
  // Whether a metric of this name in this namespace ("*": all) is configured here.
  bool Owns(std::string_view name_space, std::string_view name) const;

 private:
  struct State;
  explicit Evaluator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::signals
