// SPDX-License-Identifier: Apache-2.0
//
// The open batch: appending and committing. See core.h.
#include "store/detail/core.h"

#include <cassert>

#include "store/detail/chunk_packed.h"

namespace plimsoll::store {

Core::Core(Limits limits, telemetry::Telemetry* telemetry)
    : limits_(limits), hash_(64, 0), table_(std::make_shared<Table>()) {
  if (telemetry != nullptr) {
    using telemetry::MetricId;
    series_gauge_ = telemetry->GaugeOf(MetricId::kStoreSeries);
    bytes_gauge_ = telemetry->GaugeOf(MetricId::kStoreBytes);
    pinned_gauge_ = telemetry->GaugeOf(MetricId::kStorePinnedBytes);
    broken_counter_ = telemetry->CounterOf(MetricId::kStoreBrokenQueriers);
    for (const Outcome outcome : kOutcomes) {
      if (outcome == Outcome::kAppended || outcome == Outcome::kSameSample) continue;
      outcome_counters_[static_cast<std::size_t>(outcome)] =
          telemetry->CounterOf(MetricId::kStoreRefused, {OutcomeName(outcome)});
    }
    for (const Refusal refusal : {Refusal::kMaxSeries, Refusal::kMaxBytes}) {
      refusal_counters_[static_cast<std::size_t>(refusal)] =
          telemetry->CounterOf(MetricId::kStoreRefused, {RefusalName(refusal)});
    }
  }
  Publish();
}

Core::~Core() { assert(pins_.open() == 0); }

void Core::Begin(model::Time now) {
  assert(!batch_open_);
  batch_open_ = true;
  latest_allowed_ =
      now > INT64_MAX - limits_.max_ahead.count() ? INT64_MAX : now + limits_.max_ahead.count();
  slots_.BeginBatch();
}

Outcome Core::Refuse(Outcome outcome) {
  ++outcomes_[static_cast<std::size_t>(outcome)];
  return outcome;
}

Outcome Core::Append(SeriesRef ref, model::Time time, double value, std::int64_t lag) {
  assert(batch_open_);
  const std::uint32_t index = IndexOf(ref);
  if (!Knows(ref)) return Refuse(Outcome::kUnknownSeries);
  HotSeries& hot = HotOf(pages_, index);
  if (time < oldest_) return Refuse(Outcome::kTooOld);
  if (time > latest_allowed_) return Refuse(Outcome::kTooFarAhead);
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
  const ChunkSample last{hot.newest_slot.load(std::memory_order_relaxed),
                         hot.newest_bits.load(std::memory_order_relaxed),
                         hot.newest_lag.load(std::memory_order_relaxed)};
  if (last.slot != kNoSlot) {
    const model::Time last_time = slots_.TimeOf(last.slot);
    if (time < last_time) return Refuse(Outcome::kOutOfOrder);
    if (time == last_time) {
      return last.bits == bits ? Outcome::kSameSample : Refuse(Outcome::kDuplicate);
    }
  }
  // A marker is no sample of its own: what still reads those before it is as old as they are.
  if (lag == HotSeries::kNoSourceLag && model::IsStaleNaN(value) && last.slot != kNoSlot &&
      last.lag != HotSeries::kScraped && last.lag != HotSeries::kNoSourceLag) {
    lag = last.lag + (time - slots_.TimeOf(last.slot));
  }
  const ChunkSample sample{slots_.Of(time), bits, lag};
  const bool recorded = lag != HotSeries::kScraped;
  Chunk* const head = hot.head.load(std::memory_order_relaxed);
  if (head == nullptr && states_[index] == State::kTombstone) revived_.push_back(index);
  // One whole number among fractions does not make an integer chunk, and a marker behind whole
  // numbers no other.
  const bool whole = (IsWhole(bits) || (model::IsStaleNaN(value) && last.slot != kNoSlot)) &&
                     (last.slot == kNoSlot || IsWhole(last.bits));
  const auto code = whole ? ChunkKind::Code::kInteger : ChunkKind::Code::kXor;
  if (head == nullptr || head->kind.recorded != recorded ||
      !AppendToChunk(*head, hot.state, last, sample, limits_.chunk_samples)) {
    NewChunk(hot, {code, recorded}, sample);
  }
  WriteNewest(hot, {sample.slot, bits, lag});
  touched_.push_back(index);
  return Outcome::kAppended;
}

void Core::NewChunk(HotSeries& hot, ChunkKind kind, const ChunkSample& sample) {
  Chunk* const before = hot.head.load(std::memory_order_relaxed);
  std::optional<Packing> packing;
  if (before != nullptr && !before->kind.recorded && !kind.recorded)
    packing = ChoosePacking(*before, sample);
  if (packing) kind.code = ChunkKind::Code::kPacked;
  Chunk* const chunk = pool_.Take(kind);
  chunk->Reset(sample.slot, kind, before);
  if (packing) {
    StartPacked(*chunk, hot.state, sample, *packing);
  } else {
    StartChunk(*chunk, hot.state, sample);
  }
  slots_.ChunkStarts(sample.slot);
  hot.head.store(chunk, std::memory_order_release);
  Trim(*chunk);
}

// Frees the chunks that end before what any reader can reach. A reader goes to an older chunk only
// from one that begins after the oldest time it wants, so it never follows the link that is cut
// here.
void Core::Trim(Chunk& newest) {
  for (Chunk* newer = &newest;;) {
    Chunk* older = newer->older.load(std::memory_order_relaxed);
    if (older == nullptr) return;
    if (slots_.TimeOf(newer->first_slot) >= unpinned_) {
      newer = older;
      continue;
    }
    newer->older.store(nullptr, std::memory_order_relaxed);
    while (older != nullptr) {
      Chunk* const next = older->older.load(std::memory_order_relaxed);
      FreeChunk(older);
      older = next;
    }
    return;
  }
}

void Core::FreeChunk(Chunk* chunk) {
  slots_.ChunkGoes(chunk->first_slot);
  pool_.Give(chunk);
}

void Core::Commit() {
  assert(batch_open_);
  batch_open_ = false;
  if (!created_.empty()) AddSegment();
  for (const std::uint32_t index : revived_) {
    if (states_[index] != State::kTombstone) continue;
    states_[index] = State::kLive;
    --tombstones_;
    ++live_;
    table_changed_ = true;
  }
  touched_.clear();
  created_.clear();
  revived_.clear();
  Publish();
  ReportGauges();
}

// Publishes what has been committed; a new table only when a series came or went.
void Core::Publish() {
  if (table_changed_ || views_.Get() == nullptr) {
    table_ = std::make_shared<Table>(Table{table_->version + 1, pages_, segments_});
    table_changed_ = false;
  }
  views_.Publish(
      std::make_shared<View>(View{table_, slots_.Publish(), slots_.limit(), oldest_, now_}));
}

void Core::ReportGauges() {
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    if (outcomes_[i] != 0) outcome_counters_[i].Add(static_cast<double>(outcomes_[i]));
    outcomes_[i] = 0;
  }
  series_gauge_.Set(static_cast<double>(live_));
  bytes_gauge_.Set(static_cast<double>(Bytes()));
  pinned_gauge_.Set(static_cast<double>(pinned_bytes_));
}

std::uint64_t Core::Bytes() const {
  std::uint64_t bytes = pool_.used_bytes() + owned_pages_.size() * sizeof(SeriesPage) +
                        label_bytes_ + hash_.capacity() * sizeof(hash_[0]) + slots_.bytes() +
                        states_.capacity();
  for (const auto& segment : segments_) bytes += segment->bytes();
  return bytes;
}

}  // namespace plimsoll::store
