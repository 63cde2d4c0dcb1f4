// SPDX-License-Identifier: Apache-2.0
//
// Chunks without the overhead of an allocation each; what is given back is used again first.
//
// Threads: the writer.
// Lives as long as: the store; memory goes back to the system with it.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "store/detail/chunk.h"

namespace plimsoll::store {

class ChunkPool {
 public:
  // Returns: a chunk of the size that this kind has. Reset it before use.
  Chunk* Take(ChunkKind kind) {
    Size& size = sizes_[SizeIndex(WordsOf(kind))];
    if (size.free == nullptr) Grow(size, WordsOf(kind));
    Chunk* const chunk = size.free;
    size.free = chunk->older.load(std::memory_order_relaxed);
    used_bytes_ += chunk->bytes();
    return chunk;
  }
  // Requires: no reader can reach it.
  void Give(Chunk* chunk) {
    Size& size = sizes_[SizeIndex(chunk->size)];
    chunk->older.store(size.free, std::memory_order_relaxed);
    size.free = chunk;
    used_bytes_ -= chunk->bytes();
  }
  std::uint64_t used_bytes() const { return used_bytes_; }

 private:
  static constexpr std::size_t kSlabBytes = 32 << 10;
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  struct Size {
    std::vector<std::unique_ptr<Line[]>> slabs;
    Chunk* free = nullptr;
  };

  static std::size_t SizeIndex(unsigned words) { return words == kLargeWords ? 1 : 0; }

  static void Grow(Size& size, unsigned words) {
    const std::size_t bytes = sizeof(Chunk) + words * sizeof(std::uint64_t);
    size.slabs.push_back(std::make_unique_for_overwrite<Line[]>(kSlabBytes / sizeof(Line)));
    std::byte* const slab = size.slabs.back()[0].bytes;
    for (std::size_t at = kSlabBytes / bytes; at-- > 0;) {
      auto* const chunk = new (slab + at * bytes) Chunk;
      for (unsigned i = 0; i < words; ++i) new (chunk->words() + i) std::atomic<std::uint64_t>(0);
      chunk->size = static_cast<std::uint8_t>(words);
      chunk->older.store(size.free, std::memory_order_relaxed);
      size.free = chunk;
    }
  }

  std::array<Size, 2> sizes_;
  std::uint64_t used_bytes_ = 0;
};

}  // namespace plimsoll::store
