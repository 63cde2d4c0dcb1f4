// SPDX-License-Identifier: Apache-2.0
//
// Chunks without the overhead of an allocation each; what is given back is used again first.
//
// Threads: the writer.
// Lives as long as: the store; memory goes back to the system with it.
#pragma once

#include <memory>
#include <vector>

#include "store/detail/chunk.h"

namespace plimsoll::store {

class ChunkPool {
 public:
  Chunk* Take() {
    if (free_ == nullptr) Grow();
    Chunk* const chunk = free_;
    free_ = chunk->older.load(std::memory_order_relaxed);
    ++used_;
    return chunk;
  }
  // Requires: no reader can reach it.
  void Give(Chunk* chunk) {
    chunk->older.store(free_, std::memory_order_relaxed);
    free_ = chunk;
    --used_;
  }
  std::uint64_t used() const { return used_; }
  std::uint64_t bytes() const { return slabs_.size() * kChunksPerSlab * sizeof(Chunk); }

 private:
  static constexpr std::size_t kChunksPerSlab = 512;
  void Grow() {
    slabs_.push_back(std::make_unique<Chunk[]>(kChunksPerSlab));
    for (std::size_t i = kChunksPerSlab; i-- > 0;) {
      slabs_.back()[i].older.store(free_, std::memory_order_relaxed);
      free_ = &slabs_.back()[i];
    }
  }

  std::vector<std::unique_ptr<Chunk[]>> slabs_;
  Chunk* free_ = nullptr;
  std::uint64_t used_ = 0;
};

}  // namespace plimsoll::store
