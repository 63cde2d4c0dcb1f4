// SPDX-License-Identifier: Apache-2.0
//
// Gathering the families of the page.
#include "serve/metrics_page.h"

#include <algorithm>
#include <iterator>

#include "exposition/content_type.h"
#include "exposition/writer.h"
#include "hub/travel.h"
#include "signals/resolve.h"

namespace plimsoll::serve {
namespace {

// OpenMetrics wants a unit to be the end of the name; where it is not, it is left out.
std::string UnitOf(const config::Signal& signal) {
  const std::string end = "_" + signal.unit;
  const bool fits = !signal.unit.empty() && signal.name.size() > end.size() &&
                    signal.name.compare(signal.name.size() - end.size(), end.size(), end) == 0;
  return fits ? signal.unit : "";
}

}  // namespace

std::vector<model::Family> MetricsPage::Families() const {
  std::vector<model::Family> families = telemetry_.Collect();
  const signals::Moment now = signals::Moment::Of(clock_);
  if (const auto snapshot = snapshot_.Get()) {
    for (const signals::SignalFamily& signal : snapshot->signals) {
      model::Family family{
          .name = signal.signal->name,
          .metadata = {signal.signal->type, signal.signal->help, UnitOf(*signal.signal)}};
      for (const signals::SignalPoint* point : signals::VisiblePoints(*snapshot, signal, now)) {
        family.points.push_back({point->labels, point->value});
      }
      if (!family.points.empty()) families.push_back(std::move(family));
    }
    auto external = signals::MetricFamilies(*snapshot, now);
    std::move(external.begin(), external.end(), std::back_inserter(families));
    auto exported = hub::ExportedFamilies(*snapshot, now);
    std::move(exported.begin(), exported.end(), std::back_inserter(families));
  }
  std::stable_sort(families.begin(), families.end(),
                   [](const auto& a, const auto& b) { return a.name < b.name; });
  return families;
}

http::Response MetricsPage::Handle(const http::Request& request) const {
  const exposition::OutputFormat format = exposition::NegotiateOutput(request.Header("Accept"));
  http::Response response{.content_type = format.content_type};
  response.body = exposition::WritePage(
      Families(), {.format = format.format,
                   .escaping = format.utf8_names ? config::NameEscaping::kAllowUtf8
                                                 : config::NameEscaping::kUnderscores});
  http::CompressIfAccepted(request, response);
  return response;
}

}  // namespace plimsoll::serve
