// SPDX-License-Identifier: Apache-2.0
//
// The face that an HPA reads: external.metrics.k8s.io/v1beta1, with the discovery around it.
//
// Every read is answered from the newest snapshot: no engine, no rule and no lock that a scrape
// holds is waited for. A known metric without a valid value is a 503 whose message says why; it is
// never zero and never an empty list, so that the HPA does not scale in. One that a sidecar may
// still turn out to export is a 503 as well. An unknown one goes to another adapter, or is a 404.
//
// Threads: Handle may be called from any thread.
// Bounds:  SelectorLimits; the path's and the headers' lengths are the server's.
// See:     docs/architecture.md 5.3 and 6
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/published.h"
#include "http/message.h"
#include "serve/authentication.h"
#include "serve/detail/discovery.h"
#include "serve/forwarding.h"
#include "serve/gate.h"
#include "serve/label_selector.h"
#include "signals/resolve.h"
#include "signals/snapshot.h"
#include "telemetry/telemetry.h"

namespace plimsoll::serve {

class ExternalMetricsApi {
 public:
  struct Options {
    AuthenticationOptions authentication = {};
    // Instead of `authentication`, when it may change; must outlive the face.
    const base::Published<AuthenticationOptions>* trust = nullptr;
    AccessRule access = {};
    kube::Reviews* reviews = nullptr;  // null: no API server is asked; must outlive the face
    SelectorLimits selector = {};
    const Forwarding* forwarding = nullptr;  // null: unknown metrics are 404; must outlive the face
    std::string version = "unknown";
  };

  // Lives as long as: `snapshot`, `clock` and `telemetry` (which may be null).
  ExternalMetricsApi(const base::Published<signals::Snapshot>& snapshot, const base::Clock& clock,
                     telemetry::Telemetry* telemetry, Options options);

  // Answers discovery and metric reads; asks `health` for /healthz, /livez and /readyz once the
  // client is known to be allowed. `health` returns nothing for other paths, and lives as long as
  // this. The answer comes later (http::Response::later) when an API server has to be asked first.
  http::Response Handle(
      const http::Request& request,
      const std::function<std::optional<http::Response>(const http::Request&)>& health = {}) const;

 private:
  struct Question;
  http::Response Answer(
      const http::Request& request, const Question& question,
      const std::function<std::optional<http::Response>(const http::Request&)>& health) const;
  http::Response ReadMetric(std::string_view name_space, const std::string& name,
                            const http::Request& request) const;
  http::Response NotScrapedYet(const signals::Pending& pending, std::string_view name_space,
                               const std::string& name) const;

  const base::Published<signals::Snapshot>& snapshot_;
  const base::Clock& clock_;
  Options options_;
  const base::Published<AuthenticationOptions> own_trust_;
  const Gate gate_;
  Discovery discovery_;
  mutable std::array<telemetry::Counter, signals::kReasons.size()> errors_;
};

}  // namespace plimsoll::serve
