// SPDX-License-Identifier: Apache-2.0
//
// A snapshot to serve: trino-queued of namespace analytics with a value for each of two clusters,
// and trino-blocked of every namespace, which is empty.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "signals/snapshot.h"

namespace plimsoll::serve {

// `policy` is that of trino-queued.
inline std::shared_ptr<signals::Snapshot> TwoQueues(const base::Clock& clock,
                                                    config::ExternalMetric policy) {
  auto snapshot = std::make_shared<signals::Snapshot>();
  const signals::Moment now = signals::Moment::Of(clock);
  signals::Metric queued;
  policy.name = "trino-queued";
  queued.policy = std::make_shared<config::ExternalMetric>(std::move(policy));
  queued.namespaces = {"analytics"};
  queued.evaluated = now;
  for (const auto& [cluster, value] : {std::pair("a", 1.5), std::pair("b", 17.0)}) {
    signals::Entry entry;
    entry.labels = model::Labels{{"cluster", cluster}};
    entry.present = true;
    entry.value = value;
    entry.source = now;
    entry.seen = now;
    entry.last_good = signals::Good{value, now};
    queued.entries.push_back(entry);
  }
  signals::Metric empty;
  empty.policy =
      std::make_shared<config::ExternalMetric>(config::ExternalMetric{.name = "trino-blocked"});
  empty.namespaces = {"*"};
  empty.evaluated = now;
  snapshot->metrics = {queued, empty};
  snapshot->BuildIndex();
  return snapshot;
}

}  // namespace plimsoll::serve
