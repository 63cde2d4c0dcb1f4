// SPDX-License-Identifier: Apache-2.0
//
// Two segments, and a hint.
#include "serve/detail/metric_path.h"

#include <vector>

#include "base/format.h"
#include "base/number_text.h"
#include "http/message.h"

namespace plimsoll::serve {
namespace {

// Names longer than this are not compared with the known ones for a hint.
constexpr std::size_t kHintedName = 100;

std::string Segment(std::string_view raw) {
  return raw.find('%') == std::string_view::npos ? std::string(raw)
                                                 : http::PercentDecode(raw, false);
}

}  // namespace

std::optional<MetricPath> ReadMetricPath(std::string_view raw) {
  const std::size_t slash = raw.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  MetricPath path{Segment(raw.substr(0, slash)), Segment(raw.substr(slash + 1))};
  for (const std::string* part : {&path.name_space, &path.metric}) {
    if (part->empty() || part->find('/') != std::string::npos) return std::nullopt;
  }
  for (char& c : path.metric) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return path;
}

std::string UnknownMetricText(const signals::Snapshot* snapshot, std::string_view name_space,
                              const std::string& name) {
  std::string text =
      base::format("the server could not find the metric {} in the namespace {}", name, name_space);
  std::vector<std::string_view> known;
  if (snapshot != nullptr && name.size() <= kHintedName) {
    for (const signals::Metric& metric : snapshot->metrics) {
      if (snapshot->Find(name_space, metric.policy->name) == &metric)
        known.push_back(metric.policy->name);
    }
  }
  const std::string_view nearest = base::NearestOf(name, known);
  if (!nearest.empty()) text += base::format("; did you mean {}?", nearest);
  return text;
}

std::string NotScrapedYetText(const signals::Pending& pending, std::string_view name_space,
                              const std::string& name) {
  return base::format("external metric {} in namespace {} has no value ({}): not scraped yet: {}",
                      name, name_space, signals::ReasonText(signals::Reason::kNeverScraped),
                      pending.why);
}

}  // namespace plimsoll::serve
