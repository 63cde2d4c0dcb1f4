// SPDX-License-Identifier: Apache-2.0
//
// Groups, slots and reloads. Longer than most: it is one state, and what can stand apart does
// (detail/). See ruler/ruler.h.
#include "ruler/ruler.h"

#include <algorithm>
#include <set>

#include "base/format.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/number_text.h"
#include "model/labels.h"
#include "promql/print.h"
#include "ruler/dependencies.h"
#include "ruler/detail/group_metrics.h"
#include "ruler/detail/query_pool.h"
#include "ruler/detail/rule_run.h"

namespace plimsoll::ruler {

namespace {

using detail::Produced;
using detail::RuleRun;
using std::chrono::milliseconds;

struct RunningRule {
  RuleRun run;
  RuleStatus status;
  // So many rules of the group must have stored what they yielded before this one is asked.
  std::size_t after = 0;
};

// What the query of a rule yielded, when it was asked and how long it took.
struct Asked {
  base::Result<std::vector<eval::Element>> elements;
  Time at = 0;
  std::chrono::nanoseconds duration{0};
};

// Rules that are asked at once, on a thread, are so many that this time has passed: so the writer
// is seldom woken, and stores soon.
constexpr milliseconds kAtOnce{5};

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
  detail::GroupMetrics metrics;

  // The run that is under way, or the last one.
  bool under_way = false;  // only on the threads
  Time slot = 0;
  std::size_t next = 0;  // the rule that is asked, or will be
  base::Steady begun{};
  std::chrono::nanoseconds rules_took{0};
  std::size_t samples = 0;
};

std::string MetricLabel(const GroupStatus& group) { return group.file + ';' + group.name; }

AlertStatus StatusOf(const Group& group, const Alert& alert) {
  return {.name = alert.name,
          .query = promql::Print(*alert.expr),
          .hold = alert.hold,
          .keep_firing = alert.keep_firing,
          .labels = MergedLabels(group, alert.labels),
          .annotations = alert.annotations,
          .number = alert.number};
}

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
  RunningGroup Make(const std::string& file, const Group& group, Time now) const;
  void CarryOver(RunningGroup& from, RunningGroup& to) const;
  void Abandon(RunningGroup& group, Time now);
  void Begin(RunningGroup& group, Time slot) const;
  Asked Ask(const RunningGroup& group, RunningRule& rule, const store::Queryable& from) const;
  // Asks the next rule, and those behind it that read nothing which the ones before them record.
  std::vector<Asked> AskSome(RunningGroup& group, const store::Queryable& from) const;
  // Stores what the group's next rule yielded and steps to the one after it.
  void Take(RunningGroup& group, const Asked& asked, store::Appender& appender);
  void Finish(RunningGroup& group, store::Appender& appender);
  void RunGroup(RunningGroup& group, Time slot, store::MemoryStore& store);
  // On the threads. Returns: whether the group is at its end.
  bool GoOn(RunningGroup& group, store::MemoryStore& store);
  bool Canceled() const { return query.canceled && query.canceled(); }
  void MarkStale(const std::vector<model::Labels>& series, Time at, Time now,
                 store::Appender& appender);
  void MarkAbandoned(Time now, store::Appender& appender);
  void PublishStatus();
  const base::Clock& clock() const {
    return options.clock != nullptr ? *options.clock : base::SystemClock();
  }

  Options options;
  telemetry::Telemetry* telemetry = nullptr;
  std::vector<RunningGroup> groups;
  std::vector<Orphans> abandoned;  // of groups that are gone
  base::Guarded<std::vector<GroupStatus>> published;
  base::Steady published_at{0};
  eval::Options query;  // those of `options`, and that Stop ends them
  base::Guarded<std::vector<std::pair<RunningGroup*, std::vector<Asked>>>> arrived;  // from threads
  std::unique_ptr<detail::QueryPool> pool;  // null: no threads. The last member: it stops first
};

