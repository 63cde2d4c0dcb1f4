// SPDX-License-Identifier: Apache-2.0
//
// Routes of the query API, and the two endpoints that evaluate.
//
// Endpoints that only list are in detail/listing.cc and detail/status_pages.cc.
#include "serve/prometheus_api.h"

#include <algorithm>
#include <limits>

#include "base/format.h"
#include "base/number_text.h"
#include "eval/answer.h"
#include "promql/reach.h"
#include "serve/detail/api_answer.h"
#include "serve/detail/api_parameters.h"
#include "serve/detail/plain_text.h"

namespace plimsoll::serve {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::string_view kPrefix = "/api/v1";
constexpr std::string_view kTruncated = "results truncated due to limit";
constexpr std::size_t kAnnotations = 10;  // of each kind, as the server
constexpr std::int64_t kMaxPoints = 11000;

bool Truncate(eval::Value& value, std::size_t limit) {
  if (limit == 0) return false;
  if (auto* vector = std::get_if<eval::Vector>(&value);
      vector != nullptr && vector->elements.size() > limit) {
    vector->elements.resize(limit);
    return true;
  }
  if (auto* matrix = std::get_if<eval::Matrix>(&value);
      matrix != nullptr && matrix->series.size() > limit) {
    matrix->series.resize(limit);
    return true;
  }
  return false;
}

// Options of one query: the server's, narrowed by the request's timeout and lookback_delta.
base::Result<eval::Options> QueryOptions(const ApiParameters& parameters,
                                         const http::Request& request, const base::Clock& clock,
                                         eval::Options options) {
  options.clock = &clock;
  options.canceled = request.gone;
  if (!parameters.First("timeout").empty()) {
    const auto timeout = parameters.Duration("timeout");
    if (!timeout) return timeout.error();
    options.timeout = std::max(nanoseconds(0), std::min(options.timeout, *timeout));
  }
  if (const std::string_view text = parameters.First("lookback_delta"); !text.empty()) {
    const auto lookback = ParseApiDuration(text);
    if (!lookback)
      return base::BadInput("error parsing lookback delta duration: " + lookback.error().message);
    const auto whole = std::chrono::duration_cast<milliseconds>(*lookback);
    if (whole.count() > 0) options.lookback = whole;
  }
  return options;
}

// What the window no longer holds is missing from the answer without a trace; hence a warning.
void WarnOfReach(const promql::Expr& expr, base::Time start, const eval::Options& options,
                 const store::Querier& querier, eval::Answer& answer) {
  const promql::Reach reach = promql::ReachOf(expr, options.lookback, options.default_step);
  const base::Time oldest = querier.OldestComplete();
  if (promql::Selectors(expr).empty() || start - reach.back.count() >= oldest) return;
  answer.annotations.warnings.push_back(base::format(
      "the query reads samples from before {}, which are no longer kept (storage.retention.time)",
      base::FormatRfc3339(oldest)));
}

http::Response Answered(base::Result<eval::Answer> answer, std::size_t limit) {
  if (Truncate(answer->value, limit)) answer->annotations.warnings.emplace_back(kTruncated);
  http::Response response{.content_type = "application/json"};
  eval::AppendAnswer(*answer, kAnnotations, response.body);
  return response;
}

base::Error WithParameter(base::Error error) {
  if (error.kind != base::Error::Kind::kBadInput) return error;
  return InvalidParameter("query", error.message);
}

base::Error Broken() {
  return {base::Error::Kind::kInternal, "the query took so long that its samples have expired"};
}

}  // namespace

struct PrometheusApi::Endpoint {
  std::string_view path;
  bool post = false;  // POST as well as GET
  bool gated = false;
  http::Response (PrometheusApi::*run)(const http::Request&) const = nullptr;
};

