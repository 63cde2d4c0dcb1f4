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

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "eval/engine.h"
#include "http/message.h"
#include "promql/parser.h"
#include "serve/detail/query_gate.h"
#include "serve/status.h"
#include "store/querier.h"
#include "telemetry/telemetry.h"

namespace plimsoll::serve {

// What /api/v1/status/buildinfo says. Grafana decides by `version` which endpoints it may use, so
// it is the version of the Prometheus API that we speak.
struct BuildInfo {
  std::string version = "3.15.0";
  std::string revision = {};  // our own version
  std::string branch = "plimsoll";
  std::string build_user = {};
  std::string build_date = {};
  std::string compiler = {};  // where Prometheus has goVersion
};

class PrometheusApi {
 public:
  struct Options {
    eval::Options eval =
        {};  // lookback, default step, bounds, time-out; clock and canceled are set per query
    promql::ParseOptions parse = {};
    QueryGate::Limits gate = {};
    BuildInfo build = {};
  };

  // Lives as long as: everything it is given by reference; `telemetry` may be null.
  PrometheusApi(const store::Queryable& storage, const StatusSource& status,
                const base::Clock& clock, telemetry::Telemetry* telemetry, Options options);

  // Requires: the path starts with /api/v1/ (others are a 404).
  http::Response Handle(const http::Request& request) const;
  // Whether a request may take long: for http::ServerOptions::slow.
  static bool IsSlow(const http::Request& request);
  // Refuses queries from now on, so that shutdown does not wait for those that wait.
  void Close() { gate_.Close(); }

 private:
  struct Endpoint;
  static const Endpoint kEndpoints[];

  http::Response Gated(const http::Request& request,
                       http::Response (PrometheusApi::*run)(const http::Request&) const) const;
  http::Response Query(const http::Request& request) const;
  http::Response QueryRange(const http::Request& request) const;
  http::Response QueryExemplars(const http::Request& request) const;
  http::Response Series(const http::Request& request) const;
  http::Response LabelNames(const http::Request& request) const;
  http::Response LabelValues(const http::Request& request) const;
  http::Response Targets(const http::Request& request) const;
  http::Response Rules(const http::Request& request) const;
  http::Response Alerts(const http::Request& request) const;
  http::Response Metadata(const http::Request& request) const;
  http::Response BuildInformation(const http::Request& request) const;

  void Count(const base::Error& error) const;

  const store::Queryable& storage_;
  const StatusSource& status_;
  const base::Clock& clock_;
  Options options_;
  mutable QueryGate gate_;
  mutable telemetry::Histogram duration_;
  mutable telemetry::Counter refused_full_;
  mutable telemetry::Counter refused_timeout_;
  mutable telemetry::Counter refused_canceled_;
  mutable telemetry::Counter refused_limit_;
};

}  // namespace plimsoll::serve