RunningGroup Ruler::State::Make(const std::string& file, const Group& group, Time now) const {
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
    rule_status.labels = MergedLabels(group, rule.labels);
    rule_status.number = rule.number;
    RunningRule& made =
        running.rules.emplace_back(RunningRule{RuleRun(group, rule), std::move(rule_status)});
    for (std::size_t i = 0; i + 1 < running.rules.size(); ++i) {
      if (MayRead(*rule.expr, group.rules[i].record)) made.after = i + 1;
    }
  }
  for (const Alert& alert : group.alerts) status.alerts.push_back(StatusOf(group, alert));
  if (telemetry != nullptr) {
    running.metrics = detail::GroupMetrics(*telemetry, MetricLabel(status), status.interval,
                                           group.rules.size() + group.alerts.size());
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
  if (telemetry != nullptr) detail::GroupMetrics::Forget(*telemetry, MetricLabel(group.status));
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

void Ruler::State::Begin(RunningGroup& group, Time slot) const {
  group.slot = slot;
  group.next = 0;
  group.begun = clock().SteadyNow();
  group.rules_took = {};
  group.samples = 0;
  group.status.last_evaluation = clock().Now();
}

Asked Ruler::State::Ask(const RunningGroup& group, RunningRule& rule,
                        const store::Queryable& from) const {
  const Time at = clock().Now();
  const base::Steady begun = clock().SteadyNow();
  auto elements = rule.run.Query(from, query, group.slot - group.status.query_offset.count());
  return {std::move(elements), at, clock().SteadyNow() - begun};
}

std::vector<Asked> Ruler::State::AskSome(RunningGroup& group, const store::Queryable& from) const {
  std::vector<Asked> asked;
  std::chrono::nanoseconds took{0};
  for (std::size_t i = group.next; i < group.rules.size(); ++i) {
    if (i > group.next && (group.rules[i].after > group.next || took >= kAtOnce || Canceled()))
      break;
    asked.push_back(Ask(group, group.rules[i], from));
    took += asked.back().duration;
  }
  return asked;
}

void Ruler::State::Take(RunningGroup& group, const Asked& asked, store::Appender& appender) {
  RunningRule& rule = group.rules[group.next++];
  RuleStatus& status = rule.status;
  status.last_evaluation = asked.at;
  const base::Steady begun = clock().SteadyNow();
  base::Result<std::size_t> stored = std::size_t{0};
  if (asked.elements) {
    stored = rule.run.Store(
        appender, *asked.elements,
        {group.slot - group.status.query_offset.count(), group.slot, group.status.limit});
  } else {
    stored = asked.elements.error();
  }
  status.duration = asked.duration + (clock().SteadyNow() - begun);
  group.rules_took += status.duration;
  group.metrics.RuleRan(status.duration, !stored);
  if (stored) {
    if (status.health == Health::kError) {
      base::LogInfo("msg=\"rule works again\" file={} group={} rule={}", group.status.file,
                    group.status.name, status.name);
    }
    status.health = Health::kOk;
    status.last_error.clear();
    status.series = *stored;
    group.samples += *stored;
    return;
  }
  // What repeats is said when it starts.
  if (status.last_error != stored.error().message) {
    base::LogWarn("msg=\"rule failed\" file={} group={} rule={} err={}", group.status.file,
                  group.status.name, status.name, base::GoQuote(stored.error().message));
  }
  status.health = Health::kError;
  status.last_error = stored.error().message;
}

void Ruler::State::Finish(RunningGroup& group, store::Appender& appender) {
  if (!group.orphans.series.empty()) {
    const auto series = std::exchange(group.orphans.series, {});
    MarkStale(series, group.slot - group.status.query_offset.count(), group.slot, appender);
  }
  group.status.duration = clock().SteadyNow() - group.begun;
  group.metrics.GroupRan(*group.status.last_evaluation, group.status.duration, group.rules_took,
                         group.samples);
}

void Ruler::State::RunGroup(RunningGroup& group, Time slot, store::MemoryStore& store) {
  Begin(group, slot);
  for (RunningRule& rule : group.rules) {
    if (Canceled()) break;
    Take(group, Ask(group, rule, store), store.appender());
  }
  Finish(group, store.appender());
}

bool Ruler::State::GoOn(RunningGroup& group, store::MemoryStore& store) {
  group.under_way = group.next < group.rules.size() && !Canceled();
  if (!group.under_way) {
    Finish(group, store.appender());
    return true;
  }
  pool->Post([this, &group, &store] {
    std::vector<Asked> asked = AskSome(group, store);
    arrived.With([&](auto& all) { all.emplace_back(&group, std::move(asked)); });
    if (options.wake) options.wake();
  });
  return false;
}

void Ruler::State::PublishStatus() {
  std::vector<GroupStatus> copy;
  copy.reserve(groups.size());
  for (const RunningGroup& group : groups) {
    GroupStatus& out = copy.emplace_back(group.status);
    for (const RunningRule& rule : group.rules) out.rules.push_back(rule.status);
  }
  published.With([&](auto& current) { current = std::move(copy); });
  published_at = clock().SteadyNow();
}

Ruler::Ruler(const RuleSet& rules, Options options, Time now, telemetry::Telemetry* telemetry)
    : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  state_->telemetry = telemetry;
  state_->query = state_->options.query;
  if (state_->options.threads > 0) {
    state_->pool = std::make_unique<detail::QueryPool>(state_->options.threads);
    state_->query.canceled = [given = state_->options.query.canceled, pool = state_->pool.get()] {
      return pool->stopping() || (given && given());
    };
  }
  for (const RuleFile& file : rules) {
    for (const Group& group : file.groups) {
      state_->groups.push_back(state_->Make(file.name, group, now));
    }
  }
  state_->PublishStatus();
}

