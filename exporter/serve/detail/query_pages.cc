// SPDX-License-Identifier: Apache-2.0
//
// Endpoints that parse a query: two evaluate it, the others print it or answer without samples.
#include <algorithm>
#include <limits>

#include "base/format.h"
#include "base/number_text.h"
#include "eval/answer.h"
#include "promql/prettify.h"
#include "promql/reach.h"
#include "serve/detail/api_answer.h"
#include "serve/detail/api_context.h"
#include "serve/detail/api_parameters.h"

namespace plimsoll::serve {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

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

// The `stats` parameter: any word asks for them, as in Prometheus, which warns of words that it
// will not know any more.
class QueryStats {
 public:
  QueryStats(const ApiContext& context, std::string_view word)
      : clock_(context.clock), word_(word), start_(clock_.SteadyNow()) {}

  bool wanted() const { return !word_.empty(); }
  void Prepared() { prepared_ = clock_.SteadyNow(); }
  void Evaluated() { evaluated_ = clock_.SteadyNow(); }

  void AddWarning(eval::Annotations& annotations) const {
    if (word_.empty() || word_ == "true" || word_ == "all") return;
    annotations.warnings.push_back(base::format(
        "value {} for parameter \"stats\" is deprecated and will be rejected in the next major "
        "release, use \"true\" or \"all\"",
        base::GoQuote(word_)));
  }
  // Results are sorted as they are made, and who waits for a place has not begun.
  std::string Json(const eval::SampleCounts& samples) const {
    std::string text;
    if (!wanted()) return text;
    document::JsonWriter json(text);
    json.Object().Key("timings").Object().Key("evalTotalTime").Number(Seconds(start_, evaluated_));
    json.Key("resultSortTime").Integer(0);
    json.Key("queryPreparationTime").Number(Seconds(start_, prepared_));
    json.Key("innerEvalTime").Number(Seconds(prepared_, evaluated_));
    json.Key("execQueueTime").Integer(0);
    json.Key("execTotalTime").Number(Seconds(start_, evaluated_)).EndObject();
    json.Key("samples").Object().Key("totalQueryableSamples").Integer(samples.queryable);
    json.Key("samplesRead").Integer(samples.read).Key("peakSamples").Integer(samples.peak);
    json.EndObject().EndObject();
    return text;
  }

 private:
  static double Seconds(base::Steady from, base::Steady to) {
    return std::chrono::duration<double>(to - from).count();
  }
  const base::Clock& clock_;
  std::string_view word_;
  base::Steady start_;
  base::Steady prepared_{0};
  base::Steady evaluated_{0};
};

http::Response Answered(base::Result<eval::Answer> answer, std::size_t limit,
                        const QueryStats& stats) {
  if (Truncate(answer->value, limit)) answer->annotations.warnings.emplace_back(kTruncated);
  stats.AddWarning(answer->annotations);
  struct Written {
    Written(eval::Answer taken, std::string_view stats_text)
        : answer(std::move(taken)), writer(answer, kAnnotations, stats_text) {}
    eval::Answer answer;
    eval::AnswerWriter writer;
  };
  const std::string stats_text = stats.Json(answer->samples);
  const auto written = std::make_shared<Written>(*std::move(answer), stats_text);
  http::Response response{.content_type = "application/json"};
  if (written->writer.Append(response.body))
    response.rest = [written](std::string& out) { return written->writer.Append(out); };
  return response;
}

base::Error WithParameter(base::Error error) {
  if (error.kind != base::Error::Kind::kBadInput) return error;
  return InvalidParameter("query", error.message);
}

}  // namespace

http::Response QueryPage(const ApiContext& context, const http::Request& request) {
  const ApiParameters parameters(request);
  const auto limit = parameters.Limit("limit");
  if (!limit) return ApiError(limit.error());
  const auto time = parameters.TimeOr("time", context.clock.Now());
  if (!time) return ApiError(time.error());
  auto options = QueryOptions(parameters, request, context.clock, context.options.eval);
  if (!options) return ApiError(options.error());
  QueryStats stats(context, parameters.First("stats"));
  options->count_samples = stats.wanted();
  options->sources = false;
  const std::string_view text = parameters.First("query");
  const auto expr = promql::Parse(text, context.options.parse);
  if (!expr) return ApiError(WithParameter(expr.error()));

  const auto querier = context.storage.Open();
  stats.Prepared();
  auto answer = eval::Instant(**expr, text, *querier, *time, *options);
  stats.Evaluated();
  if (answer && querier->Broken()) answer = ViewExpired();
  if (!answer) {
    context.refused(answer.error());
    return ApiError(WithParameter(answer.error()));
  }
  WarnOfReach(**expr, *time, *options, *querier, *answer);
  return Answered(std::move(answer), *limit, stats);
}

http::Response QueryRangePage(const ApiContext& context, const http::Request& request) {
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
  auto options = QueryOptions(parameters, request, context.clock, context.options.eval);
  if (!options) return ApiError(options.error());
  QueryStats stats(context, parameters.First("stats"));
  options->count_samples = stats.wanted();
  const std::string_view text = parameters.First("query");
  const auto expr = promql::Parse(text, context.options.parse);
  if (!expr) return ApiError(WithParameter(expr.error()));

  const auto querier = context.storage.Open();
  stats.Prepared();
  auto answer = eval::Range(**expr, text, *querier, *start, *end, whole_step, *options);
  stats.Evaluated();
  if (answer && querier->Broken()) answer = ViewExpired();
  if (!answer) {
    context.refused(answer.error());
    return ApiError(WithParameter(answer.error()));
  }
  WarnOfReach(**expr, *start, *options, *querier, *answer);
  return Answered(std::move(answer), *limit, stats);
}

// No sample carries an exemplar here; the query is checked all the same, as Grafana probes with
// one.
http::Response QueryExemplarsPage(const ApiContext& context, const http::Request& request) {
  const ApiParameters parameters(request);
  const auto start = parameters.TimeOr("start", kMinTime);
  if (!start) return ApiError(start.error());
  const auto end = parameters.TimeOr("end", kMaxTime);
  if (!end) return ApiError(end.error());
  if (*end < *start)
    return ApiError(base::BadInput("end timestamp must not be before start timestamp"));
  const auto expr = promql::Parse(parameters.First("query"), context.options.parse);
  if (!expr) return ApiError(expr.error());
  if (promql::Selectors(**expr).empty()) return {.status = 204};
  return ApiSuccess([](document::JsonWriter& json) { json.List().EndList(); });
}

http::Response FormatQueryPage(const ApiContext& context, const http::Request& request) {
  const auto expr = promql::Parse(ApiParameters(request).First("query"), context.options.parse);
  if (!expr) return ApiError(WithParameter(expr.error()));
  return ApiSuccess([&](document::JsonWriter& json) { json.String(promql::Prettify(**expr)); });
}

}  // namespace plimsoll::serve
