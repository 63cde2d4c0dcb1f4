// SPDX-License-Identifier: Apache-2.0
//
// Groups, slots and reloads. See ruler/ruler.h.
#include "ruler/ruler.h"

#include <algorithm>
#include <set>

#include "base/format.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/number_text.h"
#include "model/labels.h"
#include "promql/print.h"
#include "ruler/detail/rule_run.h"

namespace plimsoll::ruler {

namespace {

using detail::Produced;
using detail::RuleRun;
using std::chrono::milliseconds;

struct RunningRule {
  RuleRun run;
  RuleStatus status;
};

// Series whose rule is gone: to be marked stale at `at`, or at the time of the run that does it.
struct Orphans {
  Time due = 0;
  std::optional<Time> at;
  std::vector<model::Labels> series;
};

struct RunningGroup {
  GroupStatus status;  // its `rules` stay empty: they are with the rules
  std::vector<RunningRule> rules;
  Time last_slot = 0;  // of a group with an interval
  Orphans orphans;     // of rules that left this group
  telemetry::Counter evaluations;
  telemetry::Counter failures;
  telemetry::Counter missed;
  telemetry::Gauge duration;
};

void AddSeries(const Produced& produced, std::vector<model::Labels>& out) {
  for (const auto& [input, recorded] : produced) out.push_back(recorded.labels);
}

}  // namespace

std::string_view HealthText(Health health) {
  switch (health) {
    case Health::kUnknown:
      return "unknown";
    case Health::kOk:
      return "ok";
    case Health::kError:
      return "err";
  }
  return "unknown";
}

Time SlotBefore(std::string_view file, std::string_view group, milliseconds interval, Time at) {
  const Time length = interval.count();
  const auto hash = model::HashBytes(group, model::HashBytes(file));
  const auto offset = static_cast<Time>(hash % static_cast<std::uint64_t>(length));
  const Time shifted = at - offset;
  const Time into = ((shifted % length) + length) % length;  // also before the epoch
  return at - into;
}

struct Ruler::State {
  RunningGroup Make(const std::string& file, const Group& group, Time now,
                    telemetry::Telemetry* telemetry) const;
  void CarryOver(RunningGroup& from, RunningGroup& to) const;
  void Abandon(RunningGroup& group, Time now);
  void RunGroup(RunningGroup& group, Time slot, store::MemoryStore& store);
  void RunRule(RunningGroup& group, RunningRule& rule, Time slot, store::MemoryStore& store);
  void MarkStale(const std::vector<model::Labels>& series, Time at, Time now,
                 store::Appender& appender);
  void MarkAbandoned(Time now, store::Appender& appender);
  void PublishStatus();
  const base::Clock& clock() const {
    return options.clock != nullptr ? *options.clock : base::SystemClock();
  }

