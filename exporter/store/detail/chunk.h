// SPDX-License-Identifier: Apache-2.0
//
// A fixed-size block of samples of one series, compressed.
//
// A chunk is written once, front to back, by one thread while others read: the bits of a sample
// never change after `count` says that it is there, and the words are atomics, so that a word half
// of which is still growing can be read. Times are not stored but named: the samples of one scrape
// share a slot (slots.h), whose number usually follows the last one at a constant distance and then
// costs one bit. Values that are whole numbers, as most metrics are, are kept by how much their
// growth changes; others by their XOR with the one before. The first value of a chunk decides
// which, unless the chunk before tells how many bits every sample will need (kPacked,
// chunk_packed.h).
//
// Bit stream, least significant bit first. First sample: 64 bits of the value. Each other sample
// has
//   slot   distance to the one before, minus the distance before that:
//          0 | 10+7 | 110+12 | 1110+20 | 1111+32
//   value  kInteger: growth minus the growth before:
//          0 | 10+5 | 110+9 | 1110+14 | 11110+22 | 111110+32 | 111111+64 bits of the value
//          kXor: 0 (same) | 10+bits inside the last window | 11+5 leading+6 length-1+bits
//   lag    of recorded series only, time minus source time: 0 (same) | 10+16 | 11+64
//          (the first sample has all 64 bits)
//
// Threads: one writer; readers hold the chunk alive (pins.h).
// See:     docs/adr/0003-store-layout.md; the XOR code is that of Pelkonen et al., "Gorilla", VLDB
// 2015.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace plimsoll::store {

using Slot = std::uint32_t;  // compared with SlotBefore: the numbers wrap
constexpr Slot kNoSlot = 0;
inline bool SlotBefore(Slot a, Slot b) { return static_cast<std::int32_t>(a - b) < 0; }

struct ChunkKind {
  enum class Code : std::uint8_t { kInteger, kXor, kPacked } code = Code::kXor;
  bool recorded = false;
};

// Words of a chunk: whole numbers compress so well that a small chunk holds many of them; a chunk
// of fractions is larger, or a window would be a long list.
constexpr unsigned kSmallWords = 6;
constexpr unsigned kLargeWords = 14;
constexpr unsigned WordsOf(ChunkKind kind) {
  return kind.code == ChunkKind::Code::kXor ? kLargeWords : kSmallWords;
}

// The header; the words lie behind it (chunk_pool.h makes room for both).
struct Chunk {
  std::atomic<Chunk*> older{nullptr};
  Slot first_slot = kNoSlot;
  std::atomic<std::uint8_t> count{0};
  ChunkKind kind;
  std::uint8_t size = 0;  // words; for ever the same

  std::atomic<std::uint64_t>* words() {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(this + 1);
  }
  const std::atomic<std::uint64_t>* words() const {
    return reinterpret_cast<const std::atomic<std::uint64_t>*>(this + 1);
  }
  unsigned bits() const { return size * 64U; }
  std::size_t bytes() const { return sizeof(Chunk) + size * sizeof(std::uint64_t); }

  // Makes a recycled chunk new. Requires: no reader can reach it.
  void Reset(Slot first, ChunkKind as, Chunk* next_older);
};
static_assert(sizeof(Chunk) == 16, "a small chunk is one cache line");

struct ChunkSample {
  Slot slot = kNoSlot;
  std::uint64_t bits = 0;  // of the value
  std::int64_t lag = 0;    // recorded chunks only
};

// What is known for certain of values that have been read.
struct Known {
  bool numbers = true;  // none is NaN
  bool rising = true;   // none is less than the one before it
};

// What the writer must remember to go on with a chunk.
struct ChunkState {
  std::uint32_t slot_delta = 0;
  std::int32_t growth = 0;
  std::uint16_t at = 0;  // bits used
  std::uint8_t leading = kNoWindow;
  std::uint8_t trailing = 0;
  static constexpr std::uint8_t kNoWindow = 0xff;
};

// Whether the value is a whole number that kInteger keeps: exact, and no negative zero.
bool IsWhole(std::uint64_t bits);

constexpr unsigned kMostSamples = 255;  // what Chunk::count can say

// Writes the first sample of a new chunk.
void StartChunk(Chunk& chunk, ChunkState& state, const ChunkSample& sample);
// Writes one more sample after `last`. Returns: false, with nothing changed, when it does not fit
// or the chunk holds `most`.
bool AppendToChunk(Chunk& chunk, ChunkState& state, const ChunkSample& last,
                   const ChunkSample& sample, unsigned most = kMostSamples);

}  // namespace plimsoll::store
