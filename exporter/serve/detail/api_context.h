// SPDX-License-Identifier: Apache-2.0
//
// What the endpoints of the query API read, and the endpoints themselves: each a function from
// request to response.
//
// Threads: the endpoints may be called from any thread.
// Lives as long as: what a context refers to.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "eval/engine.h"
#include "http/message.h"
#include "model/regex.h"
#include "promql/parser.h"
#include "serve/detail/query_gate.h"
#include "serve/status.h"
#include "store/querier.h"

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

struct ApiOptions {
  eval::Options eval =
      {};  // lookback, default step, bounds, time-out; clock and canceled are set per query
  promql::ParseOptions parse = {};
  QueryGate::Limits gate = {};
  BuildInfo build = {};
  bool lifecycle = false;  // --web.enable-lifecycle, for /features
  // Origins whose scripts may read the answers (--web.cors.origin); null: none.
  std::shared_ptr<const model::Regex> cors_origin = {};
};

struct ApiContext {
  const store::Queryable& storage;
  const StatusSource& status;
  const base::Clock& clock;
  const ApiOptions& options;
  std::function<void(const base::Error&)> refused;  // counts a query that ended without an answer
};

// query_pages.cc
http::Response QueryPage(const ApiContext& context, const http::Request& request);
http::Response QueryRangePage(const ApiContext& context, const http::Request& request);
http::Response QueryExemplarsPage(const ApiContext& context, const http::Request& request);
http::Response FormatQueryPage(const ApiContext& context, const http::Request& request);
// syntax_tree_page.cc
http::Response ParseQueryPage(const ApiContext& context, const http::Request& request);
// listing.cc
http::Response SeriesPage(const ApiContext& context, const http::Request& request);
http::Response LabelNamesPage(const ApiContext& context, const http::Request& request);
http::Response LabelValuesPage(const ApiContext& context, const http::Request& request);
// target_pages.cc
http::Response TargetsPage(const ApiContext& context, const http::Request& request);
http::Response TargetMetadataPage(const ApiContext& context, const http::Request& request);
http::Response MetadataPage(const ApiContext& context, const http::Request& request);
http::Response ScrapePoolsPage(const ApiContext& context, const http::Request& request);
http::Response ScrapePoolConfigPage(const ApiContext& context, const http::Request& request);
http::Response AlertmanagersPage(const ApiContext& context, const http::Request& request);
// rule_pages.cc
http::Response RulesPage(const ApiContext& context, const http::Request& request);
http::Response AlertsPage(const ApiContext& context, const http::Request& request);
// status_pages.cc
http::Response BuildInfoPage(const ApiContext& context, const http::Request& request);
http::Response RuntimeInfoPage(const ApiContext& context, const http::Request& request);
http::Response ConfigPage(const ApiContext& context, const http::Request& request);
http::Response FlagsPage(const ApiContext& context, const http::Request& request);
http::Response WalReplayPage(const ApiContext& context, const http::Request& request);
http::Response NotificationsPage(const ApiContext& context, const http::Request& request);
http::Response NotificationStreamPage(const ApiContext& context, const http::Request& request);
// cardinality_pages.cc
http::Response CardinalityPage(const ApiContext& context, const http::Request& request);
http::Response BlocksPage(const ApiContext& context, const http::Request& request);
// features_page.cc
http::Response FeaturesPage(const ApiContext& context, const http::Request& request);
// federate_page.cc
http::Response FederatePage(const ApiContext& context, const http::Request& request);
// disabled_pages.cc: what Prometheus has behind a flag and we have not, in the words for "the flag
// is not set"
http::Response AdminPage(const ApiContext& context, const http::Request& request);
http::Response SearchPage(const ApiContext& context, const http::Request& request);
http::Response RemoteWritePage(const ApiContext& context, const http::Request& request);
http::Response OtlpWritePage(const ApiContext& context, const http::Request& request);

}  // namespace plimsoll::serve
