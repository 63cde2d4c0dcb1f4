// SPDX-License-Identifier: Apache-2.0
//
// Reads chunks (chunk.h). In a header, because a query spends its time here.
#pragma once

#include <algorithm>
#include <bit>

#include "store/detail/chunk.h"
#include "store/detail/chunk_fields.h"
#include "store/detail/chunk_packed.h"

namespace plimsoll::store {

// Reads the samples of a chunk front to back.
class ChunkReader {
 public:
  explicit ChunkReader(const Chunk& chunk)
      : chunk_(&chunk), left_(chunk.count.load(std::memory_order_acquire)) {}
  // Returns: false at the end; otherwise sample() is the next one.
  bool Next();
  // Returns: how many samples are still to come.
  std::size_t left() const { return left_; }
  const ChunkSample& sample() const { return sample_; }
  // Returns: what a writer needs to go on after sample().
  const ChunkState& state() const { return state_; }

 private:
  std::uint64_t Peek() const;
  std::uint64_t Take(unsigned bits);
  void First();
  void ReadPacked();
  void ReadSlot();
  void ReadInteger();
  void ReadXor();
  void ReadLag();

  const Chunk* chunk_;
  unsigned left_;
  bool first_ = true;
  ChunkSample sample_;
  ChunkState state_;
  // Of kPacked.
  Packing packing_;
  std::int64_t units_ = 0;        // the last value
  std::int64_t first_units_ = 0;  // the first one
};

// Returns: the next 64 bits; behind the end of the chunk they are zero.
inline std::uint64_t ChunkReader::Peek() const {
  const unsigned word = state_.at / 64U, offset = state_.at % 64U;
  if (word >= chunk_->size) return 0;
  std::uint64_t bits = chunk_->words()[word].load(std::memory_order_relaxed) >> offset;
  if (offset != 0 && word + 1 < chunk_->size) {
    bits |= chunk_->words()[word + 1].load(std::memory_order_relaxed) << (64 - offset);
  }
  return bits;
}

inline std::uint64_t ChunkReader::Take(unsigned bits) {
  const std::uint64_t value = Low(Peek(), bits);
  state_.at = static_cast<std::uint16_t>(state_.at + bits);
  return value;
}

inline bool ChunkReader::Next() {
  if (left_ == 0) return false;
  --left_;
  if (first_) {
    First();
    return true;
  }
  if (chunk_->kind.code == ChunkKind::Code::kPacked) {
    ReadPacked();
    return true;
  }
  ReadSlot();
  if (chunk_->kind.code == ChunkKind::Code::kInteger) {
    ReadInteger();
  } else {
    ReadXor();
  }
  if (chunk_->kind.recorded) ReadLag();
  return true;
}

inline void ChunkReader::First() {
  first_ = false;
  sample_.slot = chunk_->first_slot;
  if (chunk_->kind.code == ChunkKind::Code::kPacked) {
    units_ = first_units_ = static_cast<std::int64_t>(Take(64));
    packing_ = Packing::FromWord(Take(64));
    sample_.bits = BitsOfUnits(units_, packing_.decimals);
    return;
  }
  sample_.bits = Take(64);
  if (chunk_->kind.recorded) sample_.lag = static_cast<std::int64_t>(Take(64));
}

inline void ChunkReader::ReadPacked() {
  const std::uint64_t field = Take(packing_.sample_bits());
  sample_.slot += packing_.step + static_cast<Slot>(Low(field, packing_.slot_bits));
  const auto rest = static_cast<std::int64_t>(field >> packing_.slot_bits);
  units_ = (packing_.grows ? units_ : first_units_) + packing_.low + rest;
  sample_.bits = BitsOfUnits(units_, packing_.decimals);
}

inline void ChunkReader::ReadSlot() {
  const std::uint64_t bits = Peek();
  unsigned used = 1;
  if ((bits & 1) != 0) {
    const unsigned size_class = std::min<unsigned>(4, static_cast<unsigned>(std::countr_one(bits)));
    const unsigned head = HeadBits(kSlotSizes, size_class), size = kSlotSizes[size_class];
    state_.slot_delta += static_cast<std::uint32_t>(Extend(Low(bits >> head, size), size));
    used = head + size;
  }
  state_.at = static_cast<std::uint16_t>(state_.at + used);
  sample_.slot += state_.slot_delta;
}

inline void ChunkReader::ReadInteger() {
  constexpr unsigned kRaw = kGrowthSizes.size() - 1;
  const std::uint64_t bits = Peek();
  const unsigned size_class =
      std::min<unsigned>(kRaw, static_cast<unsigned>(std::countr_one(bits)));
  const unsigned head = HeadBits(kGrowthSizes, size_class), size = kGrowthSizes[size_class];
  state_.at = static_cast<std::uint16_t>(state_.at + head);
  if (size_class == kRaw) {
    sample_.bits = Take(64);
    state_.growth = 0;
    return;
  }
  if (size != 0) {
    state_.growth += static_cast<std::int32_t>(Extend(Low(bits >> head, size), size));
    state_.at = static_cast<std::uint16_t>(state_.at + size);
  }
  if (state_.growth != 0) {
    sample_.bits =
        std::bit_cast<std::uint64_t>(static_cast<double>(Whole(sample_.bits) + state_.growth));
  }
}

inline void ChunkReader::ReadXor() {
  const std::uint64_t bits = Peek();
  if ((bits & 1) == 0) {
    ++state_.at;
    return;
  }
  unsigned head = 2;
  if ((bits & 2) != 0) {
    head = kNewWindowBits;
    state_.leading = static_cast<std::uint8_t>(bits >> 2 & 31);
    const auto length = static_cast<unsigned>(bits >> 7 & 63) + 1;
    state_.trailing = static_cast<std::uint8_t>(64 - state_.leading - length);
  }
  state_.at = static_cast<std::uint16_t>(state_.at + head);
  const unsigned length = 64U - state_.leading - state_.trailing;
  if (head + length <= 64) {
    sample_.bits ^= Low(bits >> head, length) << state_.trailing;
    state_.at = static_cast<std::uint16_t>(state_.at + length);
  } else {
    sample_.bits ^= Take(length) << state_.trailing;
  }
}

inline void ChunkReader::ReadLag() {
  if (Take(1) == 0) return;
  const unsigned bits = Take(1) == 0 ? kShortLag : 64;
  sample_.lag = Extend(Take(bits), bits);
}

}  // namespace plimsoll::store
