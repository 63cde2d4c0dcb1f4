// SPDX-License-Identifier: Apache-2.0
//
// What Prometheus's dashboards of rules ask for, of one group, under our names.
//
// Threads: as the handles of telemetry/telemetry.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/sample.h"
#include "telemetry/telemetry.h"

namespace plimsoll::ruler::detail {

class GroupMetrics {
 public:
  GroupMetrics() = default;  // counts nothing
  // `label`: the value of rule_group, "file;name". `rules`: how many rules the group has.
  GroupMetrics(telemetry::Telemetry& telemetry, const std::string& label,
               std::optional<std::chrono::milliseconds> interval, std::size_t rules);

  // Slots that passed while an earlier one ran.
  void Missed(std::int64_t slots);
  void RuleRan(std::chrono::nanoseconds duration, bool failed);
  // `at`: wall time of the start; `rules`: what its rules took together; `samples`: what they
  // stored.
  void GroupRan(model::Time at, std::chrono::nanoseconds duration, std::chrono::nanoseconds rules,
                std::size_t samples);

  // Takes the group's series away. Requires: no GroupMetrics of this label is used again, except
  // one that is made afterwards.
  static void Forget(telemetry::Telemetry& telemetry, const std::string& label);

 private:
  telemetry::Counter evaluations_, failures_, iterations_, missed_;
  telemetry::Gauge interval_, rules_, last_evaluation_, last_duration_, last_rules_, last_samples_;
  telemetry::Histogram rule_durations_, group_durations_;
};

}  // namespace plimsoll::ruler::detail
