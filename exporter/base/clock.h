// SPDX-License-Identifier: Apache-2.0
//
// The only place that asks the operating system for the time.
//
// Everything else takes an instant as an argument, so that a recorded day replays in seconds and no
// test sleeps. Wall time labels samples; ages are measured on the steady clock, which no operator
// can set back.
//
// Threads: a Clock may be used from any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace plimsoll::base {

// Milliseconds since the Unix epoch: the unit of every sample (Prometheus's model.Time).
using Time = std::int64_t;

// Nanoseconds on a clock that only goes forward. Zero has no meaning.
using Steady = std::chrono::nanoseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time Now() const = 0;
  virtual Steady SteadyNow() const = 0;
};

// Returns: the real clock. Lives as long as the process.
const Clock& SystemClock();

}  // namespace plimsoll::base
