// SPDX-License-Identifier: Apache-2.0
//
// The order is that of the HPA: recommend, stabilise, limit by policy, limit by bounds.
#include "demo/replica_loop.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "base/format.h"

namespace plimsoll::demo {
namespace {

// An HPA sees thousandths.
std::int64_t Milli(double value) {
  return static_cast<std::int64_t>(std::ceil(value * 1000 - 1e-6));
}

void Forget(std::vector<ReplicaHistory::Entry>& entries, base::Time now,
            std::chrono::milliseconds window) {
  std::erase_if(entries, [&](const ReplicaHistory::Entry& entry) {
    return now - entry.at >= window.count();
  });
}

// Pods added within the rate's period (removed ones with `sign` -1).
int Spent(const std::vector<ReplicaHistory::Entry>& changes, base::Time now,
          ReplicaPolicy::Rate rate, int sign) {
  int pods = 0;
  for (const ReplicaHistory::Entry& change : changes) {
    if (now - change.at < rate.period.count() && change.number * sign > 0)
      pods += std::abs(change.number);
  }
  return pods;
}

int Recommend(const ReplicaPolicy& policy, int current, double value) {
  const std::int64_t usage = Milli(value);
  const std::int64_t target = Milli(policy.target);
  const double ratio = static_cast<double>(usage) / (static_cast<double>(target) * current);
  if (current > 0 && std::fabs(ratio - 1) <= policy.tolerance) return current;
  const auto wanted = static_cast<double>((usage + target - 1) / target);
  return static_cast<int>(std::min(wanted, static_cast<double>(policy.max_replicas)));
}

}  // namespace

ReplicaDecision DecideReplicas(const ReplicaPolicy& policy, ReplicaHistory history, int current,
                               std::optional<double> value, base::Time now) {
  if (!value) return {current, "no value: unchanged", std::move(history)};
  const int wanted = std::max(Recommend(policy, current, *value), policy.min_replicas);

  Forget(history.recommendations, now, policy.down_window);
  Forget(history.changes, now, std::max(policy.up.period, policy.down.period));
  history.recommendations.push_back({now, wanted});

  int next = wanted;
  std::string reason = base::format("{} / {} asks for {}", *value, policy.target, wanted);
  if (wanted < current) {
    // Not below the highest of the window, nor above what is there.
    for (const ReplicaHistory::Entry& entry : history.recommendations)
      next = std::max(next, entry.number);
    next = std::min(next, current);
    const int floor =
        current - std::max(policy.down.pods - Spent(history.changes, now, policy.down, -1), 0);
    if (next > wanted) reason += ", held by the scale-down window";
    if (next < floor) reason += ", slowed by the scale-down policy";
    next = std::max(next, floor);
  } else if (wanted > current) {
    const int ceiling =
        current + std::max(policy.up.pods - Spent(history.changes, now, policy.up, 1), 0);
    if (next > ceiling) reason += ", slowed by the scale-up policy";
    next = std::min(next, ceiling);
  }
  next = std::clamp(next, std::min(policy.min_replicas, policy.max_replicas), policy.max_replicas);
  if (next != current) history.changes.push_back({now, next - current});
  return {next, std::move(reason), std::move(history)};
}

}  // namespace plimsoll::demo
