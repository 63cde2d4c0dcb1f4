// SPDX-License-Identifier: Apache-2.0
//
// The value policy: what a read is served now, and in words why not.
//
//                                   no when_stale                 with when_stale {hold, then}
//   newest result good and young    fresh                         fresh
//   nothing newer (empty, query     last good until max_age,      last good until max_age + hold,
//   error, stuck tick)              then an error                 then `then`, else an error
//   newer value not finite or       an error at once              as above
//   out of range
//   several series, none asked for  an error at once              an error at once
//
// Without a last good value every failure is an error, and a metric of type Value is never held:
// HPA multiplies its ratio by the current replicas at every sync. With `when_empty` an empty result
// is that number, as old as the evaluation. Of several series that are combined every one must be
// valid, and so must their sum; the sum is as old as its oldest part. Clamp and rounding come last.
// What leaves is finite and 0 <= value < 9.2e15.
//
// Threads: pure functions of their arguments.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/family.h"
#include "signals/snapshot.h"

namespace plimsoll::signals {

// Which series of a metric a read asks for.
class Selection {
 public:
  virtual ~Selection() = default;
  virtual bool Matches(const model::Labels& labels) const = 0;
  // Whether what it asks of this label alone holds for that value.
  virtual bool Allows(std::string_view name, std::string_view value) const = 0;
};

enum class State { kFresh, kHeld, kFallback };
// Returns: "fresh", "held", "fallback".
std::string_view StateText(State state);

struct Served {
  std::string quantity;  // Kubernetes's: "17" or "1500m"
  double value = 0;      // the same number
  Time timestamp = 0;    // source time
  Steady age{0};
  std::chrono::seconds window{0};
  State state = State::kFresh;
  std::optional<Reason> reason = {};  // why a value that is not fresh is not
  model::Labels labels;               // those that all combined series share
};

struct Failure {
  Reason reason = Reason::kEmpty;
  std::string message;  // for an engineer on call: what, since when, which upstream, its last error
};

using Outcome = std::variant<Served, Failure>;

// `selection` null: every series. Where several engines of `name_space` export the name, the one
// that the selection means. What is empty of one engine is never said of another.
Outcome Resolve(const Snapshot& snapshot, const Metric& metric, std::string_view name_space,
                const Selection* selection, Moment now);

// Why the newest evaluation gave no series at all; nothing when it gave some.
std::optional<Reason> AbsentReason(const Snapshot& snapshot, const Metric& metric);

// Returns: the points of the family that are young enough to leave now.
std::vector<const SignalPoint*> VisiblePoints(const Snapshot& snapshot, const SignalFamily& family,
                                              Moment now);

// plimsoll_external_metric_value, _age_seconds and _state as they are now, so that a stuck tick
// shows. A metric with several series that are not combined has the state of its worst one.
std::vector<model::Family> MetricFamilies(const Snapshot& snapshot, Moment now);

}  // namespace plimsoll::signals
