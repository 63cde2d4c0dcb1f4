// SPDX-License-Identifier: Apache-2.0
//
// Paths and texts: Prometheus's for /-/..., Kubernetes's for the others.
#include "serve/health.h"

#include "serve/detail/plain_text.h"

namespace plimsoll::serve {

std::optional<http::Response> Health::Answer(const http::Request& request) const {
  const std::string& path = request.path;
  const bool prometheus_live = path == "/-/healthy";
  const bool prometheus_ready = path == "/-/ready";
  const bool live = prometheus_live || path == "/healthz" || path == "/livez";
  const bool ready = prometheus_ready || path == "/readyz";
  if (!live && !ready) return std::nullopt;
  if (request.method != "GET" && request.method != "HEAD")
    return PlainText(405, "Method Not Allowed\n");
  const std::string why = ready && options_.not_ready ? options_.not_ready() : "";
  if (!why.empty()) return PlainText(503, "Service Unavailable: " + why + "\n");
  if (prometheus_live) return PlainText(200, "plimsoll is Healthy.\n");
  if (prometheus_ready) return PlainText(200, "plimsoll is Ready.\n");
  return PlainText(200, "ok");
}

std::optional<http::Response> Health::AnswerLifecycle(const http::Request& request) const {
  if (request.path != "/-/reload") return std::nullopt;
  if (request.method != "POST" && request.method != "PUT")
    return PlainText(405, "Only POST or PUT requests allowed");
  if (!options_.lifecycle || !options_.reload)
    return PlainText(403, "Lifecycle API is not enabled.");
  const auto reloaded = options_.reload();
  if (!reloaded)
    return PlainText(500, "failed to reload config: " + reloaded.error().ToString() + "\n");
  return PlainText(200, "");
}

}  // namespace plimsoll::serve
