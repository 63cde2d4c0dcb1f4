// SPDX-License-Identifier: Apache-2.0
//
// The driver's own metrics, of which every application spells the names differently, and the page
// of its executors.
#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <utility>

#include "base/format.h"
#include "document/json.h"
#include "engines/detail/spark_answers.h"
#include "exposition/page_parser.h"

namespace plimsoll::engines::detail {
namespace {

using base::Result;
using document::Json;
using Entry = exposition::PageParser::Entry;

constexpr std::string_view kPrefix = "metrics_", kDriver = "_driver_";
constexpr std::string_view kExecutorPrefix = "metrics_executor_";

// As Spark's pages write a name.
std::string Plain(std::string_view text) {
  std::string plain(text);
  for (char& c : plain) {
    const bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!good) c = '_';
  }
  return plain;
}

class Folded {
 public:
  Folded(const std::string& application, const SparkLimits& limits)
      : application_(application), limits_(limits) {}

  // Two names that become one keep the first value.
  void Add(bool counter, std::string_view name, std::optional<double> value) {
    auto folded = FoldSparkName(name, application_);
    if (!folded || !value || !std::isfinite(*value)) return;
    if (metrics.gauges.size() + metrics.counters.size() >= limits_.metrics) {
      ++metrics.left_out;
      return;
    }
    (counter ? metrics.counters : metrics.gauges).emplace(*std::move(folded), *value);
  }

  SparkMetrics metrics;

 private:
  const std::string& application_;
  const SparkLimits& limits_;
};

// Calls `f` with the parser on each sample, line by line: Spark writes whatever a gauge returns,
// and what is no number there must not cost the lines behind it.
template <typename F>
std::uint64_t ForEachSample(std::string_view page, F&& f) {
  std::uint64_t unreadable = 0;
  while (!page.empty()) {
    const auto end = page.find('\n');
    const std::string line = std::string(page.substr(0, end)) + "\n";
    page = end == std::string_view::npos ? std::string_view() : page.substr(end + 1);
    exposition::PageParser parser(line, exposition::Format::kText);
    model::LabelsBuilder labels;
    for (Entry entry = parser.Next(); entry != Entry::kEnd; entry = parser.Next()) {
      if (entry == Entry::kError) {
        ++unreadable;
        break;
      }
      if (entry != Entry::kSample) continue;
      if (parser.DecodeLabels(labels)) {
        f(labels, parser.Value());
      } else {
        ++unreadable;
      }
    }
  }
  return unreadable;
}

}  // namespace

std::optional<std::string> FoldSparkName(std::string_view name, std::string_view application) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  const std::string own = Plain(application) + std::string(kDriver);
  if (!application.empty() && name.starts_with(own)) {
    name.remove_prefix(own.size());
  } else {
    // spark.metrics.namespace says something else, perhaps nothing.
    const auto at = ("_" + std::string(name)).find(kDriver);
    if (at == std::string::npos) return std::nullopt;
    name.remove_prefix(at + kDriver.size() - 1);
  }
  if (name.empty()) return std::nullopt;
  return std::string(name);
}

Result<SparkMetrics> ReadSparkMetrics(std::string_view body, const std::string& application,
                                      const SparkLimits& limits) {
  document::JsonLimits json_limits;
  json_limits.values = limits.values;
  const auto json = document::ParseJson(body, "/metrics/json/", json_limits);
  if (!json) return json.error();
  const Json* gauges = json->Find("gauges");
  const Json* counters = json->Find("counters");
  if (gauges == nullptr || !gauges->is_object() || counters == nullptr || !counters->is_object())
    return base::BadInput("/metrics/json/: expected the objects \"gauges\" and \"counters\"");
  Folded folded(application, limits);
  for (const auto& [name, metric] : gauges->members)
    folded.Add(false, std::string(kPrefix) + Plain(name), metric.Number("value"));
  for (const auto& [name, metric] : counters->members)
    folded.Add(true, std::string(kPrefix) + Plain(name), metric.Number("count"));
  return std::move(folded.metrics);
}

Result<SparkMetrics> ReadSparkMetricsPage(std::string_view body, const std::string& application,
                                          const SparkLimits& limits) {
  Folded folded(application, limits);
  std::uint64_t read = 0;
  const auto unreadable = ForEachSample(body, [&](const auto& labels, double value) {
    const std::string plain = Plain(labels.Get(model::kMetricName));
    std::string_view name = plain;
    const std::string_view type = labels.Get("type");
    if (name.starts_with(kPrefix)) ++read;
    // Every gauge is there twice, once as _Number.
    const std::string_view suffix = type == "gauges"     ? "_Value"
                                    : type == "counters" ? "_Count"
                                                         : std::string_view();
    if (suffix.empty() || !name.ends_with(suffix)) return;
    name.remove_suffix(suffix.size());
    folded.Add(type == "counters", name, value);
  });
  if (read == 0)
    return base::BadInput("/metrics/prometheus/: expected lines that begin with \"metrics_\"");
  folded.metrics.unreadable = unreadable;
  return std::move(folded.metrics);
}

Result<SparkExecutors> ReadSparkExecutorsPage(std::string_view body, const SparkLimits& limits) {
  SparkExecutors executors;
  std::map<std::string, double SparkExecutors::*, std::less<>> sums = {
      {"totalCores", &SparkExecutors::cores},
      {"maxTasks", &SparkExecutors::slots},
      {"activeTasks", &SparkExecutors::tasks},
      {"memoryUsed_bytes", &SparkExecutors::memory_used},
      {"maxMemory_bytes", &SparkExecutors::memory_max}};
  std::set<std::string, std::less<>> seen, left_out;
  std::set<std::pair<std::string_view, std::string>> samples;
  std::uint64_t read = 0;
  (void)ForEachSample(body, [&](const auto& labels, double value) {
    std::string_view name = labels.Get(model::kMetricName);
    const std::string_view id = labels.Get("executor_id");
    if (!name.starts_with(kExecutorPrefix) || id.empty()) return;
    ++read;
    name.remove_prefix(kExecutorPrefix.size());
    const auto sum = sums.find(name);
    if (id == "driver" || sum == sums.end() || !std::isfinite(value) || value < 0) return;
    if (!seen.contains(id)) {
      if (seen.size() >= limits.executors) {
        left_out.emplace(id);
        return;
      }
      seen.emplace(id);
    }
    if (!samples.emplace(sum->first, id).second) return;
    executors.*(sum->second) += value;
    if (sum->second == &SparkExecutors::cores)
      executors.widest_cores = std::max(executors.widest_cores, value);
    if (sum->second == &SparkExecutors::slots)
      executors.widest_slots = std::max(executors.widest_slots, value);
  });
  if (read == 0) {
    return base::BadInput(
        "/metrics/executors/prometheus/: expected lines that begin with \"metrics_executor_\"");
  }
  executors.count = static_cast<double>(seen.size());
  executors.left_out = left_out.size();
  return executors;
}

}  // namespace plimsoll::engines::detail
