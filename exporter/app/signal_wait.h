// SPDX-License-Identifier: Apache-2.0
//
// SIGTERM, SIGINT and SIGHUP as values: no handler runs, the main thread waits for them.
//
// Threads: make it before any other thread, so that all inherit the blocked signals.
#pragma once

#include <chrono>

namespace plimsoll::app {

class SignalWait {
 public:
  SignalWait();
  // Returns: the number of the signal that came.
  int Next() const;
  // Returns: zero when none came within `patience`.
  int Next(std::chrono::milliseconds patience) const;
};

}  // namespace plimsoll::app
