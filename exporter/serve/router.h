// SPDX-License-Identifier: Apache-2.0
//
// Which face answers which path on which listener.
//
//   ops  /  /metrics  /api/v1/external/...  /api/v1/...  /federate  /healthz  /livez  /readyz
//        /-/healthy  /-/ready  /-/reload
//   API  /apis...  /openapi/...  /healthz  /livez  /readyz  (all behind authentication)
//
// Threads: the handlers may be called from any thread.
// Lives as long as: the faces.
#pragma once

#include "http/message.h"
#include "serve/external_metrics.h"
#include "serve/external_values.h"
#include "serve/health.h"
#include "serve/landing_page.h"
#include "serve/metrics_page.h"
#include "serve/prometheus_api.h"

namespace plimsoll::serve {

http::Handler OpsHandler(const LandingPage& landing, const MetricsPage& metrics,
                         const PrometheusApi& prometheus, const ExternalValues& values,
                         const Health& health);

http::Handler ApiHandler(const ExternalMetricsApi& external, const Health& health);

// The API listener's own refusals (a request too large, a crash) as Status bodies: for
// http::ServerOptions::refusal.
http::Response ApiRefusal(int status, std::string_view message);

}  // namespace plimsoll::serve
