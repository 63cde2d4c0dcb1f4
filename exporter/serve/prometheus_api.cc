// SPDX-License-Identifier: Apache-2.0
//
// Routes of the query API, who waits for a place, and what every answer carries.
//
// The endpoints themselves are in detail/*_pages.cc and detail/listing.cc.
#include "serve/prometheus_api.h"

#include <algorithm>

#include "serve/detail/api_answer.h"
#include "serve/detail/plain_text.h"

namespace plimsoll::serve {

struct PrometheusApi::Endpoint {
  std::string_view method;
  std::string_view path;  // one segment may be *
  bool gated = false;     // reads samples: waits for a place
  http::Response (*run)(const ApiContext&, const http::Request&) = nullptr;
  enum class Extras { kAll, kCompression, kCors, kNone } extras = Extras::kAll;
};

const PrometheusApi::Endpoint PrometheusApi::kEndpoints[] = {
    {"GET", "/federate", true, &FederatePage, Endpoint::Extras::kCompression},
    {"GET", "/api/v1/query", true, &QueryPage},
    {"POST", "/api/v1/query", true, &QueryPage},
    {"GET", "/api/v1/query_range", true, &QueryRangePage},
    {"POST", "/api/v1/query_range", true, &QueryRangePage},
    {"GET", "/api/v1/query_exemplars", false, &QueryExemplarsPage},
    {"POST", "/api/v1/query_exemplars", false, &QueryExemplarsPage},
    {"GET", "/api/v1/format_query", false, &FormatQueryPage},
    {"POST", "/api/v1/format_query", false, &FormatQueryPage},
    {"GET", "/api/v1/parse_query", false, &ParseQueryPage},
    {"POST", "/api/v1/parse_query", false, &ParseQueryPage},
    {"GET", "/api/v1/series", true, &SeriesPage},
    {"POST", "/api/v1/series", true, &SeriesPage},
    {"GET", "/api/v1/labels", true, &LabelNamesPage},
    {"POST", "/api/v1/labels", true, &LabelNamesPage},
    {"GET", "/api/v1/label/*/values", true, &LabelValuesPage},
    {"GET", "/api/v1/targets", false, &TargetsPage},
    {"GET", "/api/v1/targets/metadata", false, &TargetMetadataPage},
    {"GET", "/api/v1/metadata", false, &MetadataPage},
    {"GET", "/api/v1/scrape_pools", false, &ScrapePoolsPage},
    {"GET", "/api/v1/scrape_pools/config", false, &ScrapePoolConfigPage},
    {"GET", "/api/v1/alertmanagers", false, &AlertmanagersPage},
    {"GET", "/api/v1/rules", false, &RulesPage},
    {"GET", "/api/v1/alerts", false, &AlertsPage},
    {"GET", "/api/v1/features", false, &FeaturesPage},
    {"GET", "/api/v1/notifications", false, &NotificationsPage, Endpoint::Extras::kCors},
    {"GET", "/api/v1/notifications/live", false, &NotificationStreamPage, Endpoint::Extras::kCors},
    {"GET", "/api/v1/status/buildinfo", false, &BuildInfoPage},
    {"GET", "/api/v1/status/config", false, &ConfigPage},
    {"GET", "/api/v1/status/flags", false, &FlagsPage},
    {"GET", "/api/v1/status/runtimeinfo", false, &RuntimeInfoPage},
    {"GET", "/api/v1/status/tsdb", true, &CardinalityPage},
    {"GET", "/api/v1/status/tsdb/blocks", false, &BlocksPage},
    {"GET", "/api/v1/status/walreplay", false, &WalReplayPage, Endpoint::Extras::kCors},
    {"GET", "/api/v1/search/*", false, &SearchPage, Endpoint::Extras::kCors},
    {"POST", "/api/v1/search/*", false, &SearchPage, Endpoint::Extras::kCors},
    {"POST", "/api/v1/admin/tsdb/*", false, &AdminPage},
    {"PUT", "/api/v1/admin/tsdb/*", false, &AdminPage},
    {"POST", "/api/v1/write", false, &RemoteWritePage, Endpoint::Extras::kNone},
    {"POST", "/api/v1/otlp/v1/metrics", false, &OtlpWritePage, Endpoint::Extras::kNone},
};

namespace {

constexpr std::string_view kApi = "/api/v1/";

// "/label/*/values" against "/label/job/values": one segment may be anything.
bool PathMatches(std::string_view pattern, std::string_view path) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == path;
  const std::string_view head = pattern.substr(0, star);
  const std::string_view tail = pattern.substr(star + 1);
  if (path.size() <= head.size() + tail.size()) return false;
  if (!path.starts_with(head) || !path.ends_with(tail)) return false;
  return path.substr(head.size(), path.size() - head.size() - tail.size()).find('/') ==
         std::string_view::npos;
}

// Once, whoever else depends on the header too.
void AddVary(std::string_view header, http::Response& response) {
  for (const auto& [name, value] : response.headers) {
    if (name == "Vary" && value == header) return;
  }
  response.headers.emplace_back("Vary", header);
}

}  // namespace

