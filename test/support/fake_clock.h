// SPDX-License-Identifier: Apache-2.0
//
// A clock that a test turns by hand.
//
// Threads: may be read and turned from any thread.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace plimsoll::test {

class FakeClock final : public base::Clock {
 public:
  explicit FakeClock(base::Time now = 0) : now_(now), steady_(1'000'000'000) {}
  base::Time Now() const override { return now_; }
  base::Steady SteadyNow() const override { return base::Steady(steady_.load()); }
  void Advance(std::chrono::milliseconds by) {
    now_ += by.count();
    steady_ += std::chrono::nanoseconds(by).count();
  }
  // Wall time alone jumps, as when an operator sets the clock.
  void SetWall(base::Time now) { now_ = now; }

 private:
  std::atomic<base::Time> now_;
  std::atomic<std::int64_t> steady_;
};

}  // namespace plimsoll::test
