// SPDX-License-Identifier: Apache-2.0
//
// prometheus-cpp behind telemetry.h: one family per row, made when its first handle is asked for.
#include "telemetry/telemetry.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <cassert>
#include <map>

#include "base/number_text.h"

namespace plimsoll::telemetry {
namespace {

// From a tenth of a millisecond (an answer from memory) to ten seconds (a scrape time-out).
const prometheus::Histogram::BucketBoundaries kSeconds = {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03,
                                                          0.1,    0.3,    1,     3,     10};

prometheus::Labels LabelsOf(const MetricRow& row, std::initializer_list<std::string_view> values) {
  prometheus::Labels labels;
  std::string_view names = row.labels;
  for (const std::string_view value : values) {
    const std::size_t comma = names.find(',');
    assert(!names.empty());
    labels[std::string(names.substr(0, comma))] = value;
    names = comma == std::string_view::npos ? std::string_view() : names.substr(comma + 1);
  }
  assert(names.empty());
  return labels;
}

model::Labels SeriesLabels(const std::string& name, const prometheus::ClientMetric& metric) {
  model::LabelsBuilder builder;
  for (const auto& label : metric.label) builder.Set(label.name, label.value);
  return builder.Set(model::kMetricName, name).Build();
}

void AddHistogram(const std::string& name, const prometheus::ClientMetric& metric,
                  model::Family& family) {
  for (const auto& bucket : metric.histogram.bucket) {
    model::LabelsBuilder builder(SeriesLabels(name + "_bucket", metric));
    builder.Set("le", base::ShortestG(bucket.upper_bound));
    family.points.push_back({builder.Build(), static_cast<double>(bucket.cumulative_count)});
  }
  family.points.push_back({SeriesLabels(name + "_sum", metric), metric.histogram.sample_sum});
  family.points.push_back(
      {SeriesLabels(name + "_count", metric), static_cast<double>(metric.histogram.sample_count)});
}

}  // namespace

void Counter::Add(double by) {
  if (counter_ != nullptr) counter_->Increment(by);
}
double Counter::Value() const { return counter_ == nullptr ? 0 : counter_->Value(); }
void Gauge::Set(double value) {
  if (gauge_ != nullptr) gauge_->Set(value);
}
void Gauge::Add(double by) {
  if (gauge_ != nullptr) gauge_->Increment(by);
}
double Gauge::Value() const { return gauge_ == nullptr ? 0 : gauge_->Value(); }
void Histogram::Observe(double value) {
  if (histogram_ != nullptr) histogram_->Observe(value);
}

struct Telemetry::Impl {
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
};

Telemetry::Telemetry() : impl_(std::make_unique<Impl>()) {}
Telemetry::~Telemetry() = default;

Counter Telemetry::CounterOf(MetricId id, std::initializer_list<std::string_view> values) {
  const MetricRow& row = Row(id);
  assert(row.kind == Kind::kCounter);
  auto& family = prometheus::BuildCounter()
                     .Name(std::string(row.name))
                     .Help(std::string(row.help))
                     .Register(impl_->registry);
  return Counter(&family.Add(LabelsOf(row, values)));
}

Gauge Telemetry::GaugeOf(MetricId id, std::initializer_list<std::string_view> values) {
  const MetricRow& row = Row(id);
  assert(row.kind == Kind::kGauge);
  auto& family = prometheus::BuildGauge()
                     .Name(std::string(row.name))
                     .Help(std::string(row.help))
                     .Register(impl_->registry);
  return Gauge(&family.Add(LabelsOf(row, values)));
}

Histogram Telemetry::HistogramOf(MetricId id, std::initializer_list<std::string_view> values) {
  const MetricRow& row = Row(id);
  assert(row.kind == Kind::kHistogram);
  auto& family = prometheus::BuildHistogram()
                     .Name(std::string(row.name))
                     .Help(std::string(row.help))
                     .Register(impl_->registry);
  return Histogram(&family.Add(LabelsOf(row, values), kSeconds));
}

void Telemetry::Forget(MetricId id, std::initializer_list<std::string_view> values) {
  const MetricRow& row = Row(id);
  const auto remove = [&](auto builder) {
    auto& family =
        builder.Name(std::string(row.name)).Help(std::string(row.help)).Register(impl_->registry);
    family.Remove(&family.Add(LabelsOf(row, values)));
  };
  switch (row.kind) {
    case Kind::kCounter:
      return remove(prometheus::BuildCounter());
    case Kind::kGauge:
      return remove(prometheus::BuildGauge());
    case Kind::kHistogram:
      assert(false);
      return;
  }
}

std::vector<model::Family> Telemetry::Collect() const {
  std::vector<model::Family> families;
  for (const auto& collected : impl_->registry.Collect()) {
    model::Family family{.name = collected.name, .metadata = {.help = collected.help}};
    for (const auto& metric : collected.metric) {
      switch (collected.type) {
        case prometheus::MetricType::Counter:
          family.metadata.type = model::MetricType::kCounter;
          family.points.push_back({SeriesLabels(collected.name, metric), metric.counter.value});
          break;
        case prometheus::MetricType::Gauge:
          family.metadata.type = model::MetricType::kGauge;
          family.points.push_back({SeriesLabels(collected.name, metric), metric.gauge.value});
          break;
        case prometheus::MetricType::Histogram:
          family.metadata.type = model::MetricType::kHistogram;
          AddHistogram(collected.name, metric, family);
          break;
        default:  // not our enum: later versions add kinds, and the catalogue has none of them
          assert(false);
          break;
      }
    }
    if (!family.points.empty()) families.push_back(std::move(family));
  }
  std::sort(families.begin(), families.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return families;
}

}  // namespace plimsoll::telemetry
