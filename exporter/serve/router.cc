// SPDX-License-Identifier: Apache-2.0
//
// Two small tables of paths.
#include "serve/router.h"

#include "serve/detail/api_status.h"
#include "serve/detail/plain_text.h"

namespace plimsoll::serve {
namespace {

bool IsRead(const http::Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

}  // namespace

http::Handler OpsHandler(const LandingPage& landing, const MetricsPage& metrics,
                         const PrometheusApi& prometheus, const ExternalValues& values,
                         const Health& health) {
  return [&](const http::Request& request) -> http::Response {
    if (ExternalValues::Owns(request.raw_path)) return values.Handle(request);
    if (request.raw_path.starts_with("/api/v1/") || request.raw_path == "/federate")
      return prometheus.Handle(request);
    if (auto answer = health.Answer(request)) return *std::move(answer);
    if (auto answer = health.AnswerLifecycle(request)) return *std::move(answer);
    const bool page = request.path == "/" || request.path == "/metrics";
    if (!page) return PlainError(404, "404 page not found");
    if (!IsRead(request)) return PlainError(405, "Method Not Allowed");
    return request.path == "/" ? landing.Handle(request) : metrics.Handle(request);
  };
}

http::Handler ApiHandler(const ExternalMetricsApi& external, const Health& health) {
  return [&](const http::Request& request) {
    return external.Handle(request,
                           [&](const http::Request& asked) -> std::optional<http::Response> {
                             if (asked.path.starts_with("/-/")) return std::nullopt;
                             return health.Answer(asked);
                           });
  };
}

http::Response ApiRefusal(int status, std::string_view message) {
  return ApiStatus(status, message);
}

}  // namespace plimsoll::serve
