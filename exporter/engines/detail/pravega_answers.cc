// SPDX-License-Identifier: Apache-2.0
//
// One function for each body. Shapes: recorded answers under test/fixtures/pravega-*.
#include "engines/detail/pravega_answers.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/format.h"
#include "base/number_text.h"
#include "document/json.h"
#include "exposition/name_filter.h"
#include "exposition/page_parser.h"

namespace plimsoll::engines::detail {
namespace {

using base::Result;
using document::Json;

constexpr std::string_view kGauge = "pravega_controller_segments_count";
constexpr std::size_t kNameBytes = 255;
// Key ranges are fractions such as 1/3, each computed by itself.
constexpr double kKeySlack = 1e-6;

Result<Json> Read(std::string_view body, Json::Kind kind, std::string_view what,
                  const PravegaLimits& limits) {
  document::JsonLimits bounds;
  bounds.values = limits.values;
  auto json = document::ParseJson(body, std::string(what), bounds);
  if (!json) return json;
  if (json->kind != kind) {
    return base::BadInput(fmt::format("{}: expected {}, found {}", what,
                                      kind == Json::Kind::kList ? "a list" : "an object",
                                      document::DescribeJson(*json)));
  }
  return json;
}

// The texts `member` of the objects in the list `list`.
Result<PravegaNames> ReadNames(std::string_view body, std::string_view list,
                               std::string_view member, std::size_t most,
                               const PravegaLimits& limits) {
  const auto json = Read(body, Json::Kind::kObject, list, limits);
  if (!json) return json.error();
  const Json* items = json->Find(list);
  if (items == nullptr || !items->is_list()) {
    return base::BadInput(
        fmt::format("expected the list \"{}\": is this a Pravega controller?", list));
  }
  PravegaNames names;
  for (const Json& item : items->items) {
    const auto name = item.String(member);
    if (!name || name->empty())
      return base::BadInput(fmt::format("{}: expected a name in \"{}\"", list, member));
    if (name->front() == '_') continue;
    if (IsPravegaName(*name)) {
      names.names.emplace_back(*name);
    } else {
      ++names.left_out;  // no path can be made of it
    }
  }
  std::sort(names.names.begin(), names.names.end());
  names.names.erase(std::unique(names.names.begin(), names.names.end()), names.names.end());
  if (names.names.size() > most) {
    names.left_out += names.names.size() - most;
    names.names.resize(most);
  }
  return names;
}

struct Range {
  double from = 0, to = 0;
};

bool CoverAllKeys(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.from < b.from; });
  double covered = 0;
  for (const Range& range : ranges) {
    if (range.to <= range.from || std::abs(range.from - covered) > kKeySlack) return false;
    covered = range.to;
  }
  return std::abs(covered - 1) <= kKeySlack;
}

Result<PravegaScaling> ReadEvent(const Json& event, const PravegaLimits& limits) {
  const Json* segments = event.Find("segments");
  if (segments == nullptr || !segments->is_list())
    return base::BadInput("scaling-events: expected the list \"segments\"");
  if (segments->items.size() > limits.segments) {
    return base::Error{base::Error::Kind::kLimit,
                       fmt::format("scaling-events: {} segments, at most {} are read",
                                   segments->items.size(), limits.segments)};
  }
  PravegaScaling scaling{.time_ms = event.Number("timestamp").value_or(0),
                         .segments = static_cast<double>(segments->items.size())};
  std::vector<Range> ranges;
  for (const Json& segment : segments->items) {
    const auto from = segment.Number("keyStart"), to = segment.Number("keyEnd");
    if (!from || !to)
      return base::BadInput("scaling-events: expected the numbers \"keyStart\" and \"keyEnd\"");
    ranges.push_back({*from, *to});
    const double epoch = segment.Number("epoch").value_or(0);
    if (std::isfinite(epoch)) scaling.epoch = std::max(scaling.epoch, epoch);
  }
  if (!CoverAllKeys(std::move(ranges))) {
    return base::BadInput(
        fmt::format("scaling-events: {} segments that do not divide all keys among them",
                    segments->items.size()));
  }
  return scaling;
}

}  // namespace

bool IsPravegaName(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytes && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-';
         });
}

Result<PravegaChoice> ReadChoice(std::string_view text) {
  if (text == "*" || text == "*/*") return PravegaChoice{};
  const auto slash = text.find('/');
  const std::string_view scope = text.substr(0, slash);
  const std::string_view name =
      slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
  if (!IsPravegaName(scope) || (name != "*" && !IsPravegaName(name))) {
    return base::BadInput(fmt::format(
        "params: stream: expected SCOPE/STREAM, SCOPE/* or *, found {}", base::GoQuote(text)));
  }
  return PravegaChoice{std::string(scope), name == "*" ? std::string() : std::string(name)};
}

Result<PravegaNames> ReadScopes(std::string_view body, const PravegaLimits& limits) {
  return ReadNames(body, "scopes", "scopeName", limits.scopes, limits);
}

Result<PravegaNames> ReadStreams(std::string_view body, const PravegaLimits& limits) {
  return ReadNames(body, "streams", "streamName", limits.streams, limits);
}

Result<PravegaScaling> ReadScaling(std::string_view body, const PravegaLimits& limits) {
  const auto json = Read(body, Json::Kind::kList, "scaling-events", limits);
  if (!json) return json.error();
  const Json* newest = nullptr;
  double time = 0;
  for (const Json& event : json->items) {
    const auto at = event.Number("timestamp");
    if (!at || !(*at > 0) || *at > 1e15)
      return base::BadInput("scaling-events: expected a time in \"timestamp\"");
    if (newest != nullptr && *at < time) continue;
    newest = &event;
    time = *at;
  }
  if (newest == nullptr) return base::BadInput("scaling-events: expected an event, found none");
  return ReadEvent(*newest, limits);
}

Result<PravegaGauges> ReadGauges(std::string_view page, const PravegaLimits& limits) {
  exposition::NameFilter filter;
  filter.Add(kGauge);
  exposition::PageParser parser(page, exposition::Format::kText, &filter);
  PravegaGauges gauges;
  model::LabelsBuilder labels;
  for (std::size_t seen = 0;;) {
    switch (parser.Next()) {
      case exposition::PageParser::Entry::kError:
        return parser.error();
      case exposition::PageParser::Entry::kEnd:
        return gauges;
      case exposition::PageParser::Entry::kType:
      case exposition::PageParser::Entry::kHelp:
      case exposition::PageParser::Entry::kUnit:
        continue;
      case exposition::PageParser::Entry::kSample:
        break;
    }
    if (++seen > limits.gauges) {
      ++gauges.left_out;
      continue;
    }
    if (auto decoded = parser.DecodeLabels(labels); !decoded) return decoded.error();
    PravegaStream stream{std::string(labels.Get("scope")), std::string(labels.Get("stream"))};
    if (labels.Get(model::kMetricName) != kGauge || !IsPravegaName(stream.scope) ||
        !IsPravegaName(stream.name) || !std::isfinite(parser.Value()))
      continue;
    const auto [known, fresh] = gauges.segments.try_emplace(std::move(stream), parser.Value());
    if (!fresh) known->second = std::max(known->second, parser.Value());
  }
}

}  // namespace plimsoll::engines::detail
