// SPDX-License-Identifier: Apache-2.0
//
// /federate: the newest sample of the selected series, with its own time, for a Prometheus that
// scrapes us.
//
// Prometheus writes text (and protobuf) here; a reader that likes OpenMetrics better gets it too.
#include <algorithm>

#include "exposition/content_type.h"
#include "exposition/writer.h"
#include "promql/parser.h"
#include "serve/detail/api_answer.h"
#include "serve/detail/api_context.h"
#include "serve/detail/api_parameters.h"
#include "serve/detail/plain_text.h"

namespace plimsoll::serve {
namespace {

// Every sample gets the external labels, and `instance` even if it is empty: the reader must not
// take our own for that of the sample.
std::vector<std::pair<std::string, std::string>> ExtraLabels(const model::Labels& external) {
  constexpr std::string_view kInstance = "instance";
  std::vector<std::pair<std::string, std::string>> extra;
  for (const model::Label& label : external) extra.emplace_back(label.name, label.value);
  if (external.Get(kInstance).empty()) extra.emplace_back(kInstance, "");
  std::sort(extra.begin(), extra.end());
  return extra;
}

}  // namespace

http::Response FederatePage(const ApiContext& context, const http::Request& request) {
  std::vector<model::Matchers> sets;
  const ApiParameters parameters(request);
  if (parameters.fault()) return PlainError(400, parameters.fault()->message);
  for (const std::string_view text : parameters.All("match[]")) {
    auto matchers = promql::ParseSelector(text);
    if (!matchers) return PlainError(400, matchers.error().message);
    sets.push_back(*std::move(matchers));
  }
  const base::Time now = context.clock.Now();
  const base::Time oldest = now - context.options.eval.lookback.count();
  const auto querier = context.storage.Open();
  std::vector<store::SelectedSeries> found;
  for (const model::Matchers& matchers : sets) {
    const auto selected = querier->Select(matchers, oldest, now);
    found.insert(found.end(), selected.begin(), selected.end());
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    const int names = a.labels->MetricName().compare(b.labels->MetricName());
    return names != 0 ? names < 0 : *a.labels < *b.labels;
  });
  found.erase(std::unique(found.begin(), found.end(),
                          [](const auto& a, const auto& b) { return a.ref == b.ref; }),
              found.end());

  const exposition::FederationFormat format =
      exposition::NegotiateFederation(request.Header("Accept"));
  const exposition::WriteOptions options{
      .format = format.format,
      .escaping = format.escaping,
      .extra_labels = ExtraLabels(context.status.ExternalLabels())};
  http::Response response{.content_type = format.content_type};
  model::Family family;
  const auto write = [&] {
    exposition::WriteFamily(family, options, response.body);
    family.points.clear();
  };
  for (const store::SelectedSeries& series : found) {
    const std::string_view name = series.labels->MetricName();
    const auto latest = querier->ReadLatest(series.ref, oldest, now);
    if (name.empty() || !latest || model::IsStaleNaN(latest->sample.value)) continue;
    if (name != family.name) {
      write();
      family.name = name;
    }
    // A zero has no sign there.
    const double value = latest->sample.value == 0 ? 0 : latest->sample.value;
    family.points.push_back({*series.labels, value, latest->sample.time});
  }
  write();
  if (querier->Broken()) return PlainError(500, ViewExpired().message);
  exposition::WriteEnd(options, response.body);
  return response;
}

}  // namespace plimsoll::serve
