// SPDX-License-Identifier: Apache-2.0
//
// See kube/detail/backoff.h.
#include "kube/detail/backoff.h"

#include <algorithm>
#include <random>

#include "base/clock.h"

namespace plimsoll::kube::detail {

std::function<double()> OwnRandom() {
  const auto seed = base::SystemClock().SteadyNow().count();
  return [engine = std::minstd_rand(static_cast<std::minstd_rand::result_type>(seed))]() mutable {
    return std::uniform_real_distribution<double>()(engine);
  };
}

std::chrono::milliseconds Backoff::Next(double random) {
  auto wait = first_;
  for (int i = 0; i < failures_ && wait < longest_; ++i) wait *= 2;
  if (wait < longest_) ++failures_;
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(std::min(wait, longest_)) * (1 + random));
}

}  // namespace plimsoll::kube::detail
