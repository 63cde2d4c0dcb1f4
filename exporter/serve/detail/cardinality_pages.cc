// SPDX-License-Identifier: Apache-2.0
//
// What the window is made of: series, and which names and values make most of them.
#include <algorithm>
#include <limits>
#include <map>
#include <string_view>

#include "base/format.h"
#include "serve/detail/api_answer.h"
#include "serve/detail/api_context.h"
#include "serve/detail/api_parameters.h"

namespace plimsoll::serve {
namespace {

constexpr long long kMostRows = 10000;

using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

// The largest first; equals by name.
void WriteTop(std::string_view key, Counts counts, std::size_t limit, document::JsonWriter& json) {
  std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  if (counts.size() > limit) counts.resize(limit);
  json.Key(key).List();
  for (const auto& [name, count] : counts)
    json.Object().Key("name").String(name).Key("value").Integer(count).EndObject();
  json.EndList();
}

// A length as protobuf writes it, seven bits to the byte: what Prometheus's label strings take.
std::uint64_t LengthBytes(std::size_t length) {
  std::uint64_t bytes = 1;
  while ((length >>= 7) != 0) ++bytes;
  return bytes;
}

base::Result<std::size_t> RowLimit(const ApiParameters& parameters) {
  const std::string_view text = parameters.First("limit");
  if (text.empty()) return std::size_t(10);
  const auto number = Atoi(text);
  if (!number || *number < 1) return base::BadInput("limit must be a positive number");
  if (*number > kMostRows)
    return base::BadInput(base::format("limit must not exceed {}", kMostRows));
  return static_cast<std::size_t>(*number);
}

}  // namespace

http::Response CardinalityPage(const ApiContext& context, const http::Request& request) {
  const auto limit = RowLimit(ApiParameters(request));
  if (!limit) return ApiError(limit.error());
  const auto querier = context.storage.Open();
  // Views into labels that live as long as the querier.
  std::map<std::string_view, std::map<std::string_view, std::uint64_t>> values;
  base::Time oldest = std::numeric_limits<base::Time>::max();
  base::Time newest = std::numeric_limits<base::Time>::min();
  store::SampleColumns columns;
  const auto all = querier->Select({}, kMinTime, kMaxTime);
  for (const store::SelectedSeries& series : all) {
    for (const model::Label& label : *series.labels) ++values[label.name][label.value];
    columns.Clear();
    querier->Read(series.ref, kMinTime, kMaxTime, columns);
    if (columns.size() == 0) continue;
    oldest = std::min(oldest, columns.times.front());
    newest = std::max(newest, columns.times.back());
  }
  if (querier->Broken()) return ApiError(ViewExpired());
  Counts metrics, labels, bytes, pairs;
  for (const auto& [name, of_name] : values) {
    std::uint64_t size = 0;
    for (const auto& [value, count] : of_name) {
      if (name == model::kMetricName) metrics.emplace_back(value, count);
      pairs.emplace_back(base::format("{}={}", name, value), count);
      size += count *
              (name.size() + LengthBytes(name.size()) + value.size() + LengthBytes(value.size()));
    }
    labels.emplace_back(name, of_name.size());
    bytes.emplace_back(name, size);
  }
  return ApiSuccess([&](document::JsonWriter& json) {
    json.Object().Key("headStats").Object().Key("numSeries").Integer(all.size());
    json.Key("numLabelPairs").Integer(pairs.size());
    // How a series is kept is nobody's business: it counts as one chunk.
    json.Key("chunkCount").Integer(all.size()).Key("minTime").Integer(oldest);
    json.Key("maxTime").Integer(newest).EndObject();
    WriteTop("seriesCountByMetricName", std::move(metrics), *limit, json);
    WriteTop("labelValueCountByLabelName", std::move(labels), *limit, json);
    WriteTop("memoryInBytesByLabelName", std::move(bytes), *limit, json);
    WriteTop("seriesCountByLabelValuePair", std::move(pairs), *limit, json);
    json.EndObject();
  });
}

// Nothing is ever written to disk.
http::Response BlocksPage(const ApiContext&, const http::Request&) {
  return ApiSuccess(
      [](document::JsonWriter& json) { json.Object().Key("blocks").List().EndList().EndObject(); });
}

}  // namespace plimsoll::serve
