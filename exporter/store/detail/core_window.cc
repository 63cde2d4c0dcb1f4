// SPDX-License-Identifier: Apache-2.0
//
// What takes samples away: rollback, expiry, and the wait for readers. See core.h.
#include <algorithm>
#include <cassert>

#include "store/detail/chunk_packed.h"
#include "store/detail/chunk_reader.h"
#include "store/detail/core.h"

namespace plimsoll::store {

void Core::Rollback() {
  assert(batch_open_);
  batch_open_ = false;
  for (const std::uint32_t index : touched_) RestoreSeries(HotOf(pages_, index));
  for (const std::uint32_t index : created_) {
    Erase(index);
    FreeSeries(index);
    --live_;
  }
  touched_.clear();
  created_.clear();
  revived_.clear();
  FreeRetired();
  ReportGauges();
}

// Takes the open batch's samples out again. A chunk that readers may be walking is replaced by a
// copy of its older part, never shortened: bits that were once written do not change.
void Core::RestoreSeries(HotSeries& hot) {
  const Slot first = slots_.batch_first();
  Chunk* chunk = hot.head.load(std::memory_order_relaxed);
  while (chunk != nullptr && !SlotBefore(chunk->first_slot, first)) {
    retiring_.push_back(chunk);
    chunk = chunk->older.load(std::memory_order_relaxed);
  }
  if (chunk == nullptr) {
    hot.head.store(nullptr, std::memory_order_release);
    hot.newest_slot.store(kNoSlot, std::memory_order_release);
    return;
  }
  Chunk* const copy = pool_.Take(chunk->kind);
  copy->Reset(chunk->first_slot, chunk->kind, chunk->older.load(std::memory_order_relaxed));
  ChunkSample last;
  ChunkReader reader(*chunk);
  while (reader.Next() && SlotBefore(reader.sample().slot, first)) {
    if (last.slot == kNoSlot && chunk->kind.code == ChunkKind::Code::kPacked) {
      StartPacked(*copy, hot.state, reader.sample(), PackingOf(*chunk));
    } else if (last.slot == kNoSlot) {
      StartChunk(*copy, hot.state, reader.sample());
    } else {
      AppendToChunk(*copy, hot.state, last, reader.sample());
    }
    last = reader.sample();
  }
  slots_.ChunkStarts(copy->first_slot);
  hot.head.store(copy, std::memory_order_release);
  retiring_.push_back(chunk);
  WriteNewest(hot, {last.slot, last.bits, copy->kind.recorded ? last.lag : HotSeries::kScraped});
}

void Core::RetireFrom(Chunk* newest) {
  for (; newest != nullptr; newest = newest->older.load(std::memory_order_relaxed)) {
    retiring_.push_back(newest);
  }
}

// Frees what was taken out and is out of every reader's sight, and remembers whom the rest waits
// for.
void Core::FreeRetired() {
  if (!retiring_.empty() || !retiring_series_.empty()) {
    retired_.push_back({pins_.Holders(), std::move(retiring_), std::move(retiring_series_)});
    retiring_ = {};
    retiring_series_ = {};
  }
  for (Retired& batch : retired_) {
    std::erase_if(batch.holders, [](const Pins::Holder& holder) { return holder.Ended(); });
    const bool harmless = std::all_of(batch.holders.begin(), batch.holders.end(),
                                      [](const Pins::Holder& holder) { return holder.Harmless(); });
    if (harmless) {
      for (Chunk* const chunk : batch.chunks) FreeChunk(chunk);
      batch.chunks.clear();
    }
    if (!batch.holders.empty()) continue;
    for (const std::uint32_t index : batch.series) FreeSeries(index);
    batch.series.clear();
  }
  std::erase_if(retired_,
                [](const Retired& batch) { return batch.chunks.empty() && batch.series.empty(); });
}

void Core::Expire(model::Time now) {
  assert(!batch_open_);
  now_ = now;
  oldest_ = std::max(oldest_, now - window_.count());
  const std::uint64_t broken = pins_.Break(now, limits_.max_pin.count());
  broken_ += broken;
  if (broken != 0) broken_counter_.Add(static_cast<double>(broken));
  Publish();  // before looking at the pins: see pins.h
  unpinned_ = pins_.Furthest(oldest_);
  const bool swept = Sweep();
  const bool compacted = Compact();
  if (swept || compacted) Publish();
  FreeRetired();
  slots_.DropUnused();
  pinned_bytes_ = CountPinned();
  was_pinned_ = unpinned_ < oldest_;
  ReportGauges();
}

// Buries series whose newest sample no reader can reach. Samples of series that go on are freed
// when they need a new chunk (Trim), except those that waited for a reader. Returns: whether a
// series has gone.
bool Core::Sweep() {
  const std::uint64_t before = tombstones_;
  for (std::uint32_t index = 0; index < states_.size(); ++index) {
    if (states_[index] != State::kLive) continue;
    HotSeries& hot = HotOf(pages_, index);
    const Slot newest = hot.newest_slot.load(std::memory_order_relaxed);
    if (newest != kNoSlot && slots_.TimeOf(newest) >= unpinned_) {
      if (was_pinned_) Trim(*hot.head.load(std::memory_order_relaxed));
      continue;
    }
    Chunk* const head = hot.head.load(std::memory_order_relaxed);
    hot.head.store(nullptr, std::memory_order_release);
    hot.newest_slot.store(kNoSlot, std::memory_order_release);
    RetireFrom(head);
    states_[index] = State::kTombstone;
    ++tombstones_;
    --live_;
  }
  if (tombstones_ != before) table_changed_ = true;
  return tombstones_ != before;
}

// Returns: bytes of chunks that would be free if nobody were reading.
std::uint64_t Core::CountPinned() const {
  std::uint64_t bytes = 0;
  for (const Retired& batch : retired_) {
    for (const Chunk* const chunk : batch.chunks) bytes += chunk->bytes();
  }
  if (unpinned_ == oldest_) return bytes;
  for (std::uint32_t index = 0; index < states_.size(); ++index) {
    if (states_[index] != State::kLive) continue;
    const HotSeries& hot = HotOf(pages_, index);
    bool expired = slots_.TimeOf(hot.newest_slot.load(std::memory_order_relaxed)) < oldest_;
    for (const Chunk* chunk = hot.head.load(std::memory_order_relaxed); chunk != nullptr;
         chunk = chunk->older.load(std::memory_order_relaxed)) {
      bytes += expired ? chunk->bytes() : 0;
      expired = expired || slots_.TimeOf(chunk->first_slot) < oldest_;
    }
  }
  return bytes;
}

Stats Core::GetStats() const { return {live_, Bytes(), pinned_bytes_, pins_.open(), broken_}; }

}  // namespace plimsoll::store
