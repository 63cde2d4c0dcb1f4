// SPDX-License-Identifier: Apache-2.0
//
// The way from a page to a snapshot as the application wires it, without its process: no sockets,
// no files, and a clock that the test turns.
//
// Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/published.h"
#include "config/config.h"
#include "signals/snapshot.h"
#include "store/memory_store.h"
#include "support/fake_clock.h"
#include "support/fake_target.h"
#include "telemetry/telemetry.h"
#include "tick/loop.h"

namespace plimsoll::test {

// After the recorded coordinators started, so that no page is from the future.
inline constexpr base::Time kEpoch = 1'796'083'200'000;  // 2026-12-01T00:00:00Z

// What `text` says, with `rules` as every rule file that is not of a pack. Requires: both are good.
std::shared_ptr<const config::Config> ConfigOf(std::string_view text, std::string_view rules = "");
// The preset of an engine, scraping one address. Requires: there is one.
std::shared_ptr<const config::Config> PresetOf(const std::string& engine,
                                               const std::string& target);

class RunningLoop {
 public:
  // The clock stands on the first slot of the first job at or after `start`, which is the first
  // that is due.
  explicit RunningLoop(const std::shared_ptr<const config::Config>& config,
                       base::Time start = kEpoch);

  // Steps whenever something is due, now and at the end included, until `duration` has passed.
  void Run(std::chrono::milliseconds duration);
  // One step, now.
  base::Time Step() { return loop.Step(clock.Now()); }
  void Reload(const std::shared_ptr<const config::Config>& config) {
    loop.Replace(PlanOf(config), clock.Now());
  }
  tick::Plan PlanOf(const std::shared_ptr<const config::Config>& config);

  // Returns: the newest sample of the only series that the selector matches within the lookback
  // before now; nothing when there is none.
  std::optional<model::Sample> Newest(std::string_view name, std::string_view label = {},
                                      std::string_view value = {}) const;

  test::FakeClock clock;
  telemetry::Telemetry telemetry;
  store::MemoryStore store;
  base::Published<signals::Snapshot> snapshot;
  test::FakeTargets targets;
  tick::Loop loop;
  int wakes = 0;
};

}  // namespace plimsoll::test
