// SPDX-License-Identifier: Apache-2.0
//
// The times of samples, kept once for all series that share them.
//
// A slot is one time within one batch. Slot numbers only grow, so "was it committed when this view
// was published" is a comparison of two numbers, and a sample needs no batch number of its own. A
// block of slots goes when no chunk begins in it or before it.
//
// Threads: SlotTable belongs to the writer; a Directory is immutable, and the times of committed
// slots in its blocks never change.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "model/sample.h"
#include "store/detail/chunk.h"

namespace plimsoll::store {

constexpr unsigned kSlotBlockBits = 9;
constexpr Slot kSlotsPerBlock = Slot{1} << kSlotBlockBits;

struct SlotBlock {
  std::array<model::Time, kSlotsPerBlock> times{};
  std::uint64_t chunks = 0;  // how many begin here; writer only
};

struct SlotDirectory {
  Slot first_block = 0;  // number of blocks[0]
  std::vector<std::shared_ptr<SlotBlock>> blocks;

  SlotBlock& BlockOf(Slot slot) const {
    constexpr Slot kMask = ~Slot{0} >> kSlotBlockBits;
    return *blocks[((slot >> kSlotBlockBits) - first_block) & kMask];
  }
  // Requires: the slot is that of a visible sample, or the caller is the writer.
  model::Time TimeOf(Slot slot) const { return BlockOf(slot).times[slot & (kSlotsPerBlock - 1)]; }
};

class SlotTable {
 public:
  SlotTable();
  void BeginBatch();
  // Returns: the slot of this time in the current batch.
  Slot Of(model::Time time) { return time == last_time_ && batch_open_ ? last_slot_ : Find(time); }
  model::Time TimeOf(Slot slot) const { return directory_->TimeOf(slot); }
  Slot batch_first() const { return batch_first_; }
  // Returns: the number that the next new slot gets: everything before it is committed at Commit.
  Slot limit() const { return next_; }
  void ChunkStarts(Slot slot) { ++directory_->BlockOf(slot).chunks; }
  void ChunkGoes(Slot slot) { --directory_->BlockOf(slot).chunks; }
  // Drops blocks that no chunk needs. Requires: no batch is open.
  void DropUnused();
  // Returns: what a view needs to turn slots into times. Not changed afterwards: a later block or
  // drop makes a new directory.
  std::shared_ptr<const SlotDirectory> Publish();
  std::uint64_t bytes() const { return directory_->blocks.size() * sizeof(SlotBlock); }

 private:
  Slot Find(model::Time time);
  Slot Add(model::Time time);
  void Unshare();

  std::shared_ptr<SlotDirectory> directory_;
  bool shared_ = false;  // a view has directory_
  bool batch_open_ = false;
  Slot next_ = 1;
  Slot batch_first_ = 1;
  model::Time last_time_ = 0;
  Slot last_slot_ = kNoSlot;
  std::unordered_map<model::Time, Slot> in_batch_;  // once a batch has a second time
};

}  // namespace plimsoll::store