  Options options;
  std::vector<RunningGroup> groups;
  std::vector<Orphans> abandoned;  // of groups that are gone
  base::Guarded<std::vector<GroupStatus>> published;
};

RunningGroup Ruler::State::Make(const std::string& file, const Group& group, Time now,
                                telemetry::Telemetry* telemetry) const {
  RunningGroup running;
  GroupStatus& status = running.status;
  status.file = file;
  status.name = group.name;
  status.interval = group.interval ? group.interval : options.evaluation_interval;
  status.limit = group.limit;
  // A group that follows the tick reads what the tick has just brought.
  if (status.interval) status.query_offset = group.query_offset.value_or(options.query_offset);
  if (status.interval) running.last_slot = SlotBefore(file, group.name, *status.interval, now);
  for (const Rule& rule : group.rules) {
    RuleStatus rule_status;
    rule_status.name = rule.record;
    rule_status.query = promql::Print(*rule.expr);
    rule_status.labels = MergedLabels(group, rule);
    running.rules.push_back({RuleRun(group, rule), std::move(rule_status)});
  }
  if (telemetry != nullptr) {
    using telemetry::MetricId;
    const std::string label = file + ';' + group.name;
    running.evaluations = telemetry->CounterOf(MetricId::kRuleEvaluations, {label});
    running.failures = telemetry->CounterOf(MetricId::kRuleFailures, {label});
    running.missed = telemetry->CounterOf(MetricId::kRuleGroupMissed, {label});
    running.duration = telemetry->GaugeOf(MetricId::kRuleGroupDuration, {label});
  }
  return running;
}

// Rules are matched by name and labels; of several that are alike the first goes to the first.
void Ruler::State::CarryOver(RunningGroup& from, RunningGroup& to) const {
  to.status.duration = from.status.duration;
  to.status.last_evaluation = from.status.last_evaluation;
  if (from.status.interval == to.status.interval) to.last_slot = from.last_slot;
  to.orphans = std::move(from.orphans);
  std::vector<bool> taken(from.rules.size());
  for (RunningRule& rule : to.rules) {
    for (std::size_t i = 0; i < from.rules.size(); ++i) {
      if (taken[i] || from.rules[i].run.identity() != rule.run.identity()) continue;
      taken[i] = true;
      rule.run.SetProduced(from.rules[i].run.TakeProduced());
      if (from.rules[i].status.query == rule.status.query) rule.status = from.rules[i].status;
      break;
    }
  }
  for (std::size_t i = 0; i < from.rules.size(); ++i) {
    if (!taken[i]) AddSeries(from.rules[i].run.produced(), to.orphans.series);
  }
}

void Ruler::State::Abandon(RunningGroup& group, Time now) {
  Orphans orphans = std::move(group.orphans);
  for (const RunningRule& rule : group.rules) AddSeries(rule.run.produced(), orphans.series);
  if (orphans.series.empty()) return;
  // Time for a renamed rule to go on with the series; a rule that follows the tick needs one tick.
  if (group.status.interval) {
    orphans.due = now + 2 * group.status.interval->count();
    orphans.at = now - group.status.query_offset.count();
  }
  abandoned.push_back(std::move(orphans));
}

void Ruler::State::MarkStale(const std::vector<model::Labels>& series, Time at, Time now,
                             store::Appender& appender) {
  std::set<store::SeriesRef> alive;
  for (const RunningGroup& group : groups) {
    for (const RunningRule& rule : group.rules) {
      for (const auto& [input, recorded] : rule.run.produced()) alive.insert(recorded.ref);
    }
  }
  appender.Begin(now);
  for (const model::Labels& labels : series) {
    const store::SeriesRef ref = appender.Find(labels);
    if (ref == 0 || alive.count(ref) > 0) continue;
    appender.AppendRecorded(ref, at, model::StaleNaN(), model::kNoSource);
  }
  appender.Commit();
}

void Ruler::State::MarkAbandoned(Time now, store::Appender& appender) {
  std::erase_if(abandoned, [&](const Orphans& orphans) {
    if (now < orphans.due) return false;
    MarkStale(orphans.series, orphans.at.value_or(now), now, appender);
    return true;
  });
}

void Ruler::State::RunRule(RunningGroup& group, RunningRule& rule, Time slot,
                           store::MemoryStore& store) {
  const base::Steady begun = clock().SteadyNow();
  RuleStatus& status = rule.status;
  status.last_evaluation = clock().Now();
  const auto result = rule.run.Evaluate(
      store, options.query, {slot - group.status.query_offset.count(), slot, group.status.limit});
  status.duration = clock().SteadyNow() - begun;
  group.evaluations.Add();
  if (result) {
    if (status.health == Health::kError) {
      base::LogInfo("msg=\"rule works again\" file={} group={} rule={}", group.status.file,
                    group.status.name, status.name);
    }
    status.health = Health::kOk;
    status.last_error.clear();
    status.series = *result;
    return;
  }
  group.failures.Add();
  // What repeats is said when it starts.
  if (status.last_error != result.error().message) {
    base::LogWarn("msg=\"rule failed\" file={} group={} rule={} err={}", group.status.file,
                  group.status.name, status.name, base::GoQuote(result.error().message));
  }
  status.health = Health::kError;
  status.last_error = result.error().message;
}

void Ruler::State::RunGroup(RunningGroup& group, Time slot, store::MemoryStore& store) {
  const base::Steady begun = clock().SteadyNow();
  group.status.last_evaluation = clock().Now();
  for (RunningRule& rule : group.rules) {
    if (options.query.canceled && options.query.canceled()) break;
    RunRule(group, rule, slot, store);
  }
  if (!group.orphans.series.empty()) {
    const auto series = std::exchange(group.orphans.series, {});
    MarkStale(series, slot - group.status.query_offset.count(), slot, store.appender());
  }
  group.status.duration = clock().SteadyNow() - begun;
  group.duration.Set(std::chrono::duration<double>(group.status.duration).count());
}

void Ruler::State::PublishStatus() {
  std::vector<GroupStatus> copy;
  copy.reserve(groups.size());
  for (const RunningGroup& group : groups) {
    GroupStatus& out = copy.emplace_back(group.status);
    for (const RunningRule& rule : group.rules) out.rules.push_back(rule.status);
  }
  published.With([&](auto& current) { current = std::move(copy); });
}

Ruler::Ruler(const RuleSet& rules, Options options, Time now, telemetry::Telemetry* telemetry)
    : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  for (const RuleFile& file : rules) {
    for (const Group& group : file.groups) {
      state_->groups.push_back(state_->Make(file.name, group, now, telemetry));
    }
  }
  state_->PublishStatus();
}

