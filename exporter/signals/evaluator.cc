// SPDX-License-Identifier: Apache-2.0
//
// Runs the queries of external metrics and the selections of signals, and carries what must survive
// from the previous snapshot into the next.
#include "signals/evaluator.h"

#include <algorithm>

#include "base/format.h"
#include "promql/parser.h"
#include "promql/reach.h"
#include "signals/carry.h"

namespace plimsoll::signals {
namespace {

using config::ExternalMetric;

// Selections outlive the tick that made them, so they are not bounded by its time.
constexpr std::pair<Time, Time> kEver{-(Time(1) << 61), Time(1) << 61};

struct PreparedMetric {
  Metric blank;  // policy, namespaces, window, reads_scraped
  eval::Prepared query;
};

struct PreparedSignal {
  std::shared_ptr<const config::Signal> signal;
  model::Matchers matchers;
  std::uint64_t table_version = 0;
  bool selected = false;
  std::vector<std::pair<store::SeriesRef, model::Labels>> series;
};

// The widest range selector of an expression: what an HPA is told as the window of the value.
std::chrono::seconds WidestRange(const promql::Expr& expr) {
  using std::chrono::milliseconds;
  const milliseconds with = promql::ReachOf(expr, milliseconds(0), milliseconds(0)).back;
  return std::chrono::ceil<std::chrono::seconds>(with);
}

void Add(Imported imported, Snapshot& snapshot) {
  for (Metric& metric : imported.metrics) snapshot.metrics.push_back(std::move(metric));
  snapshot.pending = std::move(imported.pending);
  snapshot.settled = imported.settled;
}

}  // namespace

struct Evaluator::State {
  std::shared_ptr<const config::Config> config;
  Options options;
  telemetry::Counter refused_signals;
  telemetry::Counter refused_metrics;
  telemetry::Counter forgotten;
  std::vector<PreparedMetric> metrics;
  std::vector<PreparedSignal> signals;

  eval::Options EvalOptions() const {
    eval::Options out;
    out.lookback = options.lookback;
    out.clock = options.clock;
    out.timeout = options.query_timeout;
    return out;
  }
  Metric NextMetric(PreparedMetric& prepared, const Snapshot* previous, store::Querier& querier,
                    Time at, Moment now);
  SignalFamily NextSignal(PreparedSignal& prepared, const Snapshot* previous,
                          store::Querier& querier, Time at, Moment now);
};

base::Result<std::unique_ptr<Evaluator>> Evaluator::Make(
    std::shared_ptr<const config::Config> config, Options options,
    telemetry::Telemetry* telemetry) {
  auto state = std::make_unique<State>();
  for (const ExternalMetric& policy : config->external_metrics) {
    auto parsed = promql::Parse(policy.query);
    if (!parsed)
      return base::BadInput(
          base::format("external metric {}: {}", policy.name, parsed.error().message),
          policy.where);
    const promql::Expr& expr = **parsed;
    if (expr.type != promql::ValueType::kVector && expr.type != promql::ValueType::kScalar) {
      return base::BadInput(
          base::format("external metric {}: expected an instant vector or a scalar, found a {}",
                       policy.name, promql::TypeText(expr.type)),
          policy.where);
    }
    Metric blank;
    blank.policy = std::shared_ptr<const ExternalMetric>(config, &policy);
    blank.namespaces = policy.namespaces;
    if (blank.namespaces.empty()) blank.namespaces = {options.own_namespace};
    blank.window = WidestRange(expr);
    blank.reads_scraped =
        options.reads_scraped ? options.reads_scraped(expr) : !promql::Selectors(expr).empty();
    state->metrics.push_back({std::move(blank), eval::Prepared(*std::move(parsed), policy.query)});
  }
  for (const config::Signal& signal : config->signals) {
    PreparedSignal prepared;
    prepared.signal = std::shared_ptr<const config::Signal>(config, &signal);
    prepared.matchers = {model::Matcher::Equal(std::string(model::kMetricName), signal.name)};
    state->signals.push_back(std::move(prepared));
  }
  if (telemetry != nullptr) {
    state->refused_signals =
        telemetry->CounterOf(telemetry::MetricId::kSignalsRefused, {"series_per_signal"});
    state->refused_metrics =
        telemetry->CounterOf(telemetry::MetricId::kSignalsRefused, {"series_per_metric"});
    state->forgotten =
        telemetry->CounterOf(telemetry::MetricId::kSignalsRefused, {"last_good_forgotten"});
  }
  state->config = std::move(config);
  state->options = std::move(options);
  return std::unique_ptr<Evaluator>(new Evaluator(std::move(state)));
}

Evaluator::Evaluator(std::unique_ptr<State> state) : state_(std::move(state)) {}
Evaluator::~Evaluator() = default;

Metric Evaluator::State::NextMetric(PreparedMetric& prepared, const Snapshot* previous,
                                    store::Querier& querier, Time at, Moment now) {
  Metric next = prepared.blank;
  next.evaluated = now;
  // An expression that reads nothing scraped is as old as the tick that evaluated it.
  const Moment of_tick = SourceMoment(at, now);
  auto answer = prepared.query.Instant(querier, at, EvalOptions());
  if (!answer) {
    next.query_error = answer.error().message;
  } else {
    std::vector<Entry>& entries = next.entries;
    const auto add = [&](const model::Labels& labels, double value, Time source) {
      const bool sourced = source != model::kNoSource;
      if (next.reads_scraped && !sourced) return;
      Entry entry{
          .labels = labels.WithoutMetricName(), .present = true, .value = value, .seen = now};
      entry.source = next.reads_scraped ? SourceMoment(source, now) : of_tick;
      entries.push_back(std::move(entry));
    };
    if (const auto* scalar = std::get_if<eval::Scalar>(&answer->value))
      add({}, scalar->value, scalar->source);
    if (const auto* vector = std::get_if<eval::Vector>(&answer->value)) {
      for (const eval::Element& element : vector->elements)
        add(element.labels, element.value, element.source);
    }
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.labels < b.labels; });
    if (entries.size() > options.limits.series_per_metric) {
      next.query_error = base::format("it gives {} series, more than the limit of {}",
                                      entries.size(), options.limits.series_per_metric);
      refused_metrics.Add(static_cast<double>(entries.size()));
      entries.clear();
    }
  }
  forgotten.Add(
      static_cast<double>(CarryOver(previous, now, options.limits.series_per_metric, next)));
  return next;
}

