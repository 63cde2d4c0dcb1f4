// SPDX-License-Identifier: Apache-2.0
//
// /metrics: the configured signals, what every external metric would be served now, what a hub is
// told of it, and our telemetry.
//
// Samples carry no timestamps. A signal whose newest sample is older than the lookback is absent,
// also when the tick that should have removed it is stuck.
//
// Threads: Handle may be called from any thread.
#pragma once

#include "base/clock.h"
#include "base/published.h"
#include "http/message.h"
#include "model/family.h"
#include "signals/snapshot.h"
#include "telemetry/telemetry.h"

namespace plimsoll::serve {

class MetricsPage {
 public:
  // Lives as long as: everything it is given.
  MetricsPage(const base::Published<signals::Snapshot>& snapshot, const base::Clock& clock,
              const telemetry::Telemetry& telemetry)
      : snapshot_(snapshot), clock_(clock), telemetry_(telemetry) {}

  // Text 0.0.4 or OpenMetrics 1.0 as Accept asks; gzip as Accept-Encoding allows.
  http::Response Handle(const http::Request& request) const;

  // Sorted by name: what the page says, for `--once` as well.
  std::vector<model::Family> Families() const;

 private:
  const base::Published<signals::Snapshot>& snapshot_;
  const base::Clock& clock_;
  const telemetry::Telemetry& telemetry_;
};

}  // namespace plimsoll::serve
