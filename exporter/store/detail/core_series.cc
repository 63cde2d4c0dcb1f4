// SPDX-License-Identifier: Apache-2.0
//
// The table of series: from labels to a place, and the index that views share. See core.h.
//
// The hash table holds places only and compares with the labels there. Segments of the index are
// merged when the newer one has grown to half of the older one, so that a series is indexed anew
// only a logarithmic number of times.
#include <algorithm>
#include <cassert>

#include "store/detail/core.h"

namespace plimsoll::store {
namespace {

// What a series costs besides its labels, for the decision whether another one fits.
constexpr std::uint64_t kSeriesCost = sizeof(HotSeries) + sizeof(ColdSeries) + 2 * 64;
// What one will cost in the index once the batch is committed.
constexpr std::uint64_t kIndexCost = 64;
// One in so many series in the index may be a tombstone.
constexpr std::uint64_t kTombstoneShare = 8;
constexpr std::uint64_t kTombstonesAllowed = 64;

std::uint32_t HashOf(const model::Labels& labels) {
  return static_cast<std::uint32_t>(labels.Hash());
}

// The heap memory behind the string of a label set.
std::uint64_t HeapBytes(const model::Labels& labels) {
  constexpr std::uint64_t kAllocation = 16;
  const std::string& bytes = labels.bytes();
  return bytes.capacity() < sizeof(std::string) / 2 ? 0 : bytes.capacity() + kAllocation;
}

}  // namespace

bool Core::Knows(SeriesRef ref) const {
  const std::uint32_t index = IndexOf(ref);
  return index >> kPageBits < pages_.size() &&
         HotOf(pages_, index).generation.load(std::memory_order_relaxed) == GenerationOf(ref);
}

// Returns: where in the hash table the labels are, or the empty place where they would go.
std::size_t Core::Probe(const model::Labels& labels, std::uint32_t hash) const {
  const std::size_t mask = hash_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    if (hash_[at] == 0) return at;
    const ColdSeries& cold = ColdOf(pages_, hash_[at] - 1);
    if (cold.hash == hash && cold.labels == labels) return at;
  }
}

SeriesRef Core::Find(const model::Labels& labels) const {
  const std::uint32_t place = hash_[Probe(labels, HashOf(labels))];
  if (place == 0) return 0;
  return MakeRef(place - 1, HotOf(pages_, place - 1).generation.load(std::memory_order_relaxed));
}

Resolved Core::Resolve(const model::Labels& labels) {
  assert(batch_open_);
  const std::uint32_t hash = HashOf(labels);
  const std::uint32_t place = hash_[Probe(labels, hash)];
  Refusal refusal = Refusal::kNone;
  if (place == 0 || states_[place - 1] == State::kTombstone) {
    if (live_ >= limits_.max_series) {
      refusal = Refusal::kMaxSeries;
    } else if (Bytes() + created_.size() * kIndexCost + kSeriesCost + HeapBytes(labels) >
               limits_.max_bytes) {
      refusal = Refusal::kMaxBytes;
    }
  }
  if (refusal != Refusal::kNone) {
    refusal_counters_[static_cast<std::size_t>(refusal)].Add();
    return {0, false, refusal};
  }
  if (place != 0) {
    const HotSeries& hot = HotOf(pages_, place - 1);
    return {MakeRef(place - 1, hot.generation.load(std::memory_order_relaxed)), false, refusal};
  }
  const std::uint32_t index = TakeIndex();
  ColdSeries& cold = ColdOf(pages_, index);
  cold.labels = labels;
  cold.hash = hash;
  label_bytes_ += HeapBytes(cold.labels);
  states_[index] = State::kNew;
  Insert(index);
  created_.push_back(index);
  ++live_;
  const HotSeries& hot = HotOf(pages_, index);
  return {MakeRef(index, hot.generation.load(std::memory_order_relaxed)), true, refusal};
}

