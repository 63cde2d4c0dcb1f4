// SPDX-License-Identifier: Apache-2.0
//
// The table of slots. See slots.h.
#include "store/detail/slots.h"

namespace plimsoll::store {

SlotTable::SlotTable() : directory_(std::make_shared<SlotDirectory>()) {
  directory_->blocks.push_back(std::make_shared<SlotBlock>());
}

void SlotTable::BeginBatch() {
  batch_first_ = next_;
  batch_open_ = false;
  in_batch_.clear();
}

Slot SlotTable::Find(model::Time time) {
  if (!batch_open_) return Add(time);
  if (in_batch_.empty()) in_batch_.emplace(last_time_, last_slot_);
  const auto [at, added] = in_batch_.try_emplace(time, kNoSlot);
  if (!added) {
    last_time_ = time;
    last_slot_ = at->second;
    return last_slot_;
  }
  return at->second = Add(time);
}

Slot SlotTable::Add(model::Time time) {
  if ((next_ & (kSlotsPerBlock - 1)) == 0) {
    Unshare();
    directory_->blocks.push_back(std::make_shared<SlotBlock>());
  }
  if (next_ == kNoSlot) ++next_;  // the numbers wrapped
  const Slot slot = next_++;
  directory_->BlockOf(slot).times[slot & (kSlotsPerBlock - 1)] = time;
  batch_open_ = true;
  last_time_ = time;
  return last_slot_ = slot;
}

void SlotTable::Unshare() {
  if (!shared_) return;
  directory_ = std::make_shared<SlotDirectory>(*directory_);
  shared_ = false;
}

void SlotTable::DropUnused() {
  std::size_t unused = 0;
  while (unused + 1 < directory_->blocks.size() && directory_->blocks[unused]->chunks == 0)
    ++unused;
  if (unused == 0) return;
  Unshare();
  constexpr Slot kMask = ~Slot{0} >> kSlotBlockBits;
  directory_->blocks.erase(directory_->blocks.begin(),
                           directory_->blocks.begin() + static_cast<std::ptrdiff_t>(unused));
  directory_->first_block = (directory_->first_block + static_cast<Slot>(unused)) & kMask;
}

std::shared_ptr<const SlotDirectory> SlotTable::Publish() {
  shared_ = true;
  return directory_;
}

}  // namespace plimsoll::store
