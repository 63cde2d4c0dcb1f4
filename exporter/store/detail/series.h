// SPDX-License-Identifier: Apache-2.0
//
// The series themselves: a hot half that every append touches, and a cold half with the labels.
//
// Series lie in pages that never move, so a reader turns a ref into a series by two loads.
// A ref is the series' index with the generation of the index above it, so a ref to a series that
// has gone is recognised even when its place is taken.
//
// The newest sample lies uncompressed in the hot half. The writer makes `newest_slot` kNoSlot while
// it changes the rest; a reader that finds the same slot before and after has a whole sample.
//
// Threads: atomics are written by the writer and read by all; the rest belongs to the writer,
// except labels, which are immutable while a view knows the series.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/labels.h"
#include "model/sample.h"
#include "store/detail/chunk.h"
#include "store/querier.h"

namespace plimsoll::store {

struct HotSeries {
  std::atomic<Chunk*> head{nullptr};
  std::atomic<std::uint64_t> newest_bits{0};
  std::atomic<std::int64_t> newest_lag{kScraped};
  std::atomic<Slot> newest_slot{kNoSlot};
  std::atomic<std::uint32_t> generation{1};
  ChunkState state;

  // The lag of a sample that is its own source.
  static constexpr std::int64_t kScraped = INT64_MIN;
  // The lag of a recorded sample with no source.
  static constexpr std::int64_t kNoSourceLag = INT64_MAX;
};

struct ColdSeries {
  model::Labels labels;
  std::uint32_t hash = 0;
};

constexpr unsigned kPageBits = 9;
constexpr std::uint32_t kSeriesPerPage = 1U << kPageBits;

struct SeriesPage {
  std::array<HotSeries, kSeriesPerPage> hot;
  std::array<ColdSeries, kSeriesPerPage> cold;
};

using PageDirectory = std::vector<SeriesPage*>;

inline std::uint32_t IndexOf(SeriesRef ref) { return static_cast<std::uint32_t>(ref); }
inline std::uint32_t GenerationOf(SeriesRef ref) { return static_cast<std::uint32_t>(ref >> 32); }
inline SeriesRef MakeRef(std::uint32_t index, std::uint32_t generation) {
  return SeriesRef{generation} << 32 | index;
}
inline HotSeries& HotOf(const PageDirectory& pages, std::uint32_t index) {
  return pages[index >> kPageBits]->hot[index & (kSeriesPerPage - 1)];
}
inline ColdSeries& ColdOf(const PageDirectory& pages, std::uint32_t index) {
  return pages[index >> kPageBits]->cold[index & (kSeriesPerPage - 1)];
}

struct NewestSample {
  Slot slot = kNoSlot;  // kNoSlot: none, or just being changed
  std::uint64_t bits = 0;
  std::int64_t lag = HotSeries::kScraped;
};

inline NewestSample ReadNewest(const HotSeries& hot) {
  NewestSample newest;
  newest.slot = hot.newest_slot.load(std::memory_order_acquire);
  newest.bits = hot.newest_bits.load(std::memory_order_acquire);
  newest.lag = hot.newest_lag.load(std::memory_order_acquire);
  if (hot.newest_slot.load(std::memory_order_relaxed) != newest.slot) newest.slot = kNoSlot;
  return newest;
}

inline void WriteNewest(HotSeries& hot, const NewestSample& newest) {
  hot.newest_slot.store(kNoSlot, std::memory_order_relaxed);
  hot.newest_bits.store(newest.bits, std::memory_order_release);
  hot.newest_lag.store(newest.lag, std::memory_order_release);
  hot.newest_slot.store(newest.slot, std::memory_order_release);
}

// Time of the source of a sample. Requires: lag is that of the sample.
inline model::Time SourceOf(model::Time time, std::int64_t lag) {
  if (lag == HotSeries::kScraped) return time;
  return lag == HotSeries::kNoSourceLag ? model::kNoSource : time - lag;
}

}  // namespace plimsoll::store
