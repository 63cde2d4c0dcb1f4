// SPDX-License-Identifier: Apache-2.0
//
// The sentence: which metric, why, the last good value, and the upstreams that fail.
//
// It says when, never how long ago: an HPA repeats the sentence in its status and its events at
// each sync, and one that is the same while nothing changes is one event, not a hundred.
#include "signals/detail/explain.h"

#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"

namespace plimsoll::signals {
namespace {

// An error body names so many series or upstreams and counts the rest.
constexpr std::size_t kNamed = 3;

std::string SeriesText(const std::vector<const Entry*>& series) {
  std::string text;
  for (std::size_t i = 0; i < std::min(series.size(), kNamed); ++i) {
    if (i > 0) text += ", ";
    text += series[i]->labels.ToString();
  }
  if (series.size() > kNamed) text += base::format(" and {} more", series.size() - kNamed);
  return text;
}

std::string Why(const Metric& metric, Reason reason, const Evidence& evidence) {
  const config::ExternalMetric& policy = *metric.policy;
  switch (reason) {
    case Reason::kNeverScraped:
      return metric.evaluated.steady.count() == 0 ? "no tick has ended yet"
                                                  : "nothing has been scraped yet";
    case Reason::kStale:
      return base::format("the newest sample behind it, of {}, is older than max_age ({})",
                          base::FormatRfc3339(evidence.source->wall),
                          base::FormatDuration(policy.max_age));
    case Reason::kEmpty:
      return std::any_of(metric.entries.begin(), metric.entries.end(),
                         [](const Entry& entry) { return entry.present; })
                 ? "its query gives no series for this selector"
                 : "its query gives no series";
    case Reason::kSeveral:
      return base::format("{} series match and none of them was asked for alone: {}",
                          evidence.series.size(), SeriesText(evidence.series));
    case Reason::kNotFinite:
      return base::format("its query gives {}", base::ApiFloat(*evidence.value));
    case Reason::kOutOfRange:
      return base::format("its query gives {}, and only {} to {} is valid",
                          base::ApiFloat(*evidence.value), base::ApiFloat(policy.valid_min),
                          base::ApiFloat(policy.valid_max));
    case Reason::kQueryError:
      return "its query failed: " + metric.query_error;
  }
  return {};
}

// Whether the reason came with words of its own, from a sidecar.
bool SaidElsewhere(const Metric& metric, Reason reason) {
  return metric.origin != nullptr && metric.origin->reason == reason &&
         !metric.origin->problem.empty();
}

std::string UpstreamText(const Upstream& upstream) {
  std::string text = upstream.name;
  if (upstream.failing_since) {
    text += " has failed since " + base::FormatRfc3339(upstream.failing_since->wall);
  } else {
    text += " has not answered yet";
  }
  if (!upstream.last_error.empty()) text += ", last error: " + upstream.last_error;
  return text;
}

}  // namespace

std::string Explain(const Snapshot& snapshot, const Metric& metric, std::string_view name_space,
                    Reason reason, const Evidence& evidence, Moment now) {
  std::string text = base::format(
      "external metric {} in namespace {} has no value ({}): {}", metric.policy->name, name_space,
      ReasonText(reason),
      SaidElsewhere(metric, reason) ? metric.origin->problem : Why(metric, reason, evidence));
  if (evidence.last_good) {
    text += base::format("; the last good value was {}, of {}",
                         base::ApiFloat(evidence.last_good->value),
                         base::FormatRfc3339(evidence.last_good->source.wall));
  }
  const auto is_old = [&](Moment then) {
    return now.steady - then.steady > metric.policy->max_age;
  };
  if (reason == Reason::kStale && metric.evaluated.steady.count() != 0 &&
      is_old(metric.evaluated)) {
    text += "; it was last evaluated at " + base::FormatRfc3339(metric.evaluated.wall);
  }
  if (metric.origin != nullptr) {
    text += "; its sidecar is " + metric.origin->sidecar;
    if (is_old(metric.origin->heard))
      text += ", not heard of since " + base::FormatRfc3339(metric.origin->heard.wall);
    return text;
  }
  std::size_t failing = 0;
  for (const Upstream& upstream : snapshot.upstreams) {
    if (upstream.up || !metric.reads_scraped) continue;
    if (++failing <= kNamed) text += "; " + UpstreamText(upstream);
  }
  if (failing > kNamed) text += base::format("; and {} more upstreams fail", failing - kNamed);
  return text;
}

namespace {

std::string EnginesText(const std::vector<const Metric*>& sharing) {
  std::string engines;
  for (std::size_t i = 0; i < std::min(sharing.size(), kNamed); ++i) {
    if (i > 0) engines += ", ";
    const Origin& origin = *sharing[i]->origin;
    engines += base::format("engine={} ({})", base::GoQuote(origin.engine), origin.owner);
  }
  if (sharing.size() > kNamed) engines += base::format(" and {} more", sharing.size() - kNamed);
  return engines;
}

}  // namespace

std::string ExplainShared(const std::vector<const Metric*>& sharing, std::string_view name_space) {
  return base::format(
      "external metric {} in namespace {} has no value ({}): {} engines export it and none of them "
      "was asked for alone: {}",
      sharing.front()->policy->name, name_space, ReasonText(Reason::kSeveral), sharing.size(),
      EnginesText(sharing));
}

std::string ExplainNone(const std::vector<const Metric*>& sharing, std::string_view name_space) {
  return base::format(
      "external metric {} in namespace {} has no value ({}): the selector means none of those that "
      "export it: {}",
      sharing.front()->policy->name, name_space, ReasonText(Reason::kEmpty), EnginesText(sharing));
}

}  // namespace plimsoll::signals
