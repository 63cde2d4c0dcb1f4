// SPDX-License-Identifier: Apache-2.0
//
// What could serve a false zero, or a value that an HPA misreads, is no policy.
#include "config/policy.h"

#include <cmath>

#include "base/format.h"
#include "base/number_text.h"

namespace plimsoll::config {
namespace {

std::string Text(double value) { return base::SprintFloat(value); }

std::string Crossed(double min, double max) {
  return base::format("min {} is above max {}", Text(min), Text(max));
}

}  // namespace

bool IsQuantity(double value) { return std::abs(value) <= kMostQuantity; }

std::vector<PolicyProblem> PolicyProblems(const ExternalMetric& metric) {
  std::vector<PolicyProblem> problems;
  if (metric.max_age.count() <= 0)
    problems.push_back({"max_age", "expected a duration above zero, found 0"});
  if (metric.type == ExternalMetric::Type::kValue && (metric.hold.count() != 0 || metric.then)) {
    problems.push_back({"when_stale",
                        "a metric of type Value is never held: the HPA multiplies it by the "
                        "current replicas at every sync"});
  }
  if (metric.valid_min > metric.valid_max)
    problems.push_back({"valid", Crossed(metric.valid_min, metric.valid_max)});
  if (metric.clamp_min && metric.clamp_max && *metric.clamp_min > *metric.clamp_max)
    problems.push_back({"clamp", Crossed(*metric.clamp_min, *metric.clamp_max)});
  const auto check = [&](std::string_view key, std::string_view which, double value) {
    if (value >= metric.valid_min && value <= metric.valid_max) return;
    problems.push_back(
        {key, base::format("{}{} lies outside of 'valid', {} to {}", which, Text(value),
                           Text(metric.valid_min), Text(metric.valid_max))});
  };
  if (metric.when_empty) check("when_empty", "", *metric.when_empty);
  if (metric.then) check("when_stale", "then: ", metric.then->value);
  return problems;
}

}  // namespace plimsoll::config
