// SPDX-License-Identifier: Apache-2.0
//
// The index of a snapshot and the words of its closed lists.
#include "signals/snapshot.h"

#include <algorithm>

namespace plimsoll::signals {

std::string_view ReasonText(Reason reason) {
  switch (reason) {
    case Reason::kNeverScraped:
      return "never_scraped";
    case Reason::kStale:
      return "stale";
    case Reason::kEmpty:
      return "empty";
    case Reason::kSeveral:
      return "several";
    case Reason::kNotFinite:
      return "not_finite";
    case Reason::kOutOfRange:
      return "out_of_range";
    case Reason::kQueryError:
      return "query_error";
  }
  return "";
}

void Snapshot::BuildIndex() {
  index_.clear();
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    for (const std::string& name_space : metrics[i].namespaces) {
      index_.try_emplace(Key{name_space, metrics[i].policy->name}, i);
    }
  }
}

const Metric* Snapshot::Find(std::string_view name_space, std::string_view name) const {
  auto found = index_.find(Key{name_space, name});
  if (found == index_.end()) found = index_.find(Key{"*", name});
  return found == index_.end() ? nullptr : &metrics[found->second];
}

Moment SourceMoment(Time source, Moment now) {
  const Time age = std::max<Time>(0, now.wall - source);
  return {source, now.steady - std::chrono::milliseconds(age)};
}

}  // namespace plimsoll::signals
