// SPDX-License-Identifier: Apache-2.0
//
// The Prometheus HTTP API over the window: what Grafana, KEDA, prometheus-adapter and promtool ask.
//
// Bodies, status codes and error texts are the server's, byte for byte where a client can tell.
// Queries run a few at a time; one that finds no place is answered by 503, and one whose asker has
// gone stops.
//
// Threads: Handle may be called from any thread; a query takes as long as it takes, so the server
// must
//          not run it on a thread that others wait for.
// Bounds:  Options::gate and Options::eval; refusals are counted by plimsoll_queries_refused_total.
// See:     docs/differences.md for what is left out
#pragma once

#include "http/message.h"
#include "serve/detail/api_context.h"
#include "serve/detail/query_gate.h"
#include "telemetry/telemetry.h"

namespace plimsoll::serve {

class PrometheusApi {
 public:
  using Options = ApiOptions;

  // Lives as long as: everything it is given by reference; `telemetry` may be null.
  PrometheusApi(const store::Queryable& storage, const StatusSource& status,
                const base::Clock& clock, telemetry::Telemetry* telemetry, Options options);
  PrometheusApi(const PrometheusApi&) = delete;
  PrometheusApi& operator=(const PrometheusApi&) = delete;

  // Requires: the path is /federate or starts with /api/v1/ (others are a 404).
  http::Response Handle(const http::Request& request) const;
  // Whether a request may take long: for http::ServerOptions::slow.
  static bool IsSlow(const http::Request& request);
  // Refuses queries from now on, so that shutdown does not wait for those that wait.
  void Close() { gate_.Close(); }

 private:
  struct Endpoint;
  static const Endpoint kEndpoints[];
  static const Endpoint* Find(std::string_view path, std::string_view method, std::string& allowed);

  http::Response Run(const Endpoint& endpoint, const http::Request& request) const;
  void AddCors(const http::Request& request, http::Response& response) const;
  void Count(const base::Error& error) const;

  Options options_;
  ApiContext context_;
  mutable QueryGate gate_;
  mutable telemetry::Histogram duration_;
  mutable telemetry::Counter refused_full_;
  mutable telemetry::Counter refused_timeout_;
  mutable telemetry::Counter refused_canceled_;
  mutable telemetry::Counter refused_limit_;
};

}  // namespace plimsoll::serve
