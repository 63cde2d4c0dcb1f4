// SPDX-License-Identifier: Apache-2.0
//
// From a path to an answer: who, may they, which metric, which series, what is it now.
#include "serve/external_metrics.h"

#include <memory>
#include <utility>

#include "base/number_text.h"
#include "document/json.h"
#include "serve/detail/api_status.h"
#include "serve/detail/metric_path.h"

namespace plimsoll::serve {
namespace {

constexpr std::string_view kMetricPrefix = "/apis/external.metrics.k8s.io/v1beta1/namespaces/";
constexpr std::string_view kNoResource = "the server could not find the requested resource";

// As an API server reads a boolean parameter: anything but "false" and "0" is true.
bool IsTrue(std::string_view value) {
  return value != "0" && value != "false" && value != "False" && value != "FALSE";
}

// As an API server names what a request does; "" for a method it does not know.
std::string_view VerbOf(std::string_view method, bool metric) {
  struct Row {
    std::string_view method, of_metric, of_path;
  };
  constexpr Row kRows[] = {{"GET", "list", "get"},      {"HEAD", "list", "head"},
                           {"POST", "create", "post"},  {"PUT", "update", "put"},
                           {"PATCH", "patch", "patch"}, {"DELETE", "deletecollection", "delete"},
                           {"OPTIONS", "", "options"}};
  for (const Row& row : kRows) {
    if (row.method == method) return metric ? row.of_metric : row.of_path;
  }
  return "";
}

void AppendValue(std::string_view name, const signals::Served& served, std::string& body) {
  body.reserve(320);
  body +=
      R"({"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","metadata":{},)"
      R"("items":[{"metricName":)";
  document::AppendJsonStringHtml(name, body);
  body += R"(,"metricLabels":{)";
  bool first = true;
  for (const model::Label& label : served.labels) {
    if (!first) body += ',';
    first = false;
    document::AppendJsonStringHtml(label.name, body);
    body += ':';
    document::AppendJsonStringHtml(label.value, body);
  }
  body += R"(},"timestamp":")";
  constexpr base::Time kSecond = 1000;
  body += base::FormatRfc3339(served.timestamp / kSecond * kSecond);
  body += R"(","window":)";
  body += std::to_string(served.window.count());
  body += R"(,"value":")";
  body += served.quantity;
  body += R"("}]})";
  body += '\n';
}

}  // namespace

ExternalMetricsApi::ExternalMetricsApi(const base::Published<signals::Snapshot>& snapshot,
                                       const base::Clock& clock, telemetry::Telemetry* telemetry,
                                       Options options)
    : snapshot_(snapshot),
      clock_(clock),
      options_(std::move(options)),
      own_trust_(std::make_shared<const AuthenticationOptions>(options_.authentication)),
      gate_(options_.trust != nullptr ? *options_.trust : own_trust_, options_.access,
            options_.reviews),
      discovery_(options_.version) {
  if (telemetry == nullptr) return;
  for (const signals::Reason reason : signals::kReasons) {
    errors_[static_cast<std::size_t>(reason)] = telemetry->CounterOf(
        telemetry::MetricId::kExternalMetricErrors, {signals::ReasonText(reason)});
  }
}

// What a request asks for; its views are into the request and itself.
struct ExternalMetricsApi::Question {
  explicit Question(const http::Request& request) : path(request.raw_path) {
    if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    if (path.starts_with(kMetricPrefix)) metric = ReadMetricPath(path.substr(kMetricPrefix.size()));
    access.verb = VerbOf(request.method, metric.has_value());
    if (metric) {
      access.name_space = metric->name_space;
      access.metric = metric->metric;
    } else {
      access.path = path;
    }
  }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  std::string_view path;  // without a last slash
  std::optional<MetricPath> metric;
  Access access;
};

http::Response ExternalMetricsApi::Handle(
    const http::Request& request,
    const std::function<std::optional<http::Response>(const http::Request&)>& health) const {
  const Question question(request);
  Gate::Verdict verdict = gate_.Ask(request, question.access);
  switch (verdict.kind) {
    case Gate::Verdict::Kind::kAllowed:
      return Answer(request, question, health);
    case Gate::Verdict::Kind::kRefused:
      return std::move(verdict.refusal);
    case Gate::Verdict::Kind::kUnknown:
      break;
  }
  struct Waiting {
    explicit Waiting(const http::Request& asked) : request(asked), question(request) {}
    const http::Request request;
    const Question question;
  };
  const auto waiting = std::make_shared<const Waiting>(request);
  http::Response response;
  response.later = [this, waiting, health](std::function<void(http::Response)> reply) {
    gate_.Review(waiting->request, waiting->question.access,
                 [this, waiting, health, reply = std::move(reply)](Gate::Verdict reviewed) {
                   const bool allowed = reviewed.kind == Gate::Verdict::Kind::kAllowed;
                   http::Response answer = allowed
                                               ? Answer(waiting->request, waiting->question, health)
                                               : std::move(reviewed.refusal);
                   if (answer.later) return std::exchange(answer.later, {})(reply);
                   reply(std::move(answer));
                 });
  };
  return response;
}

