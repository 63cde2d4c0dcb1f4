// SPDX-License-Identifier: Apache-2.0
//
// What a HorizontalPodAutoscaler does with an AverageValue metric, once per sync, as a pure
// function.
//
// The demo has no Kubernetes, but its workers must follow the served value as they would there:
// ceil(value / target), tolerance, the limits, how many pods a period may add or remove, and the
// highest recommendation of the scale-down window. A missing value changes nothing.
//
// Threads: values.
// Bounds:  ReplicaHistory forgets what no window can see any more.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace plimsoll::demo {

struct ReplicaPolicy {
  struct Rate {  // at most `pods` in any `period`
    int pods = 1;
    std::chrono::milliseconds period = std::chrono::seconds(60);
  };
  double target = 1;  // averageValue
  int min_replicas = 1;
  int max_replicas = 10;
  double tolerance = 0.1;
  Rate up{4, std::chrono::seconds(15)};
  Rate down{1, std::chrono::seconds(60)};
  std::chrono::milliseconds down_window =
      std::chrono::minutes(5);  // scaleDown.stabilizationWindowSeconds
};

struct ReplicaHistory {
  struct Entry {
    base::Time at;
    int number;  // recommended replicas, or pods added (negative: removed)
  };
  std::vector<Entry> recommendations;
  std::vector<Entry> changes;
};

struct ReplicaDecision {
  int replicas;
  std::string reason;      // for people
  ReplicaHistory history;  // to be handed in at the next sync
};

// `value`: what the external metric said; nothing when it was an error.
ReplicaDecision DecideReplicas(const ReplicaPolicy& policy, ReplicaHistory history, int current,
                               std::optional<double> value, base::Time now);

}  // namespace plimsoll::demo
