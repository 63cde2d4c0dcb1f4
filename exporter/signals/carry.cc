// SPDX-License-Identifier: Apache-2.0
//
// Carrying over: a merge of two sorted lists of series.
#include "signals/carry.h"

#include <algorithm>
#include <cmath>

namespace plimsoll::signals {
namespace {

bool ByLabels(const Entry& a, const Entry& b) { return a.labels < b.labels; }

// Keeps what the previous snapshot knew of a series that is in the newest result.
void Inherit(const Entry& before, Entry& entry) {
  // A sidecar tells its own last good value, too: the newer one counts.
  const bool older = entry.last_good && before.last_good &&
                     before.last_good->source.steady < entry.last_good->source.steady;
  if (before.last_good && !older) entry.last_good = before.last_good;
  if (before.source.wall == entry.source.wall && before.source.steady.count() != 0)
    entry.source = before.source;
}

void NoteGood(const config::ExternalMetric& policy, Moment now, Entry& entry) {
  const bool valid = std::isfinite(entry.value) && entry.value >= policy.valid_min &&
                     entry.value <= policy.valid_max;
  if (valid && now.steady - entry.source.steady <= policy.max_age)
    entry.last_good = Good{entry.value, entry.source};
}

// A series that is not in the newest result: kept for as long as its last good value may be served.
bool Outlived(const config::ExternalMetric& policy, Moment now, const Entry& entry) {
  if (!entry.last_good) return true;
  return !policy.then && now.steady - entry.last_good->source.steady > policy.max_age + policy.hold;
}

void CarryFrom(const Metric& before, Moment now, Metric& next) {
  const std::size_t fresh = next.entries.size();
  if (fresh == 0 && before.entries.empty()) next.forgotten = before.forgotten;
  for (const Entry& entry : before.entries) {
    const auto end = next.entries.begin() + static_cast<std::ptrdiff_t>(fresh);
    const auto found = std::lower_bound(next.entries.begin(), end, entry, ByLabels);
    if (found != end && found->labels == entry.labels) {
      Inherit(entry, *found);
      continue;
    }
    if (Outlived(*next.policy, now, entry)) {
      if (fresh == 0 && before.entries.size() == 1 && entry.last_good) next.forgotten = entry;
      continue;
    }
    Entry kept = entry;
    kept.present = false;
    next.entries.push_back(std::move(kept));
  }
}

std::size_t Forget(std::size_t limit, std::vector<Entry>& entries) {
  if (entries.size() <= limit) return 0;
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    if (a.present != b.present) return a.present;
    return a.seen.steady > b.seen.steady;
  });
  const std::size_t forgotten = entries.size() - limit;
  entries.resize(limit);
  return forgotten;
}

}  // namespace

std::size_t CarryOver(const Snapshot* previous, Moment now, std::size_t limit, Metric& next) {
  const Metric* before = nullptr;
  for (const std::string& name_space : next.namespaces) {
    if (previous == nullptr || before != nullptr) break;
    before = previous->Find(name_space, next.policy->name);
    // What a sidecar said under this name was another query's.
    if (before != nullptr && before->origin != nullptr) before = nullptr;
  }
  return CarryOver(before, now, limit, next);
}

std::size_t CarryOver(const Metric* before, Moment now, std::size_t limit, Metric& next) {
  if (before != nullptr) CarryFrom(*before, now, next);
  for (Entry& entry : next.entries) {
    if (entry.present) NoteGood(*next.policy, now, entry);
  }
  const std::size_t forgotten = Forget(limit, next.entries);
  std::sort(next.entries.begin(), next.entries.end(), ByLabels);
  return forgotten;
}

void CarryOver(const Snapshot* previous, SignalFamily& next) {
  if (previous == nullptr) return;
  for (const SignalFamily& family : previous->signals) {
    if (family.signal->name != next.signal->name) continue;
    auto before = family.points.begin();
    for (SignalPoint& point : next.points) {
      while (before != family.points.end() && before->labels < point.labels) ++before;
      if (before == family.points.end()) return;
      if (before->labels == point.labels && before->sampled.wall == point.sampled.wall)
        point.sampled = before->sampled;
    }
    return;
  }
}

}  // namespace plimsoll::signals
