// SPDX-License-Identifier: Apache-2.0
//
// The codec of chunk.h.
//
// Every field is put together as one number of at most 64 bits before it is written, so that an
// append touches one or two words per field.
#include "store/detail/chunk.h"

#include <bit>

namespace plimsoll::store {
namespace {

constexpr unsigned kSlotBits[] = {7, 12, 20};
constexpr unsigned kMaxLeading = 31;
constexpr unsigned kNewWindowBits = 2 + 5 + 6;
constexpr unsigned kShortLag = 16;

struct Field {
  std::uint64_t head = 0;  // control bits and what goes with them
  unsigned head_bits = 0;
  std::uint64_t tail = 0;
  unsigned tail_bits = 0;
  unsigned bits() const { return head_bits + tail_bits; }
};

constexpr std::uint64_t Low(std::uint64_t value, unsigned bits) {
  return bits >= 64 ? value : value & ((std::uint64_t{1} << bits) - 1);
}

bool Fits(std::int64_t value, unsigned bits) {
  const std::int64_t half = std::int64_t{1} << (bits - 1);
  return value >= -half && value < half;
}

std::int64_t Extend(std::uint64_t raw, unsigned bits) {
  const unsigned shift = 64 - bits;
  return static_cast<std::int64_t>(raw << shift) >> shift;
}

void Put(Chunk& chunk, unsigned at, std::uint64_t value, unsigned bits) {
  const unsigned word = at / 64, offset = at % 64;
  auto& low = chunk.words[word];
  low.store(low.load(std::memory_order_relaxed) | value << offset, std::memory_order_relaxed);
  if (offset + bits > 64) {
    chunk.words[word + 1].store(value >> (64 - offset), std::memory_order_relaxed);
  }
}

void PutField(Chunk& chunk, unsigned& at, const Field& field) {
  Put(chunk, at, field.head, field.head_bits);
  at += field.head_bits;
  if (field.tail_bits == 0) return;
  Put(chunk, at, field.tail, field.tail_bits);
  at += field.tail_bits;
}

Field SlotField(std::int32_t change) {
  if (change == 0) return {0, 1};
  const auto raw = static_cast<std::uint64_t>(static_cast<std::int64_t>(change));
  std::uint64_t ones = 1;
  for (unsigned i = 0; i < 3; ++i, ones = ones << 1 | 1) {
    if (Fits(change, kSlotBits[i])) {
      return {ones | Low(raw, kSlotBits[i]) << (i + 2), i + 2 + kSlotBits[i]};
    }
  }
  return {ones | Low(raw, 32) << 4, 4 + 32};
}

Field LagField(std::int64_t last, std::int64_t lag) {
  if (lag == last) return {0, 1};
  const auto raw = static_cast<std::uint64_t>(lag);
  if (Fits(lag, kShortLag)) return {1 | Low(raw, kShortLag) << 2, 2 + kShortLag};
  return {3, 2, raw, 64};
}

// Chooses the window: the last one, unless a new one is shorter by more than its description costs.
Field ValueField(std::uint64_t difference, ChunkState& state) {
  if (difference == 0) return {0, 1};
  unsigned leading = static_cast<unsigned>(std::countl_zero(difference));
  const auto trailing = static_cast<unsigned>(std::countr_zero(difference));
  if (leading > kMaxLeading) leading = kMaxLeading;
  const unsigned length = 64 - leading - trailing;
  if (state.leading != ChunkState::kNoWindow && leading >= state.leading &&
      trailing >= state.trailing) {
    const unsigned last_length = 64U - state.leading - state.trailing;
    if (last_length + 2 <= length + kNewWindowBits) {
      return {1, 2, difference >> state.trailing, last_length};
    }
  }
  state.leading = static_cast<std::uint8_t>(leading);
  state.trailing = static_cast<std::uint8_t>(trailing);
  return {3 | std::uint64_t{leading} << 2 | std::uint64_t{length - 1} << 7, kNewWindowBits,
          difference >> trailing, length};
}

}  // namespace

void Chunk::Reset(Slot first, bool is_recorded, Chunk* next_older) {
  older.store(next_older, std::memory_order_relaxed);
  first_slot = first;
  recorded = is_recorded;
  count.store(0, std::memory_order_relaxed);
  for (auto& word : words) word.store(0, std::memory_order_relaxed);
}

void StartChunk(Chunk& chunk, ChunkState& state, const ChunkSample& sample) {
  state = {};
  Put(chunk, 0, sample.bits, 64);
  state.at = 64;
  if (chunk.recorded) {
    Put(chunk, 64, static_cast<std::uint64_t>(sample.lag), 64);
    state.at = 128;
  }
  chunk.count.store(1, std::memory_order_release);
}

bool AppendToChunk(Chunk& chunk, ChunkState& state, const ChunkSample& last,
                   const ChunkSample& sample) {
  ChunkState next = state;
  next.slot_delta = sample.slot - last.slot;
  const Field slot = SlotField(static_cast<std::int32_t>(next.slot_delta - state.slot_delta));
  const Field value = ValueField(sample.bits ^ last.bits, next);
  Field lag;
  if (chunk.recorded) lag = LagField(last.lag, sample.lag);
  unsigned at = state.at;
  if (at + slot.bits() + value.bits() + lag.bits() > kChunkBits) return false;
  PutField(chunk, at, slot);
  PutField(chunk, at, value);
  if (chunk.recorded) PutField(chunk, at, lag);
  next.at = static_cast<std::uint16_t>(at);
  state = next;
  const std::uint16_t count = chunk.count.load(std::memory_order_relaxed);
  chunk.count.store(static_cast<std::uint16_t>(count + 1), std::memory_order_release);
  return true;
}

std::uint64_t ChunkReader::Take(unsigned bits) {
  const unsigned word = state_.at / 64U, offset = state_.at % 64U;
  state_.at = static_cast<std::uint16_t>(state_.at + bits);
  std::uint64_t value = chunk_->words[word].load(std::memory_order_relaxed) >> offset;
  if (offset + bits > 64) {
    value |= chunk_->words[word + 1].load(std::memory_order_relaxed) << (64 - offset);
  }
  return Low(value, bits);
}

bool ChunkReader::Next() {
  if (left_ == 0) return false;
  --left_;
  if (first_) {
    first_ = false;
    sample_.slot = chunk_->first_slot;
    sample_.bits = Take(64);
    if (chunk_->recorded) sample_.lag = static_cast<std::int64_t>(Take(64));
    return true;
  }
  ReadSlot();
  ReadValue();
  if (chunk_->recorded) ReadLag();
  return true;
}

void ChunkReader::ReadSlot() {
  if (Take(1) != 0) {
    unsigned size = 0;
    while (size < 3 && Take(1) != 0) ++size;
    const unsigned bits = size == 3 ? 32 : kSlotBits[size];
    state_.slot_delta += static_cast<std::uint32_t>(Extend(Take(bits), bits));
  }
  sample_.slot += state_.slot_delta;
}

void ChunkReader::ReadValue() {
  if (Take(1) == 0) return;
  if (Take(1) != 0) {
    const std::uint64_t window = Take(11);
    state_.leading = static_cast<std::uint8_t>(window & 31);
    state_.trailing = static_cast<std::uint8_t>(64 - state_.leading - ((window >> 5) + 1));
  }
  sample_.bits ^= Take(64U - state_.leading - state_.trailing) << state_.trailing;
}

void ChunkReader::ReadLag() {
  if (Take(1) == 0) return;
  const unsigned bits = Take(1) == 0 ? kShortLag : 64;
  sample_.lag = Extend(Take(bits), bits);
}

}  // namespace plimsoll::store
