// SPDX-License-Identifier: Apache-2.0
//
// Chunks whose samples all take the same number of bits, so that a reader need not read one sample
// to find where the next begins: values that vary are decoded several times faster than from codes
// of their own length.
//
// How many bits that are is guessed from the chunk before; a sample that does not fit ends the
// chunk. Behind a chunk that ended early the guess is wider, and when that would be much wider, one
// of the other kinds follows. Values are whole numbers, or decimals as whole numbers of
// tenths, hundredths and so on.
//
// Bit stream: 64 bits of the first value as a whole number, 64 bits of the Packing; each other
// sample has slot_bits of its slot and value_bits of its value.
//
// Threads: as chunk.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "store/detail/chunk.h"

namespace plimsoll::store {

struct Packing {
  std::int64_t low = 0;     // the least difference that can be told
  unsigned value_bits = 0;  // the difference less `low`
  unsigned step = 0;        // the least distance between slots
  unsigned slot_bits = 0;   // the distance less `step`
  unsigned decimals = 0;    // values are whole numbers divided by this power of ten
  bool grows = false;       // differences are to the sample before; else to the first of the chunk

  static constexpr unsigned kHeadBits = 128;
  static constexpr unsigned kMostDecimals = 7;
  unsigned sample_bits() const { return slot_bits + value_bits; }
  std::uint64_t ToWord() const;
  static Packing FromWord(std::uint64_t word);
  // Whether ToWord keeps it, and a sample can be cut out of one word.
  bool Representable() const;
};

// Returns: the value as a whole number of units of 10^-decimals, if it is one and comes back bit by
// bit.
std::optional<std::int64_t> UnitsOf(std::uint64_t bits, unsigned decimals);
std::uint64_t BitsOfUnits(std::int64_t units, unsigned decimals);

// How the chunk after `full`, which begins with `next`, should keep samples like those in `full`,
// if that is worth it. Requires: not recorded.
std::optional<Packing> ChoosePacking(const Chunk& full, const ChunkSample& next);

// As StartChunk and AppendToChunk, for chunks of kind kPacked.
// Requires: the first sample has units of the packing; `last` is in the chunk, which is not full by
// count.
void StartPacked(Chunk& chunk, ChunkState& state, const ChunkSample& sample,
                 const Packing& packing);
bool AppendPacked(Chunk& chunk, ChunkState& state, const ChunkSample& last,
                  const ChunkSample& sample);
Packing PackingOf(const Chunk& chunk);

// As DecodeChunk.
Known DecodePacked(const Chunk& chunk, std::size_t size, Slot* slots, double* values);

}  // namespace plimsoll::store
