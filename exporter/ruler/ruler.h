// SPDX-License-Identifier: Apache-2.0
//
// Recording rules: groups in order and in time.
//
// A group with an interval (its own, or global.evaluation_interval) is evaluated on absolute slots,
// as in Prometheus. A group without one follows the tick: it is evaluated at the tick's timestamp,
// so that a signal is never an interval old. Within a run the rules go in order, and each sees what
// the ones before it recorded, because every rule is committed before the next one opens its view.
//
// A series that a rule produced in its last good run and does not produce now gets a staleness
// marker; a failed run writes nothing and remembers the series of the last good one.
//
// Groups with an interval run side by side when Options::threads is not zero: their queries on
// those threads, those that read nothing of each other in one go, and what they yield is stored by
// the writer, in order, in RunDue.
//
// Threads: TakeOver, Stop and the Run functions belong to the store's writer thread; Status may be
//          called from any thread. A Ruler may be built on any thread before it is used.
// Lives as long as: the telemetry and the clock of Options, and the store, must outlive the Ruler.
// Bounds:  eval::Options for each query, Group::limit for each result, the store's limits for
// series.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "eval/engine.h"
#include "model/sample.h"
#include "ruler/rule_file.h"
#include "store/memory_store.h"
#include "telemetry/telemetry.h"

namespace plimsoll::ruler {

using model::Time;

enum class Health { kUnknown, kOk, kError };
// Returns: "unknown", "ok", "err": health of the HTTP API.
std::string_view HealthText(Health health);

struct RuleStatus {
  std::string name;
  std::string query;  // as printed, not as written
  RuleLabels labels;  // the group's and the rule's
  Health health = Health::kUnknown;
  std::string last_error;
  std::chrono::nanoseconds duration{0};  // of the last evaluation
  std::optional<Time> last_evaluation;   // wall time
  std::size_t series = 0;                // of the last good run
  int number = 0;                        // within its group, from one
};

// What the API says of an alerting rule instead of an error of its own.
constexpr std::string_view kAlertsUnsupported =
    "alerting rules are not supported: plimsoll records and does not alert";

// A rule that is checked and not evaluated.
struct AlertStatus {
  std::string name;
  std::string query;  // as printed
  std::chrono::milliseconds hold{0};
  std::chrono::milliseconds keep_firing{0};
  RuleLabels labels;  // the group's and the rule's
  RuleLabels annotations;
  int number = 0;  // within its group, from one
};

struct GroupStatus {
  std::string file;
  std::string name;
  std::optional<std::chrono::milliseconds> interval;  // unset: follows the tick
  std::int64_t limit = 0;
  std::chrono::milliseconds query_offset{0};
  std::chrono::nanoseconds duration{0};
  std::optional<Time> last_evaluation;
  std::vector<RuleStatus> rules;
  std::vector<AlertStatus> alerts;
};

class Ruler {
 public:
  struct Options {
    eval::Options query;
    const base::Clock* clock = nullptr;  // null: the system's; for durations and last_evaluation
    std::optional<std::chrono::milliseconds> evaluation_interval;  // global.evaluation_interval
    std::chrono::milliseconds query_offset{0};                     // global.rule_query_offset
    // For the queries of groups with an interval; zero: RunDue evaluates them itself.
    int threads = 0;
    // Called from such a thread when RunDue has something to store. May be empty.
    std::function<void()> wake;
  };

  // One configuration's rules. Slots that come after `now` are evaluated. `telemetry` may be null.
  Ruler(const RuleSet& rules, Options options, Time now, telemetry::Telemetry* telemetry);
  ~Ruler();

  // Goes on where `before`, the rules of the configuration before a reload, stops. A rule with the
  // name and labels of an earlier one in the same group knows the series that that one produced;
  // the series of rules that are gone are marked stale: with the next run of their group, or, when
  // the group is gone too, two intervals after `now` (with the next tick if it followed the tick).
  // Stops `before`.
  void TakeOver(Ruler& before, Time now);

  // Evaluates every group that follows the tick, in file and group order, at `tick`.
  // Requires: each Ruler is used with one store only.
  void RunFollowing(Time tick, store::MemoryStore& store);
  // Evaluates every group with an interval whose slot has come by `now`, at the time of the slot;
  // of several slots the last one, and the others are counted as missed. With threads it begins
  // the groups that are due and goes on with those under way; a group under way begins no slot.
  // Returns: whether some group has been evaluated to its end.
  bool RunDue(Time now, store::MemoryStore& store);
  // Evaluates every group at `at`, whatever its timing: for a process that runs once.
  void RunAll(Time at, store::MemoryStore& store);
  // Returns: when RunDue has something to do; a time that has passed if it has now. kNever if no
  // group has an interval.
  Time NextDue(Time now) const;
  // Gives up what is under way, and waits for it to end. RunDue does nothing from then on.
  void Stop();
  static constexpr Time kNever = INT64_MAX;

  std::vector<GroupStatus> Status() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The slot of `group` in `file` at or before `at`: multiples of the interval, moved by a hash of
// both names so that groups do not start together.
Time SlotBefore(std::string_view file, std::string_view group, std::chrono::milliseconds interval,
                Time at);

}  // namespace plimsoll::ruler
