// SPDX-License-Identifier: Apache-2.0
//
// Facts to series.
#include "hub/travel.h"

#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"
#include "config/policy.h"
#include "signals/resolve.h"
#include "telemetry/catalogue.h"

namespace plimsoll::hub {
namespace {

using config::ExternalMetric;
using signals::Entry;
using signals::Metric;
using signals::Moment;
using signals::Reason;
using signals::Snapshot;
using telemetry::MetricId;

constexpr double kMillisecond = 1000;

model::Family FamilyOf(MetricId id) {
  const telemetry::MetricRow& row = telemetry::Row(id);
  return {.name = std::string(row.name),
          .metadata = {.type = model::MetricType::kGauge, .help = std::string(row.help)}};
}

// Seconds with three decimals: read back by rounding, exact for some hundred thousand years.
double Seconds(model::Time time) { return static_cast<double>(time) / kMillisecond; }

// Without what changes from page to page (ages): each text is a series of its own.
std::string ErrorOf(const Snapshot& snapshot, const Metric& metric) {
  std::string text = metric.query_error;
  for (const signals::Upstream& upstream : snapshot.upstreams) {
    if (!text.empty() || upstream.up || !metric.reads_scraped) continue;
    text = upstream.name + ": " +
           (upstream.last_error.empty() ? "has not answered yet" : upstream.last_error);
  }
  if (text.size() > kMostErrorBytes) {
    std::size_t end = kMostErrorBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text.resize(end);
  }
  return text;
}

// One name may be exported for several sets of namespaces, each with its own query and policy.
std::string NamespacesOf(const ExternalMetric& policy) {
  std::string namespaces;
  for (const std::string& name : policy.namespaces)
    namespaces += (namespaces.empty() ? "" : ",") + name;
  return namespaces;
}

class Page {
 public:
  void Add(const Snapshot& snapshot, const Metric& metric) {
    const Which which{metric.policy->name, NamespacesOf(*metric.policy)};
    info_.points.push_back({PolicyLabels(metric), 1});
    if (metric.evaluated.steady.count() != 0) Put(evaluated_, which, {}, metric.evaluated.wall);
    if (const auto reason = signals::AbsentReason(snapshot, metric)) {
      problem_.points.push_back({model::Labels{{model::kMetricName, problem_.name},
                                               {"metric", which.name},
                                               {"namespaces", which.namespaces},
                                               {"reason", signals::ReasonText(*reason)},
                                               {"error", ErrorOf(snapshot, metric)}},
                                 1});
    }
    const auto present = std::count_if(metric.entries.begin(), metric.entries.end(),
                                       [](const Entry& entry) { return entry.present; });
    Put(series_, which, {}, static_cast<double>(present));
    for (const Entry& entry : metric.entries) AddEntry(which, entry);
  }

  std::vector<model::Family> Families(Moment now) {
    model::Family written = FamilyOf(MetricId::kExportedPageTime);
    written.points.push_back(
        {model::Labels{{model::kMetricName, written.name}}, Seconds(now.wall)});
    std::vector<model::Family> families;
    for (model::Family* family : {&info_, &value_, &source_, &good_, &good_source_, &evaluated_,
                                  &series_, &problem_, &written}) {
      if (!family->points.empty()) families.push_back(std::move(*family));
    }
    return families;
  }

 private:
  struct Which {
    const std::string& name;
    const std::string namespaces;
  };

  void AddEntry(const Which& which, const Entry& entry) {
    if (entry.present) {
      Put(value_, which, entry.labels, entry.value);
      Put(source_, which, entry.labels, entry.source.wall);
    }
    const bool is_newest =
        entry.present && entry.last_good && entry.last_good->source == entry.source;
    if (!entry.last_good || is_newest) return;
    Put(good_, which, entry.labels, entry.last_good->value);
    Put(good_source_, which, entry.labels, entry.last_good->source.wall);
  }

  void Put(model::Family& family, const Which& which, const model::Labels& labels, double value) {
    builder_.Reset();
    for (const model::Label& label : labels)
      builder_.Set(std::string(kLabelPrefix) + std::string(label.name), label.value);
    builder_.Set(model::kMetricName, family.name).Set("metric", which.name);
    builder_.Set("namespaces", which.namespaces);
    family.points.push_back({builder_.Build(), value});
  }
  void Put(model::Family& family, const Which& which, const model::Labels& labels,
           model::Time time) {
    Put(family, which, labels, Seconds(time));
  }

  model::Family info_ = FamilyOf(MetricId::kExportedInfo);
  model::Family value_ = FamilyOf(MetricId::kExportedValue);
  model::Family source_ = FamilyOf(MetricId::kExportedSource);
  model::Family good_ = FamilyOf(MetricId::kExportedLastGood);
  model::Family good_source_ = FamilyOf(MetricId::kExportedLastGoodSource);
  model::Family evaluated_ = FamilyOf(MetricId::kExportedEvaluated);
  model::Family series_ = FamilyOf(MetricId::kExportedSeries);
  model::Family problem_ = FamilyOf(MetricId::kExportedProblem);
  model::LabelsBuilder builder_;
};

}  // namespace

std::vector<model::Family> ExportedFamilies(const Snapshot& snapshot, Moment now) {
  Page page;
  for (const Metric& metric : snapshot.metrics) {
    if (metric.origin == nullptr) page.Add(snapshot, metric);
  }
  return page.Families(now);
}

model::Labels PolicyLabels(const Metric& metric) {
  const ExternalMetric& policy = *metric.policy;
  model::LabelsBuilder labels;
  const auto number = [&](std::string_view name, const std::optional<double>& value) {
    if (value) labels.Set(name, base::ShortestG(*value));
  };
  labels.Set(model::kMetricName, telemetry::Row(MetricId::kExportedInfo).name);
  labels.Set("metric", policy.name);
  labels.Set("type", config::WordOf(config::kMetricTypes, policy.type));
  labels.Set("several", config::WordOf(config::kSeveral, policy.several));
  labels.Set("round", config::WordOf(config::kRound, policy.round));
  labels.Set("max_age", base::FormatDuration(policy.max_age));
  if (policy.hold.count() != 0) labels.Set("hold", base::FormatDuration(policy.hold));
  if (policy.then) number("then", policy.then->value);
  if (policy.then && policy.then->exactly) labels.Set("then_exactly", "true");
  number("when_empty", policy.when_empty);
  number("valid_min", policy.valid_min);
  number("valid_max", policy.valid_max);
  number("clamp_min", policy.clamp_min);
  number("clamp_max", policy.clamp_max);
  labels.Set("window", std::to_string(metric.window.count()));
  labels.Set("reads", metric.reads_scraped ? "scraped" : "nothing");
  labels.Set("namespaces", NamespacesOf(policy));
  return labels.Build();
}

}  // namespace plimsoll::hub