const PrometheusApi::Endpoint PrometheusApi::kEndpoints[] = {
    {"/query", true, true, &PrometheusApi::Query},
    {"/query_range", true, true, &PrometheusApi::QueryRange},
    {"/query_exemplars", true, false, &PrometheusApi::QueryExemplars},
    {"/series", true, true, &PrometheusApi::Series},
    {"/labels", true, true, &PrometheusApi::LabelNames},
    {"/label/*/values", false, true, &PrometheusApi::LabelValues},
    {"/targets", false, false, &PrometheusApi::Targets},
    {"/rules", false, false, &PrometheusApi::Rules},
    {"/alerts", false, false, &PrometheusApi::Alerts},
    {"/metadata", false, false, &PrometheusApi::Metadata},
    {"/status/buildinfo", false, false, &PrometheusApi::BuildInformation},
};

PrometheusApi::PrometheusApi(const store::Queryable& storage, const StatusSource& status,
                             const base::Clock& clock, telemetry::Telemetry* telemetry,
                             Options options)
    : storage_(storage),
      status_(status),
      clock_(clock),
      options_(std::move(options)),
      gate_(options_.gate) {
  if (telemetry == nullptr) return;
  using telemetry::MetricId;
  duration_ = telemetry->HistogramOf(MetricId::kQueryDuration);
  refused_full_ = telemetry->CounterOf(MetricId::kQueriesRefused, {"concurrency"});
  refused_timeout_ = telemetry->CounterOf(MetricId::kQueriesRefused, {"timeout"});
  refused_canceled_ = telemetry->CounterOf(MetricId::kQueriesRefused, {"canceled"});
  refused_limit_ = telemetry->CounterOf(MetricId::kQueriesRefused, {"samples"});
}

namespace {

// "/label/*/values" against "/label/job/values": one segment may be anything.
bool PathMatches(std::string_view pattern, std::string_view path) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == path;
  const std::string_view head = pattern.substr(0, star);
  const std::string_view tail = pattern.substr(star + 1);
  if (path.size() <= head.size() + tail.size()) return false;
  if (path.substr(0, head.size()) != head || path.substr(path.size() - tail.size()) != tail)
    return false;
  return path.substr(head.size(), path.size() - head.size() - tail.size()).find('/') ==
         std::string_view::npos;
}

}  // namespace

http::Response PrometheusApi::Handle(const http::Request& request) const {
  std::string_view path = request.raw_path;
  if (path.substr(0, kPrefix.size()) != kPrefix) return PlainText(404, "404 page not found\n");
  path.remove_prefix(kPrefix.size());
  if (request.method == "OPTIONS") return {.status = 204, .content_type = "application/json"};
  for (const Endpoint& endpoint : kEndpoints) {
    if (!PathMatches(endpoint.path, path)) continue;
    if (request.method != "GET" && !(endpoint.post && request.method == "POST")) {
      http::Response response = PlainText(405, "Method Not Allowed\n");
      response.headers.emplace_back("Allow", endpoint.post ? "GET, OPTIONS, POST" : "GET, OPTIONS");
      return response;
    }
    http::Response response =
        endpoint.gated ? Gated(request, endpoint.run) : (this->*endpoint.run)(request);
    http::CompressIfAccepted(request, response);
    return response;
  }
  return PlainText(404, "404 page not found\n");
}

bool PrometheusApi::IsSlow(const http::Request& request) {
  const std::string_view path = request.raw_path;
  if (path.substr(0, kPrefix.size()) != kPrefix) return false;
  return std::any_of(std::begin(kEndpoints), std::end(kEndpoints), [&](const Endpoint& endpoint) {
    return endpoint.gated && PathMatches(endpoint.path, path.substr(kPrefix.size()));
  });
}