Ruler::~Ruler() = default;

void Ruler::TakeOver(Ruler& before, Time now) {
  std::vector<RunningGroup> old = std::exchange(before.state_->groups, {});
  for (RunningGroup& group : state_->groups) {
    const auto same = std::find_if(old.begin(), old.end(), [&](const RunningGroup& other) {
      return other.status.file == group.status.file && other.status.name == group.status.name;
    });
    if (same == old.end()) continue;
    state_->CarryOver(*same, group);
    old.erase(same);
  }
  state_->abandoned = std::exchange(before.state_->abandoned, {});
  for (RunningGroup& gone : old) state_->Abandon(gone, now);
  state_->PublishStatus();
}

void Ruler::RunFollowing(Time tick, store::MemoryStore& store) {
  for (RunningGroup& group : state_->groups) {
    if (!group.status.interval) state_->RunGroup(group, tick, store);
  }
  state_->MarkAbandoned(tick, store.appender());
  state_->PublishStatus();
}

void Ruler::RunDue(Time now, store::MemoryStore& store) {
  bool ran = false;
  for (RunningGroup& group : state_->groups) {
    if (!group.status.interval) continue;
    const Time slot = SlotBefore(group.status.file, group.status.name, *group.status.interval, now);
    if (slot <= group.last_slot) continue;
    const Time slots = (slot - group.last_slot) / group.status.interval->count();
    if (slots > 1) group.missed.Add(static_cast<double>(slots - 1));
    group.last_slot = slot;
    state_->RunGroup(group, slot, store);
    ran = true;
  }
  if (ran) state_->PublishStatus();
}

void Ruler::RunAll(Time at, store::MemoryStore& store) {
  for (RunningGroup& group : state_->groups) state_->RunGroup(group, at, store);
  state_->PublishStatus();
}

Time Ruler::NextDue(Time) const {
  Time next = kNever;
  for (const RunningGroup& group : state_->groups) {
    if (group.status.interval)
      next = std::min(next, group.last_slot + group.status.interval->count());
  }
  return next;
}

std::vector<GroupStatus> Ruler::Status() const {
  return state_->published.With([](const auto& current) { return current; });
}

}  // namespace plimsoll::ruler
