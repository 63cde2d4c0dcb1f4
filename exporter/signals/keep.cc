// SPDX-License-Identifier: Apache-2.0
//
// See keep.h. A value is text, as in the HTTP API, so that it reads back bit by bit.
#include "signals/keep.h"

#include <cmath>

#include "base/number_text.h"
#include "document/json.h"

namespace plimsoll::signals {
namespace {

using document::Json;
using document::JsonWriter;

void AppendEntry(const Entry& entry, JsonWriter& json) {
  json.Object().Key("labels").Object();
  for (const auto& label : entry.labels) json.Key(label.name).LabelString(label.value);
  json.EndObject().Key("value");
  std::string value;
  base::AppendApiFloat(entry.last_good->value, value);
  json.String(value).Key("source");
  base::AppendApiTime(entry.last_good->source.wall, json.Open());
  json.Key("seen");
  base::AppendApiTime(entry.seen.wall, json.Open());
  json.EndObject();
}

std::optional<Time> TimeOf(const Json& json, std::string_view name) {
  const auto seconds = json.Number(name);
  if (!seconds) return std::nullopt;
  return static_cast<Time>(std::llround(*seconds * 1000));
}

std::optional<Entry> ReadEntry(const Json& json, Moment now) {
  const Json* labels = json.Find("labels");
  const auto value = json.String("value");
  const auto source = TimeOf(json, "source"), seen = TimeOf(json, "seen");
  if (labels == nullptr || !labels->is_object() || !value || !source || !seen) return std::nullopt;
  const auto number = base::ParseFloat(*value);
  if (!number) return std::nullopt;
  model::LabelsBuilder builder;
  for (const auto& [name, text] : labels->members) builder.Set(name, text.text);
  Entry entry;
  entry.labels = builder.Build();
  entry.seen = SourceMoment(*seen, now);
  entry.last_good = Good{*number, SourceMoment(*source, now)};
  return entry;
}

std::optional<Metric> ReadMetric(const Json& json, Moment now) {
  const auto name = json.String("name");
  const Json* namespaces = json.Find("namespaces");
  const Json* series = json.Find("series");
  if (!name || namespaces == nullptr || series == nullptr) return std::nullopt;
  auto policy = std::make_shared<config::ExternalMetric>();
  policy->name = *name;
  Metric metric;
  metric.policy = std::move(policy);
  for (const Json& one : namespaces->items) metric.namespaces.push_back(one.text);
  if (metric.namespaces.empty()) return std::nullopt;
  for (const Json& one : series->items) {
    auto entry = ReadEntry(one, now);
    if (!entry) return std::nullopt;
    metric.entries.push_back(*std::move(entry));
  }
  return metric;
}

}  // namespace

std::string KeptText(const Snapshot& snapshot) {
  std::string text;
  JsonWriter json(text);
  json.Object().Key("external").List();
  bool any = false;
  for (const Metric& metric : snapshot.metrics) {
    if (metric.origin != nullptr) continue;  // a hub keeps nothing: sidecars say it again
    bool begun = false;
    for (const Entry& entry : metric.entries) {
      if (!entry.last_good) continue;
      if (!begun) {
        json.Object().Key("name").String(metric.policy->name).Key("namespaces").List();
        for (const std::string& name : metric.namespaces) json.String(name);
        json.EndList().Key("series").List();
      }
      any = begun = true;
      AppendEntry(entry, json);
    }
    if (begun) json.EndList().EndObject();
  }
  json.EndList().EndObject();
  return any ? text : "";
}

base::Result<std::shared_ptr<const Snapshot>> RestoreKept(std::string_view text,
                                                          const std::string& file, Moment now) {
  auto kept = std::make_shared<Snapshot>();
  if (!text.empty()) {
    const auto json = document::ParseJson(text, file);
    if (!json) return json.error();
    const Json* metrics = json->Find("external");
    if (metrics == nullptr || !metrics->is_list())
      return base::BadInput("expected {\"external\":[...]} behind the last samples", {file, 0, 0});
    for (const Json& one : metrics->items) {
      auto metric = ReadMetric(one, now);
      if (!metric) {
        return base::BadInput("an external metric that was kept is not understood: " +
                                  base::GoQuote(one.String("name").value_or("without a name")),
                              {file, 0, 0});
      }
      kept->metrics.push_back(*std::move(metric));
    }
  }
  kept->BuildIndex();
  return std::shared_ptr<const Snapshot>(std::move(kept));
}

}  // namespace plimsoll::signals