SignalFamily Evaluator::State::NextSignal(PreparedSignal& prepared, const Snapshot* previous,
                                          store::Querier& querier, Time at, Moment now) {
  SignalFamily family{.signal = prepared.signal};
  const Time oldest = at - options.lookback.count() + 1;  // left-open, as Prometheus's lookback is
  if (!prepared.selected || prepared.table_version != querier.TableVersion()) {
    prepared.series.clear();
    for (const auto& found : querier.Select(prepared.matchers, kEver.first, kEver.second)) {
      prepared.series.emplace_back(found.ref, *found.labels);
    }
    prepared.table_version = querier.TableVersion();
    prepared.selected = true;
  }
  for (const auto& [ref, labels] : prepared.series) {
    const auto latest = querier.ReadLatest(ref, oldest, at);
    if (!latest || model::IsStaleNaN(latest->sample.value)) continue;
    if (family.points.size() == options.limits.series_per_signal) {
      refused_signals.Add();
      continue;
    }
    family.points.push_back({labels, latest->sample.value, SourceMoment(latest->sample.time, now)});
  }
  CarryOver(previous, family);
  return family;
}

std::shared_ptr<const Snapshot> Evaluator::Next(const Snapshot* previous,
                                                const store::Queryable& storage, Time at,
                                                Moment now, std::vector<Upstream> upstreams,
                                                Imported imported) {
  auto next = std::make_shared<Snapshot>();
  next->taken = now;
  next->tick_time = at;
  next->lookback = state_->options.lookback;
  next->upstreams = std::move(upstreams);
  const auto querier = storage.Open();
  next->metrics.reserve(state_->metrics.size());
  for (PreparedMetric& metric : state_->metrics) {
    next->metrics.push_back(state_->NextMetric(metric, previous, *querier, at, now));
  }
  for (PreparedSignal& signal : state_->signals) {
    next->signals.push_back(state_->NextSignal(signal, previous, *querier, at, now));
  }
  Add(std::move(imported), *next);
  next->BuildIndex();
  return next;
}

bool Evaluator::Owns(std::string_view name_space, std::string_view name) const {
  return std::any_of(state_->metrics.begin(), state_->metrics.end(), [&](const auto& metric) {
    if (metric.blank.policy->name != name) return false;
    const auto& in = metric.blank.namespaces;
    return name_space == "*" || in.front() == "*" ||
           std::find(in.begin(), in.end(), name_space) != in.end();
  });
}

std::shared_ptr<const Snapshot> Evaluator::First(const Snapshot* previous, Moment now,
                                                 Imported imported) const {
  auto first = std::make_shared<Snapshot>();
  first->lookback = state_->options.lookback;
  if (previous != nullptr) first->upstreams = previous->upstreams;
  for (const PreparedMetric& metric : state_->metrics) {
    Metric next = metric.blank;
    const Metric* before =
        previous == nullptr ? nullptr : previous->Find(next.namespaces.front(), next.policy->name);
    if (before != nullptr && before->origin == nullptr &&
        before->policy->query == next.policy->query) {
      next.evaluated = before->evaluated;
      next.query_error = before->query_error;
      next.entries = before->entries;
      next.forgotten = before->forgotten;
    } else {
      CarryOver(previous, now, state_->options.limits.series_per_metric, next);
    }
    first->metrics.push_back(std::move(next));
  }
  // What stands on /metrics stays there until the first tick says otherwise.
  for (const PreparedSignal& signal : state_->signals) {
    SignalFamily next{.signal = signal.signal};
    if (previous != nullptr) {
      for (const SignalFamily& before : previous->signals) {
        if (before.signal->name == next.signal->name) next.points = before.points;
      }
    }
    first->signals.push_back(std::move(next));
  }
  Add(std::move(imported), *first);
  first->BuildIndex();
  return first;
}

}  // namespace plimsoll::signals