http::Response PrometheusApi::Gated(const http::Request& request,
                                    http::Response (PrometheusApi::*run)(const http::Request&)
                                        const) const {
  const base::Steady start = clock_.SteadyNow();
  const QueryGate::Place place = gate_.Enter();
  if (!place) {
    refused_full_.Add();
    return ApiError(503, "unavailable",
                    "too many queries are running, try again later (--web.query-concurrency)");
  }
  http::Response response = (this->*run)(request);
  duration_.Observe(std::chrono::duration<double>(clock_.SteadyNow() - start).count());
  return response;
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

http::Response PrometheusApi::Query(const http::Request& request) const {
  const ApiParameters parameters(request);
  const auto limit = parameters.Limit("limit");
  if (!limit) return ApiError(limit.error());
  const auto time = parameters.TimeOr("time", clock_.Now());
  if (!time) return ApiError(time.error());
  const auto options = QueryOptions(parameters, request, clock_, options_.eval);
  if (!options) return ApiError(options.error());
  const std::string_view text = parameters.First("query");
  const auto expr = promql::Parse(text, options_.parse);
  if (!expr) return ApiError(WithParameter(expr.error()));

  const auto querier = storage_.Open();
  auto answer = eval::Instant(**expr, text, *querier, *time, *options);
  if (answer && querier->Broken()) answer = Broken();
  if (!answer) {
    Count(answer.error());
    return ApiError(WithParameter(answer.error()));
  }
  WarnOfReach(**expr, *time, *options, *querier, *answer);
  return Answered(std::move(answer), *limit);
}

http::Response PrometheusApi::QueryRange(const http::Request& request) const {
  const ApiParameters parameters(request);
  const auto limit = parameters.Limit("limit");
  if (!limit) return ApiError(limit.error());
  const auto start = parameters.Time("start");
  if (!start) return ApiError(start.error());
  const auto end = parameters.Time("end");
  if (!end) return ApiError(end.error());
  if (*end < *start)
    return ApiError(InvalidParameter("end", "end timestamp must not be before start time"));
  const auto step = parameters.Duration("step");
  if (!step) return ApiError(step.error());
  const auto whole_step = std::chrono::duration_cast<milliseconds>(*step);
  if (whole_step.count() <= 0) {
    return ApiError(InvalidParameter(
        "step",
        "zero or negative query resolution step widths are not accepted. Try a positive integer"));
  }
  // In nanoseconds, as the server divides; a range that does not fit is as long as one can be.
  const std::int64_t length = *end - *start;
  const std::int64_t longest = std::numeric_limits<std::int64_t>::max();
  const std::int64_t nanos = length > longest / 1'000'000 ? longest : length * 1'000'000;
  if (nanos / step->count() > kMaxPoints) {
    return ApiError(base::BadInput(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the "
        "query resolution (?step=XX)"));
  }
  const auto options = QueryOptions(parameters, request, clock_, options_.eval);
  if (!options) return ApiError(options.error());
  const std::string_view text = parameters.First("query");
  const auto expr = promql::Parse(text, options_.parse);
  if (!expr) return ApiError(WithParameter(expr.error()));

  const auto querier = storage_.Open();
  auto answer = eval::Range(**expr, text, *querier, *start, *end, whole_step, *options);
  if (answer && querier->Broken()) answer = Broken();
  if (!answer) {
    Count(answer.error());
    return ApiError(WithParameter(answer.error()));
  }
  WarnOfReach(**expr, *start, *options, *querier, *answer);
  return Answered(std::move(answer), *limit);
}

// No sample carries an exemplar here; the query is checked all the same, as Grafana probes with
// one.
http::Response PrometheusApi::QueryExemplars(const http::Request& request) const {
  const ApiParameters parameters(request);
  const auto start = parameters.TimeOr("start", kMinTime);
  if (!start) return ApiError(start.error());
  const auto end = parameters.TimeOr("end", kMaxTime);
  if (!end) return ApiError(end.error());
  if (*end < *start)
    return ApiError(base::BadInput("end timestamp must not be before start timestamp"));
  const auto expr = promql::Parse(parameters.First("query"), options_.parse);
  if (!expr) return ApiError(expr.error());
  if (promql::Selectors(**expr).empty()) return {.status = 204, .content_type = "application/json"};
  return ApiSuccess([](document::JsonWriter& json) { json.List().EndList(); });
}

}  // namespace plimsoll::serve
