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

std::optional<Reason> ReasonOf(std::string_view text) {
  for (const Reason reason : kReasons) {
    if (ReasonText(reason) == text) return reason;
  }
  return std::nullopt;
}

void Snapshot::BuildIndex() {
  index_.clear();
  sharing_.clear();
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    for (const std::string& name_space : metrics[i].namespaces) {
      const Key key{name_space, metrics[i].policy->name};
      const auto [first, fresh] = index_.try_emplace(key, i);
      if (fresh || first->second == i) continue;
      auto& sharing = sharing_[key];
      if (sharing.empty()) sharing.push_back(first->second);
      sharing.push_back(i);
    }
  }
}

std::unordered_map<Snapshot::Key, std::size_t, Snapshot::KeyHash>::const_iterator Snapshot::Seek(
    std::string_view name_space, std::string_view name) const {
  const auto found = index_.find(Key{name_space, name});
  return found != index_.end() ? found : index_.find(Key{"*", name});
}

const Metric* Snapshot::Find(std::string_view name_space, std::string_view name) const {
  const auto found = Seek(name_space, name);
  return found == index_.end() ? nullptr : &metrics[found->second];
}

std::vector<const Metric*> Snapshot::Sharing(std::string_view name_space,
                                             std::string_view name) const {
  std::vector<const Metric*> all;
  const auto found = Seek(name_space, name);
  if (found == index_.end()) return all;
  const auto sharing = sharing_.find(found->first);
  if (sharing == sharing_.end()) return all;
  for (const std::size_t index : sharing->second) all.push_back(&metrics[index]);
  return all;
}

const Pending* Snapshot::PendingIn(std::string_view name_space) const {
  for (const Pending& one : pending) {
    if (one.name_space == name_space || one.name_space == "*") return &one;
  }
  return nullptr;
}

Moment SourceMoment(Time source, Moment now) {
  const Time age = std::max<Time>(0, now.wall - source);
  return {source, now.steady - std::chrono::milliseconds(age)};
}

}  // namespace plimsoll::signals
