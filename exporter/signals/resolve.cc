// SPDX-License-Identifier: Apache-2.0
//
// The value policy, one decision after the other: see the table in resolve.h.
#include "signals/resolve.h"

#include <algorithm>
#include <cmath>

#include "signals/detail/explain.h"
#include "signals/detail/quantity.h"
#include "telemetry/catalogue.h"

namespace plimsoll::signals {
namespace {

using config::ExternalMetric;

// One value made of the series that a read matches, with the age of its oldest part.
struct Combined {
  double value = 0;
  Moment source;
};

void Combine(const ExternalMetric& policy, double value, Moment source, bool first,
             Combined& into) {
  if (first) {
    into = {value, source};
    return;
  }
  into.value = policy.several == ExternalMetric::Several::kMax ? std::max(into.value, value)
                                                               : into.value + value;
  if (source.steady < into.source.steady) into.source = source;
}

bool NothingScraped(const Snapshot& snapshot, const Metric& metric) {
  return metric.reads_scraped && metric.origin == nullptr && !snapshot.upstreams.empty() &&
         std::none_of(snapshot.upstreams.begin(), snapshot.upstreams.end(),
                      [](const Upstream& upstream) { return upstream.last_success.has_value(); });
}

std::optional<Reason> Invalid(const ExternalMetric& policy, double value) {
  if (!std::isfinite(value)) return Reason::kNotFinite;
  if (value < policy.valid_min || value > policy.valid_max) return Reason::kOutOfRange;
  return std::nullopt;
}

double Clamp(const ExternalMetric& policy, double value) {
  if (policy.clamp_min && value < *policy.clamp_min) value = *policy.clamp_min;
  if (policy.clamp_max && value > *policy.clamp_max) value = *policy.clamp_max;
  return value;
}

// One read: the arguments of Resolve and the entries that it matches.
class Read {
 public:
  Read(const Snapshot& snapshot, const Metric& metric, std::string_view name_space,
       const Selection* selection, Moment now)
      : snapshot_(snapshot),
        metric_(metric),
        policy_(*metric.policy),
        name_space_(name_space),
        selection_(selection),
        now_(now) {
    Match();
  }

  Outcome Answer() const {
    const bool evaluated = metric_.evaluated.steady.count() != 0;
    if (!present_) {
      const Origin* origin = metric_.origin.get();
      if (origin != nullptr && origin->reason && *origin->reason != Reason::kEmpty)
        return Absent(*origin->reason, {});
      if (!metric_.query_error.empty()) return Absent(Reason::kQueryError, {});
      if (evaluated && policy_.when_empty) return WhenEmpty();
      const bool nothing = group_.empty() && NothingScraped(snapshot_, metric_);
      return Absent(evaluated && !nothing ? Reason::kEmpty : Reason::kNeverScraped, {});
    }
    if (group_.size() > 1 && policy_.several == ExternalMetric::Several::kError) return Several();

    Combined combined;
    for (const Entry* entry : group_) {
      if (const auto invalid = Invalid(policy_, entry->value))
        return Refused(*invalid, entry->value);
      Combine(policy_, entry->value, entry->source, entry == group_.front(), combined);
    }
    if (const auto invalid = Invalid(policy_, combined.value))
      return Refused(*invalid, combined.value);
    if (Age(combined.source) > policy_.max_age)
      return Absent(Reason::kStale, {.source = combined.source});
    return Serve(Clamp(policy_, combined.value), combined.source, State::kFresh);
  }

 private:
  // Keeps the present series or, when there are none, those that were seen last.
  void Match() {
    for (const Entry& entry : metric_.entries) {
      if (!Selects(entry)) continue;
      if (!group_.empty()) {
        const Entry& kept = *group_.front();
        if (kept.present && !entry.present) continue;
        if (!kept.present && !entry.present && entry.seen.steady < kept.seen.steady) continue;
        if (entry.present != kept.present ||
            (!entry.present && entry.seen.steady > kept.seen.steady))
          group_.clear();
      }
      group_.push_back(&entry);
    }
    present_ = !group_.empty() && group_.front()->present;
  }

  bool Selects(const Entry& entry) const {
    return selection_ == nullptr || selection_->Matches(entry.labels);
  }

  Steady Age(Moment source) const { return std::max(Steady(0), now_.steady - source.steady); }

  std::optional<Combined> LastGood() const {
    std::optional<Combined> good;
    for (const Entry* entry : group_) {
      if (!entry->last_good) return std::nullopt;
      const bool first = !good.has_value();
      if (first) good.emplace();
      Combine(policy_, entry->last_good->value, entry->last_good->source, first, *good);
    }
    return good;
  }

