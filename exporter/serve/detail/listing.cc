// SPDX-License-Identifier: Apache-2.0
//
// Endpoints that list what the window holds: series, label names, label values.
#include <algorithm>
#include <set>

#include "base/format.h"
#include "base/number_text.h"
#include "exposition/name_escape.h"
#include "serve/detail/api_answer.h"
#include "serve/detail/api_context.h"
#include "serve/detail/api_parameters.h"

namespace plimsoll::serve {
namespace {

struct Selection {
  std::size_t limit = 0;
  base::Time start = 0;
  base::Time end = 0;
  std::vector<model::Matchers> sets;
};

base::Result<Selection> ReadSelection(const ApiParameters& parameters, bool wrap) {
  Selection selection;
  const auto limit = parameters.Limit("limit");
  if (!limit) return limit.error();
  const auto start = parameters.TimeOr("start", kMinTime);
  if (!start) return start.error();
  const auto end = parameters.TimeOr("end", kMaxTime);
  if (!end) return end.error();
  auto sets = parameters.Matchers(wrap);
  if (!sets) return sets.error();
  return Selection{*limit, *start, *end, *std::move(sets)};
}

// Calls f(labels) for every series that one of the sets selects; all series without a set. A series
// that two sets select is seen twice.
template <typename F>
void ForEachSeries(const Selection& selection, store::Querier& querier, F&& f) {
  const std::vector<model::Matchers> everything(1);
  for (const model::Matchers& matchers : selection.sets.empty() ? everything : selection.sets) {
    for (const store::SelectedSeries& series :
         querier.Select(matchers, selection.start, selection.end)) {
      f(*series.labels);
    }
  }
}

http::Response List(const std::vector<std::string>& values, std::size_t limit) {
  const bool truncated = limit > 0 && values.size() > limit;
  const std::size_t count = truncated ? limit : values.size();
  const auto write = [&](document::JsonWriter& json) {
    json.List();
    for (std::size_t i = 0; i < count; ++i) json.String(values[i]);
    json.EndList();
  };
  if (!truncated) return ApiSuccess(write);
  return ApiSuccess(write, {"results truncated due to limit"});
}

}  // namespace

http::Response SeriesPage(const ApiContext& context, const http::Request& request) {
  const ApiParameters parameters(request);
  if (parameters.fault()) return ApiError(*parameters.fault());
  if (parameters.All("match[]").empty())
    return ApiError(base::BadInput("no match[] parameter provided"));
  const auto selection = ReadSelection(parameters, true);
  if (!selection) return ApiError(selection.error());
  const auto querier = context.storage.Open();
  std::vector<const model::Labels*> found;
  ForEachSeries(*selection, *querier,
                [&](const model::Labels& labels) { found.push_back(&labels); });
  if (querier->Broken()) return ApiError(ViewExpired());
  const auto before = [](const model::Labels* a, const model::Labels* b) { return *a < *b; };
  const auto equal = [](const model::Labels* a, const model::Labels* b) { return *a == *b; };
  if (selection->sets.size() > 1) {
    std::sort(found.begin(), found.end(), before);
    found.erase(std::unique(found.begin(), found.end(), equal), found.end());
  }
  const bool truncated = selection->limit > 0 && found.size() > selection->limit;
  if (truncated) found.resize(selection->limit);
  std::vector<std::string> warnings;
  if (truncated) warnings.emplace_back("results truncated due to limit");
  return ApiSuccess(
      [&](document::JsonWriter& json) {
        json.List();
        for (const model::Labels* labels : found) WriteLabels(*labels, json);
        json.EndList();
      },
      warnings);
}

http::Response LabelNamesPage(const ApiContext& context, const http::Request& request) {
  const auto selection = ReadSelection(ApiParameters(request), false);
  if (!selection) return ApiError(selection.error());
  const auto querier = context.storage.Open();
  std::set<std::string, std::less<>> names;
  ForEachSeries(*selection, *querier, [&](const model::Labels& labels) {
    for (const model::Label& label : labels) {
      if (!names.contains(label.name)) names.emplace(label.name);
    }
  });
  if (querier->Broken()) return ApiError(ViewExpired());
  return List({names.begin(), names.end()}, selection->limit);
}

http::Response LabelValuesPage(const ApiContext& context, const http::Request& request) {
  constexpr std::string_view kBefore = "/api/v1/label/";
  constexpr std::string_view kAfter = "/values";
  const std::string_view raw = request.raw_path;
  const std::string name = exposition::UnescapeValues(http::PercentDecode(
      raw.substr(kBefore.size(), raw.size() - kBefore.size() - kAfter.size()), false));
  if (name.empty() || !base::IsValidUtf8(name)) {
    return ApiError(base::BadInput("invalid label name: " + base::GoQuote(name)));
  }
  const auto selection = ReadSelection(ApiParameters(request), false);
  if (!selection) return ApiError(selection.error());
  const auto querier = context.storage.Open();
  std::set<std::string, std::less<>> values;
  ForEachSeries(*selection, *querier, [&](const model::Labels& labels) {
    const std::string_view value = labels.Get(name);
    if (!value.empty() && !values.contains(value)) values.emplace(value);
  });
  if (querier->Broken()) return ApiError(ViewExpired());
  return List({values.begin(), values.end()}, selection->limit);
}

}  // namespace plimsoll::serve