std::uint32_t Core::TakeIndex() {
  if (free_.empty()) {
    const auto first = static_cast<std::uint32_t>(owned_pages_.size() << kPageBits);
    owned_pages_.push_back(std::make_unique<SeriesPage>());
    pages_.push_back(owned_pages_.back().get());
    states_.resize(owned_pages_.size() << kPageBits, State::kFree);
    for (std::uint32_t i = kSeriesPerPage; i-- > 0;) free_.push_back(first + i);
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  return index;
}

// Requires: not in the hash table, no reader knows it, no chunks.
void Core::FreeSeries(std::uint32_t index) {
  ColdSeries& cold = ColdOf(pages_, index);
  label_bytes_ -= HeapBytes(cold.labels);
  cold.labels = {};
  HotSeries& hot = HotOf(pages_, index);
  std::uint32_t next = hot.generation.load(std::memory_order_relaxed) + 1;
  if (next == 0) next = 1;  // a ref is never zero
  hot.generation.store(next, std::memory_order_release);
  states_[index] = State::kFree;
  free_.push_back(index);
}

void Core::Insert(std::uint32_t index) {
  if ((used_ + 1) * 4 > hash_.size() * 3) Grow();
  const std::size_t mask = hash_.size() - 1;
  std::size_t at = ColdOf(pages_, index).hash & mask;
  while (hash_[at] != 0) at = (at + 1) & mask;
  hash_[at] = index + 1;
  ++used_;
}

void Core::Grow() {
  std::vector<std::uint32_t> larger(hash_.size() * 2, 0);
  const std::size_t mask = larger.size() - 1;
  for (const std::uint32_t place : hash_) {
    if (place == 0) continue;
    std::size_t at = ColdOf(pages_, place - 1).hash & mask;
    while (larger[at] != 0) at = (at + 1) & mask;
    larger[at] = place;
  }
  hash_ = std::move(larger);
}

// Takes an entry out and moves back those behind it that would not be found any more.
void Core::Erase(std::uint32_t index) {
  const ColdSeries& cold = ColdOf(pages_, index);
  const std::size_t mask = hash_.size() - 1;
  std::size_t hole = Probe(cold.labels, cold.hash);
  assert(hash_[hole] == index + 1);
  for (std::size_t at = (hole + 1) & mask; hash_[at] != 0; at = (at + 1) & mask) {
    const std::size_t home = ColdOf(pages_, hash_[at] - 1).hash & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    hash_[hole] = hash_[at];
    hole = at;
  }
  hash_[hole] = 0;
  --used_;
}

void Core::AddSegment() {
  const auto by_labels = [this](std::uint32_t a, std::uint32_t b) {
    return ColdOf(pages_, a).labels < ColdOf(pages_, b).labels;
  };
  for (const std::uint32_t index : created_) states_[index] = State::kLive;
  std::vector<std::uint32_t> sorted = created_;
  std::sort(sorted.begin(), sorted.end(), by_labels);
  while (!segments_.empty() && segments_.back()->size() <= sorted.size() * 2) {
    const std::vector<std::uint32_t>& other = segments_.back()->series();
    std::vector<std::uint32_t> merged(other.size() + sorted.size());
    std::merge(other.begin(), other.end(), sorted.begin(), sorted.end(), merged.begin(), by_labels);
    sorted = std::move(merged);
    segments_.pop_back();
  }
  segments_.push_back(Segment::Build(pages_, std::move(sorted)));
  table_changed_ = true;
}

// Takes tombstones out of the index when there are many. Returns: whether it did.
bool Core::Compact() {
  if (tombstones_ <= live_ / kTombstoneShare + kTombstonesAllowed) return false;
  std::vector<std::uint32_t> keep;
  keep.reserve(live_);
  for (std::uint32_t index = 0; index < states_.size(); ++index) {
    if (states_[index] == State::kLive) keep.push_back(index);
    if (states_[index] != State::kTombstone) continue;
    Erase(index);
    states_[index] = State::kRetired;
    retiring_series_.push_back(index);
  }
  tombstones_ = 0;
  std::sort(keep.begin(), keep.end(), [this](std::uint32_t a, std::uint32_t b) {
    return ColdOf(pages_, a).labels < ColdOf(pages_, b).labels;
  });
  segments_.clear();
  if (!keep.empty()) segments_.push_back(Segment::Build(pages_, std::move(keep)));
  table_changed_ = true;
  return true;
}

}  // namespace plimsoll::store