  Outcome WhenEmpty() const {
    const double number = *policy_.when_empty;
    const Steady age = Age(metric_.evaluated);
    if (age <= policy_.max_age)
      return Serve(Clamp(policy_, number), metric_.evaluated, State::kFresh);
    return Fall(Reason::kStale, Combined{number, metric_.evaluated}, {.source = metric_.evaluated});
  }

  Outcome Several() const {
    Evidence evidence;
    evidence.series = group_;
    return Fail(Reason::kSeveral, evidence);
  }

  // The newest value exists and must not be served.
  Outcome Refused(Reason reason, double value) const {
    const bool configured = policy_.hold.count() > 0 || policy_.then.has_value();
    if (!configured) return Fail(reason, {.value = value});
    return Absent(reason, {.value = value});
  }

  // There is nothing newer than the last good value.
  Outcome Absent(Reason reason, const Evidence& evidence) const {
    if (group_.size() > 1 && policy_.several == ExternalMetric::Several::kError) return Several();
    return Fall(reason, LastGood(), evidence);
  }

  Outcome Fall(Reason reason, const std::optional<Combined>& good, Evidence evidence) const {
    if (good) evidence.last_good = Good{good->value, good->source};
    if (!good && group_.empty() && metric_.forgotten && Selects(*metric_.forgotten))
      evidence.last_good = metric_.forgotten->last_good;
    if (!good || policy_.type == ExternalMetric::Type::kValue) return Fail(reason, evidence);
    const double last = Clamp(policy_, good->value);
    if (Age(good->source) <= policy_.max_age + policy_.hold)
      return Serve(last, good->source, State::kHeld, reason);
    if (!policy_.then) return Fail(reason, evidence);
    const double fallback =
        policy_.then->exactly ? policy_.then->value : std::max(policy_.then->value, last);
    return Serve(fallback, good->source, State::kFallback, reason);
  }

  Outcome Serve(double value, Moment source, State state,
                std::optional<Reason> reason = std::nullopt) const {
    const auto milli = ToMilli(value, policy_.round);
    if (!milli)
      return Fail(std::isfinite(value) ? Reason::kOutOfRange : Reason::kNotFinite,
                  {.value = value});
    Served served;
    served.quantity = QuantityText(*milli);
    served.value = static_cast<double>(*milli) / 1000;
    served.timestamp = source.wall;
    served.age = Age(source);
    served.window = metric_.window;
    served.state = state;
    served.reason = reason;
    if (group_.size() == 1) served.labels = group_.front()->labels;
    if (group_.size() > 1) served.labels = SharedLabels();
    return served;
  }

  model::Labels SharedLabels() const {
    model::LabelsBuilder shared(group_.front()->labels);
    for (const auto& label : group_.front()->labels) {
      for (const Entry* entry : group_) {
        if (entry->labels.Get(label.name) != label.value) shared.Delete(label.name);
      }
    }
    return shared.Build();
  }

  Failure Fail(Reason reason, const Evidence& evidence) const {
    return {reason, Explain(snapshot_, metric_, name_space_, reason, evidence, now_)};
  }

  const Snapshot& snapshot_;
  const Metric& metric_;
  const ExternalMetric& policy_;
  std::string_view name_space_;
  const Selection* selection_;
  Moment now_;
  std::vector<const Entry*> group_;
  bool present_ = false;
};

// The series of one entry alone.
class OnlyLabels final : public Selection {
 public:
  explicit OnlyLabels(const model::Labels& labels) : labels_(labels) {}
  bool Matches(const model::Labels& labels) const override { return labels == labels_; }
  bool Allows(std::string_view name, std::string_view value) const override {
    return labels_.Get(name) == value;
  }

