// SPDX-License-Identifier: Apache-2.0
//
// The metric names that somebody needs. See name_filter.h.
#include "exposition/name_filter.h"

#include <array>
#include <cstring>

#include "exposition/detail/bytes.h"

namespace plimsoll::exposition {
namespace {

// What the formats append to a family's name to name its samples.
constexpr std::array<std::string_view, 8> kSuffixes = {"_total", "_created", "_bucket", "_sum",
                                                       "_count", "_gsum",    "_gcount", "_info"};
constexpr std::size_t kSlotsPerName = 8;

}  // namespace

NameFilter::NameFilter(const std::vector<std::string>& metric_names) {
  for (const std::string& name : metric_names) Add(name);
}

std::uint64_t NameFilter::Hash(std::string_view name) {
  detail::NameHash hash;
  std::size_t i = 0;
  for (; i + 8 <= name.size(); i += 8) hash.Add(detail::LoadWord(name.data() + i));
  std::uint64_t tail = 0;
  if (i < name.size()) std::memcpy(&tail, name.data() + i, name.size() - i);
  hash.Add(tail);
  return hash.Finish();
}

void NameFilter::Add(std::string_view metric_name) {
  AddUse(metric_name, kSample);
  AddUse(metric_name, kFamily);
  for (const std::string_view suffix : kSuffixes) {
    if (metric_name.ends_with(suffix))
      AddUse(metric_name.substr(0, metric_name.size() - suffix.size()), kFamily);
  }
}

void NameFilter::AddUse(std::string_view name, Use use) {
  if ((names_.size() + 1) * kSlotsPerName > slots_.size()) Grow();
  const std::uint64_t hash = Hash(name);
  for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
    Slot& slot = slots_[i];
    if (slot.uses != kNothing && (slot.hash != hash || names_[slot.name] != name)) continue;
    if (slot.uses == kNothing) {
      slot = {hash, static_cast<std::uint32_t>(names_.size()), kNothing};
      names_.emplace_back(name);
    }
    slot.uses = static_cast<std::uint8_t>(slot.uses | use);
    return;
  }
}

void NameFilter::Grow() {
  std::vector<Slot> old;
  old.swap(slots_);
  slots_.resize(old.empty() ? 64 : old.size() * 2);
  mask_ = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.uses == kNothing) continue;
    std::size_t i = slot.hash & mask_;
    while (slots_[i].uses != kNothing) i = (i + 1) & mask_;
    slots_[i] = slot;
  }
}

}  // namespace plimsoll::exposition