PrometheusApi::PrometheusApi(const store::Queryable& storage, const StatusSource& status,
                             const base::Clock& clock, telemetry::Telemetry* telemetry,
                             Options options)
    : options_(std::move(options)),
      context_{storage, status, clock, options_,
               [this](const base::Error& error) { Count(error); }},
      gate_(options_.gate) {
  if (telemetry == nullptr) return;
  using telemetry::MetricId;
  duration_ = telemetry->HistogramOf(MetricId::kQueryDuration);
  refused_full_ = telemetry->CounterOf(MetricId::kQueriesRefused, {"concurrency"});
  refused_timeout_ = telemetry->CounterOf(MetricId::kQueriesRefused, {"timeout"});
  refused_canceled_ = telemetry->CounterOf(MetricId::kQueriesRefused, {"canceled"});
  refused_limit_ = telemetry->CounterOf(MetricId::kQueriesRefused, {"samples"});
}

const PrometheusApi::Endpoint* PrometheusApi::Find(std::string_view path, std::string_view method,
                                                   std::string& allowed) {
  std::vector<std::string_view> methods;
  for (const Endpoint& endpoint : kEndpoints) {
    if (!PathMatches(endpoint.path, path)) continue;
    if (endpoint.method == method) return &endpoint;
    methods.push_back(endpoint.method);
  }
  if (methods.empty()) return nullptr;
  methods.emplace_back("OPTIONS");
  std::sort(methods.begin(), methods.end());
  for (const std::string_view one : methods) {
    if (!allowed.empty()) allowed += ", ";
    allowed += one;
  }
  return nullptr;
}

http::Response PrometheusApi::Handle(const http::Request& request) const {
  const std::string_view path = request.raw_path;
  const bool api = path.starts_with(kApi);
  if (api && request.method == "OPTIONS") {
    http::Response response{.status = 204};
    AddVary("Accept-Encoding", response);
    AddCors(request, response);
    return response;
  }
  std::string allowed;
  const Endpoint* endpoint = Find(path, request.method, allowed);
  if (endpoint == nullptr && allowed.empty()) return PlainError(404, "404 page not found");
  if (endpoint == nullptr) {
    if (request.method == "OPTIONS") {
      return {.content_type = "text/plain; charset=utf-8", .headers = {{"Allow", allowed}}};
    }
    http::Response response = PlainError(405, "Method Not Allowed");
    response.headers.emplace_back("Allow", allowed);
    return response;
  }
  http::Response response = Run(*endpoint, request);
  using enum Endpoint::Extras;
  if (endpoint->extras == kAll || endpoint->extras == kCompression) {
    http::CompressIfAccepted(request, response);
    AddVary("Accept-Encoding", response);
  }
  if (endpoint->extras == kAll || endpoint->extras == kCors) AddCors(request, response);
  return response;
}

bool PrometheusApi::IsSlow(const http::Request& request) {
  return std::any_of(std::begin(kEndpoints), std::end(kEndpoints), [&](const Endpoint& endpoint) {
    return endpoint.gated && PathMatches(endpoint.path, request.raw_path);
  });
}

http::Response PrometheusApi::Run(const Endpoint& endpoint, const http::Request& request) const {
  if (!endpoint.gated) return endpoint.run(context_, request);
  const base::Steady start = context_.clock.SteadyNow();
  const QueryGate::Place place = gate_.Enter();
  if (!place) {
    refused_full_.Add();
    return ApiError(503, "unavailable",
                    "too many queries are running, try again later (--web.query-concurrency)");
  }
  http::Response response = endpoint.run(context_, request);
  duration_.Observe(std::chrono::duration<double>(context_.clock.SteadyNow() - start).count());
  return response;
}

// Reading alone is offered to scripts of other origins: no cookies, no credentials.
void PrometheusApi::AddCors(const http::Request& request, http::Response& response) const {
  AddVary("Origin", response);
  const std::string_view origin = request.Header("Origin");
  if (origin.empty()) return;
  response.headers.emplace_back("Access-Control-Allow-Headers",
                                "Accept, Authorization, Content-Type, Origin");
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  response.headers.emplace_back("Access-Control-Expose-Headers", "Date");
  if (options_.cors_origin != nullptr && options_.cors_origin->Matches(origin))
    response.headers.emplace_back("Access-Control-Allow-Origin", origin);
}

void PrometheusApi::Count(const base::Error& error) const {
  switch (error.kind) {
    case base::Error::Kind::kTimeout:
      return refused_timeout_.Add();
    case base::Error::Kind::kCanceled:
      return refused_canceled_.Add();
    case base::Error::Kind::kLimit:
      return refused_limit_.Add();
    case base::Error::Kind::kBadInput:
    case base::Error::Kind::kNotFound:
    case base::Error::Kind::kUnavailable:
    case base::Error::Kind::kExecution:
    case base::Error::Kind::kInternal:
      return;
  }
}

}  // namespace plimsoll::serve