Ruler::~Ruler() = default;

void Ruler::Stop() {
  if (state_->pool != nullptr) state_->pool->Stop();
  state_->arrived.With([](auto& all) { all.clear(); });
}

void Ruler::TakeOver(Ruler& before, Time now) {
  before.Stop();
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

bool Ruler::RunDue(Time now, store::MemoryStore& store) {
  if (state_->pool != nullptr && state_->pool->stopping()) return false;
  bool finished = false;
  bool changed = false;
  for (auto& [group, asked] :
       state_->arrived.With([](auto& all) { return std::exchange(all, {}); })) {
    for (const Asked& one : asked) state_->Take(*group, one, store.appender());
    finished = state_->GoOn(*group, store) || finished;
    changed = true;
  }
  for (RunningGroup& group : state_->groups) {
    if (!group.status.interval || group.under_way) continue;
    const Time slot = SlotBefore(group.status.file, group.status.name, *group.status.interval, now);
    if (slot <= group.last_slot) continue;
    const Time slots = (slot - group.last_slot) / group.status.interval->count();
    if (slots > 1) group.metrics.Missed(slots - 1);
    group.last_slot = slot;
    changed = true;
    if (state_->pool == nullptr) {
      state_->RunGroup(group, slot, store);
      finished = true;
    } else {
      state_->Begin(group, slot);
      finished = state_->GoOn(group, store) || finished;
    }
  }
  // The status of all rules is copied for it, so not after each of many quick ones.
  const bool old = state_->clock().SteadyNow() - state_->published_at >= std::chrono::seconds(1);
  if (changed && (finished || old)) state_->PublishStatus();
  return finished;
}

void Ruler::RunAll(Time at, store::MemoryStore& store) {
  for (RunningGroup& group : state_->groups) state_->RunGroup(group, at, store);
  state_->PublishStatus();
}

Time Ruler::NextDue(Time) const {
  if (state_->pool != nullptr && state_->pool->stopping()) return kNever;
  if (!state_->arrived.With([](const auto& all) { return all.empty(); })) return INT64_MIN;
  Time next = kNever;
  for (const RunningGroup& group : state_->groups) {
    if (!group.status.interval || group.under_way) continue;
    next = std::min(next, group.last_slot + group.status.interval->count());
  }
  return next;
}

std::vector<GroupStatus> Ruler::Status() const {
  return state_->published.With([](const auto& current) { return current; });
}

}  // namespace plimsoll::ruler
