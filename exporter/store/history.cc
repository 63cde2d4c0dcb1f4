// SPDX-License-Identifier: Apache-2.0
//
// History files: parsed whole, sorted by time, then appended, so that the order of lines does not
// matter.
#include "store/history.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/number_text.h"
#include "document/json.h"
#include "exposition/page_parser.h"

namespace plimsoll::store {

using base::Error;
using base::Result;

namespace {

struct Recording {
  model::Labels labels;
  std::vector<model::Sample> samples;
  std::optional<model::Time> source;  // set: results of a rule; the last line's counts
};

// Gives what there is of a series, to be added to.
using Series = std::function<Recording&(const model::Labels&)>;

Error At(std::string_view file, int line, std::string message) {
  return base::BadInput(std::move(message), {std::string(file), line, 0});
}

std::optional<double> HistoryValue(std::string_view text) {
  if (text == "stale") return model::StaleNaN();
  auto value = base::ParseFloat(text);
  if (value && std::isnan(*value)) return model::NormalNaN();
  return value;
}

model::Time Milliseconds(double seconds) {
  return static_cast<model::Time>(std::llround(seconds * 1000));
}

// How the lines of a window file begin that hold no samples.
constexpr std::string_view kNoSamples[] = {"{\"window\":", "{\"note\":", "{\"sealed\":"};

Result<void> ReadJsonLine(std::string_view line, std::string_view file, int number,
                          Series& series) {
  const auto json = document::ParseJson(line, std::string(file));
  if (!json) {
    Error error = json.error();
    error.where = {std::string(file), number, error.where.column};
    return error;
  }
  const document::Json* metric = json->Find("metric");
  const document::Json* values = json->Find("values");
  if (metric == nullptr || !metric->is_object() || values == nullptr || !values->is_list()) {
    return At(file, number, R"(expected {"metric":{...},"values":[[seconds,"value"],...]})");
  }
  model::LabelsBuilder builder;
  for (const auto& [name, value] : metric->members) {
    if (value.kind != document::Json::Kind::kString) {
      return At(file, number, fmt::format("label {} must be a string", base::GoQuote(name)));
    }
    builder.Set(name, value.text);
  }
  Recording& recording = series(builder.Build());
  if (const document::Json* source = json->Find("source")) {
    if (!source->is_null() && source->kind != document::Json::Kind::kNumber)
      return At(file, number, "source must be seconds or null, found " + DescribeJson(*source));
    recording.source = source->is_null() ? model::kNoSource : Milliseconds(source->number);
  }
  auto& samples = recording.samples;
  samples.reserve(samples.size() + values->items.size());
  for (const document::Json& pair : values->items) {
    const bool shaped = pair.is_list() && pair.items.size() == 2 &&
                        pair.items[0].kind == document::Json::Kind::kNumber &&
                        pair.items[1].kind == document::Json::Kind::kString;
    const auto value = shaped ? HistoryValue(pair.items[1].text) : std::nullopt;
    if (!value) {
      return At(file, number,
                R"(a sample must be [seconds,"value"], found )" + document::DescribeJson(pair));
    }
    samples.push_back({Milliseconds(pair.items[0].number), *value});
  }
  return {};
}

Result<void> ReadJsonLines(std::string_view text, std::string_view file, Series& series) {
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    ++number;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (std::any_of(std::begin(kNoSamples), std::end(kNoSamples),
                    [&](std::string_view begin) { return line.starts_with(begin); }))
      continue;
    if (auto read = ReadJsonLine(line, file, number, series); !read) return read;
  }
  return {};
}

Result<void> ReadOpenMetrics(std::string_view text, std::string_view file, Series& series) {
  exposition::PageParser parser(text, exposition::Format::kOpenMetrics);
  model::LabelsBuilder labels;
  for (;;) {
    const auto entry = parser.Next();
    if (entry == exposition::PageParser::Entry::kEnd) return {};
    if (entry == exposition::PageParser::Entry::kError) {
      Error error = parser.error();
      error.where.file = file;
      return error;
    }
    if (entry != exposition::PageParser::Entry::kSample) continue;
    const auto time = parser.Timestamp();
    if (!time) return At(file, 0, fmt::format("{} has no timestamp", parser.SeriesBytes()));
    if (auto decoded = parser.DecodeLabels(labels); !decoded) return decoded;
    series(labels.Build()).samples.push_back({*time, parser.Value()});
  }
}

// {"metric"... and not {"quoted.name",...} 1: a JSON object has a colon behind its first string.
bool IsJsonLines(std::string_view text) {
  const std::size_t brace = text.find_first_not_of(" \t\r\n");
  if (brace == std::string_view::npos || text[brace] != '{') return false;
  const std::size_t open = text.find_first_not_of(" \t", brace + 1);
  if (open == std::string_view::npos || text[open] != '"') return true;
  const std::size_t close = text.find('"', open + 1);
  const std::size_t next =
      close == std::string_view::npos ? close : text.find_first_not_of(" \t", close + 1);
  return next != std::string_view::npos && text[next] == ':';
}

}  // namespace

// Series in order of first appearance.
struct HistoryLoader::Parsed {
  std::vector<Recording> series;
  std::unordered_map<model::Labels, std::size_t> index;

  Recording& Of(const model::Labels& labels) {
    const auto [at, added] = index.try_emplace(labels, series.size());
    if (added) series.push_back({.labels = labels, .samples = {}, .source = {}});
    return series[at->second];
  }
};

HistoryLoader::HistoryLoader() : parsed_(std::make_unique<Parsed>()) {}
HistoryLoader::~HistoryLoader() = default;

Result<void> HistoryLoader::Add(std::string_view text, std::string_view file) {
  Parsed added;
  Series series = [&added](const model::Labels& labels) -> Recording& { return added.Of(labels); };
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return {};
  auto read =
      IsJsonLines(text) ? ReadJsonLines(text, file, series) : ReadOpenMetrics(text, file, series);
  if (!read) return read;
  for (const Recording& recording : added.series) {
    Recording& all = parsed_->Of(recording.labels);
    all.samples.insert(all.samples.end(), recording.samples.begin(), recording.samples.end());
    if (recording.source) all.source = recording.source;
  }
  return {};
}

Result<HistoryStats> HistoryLoader::AppendTo(Appender& appender, model::Time now) {
  Parsed parsed = std::exchange(*parsed_, {});
  HistoryStats stats;
  appender.Begin(now);
  for (auto& [labels, samples, source] : parsed.series) {
    std::stable_sort(
        samples.begin(), samples.end(),
        [](const model::Sample& a, const model::Sample& b) { return a.time < b.time; });
    const Resolved resolved = appender.Resolve(labels);
    if (resolved.ref == 0) {
      appender.Rollback();
      return Error{Error::Kind::kLimit,
                   fmt::format("the store is full ({}) at {}", RefusalName(resolved.refusal),
                               labels.ToString())};
    }
    stats.series += resolved.created ? 1 : 0;
    for (const model::Sample& sample : samples) {
      const Outcome outcome =
          source ? appender.AppendRecorded(resolved.ref, sample.time, sample.value, *source)
                 : appender.Append(resolved.ref, sample.time, sample.value);
      if (outcome != Outcome::kAppended) {
        ++stats.duplicates;
        continue;
      }
      ++stats.samples;
      stats.first = std::min(stats.first, sample.time);
      stats.last = std::max(stats.last, sample.time);
    }
  }
  appender.Commit();
  return stats;
}

}  // namespace plimsoll::store
