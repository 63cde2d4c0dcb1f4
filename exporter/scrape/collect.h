// SPDX-License-Identifier: Apache-2.0
//
// Runs a collector: fetches what it asks for until it asks no more or the scrape's time is up, and
// hands over the page that it writes as if it had been fetched.
//
// One deadline covers the whole round. What has not been answered by then costs only itself: the
// collector writes its page from the rest.
//
// Threads: Collect from any thread; answers are taken on the fetcher's threads, one at a time.
// Bounds:  engines::RoundLimits; what is not asked for is counted in
//          plimsoll_collector_refused_total.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engines/collector.h"
#include "scrape/fetcher.h"
#include "telemetry/telemetry.h"

namespace plimsoll::scrape {

// Requires: no other round of this collector is under way; `fetcher` and `telemetry` (which may be
// null) outlive the round. `done` is called once, as Fetcher::Start calls it.
void Collect(std::shared_ptr<engines::Collector> collector, PageRequest request, base::Time now,
             Fetcher& fetcher, telemetry::Telemetry* telemetry, std::function<void(Fetched)> done,
             const engines::RoundLimits& limits = {});

}  // namespace plimsoll::scrape
