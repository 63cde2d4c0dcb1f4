// SPDX-License-Identifier: Apache-2.0
//
// From a path to a value, or to why there is none.
#include "serve/external_values.h"

#include <string>
#include <utility>

#include "base/number_text.h"
#include "document/json.h"
#include "serve/detail/metric_path.h"
#include "signals/resolve.h"

namespace plimsoll::serve {
namespace {

constexpr std::string_view kPrefix = "/api/v1/external/";

// `about`: the metric, where the path names one.
http::Response Refuse(int status, const MetricPath* about, std::string_view reason,
                      std::string_view message) {
  http::Response response{.status = status, .content_type = "application/json"};
  response.headers.emplace_back("Cache-Control", "no-store");
  document::JsonWriter json(response.body);
  json.Object();
  if (about != nullptr)
    json.Key("namespace").String(about->name_space).Key("name").String(about->metric);
  json.Key("state").String("error").Key("reason").String(reason);
  json.Key("message").String(message).EndObject();
  response.body += '\n';
  return response;
}

http::Response Show(const MetricPath& path, const signals::Served& served) {
  http::Response response{.content_type = "application/json"};
  response.headers.emplace_back("Cache-Control", "no-store");
  document::JsonWriter json(response.body);
  json.Object().Key("namespace").String(path.name_space).Key("name").String(path.metric);
  json.Key("labels").Object();
  for (const model::Label& label : served.labels) json.Key(label.name).String(label.value);
  json.EndObject().Key("value").Number(served.value);
  json.Key("time").String(base::FormatRfc3339(served.timestamp));
  json.Key("state").String(signals::StateText(served.state));
  json.Key("reason").String(served.reason ? signals::ReasonText(*served.reason) : "").EndObject();
  response.body += '\n';
  return response;
}

// The first one counts, as on the other listener.
std::string SelectorOf(const http::Request& request) {
  for (auto& [key, value] : http::ParseQuery(request.raw_query)) {
    if (key == "labelSelector") return std::move(value);
  }
  return "";
}

}  // namespace

ExternalValues::ExternalValues(const base::Published<signals::Snapshot>& snapshot,
                               const base::Clock& clock, telemetry::Telemetry* telemetry,
                               SelectorLimits selector)
    : snapshot_(snapshot), clock_(clock), selector_(selector) {
  if (telemetry == nullptr) return;
  for (const signals::Reason reason : signals::kReasons) {
    errors_[static_cast<std::size_t>(reason)] = telemetry->CounterOf(
        telemetry::MetricId::kExternalMetricErrors, {signals::ReasonText(reason)});
  }
}

bool ExternalValues::Owns(std::string_view path) { return path.starts_with(kPrefix); }

http::Response ExternalValues::Handle(const http::Request& request) const {
  const auto path = ReadMetricPath(std::string_view(request.raw_path).substr(kPrefix.size()));
  if (!path) {
    return Refuse(404, nullptr, "not_found",
                  "expected /api/v1/external/{namespace}/{name}, found " + request.raw_path);
  }
  if (request.method != "GET" && request.method != "HEAD") {
    http::Response refusal =
        Refuse(405, &*path, "method_not_allowed", "a metric can only be read, by GET");
    refusal.headers.emplace_back("Allow", "GET, HEAD");
    return refusal;
  }
  const auto selector = LabelSelector::Parse(SelectorOf(request), selector_);
  if (!selector)
    return Refuse(400, &*path, "bad_selector", "labelSelector: " + selector.error().message);
  const auto snapshot = snapshot_.Get();
  const signals::Metric* metric =
      snapshot ? snapshot->Find(path->name_space, path->metric) : nullptr;
  if (metric == nullptr) {
    if (const auto* pending = snapshot ? snapshot->PendingIn(path->name_space) : nullptr) {
      const auto reason = signals::Reason::kNeverScraped;
      errors_[static_cast<std::size_t>(reason)].Add();
      return Refuse(503, &*path, signals::ReasonText(reason),
                    NotScrapedYetText(*pending, path->name_space, path->metric));
    }
    return Refuse(404, &*path, "not_found",
                  UnknownMetricText(snapshot.get(), path->name_space, path->metric));
  }
  const signals::Outcome outcome =
      signals::Resolve(*snapshot, *metric, path->name_space,
                       selector->everything() ? nullptr : &*selector, signals::Moment::Of(clock_));
  if (const auto* served = std::get_if<signals::Served>(&outcome)) return Show(*path, *served);
  const auto& failure = std::get<signals::Failure>(outcome);
  errors_[static_cast<std::size_t>(failure.reason)].Add();
  return Refuse(503, &*path, signals::ReasonText(failure.reason), failure.message);
}

}  // namespace plimsoll::serve
