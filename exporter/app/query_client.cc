// SPDX-License-Identifier: Apache-2.0
//
// plimsoll query instant|range: asks a server and prints as promtool does.
#include <cstdio>
#include <string>

#include "app/query_times.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/number_text.h"
#include "document/json.h"
#include "http/client.h"
#include "model/labels.h"

namespace plimsoll::app {
namespace {

using document::Json;

std::string SeriesText(const Json& metric) {
  model::LabelsBuilder builder;
  for (const auto& [name, value] : metric.members) builder.Set(name, value.text);
  return builder.Build().ToString();
}

std::string PointText(const Json& point) {
  if (!point.is_list() || point.items.size() != 2) return "?";
  return fmt::format("{} @[{}]", point.items[1].text, base::SprintFloat(point.items[0].number));
}

void PrintResult(const Json& data) {
  const Json* result = data.Find("result");
  if (result == nullptr) return;
  const std::string_view type = data.String("resultType").value_or("");
  if (type == "scalar" || type == "string") {
    fmt::print("{}: {}\n", type, PointText(*result));
    return;
  }
  for (const Json& series : result->items) {
    const Json* metric = series.Find("metric");
    const std::string name = metric == nullptr ? "{}" : SeriesText(*metric);
    if (const Json* value = series.Find("value")) {
      fmt::print("{} => {}\n", name, PointText(*value));
    } else if (const Json* values = series.Find("values")) {
      fmt::print("{} =>\n", name);
      for (const Json& point : values->items) fmt::print("{}\n", PointText(point));
    }
  }
}

}  // namespace

int Do(const QueryClientOptions& options) {
  const auto times = ReadQueryTimes(options.time, options.start, options.end, options.step,
                                    base::SystemClock().Now(), options.range);
  if (!times) return Fail(times.error());
  std::string form = "query=" + http::PercentEncode(options.expr);
  const auto add = [&form](std::string_view name, base::Time time) {
    form += fmt::format("&{}=", name);
    base::AppendApiTime(time, form);
  };
  if (options.range) {
    add("start", times->start);
    add("end", times->end);
    add("step", times->step);
  } else {
    add("time", times->at);
  }
  std::string server = options.server;
  if (server.find("://") == std::string::npos) server = "http://" + server;
  while (!server.empty() && server.back() == '/') server.pop_back();
  http::Client client;
  http::FetchRequest request;
  request.method = "POST";
  request.url = server + (options.range ? "/api/v1/query_range" : "/api/v1/query");
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = form;
  request.timeout = std::chrono::minutes(2);
  const auto response = client.Fetch(std::move(request));
  if (!response) return Fail(response.error());
  const auto json = document::ParseJson(response->body);
  if (!json)
    return Fail({base::Error::Kind::kUnavailable,
                 "no answer of a Prometheus HTTP API: " + response->StatusText()});
  if (json->String("status") != "success") {
    fmt::print(stderr, "plimsoll: {}: {}\n", json->String("errorType").value_or("error"),
               json->String("error").value_or(response->StatusText()));
    return kBadInput;
  }
  for (const char* kind : {"warnings", "infos"}) {
    if (const Json* list = json->Find(kind)) {
      for (const Json& text : list->items) fmt::print(stderr, "{}\n", text.text);
    }
  }
  if (const Json* data = json->Find("data")) PrintResult(*data);
  return kGood;
}

}  // namespace plimsoll::app