http::Response ExternalMetricsApi::Answer(
    const http::Request& request, const Question& question,
    const std::function<std::optional<http::Response>(const http::Request&)>& health) const {
  const auto& metric = question.metric;
  const std::string_view path = question.path;
  if (health && !metric) {
    if (auto answer = health(request)) return *std::move(answer);
  }
  const bool ours =
      metric || path == "/apis" || path == "/openapi/v2" || path.substr(0, 6) == "/apis/";
  if (ours && request.method != "GET") {
    return ApiStatus(405, "the server does not allow this method on the requested resource");
  }
  if (metric) return ReadMetric(metric->name_space, metric->metric, request);
  if (auto answer = discovery_.Answer(path, request)) return *std::move(answer);
  return ApiStatus(404, kNoResource);
}

http::Response ExternalMetricsApi::NotScrapedYet(const signals::Pending& pending,
                                                 std::string_view name_space,
                                                 const std::string& name) const {
  const auto reason = signals::Reason::kNeverScraped;
  errors_[static_cast<std::size_t>(reason)].Add();
  return ApiStatus(503, NotScrapedYetText(pending, name_space, name),
                   {.name = name, .group = kExternalGroup, .cause = signals::ReasonText(reason)});
}

http::Response ExternalMetricsApi::ReadMetric(std::string_view name_space, const std::string& name,
                                              const http::Request& request) const {
  if (!AcceptsJson(request.Header("Accept")))
    return ApiStatus(406, "only application/json is served here");
  std::string selector_text;
  if (!request.raw_query.empty()) {
    bool selector_seen = false;
    for (auto& [key, value] : http::ParseQuery(request.raw_query)) {
      if (key == "watch" && IsTrue(value)) {
        return ApiStatus(
            405, "watch is not supported on resources of kind \"*.external.metrics.k8s.io\"",
            {.group = kExternalGroup, .kind = "*"});
      }
      if (key != "labelSelector" || selector_seen) continue;
      selector_text = std::move(value);
      selector_seen = true;
    }
  }
  const auto selector = LabelSelector::Parse(selector_text, options_.selector);
  if (!selector) return ApiStatus(400, selector.error().message);

  const Forwarding* forwarding = options_.forwarding;
  if (forwarding != nullptr && !selector->everything()) {
    if (const auto peer = forwarding->BySelector(*selector))
      return forwarding->Forward(peer, request);
  }
  const auto snapshot = snapshot_.Get();
  const signals::Metric* metric = snapshot ? snapshot->Find(name_space, name) : nullptr;
  if (metric == nullptr) {
    if (const auto* pending = snapshot ? snapshot->PendingIn(name_space) : nullptr)
      return NotScrapedYet(*pending, name_space, name);
    if (const auto peer = forwarding == nullptr ? nullptr : forwarding->Otherwise())
      return forwarding->Forward(peer, request);
    return ApiStatus(404, UnknownMetricText(snapshot.get(), name_space, name),
                     {.name = name, .group = kExternalGroup});
  }
  const signals::Outcome outcome =
      signals::Resolve(*snapshot, *metric, name_space,
                       selector->everything() ? nullptr : &*selector, signals::Moment::Of(clock_));
  if (const auto* failure = std::get_if<signals::Failure>(&outcome)) {
    errors_[static_cast<std::size_t>(failure->reason)].Add();
    return ApiStatus(
        503, failure->message,
        {.name = name, .group = kExternalGroup, .cause = signals::ReasonText(failure->reason)});
  }
  http::Response response{.content_type = "application/json"};
  response.headers.emplace_back("Cache-Control", "no-cache, private");
  AppendValue(name, std::get<signals::Served>(outcome), response.body);
  http::CompressIfAccepted(request, response);  // an ordinary one is too short to pay
  return response;
}

}  // namespace plimsoll::serve
