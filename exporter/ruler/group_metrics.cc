// SPDX-License-Identifier: Apache-2.0
//
// See ruler/detail/group_metrics.h.
#include "ruler/detail/group_metrics.h"

namespace plimsoll::ruler::detail {

namespace {

using telemetry::MetricId;

double Seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

// Every metric with the label rule_group.
constexpr MetricId kOfGroup[] = {
    MetricId::kRuleEvaluations,     MetricId::kRuleFailures,      MetricId::kRuleGroupIterations,
    MetricId::kRuleGroupMissed,     MetricId::kRuleGroupInterval, MetricId::kRuleGroupRules,
    MetricId::kRuleGroupLastTime,   MetricId::kRuleGroupDuration, MetricId::kRuleGroupLastRulesTime,
    MetricId::kRuleGroupLastSamples};

}  // namespace

GroupMetrics::GroupMetrics(telemetry::Telemetry& telemetry, const std::string& label,
                           std::optional<std::chrono::milliseconds> interval, std::size_t rules)
    : evaluations_(telemetry.CounterOf(MetricId::kRuleEvaluations, {label})),
      failures_(telemetry.CounterOf(MetricId::kRuleFailures, {label})),
      iterations_(telemetry.CounterOf(MetricId::kRuleGroupIterations, {label})),
      missed_(telemetry.CounterOf(MetricId::kRuleGroupMissed, {label})),
      rules_(telemetry.GaugeOf(MetricId::kRuleGroupRules, {label})),
      last_evaluation_(telemetry.GaugeOf(MetricId::kRuleGroupLastTime, {label})),
      last_duration_(telemetry.GaugeOf(MetricId::kRuleGroupDuration, {label})),
      last_rules_(telemetry.GaugeOf(MetricId::kRuleGroupLastRulesTime, {label})),
      last_samples_(telemetry.GaugeOf(MetricId::kRuleGroupLastSamples, {label})),
      rule_durations_(telemetry.HistogramOf(MetricId::kRuleDurations)),
      group_durations_(telemetry.HistogramOf(MetricId::kRuleGroupDurations)) {
  rules_.Set(static_cast<double>(rules));
  if (!interval) {
    telemetry.Forget(MetricId::kRuleGroupInterval, {label});
    return;
  }
  interval_ = telemetry.GaugeOf(MetricId::kRuleGroupInterval, {label});
  interval_.Set(Seconds(*interval));
}

void GroupMetrics::Missed(std::int64_t slots) {
  missed_.Add(static_cast<double>(slots));
  iterations_.Add(static_cast<double>(slots));
}

void GroupMetrics::RuleRan(std::chrono::nanoseconds duration, bool failed) {
  evaluations_.Add();
  if (failed) failures_.Add();
  rule_durations_.Observe(Seconds(duration));
}

void GroupMetrics::GroupRan(model::Time at, std::chrono::nanoseconds duration,
                            std::chrono::nanoseconds rules, std::size_t samples) {
  iterations_.Add();
  last_evaluation_.Set(static_cast<double>(at) / 1000);
  last_duration_.Set(Seconds(duration));
  last_rules_.Set(Seconds(rules));
  last_samples_.Set(static_cast<double>(samples));
  group_durations_.Observe(Seconds(duration));
}

void GroupMetrics::Forget(telemetry::Telemetry& telemetry, const std::string& label) {
  for (const MetricId id : kOfGroup) telemetry.Forget(id, {label});
}

}  // namespace plimsoll::ruler::detail
