// SPDX-License-Identifier: Apache-2.0
//
// Reads a whole chunk at once, which is what queries do: several times faster than ChunkReader
// (chunk_reader.h), which stays the one that tells a writer where to go on.
//
// Threads: as chunk.h.
#pragma once

#include <cstddef>

#include "store/detail/chunk.h"

namespace plimsoll::store {

constexpr std::size_t kMostSamples = 255;  // Chunk::count has eight bits

// Returns: how many samples the chunk has; lags are left out. Requires: room for kMostSamples.
std::size_t DecodeChunk(const Chunk& chunk, Slot* slots, double* values);

}  // namespace plimsoll::store
