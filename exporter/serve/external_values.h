// SPDX-License-Identifier: Apache-2.0
//
// An external metric as plain JSON on the ops listener, for who is no HPA: KEDA's metrics-api
// scaler, a script, a person.
//
//   GET /api/v1/external/{namespace}/{name}?labelSelector=...
//
// What an HPA would be served now, from the newest snapshot, by the same policy: a value with its
// source time, and whether it is fresh, held or a fallback and why. Where an HPA would get an error
// there is no member "value" and the status is not 2xx, so that nobody reads a zero.
//
// Threads: Handle may be called from any thread and waits for nothing.
// Bounds:  SelectorLimits; the path's and the headers' lengths are the server's.
#pragma once

#include <array>
#include <string_view>

#include "base/clock.h"
#include "base/published.h"
#include "http/message.h"
#include "serve/label_selector.h"
#include "signals/snapshot.h"
#include "telemetry/telemetry.h"

namespace plimsoll::serve {

class ExternalValues {
 public:
  // Lives as long as: `snapshot`, `clock` and `telemetry` (which may be null).
  ExternalValues(const base::Published<signals::Snapshot>& snapshot, const base::Clock& clock,
                 telemetry::Telemetry* telemetry, SelectorLimits selector = {});

  static bool Owns(std::string_view path);
  // Requires: Owns(request.raw_path).
  http::Response Handle(const http::Request& request) const;

 private:
  const base::Published<signals::Snapshot>& snapshot_;
  const base::Clock& clock_;
  const SelectorLimits selector_;
  mutable std::array<telemetry::Counter, signals::kReasons.size()> errors_;
};

}  // namespace plimsoll::serve
