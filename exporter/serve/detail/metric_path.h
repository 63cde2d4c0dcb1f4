// SPDX-License-Identifier: Apache-2.0
//
// A metric as a path names it, and what is said when nobody knows it: the same on both listeners.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "signals/snapshot.h"

namespace plimsoll::serve {

struct MetricPath {
  std::string name_space;
  std::string metric;  // in lower case, as client-go asks
};

// "{namespace}/{metric}"; both may be percent-encoded, and neither may hide a slash.
std::optional<MetricPath> ReadMetricPath(std::string_view raw);

// With the nearest name that may be asked for in that namespace. `snapshot` may be null.
std::string UnknownMetricText(const signals::Snapshot* snapshot, std::string_view name_space,
                              const std::string& name);

// A sidecar that was not heard yet may export it: reason never_scraped.
std::string NotScrapedYetText(const signals::Pending& pending, std::string_view name_space,
                              const std::string& name);

}  // namespace plimsoll::serve
