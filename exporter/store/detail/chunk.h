// SPDX-License-Identifier: Apache-2.0
//
// A fixed-size block of samples of one series: XOR of neighbouring values, differences of slot
// numbers.
//
// A chunk is written once, front to back, by one thread while others read: the bits of a sample
// never change after `count` says that it is there, and the words are atomics, so that a word half
// of which is still growing can be read. Times are not stored but named: the samples of one scrape
// share a slot (slots.h), whose number usually follows the last one at a constant distance and then
// costs one bit.
//
// Bit stream, least significant bit first. First sample: 64 bits of the value. Each other sample:
//   slot   distance to the one before, minus the distance before that: 0 | 10+7 | 110+12 | 1110+20
//   | 1111+32 value  XOR with the one before: 0 (same) | 10+bits inside the last window | 11+5
//   leading+6 length-1+bits
// A chunk of a recorded series adds after each value
//   lag    time minus source time: 0 (same) | 10+16 | 11+64; the first sample has all 64 bits.
//
// Threads: one writer; readers hold the chunk alive (detail/pins.h).
// See:     docs/adr/0003-store-layout.md; the XOR code is that of Pelkonen et al., "Gorilla", VLDB
// 2015.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace plimsoll::store {

using Slot = std::uint32_t;  // compared with SlotBefore: the numbers wrap
constexpr Slot kNoSlot = 0;
inline bool SlotBefore(Slot a, Slot b) { return static_cast<std::int32_t>(a - b) < 0; }

constexpr std::size_t kChunkWords = 6;

struct Chunk {
  std::atomic<Chunk*> older{nullptr};
  Slot first_slot = kNoSlot;
  std::atomic<std::uint16_t> count{0};
  bool recorded = false;
  std::array<std::atomic<std::uint64_t>, kChunkWords> words{};

  // Makes a recycled chunk new. Requires: no reader can reach it.
  void Reset(Slot first, bool is_recorded, Chunk* next_older);
};
constexpr unsigned kChunkBits = kChunkWords * 64;

struct ChunkSample {
  Slot slot = kNoSlot;
  std::uint64_t bits = 0;  // of the value
  std::int64_t lag = 0;    // recorded chunks only
};

// What the writer must remember to go on with a chunk.
struct ChunkState {
  std::uint32_t slot_delta = 0;
  std::uint16_t at = 0;  // bits used
  std::uint8_t leading = kNoWindow;
  std::uint8_t trailing = 0;
  static constexpr std::uint8_t kNoWindow = 0xff;
};

// Writes the first sample of a new chunk.
void StartChunk(Chunk& chunk, ChunkState& state, const ChunkSample& sample);
// Writes one more sample after `last`. Returns: false, with nothing changed, when it does not fit.
bool AppendToChunk(Chunk& chunk, ChunkState& state, const ChunkSample& last,
                   const ChunkSample& sample);

// Reads the samples of a chunk front to back.
class ChunkReader {
 public:
  explicit ChunkReader(const Chunk& chunk)
      : chunk_(&chunk), left_(chunk.count.load(std::memory_order_acquire)) {}
  // Returns: false at the end; otherwise sample() is the next one.
  bool Next();
  const ChunkSample& sample() const { return sample_; }
  // Returns: what a writer needs to go on after sample().
  const ChunkState& state() const { return state_; }

 private:
  std::uint64_t Take(unsigned bits);
  void ReadSlot();
  void ReadValue();
  void ReadLag();

  const Chunk* chunk_;
  unsigned left_;
  bool first_ = true;
  ChunkSample sample_;
  ChunkState state_;
};

}  // namespace plimsoll::store