 private:
  const model::Labels& labels_;
};

// Whether a read asks for series of this one of the metrics that sidecars export under a name.
bool Means(const Metric& metric, const Selection* selection) {
  if (selection == nullptr) return true;
  if (metric.entries.empty())
    return selection->Matches(model::Labels{{"engine", metric.origin->engine}});
  return std::any_of(metric.entries.begin(), metric.entries.end(),
                     [&](const Entry& entry) { return selection->Matches(entry.labels); });
}

// Engines export the name. Their values are never combined, nor does one of them speak for another
// that was not heard of: a read means one of those that are known, or it is an error.
Outcome ReadShared(const Snapshot& snapshot, const std::vector<const Metric*>& sharing,
                   std::string_view name_space, const Selection* selection, Moment now) {
  std::vector<const Metric*> meant, allowed;
  for (const Metric* metric : sharing) {
    if (Means(*metric, selection)) meant.push_back(metric);
    if (selection == nullptr || selection->Allows("engine", metric->origin->engine))
      allowed.push_back(metric);
  }
  if (meant.empty()) meant = std::move(allowed);  // its engine is there, the series are not
  if (meant.empty()) return Failure{Reason::kEmpty, ExplainNone(sharing, name_space)};
  if (meant.size() > 1) return Failure{Reason::kSeveral, ExplainShared(meant, name_space)};
  return Read(snapshot, *meant.front(), name_space, selection, now).Answer();
}

// The outcome that tells most about a metric as a whole.
Outcome Overall(const Snapshot& snapshot, const Metric& metric, Moment now) {
  const std::string& name_space = metric.namespaces.front();
  Outcome all = Read(snapshot, metric, name_space, nullptr, now).Answer();
  const auto* failure = std::get_if<Failure>(&all);
  if (failure == nullptr || failure->reason != Reason::kSeveral) return all;
  std::optional<Served> worst;
  for (const Entry& entry : metric.entries) {
    const OnlyLabels only(entry.labels);
    Outcome one = Read(snapshot, metric, name_space, &only, now).Answer();
    auto* served = std::get_if<Served>(&one);
    if (served == nullptr) return one;
    if (!worst || served->state > worst->state ||
        (served->state == worst->state && served->age > worst->age)) {
      worst = std::move(*served);
    }
  }
  worst->quantity.clear();  // several values are not one: the value is left out
  return *worst;
}

}  // namespace

std::string_view StateText(State state) {
  switch (state) {
    case State::kFresh:
      return "fresh";
    case State::kHeld:
      return "held";
    case State::kFallback:
      return "fallback";
  }
  return "";
}

Outcome Resolve(const Snapshot& snapshot, const Metric& metric, std::string_view name_space,
                const Selection* selection, Moment now) {
  if (metric.origin != nullptr) {
    auto sharing = snapshot.Sharing(name_space, metric.policy->name);
    if (sharing.empty()) sharing = {&metric};
    return ReadShared(snapshot, sharing, name_space, selection, now);
  }
  return Read(snapshot, metric, name_space, selection, now).Answer();
}

std::optional<Reason> AbsentReason(const Snapshot& snapshot, const Metric& metric) {
  const bool any = std::any_of(metric.entries.begin(), metric.entries.end(),
                               [](const Entry& entry) { return entry.present; });
  if (any) return std::nullopt;
  if (!metric.query_error.empty()) return Reason::kQueryError;
  const bool never = metric.evaluated.steady.count() == 0 ||
                     (metric.entries.empty() && NothingScraped(snapshot, metric));
  return never ? Reason::kNeverScraped : Reason::kEmpty;
}

std::vector<const SignalPoint*> VisiblePoints(const Snapshot& snapshot, const SignalFamily& family,
                                              Moment now) {
  std::vector<const SignalPoint*> visible;
  for (const SignalPoint& point : family.points) {
    if (now.steady - point.sampled.steady <= snapshot.lookback) visible.push_back(&point);
  }
  return visible;
}

std::vector<model::Family> MetricFamilies(const Snapshot& snapshot, Moment now) {
  const auto family_of = [](telemetry::MetricId id) {
    const telemetry::MetricRow& row = telemetry::Row(id);
    return model::Family{
        .name = std::string(row.name),
        .metadata = {.type = model::MetricType::kGauge, .help = std::string(row.help)},
    };
  };
  model::Family value = family_of(telemetry::MetricId::kExternalMetricValue);
  model::Family age = family_of(telemetry::MetricId::kExternalMetricAge);
  model::Family state = family_of(telemetry::MetricId::kExternalMetricState);
  for (const Metric& metric : snapshot.metrics) {
    const Outcome outcome = Overall(snapshot, metric, now);
    const auto* served = std::get_if<Served>(&outcome);
    const std::string_view word = served == nullptr ? "error" : StateText(served->state);
    std::string_view engine, owner;
    if (metric.origin != nullptr) {
      engine = metric.origin->engine;
      owner = metric.origin->owner;
    }
    for (const std::string& name_space : metric.namespaces) {
      const auto point = [&](model::Family& family, double number, std::string_view in_state = {}) {
        family.points.push_back({model::Labels{{model::kMetricName, family.name},
                                               {"namespace", name_space},
                                               {"metric", metric.policy->name},
                                               {"engine", engine},
                                               {"owner", owner},
                                               {"state", in_state}},
                                 number});
      };
      if (served != nullptr && !served->quantity.empty()) point(value, served->value);
      if (served != nullptr) point(age, std::chrono::duration<double>(served->age).count());
      for (const std::string_view one : {"fresh", "held", "fallback", "error"})
        point(state, one == word ? 1 : 0, one);
    }
  }
  std::vector<model::Family> families;
  for (model::Family* family : {&age, &state, &value}) {
    if (!family->points.empty()) families.push_back(std::move(*family));
  }
  return families;
}

}  // namespace plimsoll::signals
