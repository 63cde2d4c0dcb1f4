// SPDX-License-Identifier: Apache-2.0
//
// The metric names that somebody needs: what the page parser may leave unread.
//
// A sample is needed when its metric name was added. The metadata lines of a family are needed when
// one of its metrics is, whatever suffix joins them, because TYPE decides how `le` and `quantile`
// are read.
//
// Threads: read-only after the last Add; may then be shared.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::exposition {

class NameFilter {
 public:
  enum Use : std::uint8_t { kNothing = 0, kSample = 1, kFamily = 2 };

  NameFilter() = default;
  explicit NameFilter(const std::vector<std::string>& metric_names);

  // Unescaped, as it stands in `__name__`.
  void Add(std::string_view metric_name);

  bool NeedsSample(std::string_view metric_name) const {
    return (Find(Hash(metric_name), metric_name) & kSample) != 0;
  }
  bool NeedsFamily(std::string_view family) const {
    return (Find(Hash(family), family) & kFamily) != 0;
  }

  // For a caller that has the hash already.
  // Returns: the uses of the name, as bits.
  std::uint8_t Find(std::uint64_t hash, std::string_view name) const {
    if (slots_.empty()) return kNothing;
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.uses == kNothing) return kNothing;
      if (slot.hash == hash && names_[slot.name] == name) return slot.uses;
    }
  }
  static std::uint64_t Hash(std::string_view name);

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t name = 0;
    std::uint8_t uses = kNothing;
  };
  void AddUse(std::string_view name, Use use);
  void Grow();

  std::vector<std::string> names_;
  std::vector<Slot> slots_;  // open addressing, mostly empty: nearly every look-up is a miss
  std::size_t mask_ = 0;
};

}  // namespace plimsoll::exposition
