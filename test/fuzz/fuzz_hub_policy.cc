// SPDX-License-Identifier: Apache-2.0
//
// A sidecar's word about a policy: the labels of plimsoll_exported_metric_info.
//
// The input is lines "name=value". What a hub takes is within what a configuration could say, and
// travels on as the same policy.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "hub/travel.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness

void Check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

model::Labels LabelsOf(std::string_view text) {
  model::LabelsBuilder labels;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos)
      labels.Set(line.substr(0, equals), line.substr(equals + 1));
  }
  return labels.Build();
}

void CheckNumber(const std::optional<double>& number, const config::ExternalMetric& policy) {
  if (!number) return;
  Check(std::isfinite(*number), "a number that is none");
  Check(*number >= policy.valid_min && *number <= policy.valid_max, "a number that is not valid");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy =
      hub::ReadPolicy(LabelsOf(std::string_view(reinterpret_cast<const char*>(data), size)));
  if (!policy) {
    Check(!policy.error().message.empty(), "an error without words");
    return 0;
  }
  const config::ExternalMetric& metric = *policy->metric;
  Check(config::ExternalMetricNameProblem(metric.name).empty(), "a name that nobody can ask for");
  Check(metric.max_age.count() > 0, "no age is young enough");
  Check(metric.hold.count() >= 0, "a hold before its time");
  CheckNumber(metric.when_empty, metric);
  if (metric.then) CheckNumber(metric.then->value, metric);
  if (metric.type == config::ExternalMetric::Type::kValue)
    Check(metric.hold.count() == 0 && !metric.then, "a Value that is held");

  signals::Metric again;
  again.policy = policy->metric;
  again.window = policy->window;
  again.reads_scraped = policy->reads_scraped;
  const model::Labels labels = hub::PolicyLabels(again);
  const auto second = hub::ReadPolicy(labels);
  Check(second.has_value(), "a policy that was written again is none");
  signals::Metric third;
  third.policy = second->metric;
  third.window = second->window;
  third.reads_scraped = second->reads_scraped;
  Check(hub::PolicyLabels(third) == labels, "another policy");
  return 0;
}
