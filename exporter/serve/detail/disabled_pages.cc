// SPDX-License-Identifier: Apache-2.0
//
// Endpoints that Prometheus has behind flags and that do not exist here: they answer as a server
// whose flag is not set, which is what clients know.
#include "serve/detail/api_answer.h"
#include "serve/detail/api_context.h"
#include "serve/detail/plain_text.h"

namespace plimsoll::serve {

http::Response AdminPage(const ApiContext&, const http::Request&) {
  return ApiError(500, "unavailable", "admin APIs disabled");
}

http::Response SearchPage(const ApiContext&, const http::Request&) {
  return ApiError(500, "unavailable", "search API disabled");
}

http::Response RemoteWritePage(const ApiContext&, const http::Request&) {
  return PlainError(
      404, "remote write receiver needs to be enabled with --web.enable-remote-write-receiver");
}

http::Response OtlpWritePage(const ApiContext&, const http::Request&) {
  return PlainError(404, "otlp write receiver needs to be enabled with --web.enable-otlp-receiver");
}

}  // namespace plimsoll::serve
