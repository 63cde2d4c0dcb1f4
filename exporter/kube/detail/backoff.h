// SPDX-License-Identifier: Apache-2.0
//
// How long to wait after failures in a row, so that a control plane that comes back is not trampled
// down, and replicas that failed together do not meet again.
//
// Threads: not synchronised.
#pragma once

#include <chrono>
#include <functional>

namespace plimsoll::kube::detail {

// Returns: a generator of numbers in [0, 1), another for each process.
std::function<double()> OwnRandom();

class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds longest)
      : first_(first), longest_(longest) {}
  // Twice as long after each failure, up to the longest, times one to two. `random` is in [0, 1).
  std::chrono::milliseconds Next(double random);
  void Reset() { failures_ = 0; }

 private:
  const std::chrono::milliseconds first_, longest_;
  int failures_ = 0;
};

}  // namespace plimsoll::kube::detail
