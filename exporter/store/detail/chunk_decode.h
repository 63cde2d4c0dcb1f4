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

// Reads the first `size` samples; lags are left out. Requires: the chunk has as many, and they are
// visible to this thread (Chunk::count, acquired).
Known DecodeChunk(const Chunk& chunk, std::size_t size, Slot* slots, double* values);

}  // namespace plimsoll::store
