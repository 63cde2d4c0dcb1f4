// SPDX-License-Identifier: Apache-2.0
//
// What a hub serves for its sidecars: their pages in, external metrics out.
//
// A hub keeps no state of its own that a restart could lose: names, policies, values and last good
// values are on the sidecars' pages. What it remembers from tick to tick is who has gone silent, so
// that a metric whose sidecar vanished is an error that says so, and not an unknown name.
//
// Threads: the tick's thread.
// Bounds:  config::Hub; what is refused is counted by reason in plimsoll_hub_refused_total.
// See:     docs/hub.md, docs/adr/0009-how-a-metric-travels.md
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "hub/sidecar.h"
#include "signals/snapshot.h"
#include "store/querier.h"
#include "telemetry/telemetry.h"

namespace plimsoll::hub {

// What is known of a job whose targets are sidecars.
struct Job {
  std::string name;
  std::vector<std::string> unheard =
      {};                    // namespaces ("*": all) that discovery knows nothing of yet
  std::string problem = {};  // of discovery
};

class Hub {
 public:
  struct Options {
    config::Hub config = {};
    std::chrono::milliseconds lookback = std::chrono::minutes(5);
    // Whether the hub's own configuration has a metric.
    std::function<bool(std::string_view name_space, std::string_view name)> ours = {};
  };
  // `telemetry` may be null and must outlive it.
  Hub(Options options, telemetry::Telemetry* telemetry);
  ~Hub();

  // `previous` may be null. Requires: every `storage` passed to one Hub is the same.
  signals::Imported Next(const signals::Snapshot* previous, const store::Queryable& storage,
                         model::Time at, signals::Moment now, const std::vector<Job>& jobs,
                         const std::vector<Sidecar>& sidecars);
  // Before the first tick: what `previous` had (a reload), else nothing is known anywhere. What the
  // jobs and sidecars of the new configuration have not said yet is pending.
  signals::Imported First(const signals::Snapshot* previous, const std::vector<Job>& jobs,
                          const std::vector<Sidecar>& sidecars) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::hub
