// SPDX-License-Identifier: Apache-2.0
//
// Endpoints that list what the window holds: series, label names, label values.
#include <algorithm>
#include <set>

#include "base/format.h"
#include "base/number_text.h"
#include "serve/detail/api_answer.h"
#include "serve/detail/api_parameters.h"
#include "serve/prometheus_api.h"

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

// "U__" names are UTF-8 names in the spelling of places that allow letters, digits and underscores
// alone:
// "__" is an underscore and "_HEX_" a code point. What is malformed stays as it is.
std::string UnescapeName(std::string_view name) {
  if (name.substr(0, 3) != "U__") return std::string(name);
  const std::string original(name);
  name.remove_prefix(3);
  std::string plain;
  while (!name.empty()) {
    if (name.front() != '_') {
      plain += name.front();
      name.remove_prefix(1);
      continue;
    }
    name.remove_prefix(1);
    if (!name.empty() && name.front() == '_') {
      plain += '_';
      name.remove_prefix(1);
      continue;
    }
    const std::size_t end = name.find('_');
    constexpr std::size_t kLongestCodePoint = 6;
    if (end == std::string_view::npos || end == 0 || end > kLongestCodePoint) return original;
    char32_t code = 0;
    for (const char c : name.substr(0, end)) {
      const bool digit = c >= '0' && c <= '9';
      const bool letter = c >= 'a' && c <= 'f';
      if (!digit && !letter && !(c >= 'A' && c <= 'F')) return original;
      code = code * 16 + static_cast<char32_t>(digit ? c - '0' : (letter ? c - 'a' : c - 'A') + 10);
    }
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return original;
    if (code < 0x80) {
      plain += static_cast<char>(code);
    } else if (code < 0x800) {
      plain += static_cast<char>(0xc0 | (code >> 6));
      plain += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      plain += static_cast<char>(0xe0 | (code >> 12));
      plain += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
      plain += static_cast<char>(0x80 | (code & 0x3f));
    } else {
      plain += static_cast<char>(0xf0 | (code >> 18));
      plain += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
      plain += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
      plain += static_cast<char>(0x80 | (code & 0x3f));
    }
    name.remove_prefix(end + 1);
  }
  return plain;
}

}  // namespace

http::Response PrometheusApi::Series(const http::Request& request) const {
  const ApiParameters parameters(request);
  if (parameters.All("match[]").empty())
    return ApiError(base::BadInput("no match[] parameter provided"));
  const auto selection = ReadSelection(parameters, true);
  if (!selection) return ApiError(selection.error());
  const auto querier = storage_.Open();
  std::vector<const model::Labels*> found;
  ForEachSeries(*selection, *querier,
                [&](const model::Labels& labels) { found.push_back(&labels); });
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

http::Response PrometheusApi::LabelNames(const http::Request& request) const {
  const auto selection = ReadSelection(ApiParameters(request), false);
  if (!selection) return ApiError(selection.error());
  const auto querier = storage_.Open();
  std::set<std::string, std::less<>> names;
  ForEachSeries(*selection, *querier, [&](const model::Labels& labels) {
    for (const model::Label& label : labels) {
      if (!names.contains(label.name)) names.emplace(label.name);
    }
  });
  return List({names.begin(), names.end()}, selection->limit);
}

http::Response PrometheusApi::LabelValues(const http::Request& request) const {
  constexpr std::string_view kBefore = "/api/v1/label/";
  constexpr std::string_view kAfter = "/values";
  const std::string_view raw = request.raw_path;
  const std::string name = UnescapeName(http::PercentDecode(
      raw.substr(kBefore.size(), raw.size() - kBefore.size() - kAfter.size()), false));
  if (name.empty() || !base::IsValidUtf8(name)) {
    return ApiError(base::BadInput("invalid label name: " + base::GoQuote(name)));
  }
  const auto selection = ReadSelection(ApiParameters(request), false);
  if (!selection) return ApiError(selection.error());
  const auto querier = storage_.Open();
  std::set<std::string, std::less<>> values;
  ForEachSeries(*selection, *querier, [&](const model::Labels& labels) {
    const std::string_view value = labels.Get(name);
    if (!value.empty() && !values.contains(value)) values.emplace(value);
  });
  return List({values.begin(), values.end()}, selection->limit);
}

}  // namespace plimsoll::serve
