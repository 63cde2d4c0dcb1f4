// SPDX-License-Identifier: Apache-2.0
//
// The cache of series_cache.h: entries in one vector, bytes in blocks, an open-addressing table of
// indices.
#include "scrape/series_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "model/labels.h"

namespace plimsoll::scrape {
namespace {

constexpr std::size_t kFirstBlock = 4 << 10;
constexpr std::size_t kLargestBlock = 256 << 10;
constexpr std::uint32_t kScrapeMask = (1U << 30) - 1;

}  // namespace

void SeriesCache::Begin() {
  scrape_ = (scrape_ + 1) & kScrapeMask;
  if (scrape_ == 0) {  // once in five hundred years at a scrape per second
    for (Entry& entry : entries_) entry.seen = 0;
    scrape_ = 1;
  }
  order_.clear();
}

SeriesCache::Entry& SeriesCache::Find(std::string_view series, bool& repeated) {
  repeated = false;
  const std::size_t place = order_.size();
  if (place < expected_.size()) {
    Entry& expected = entries_[expected_[place]];
    if (expected.length == series.size() &&
        std::memcmp(expected.bytes, series.data(), series.size()) == 0 &&
        expected.seen != scrape_) {
      expected.seen = scrape_;
      order_.push_back(expected_[place]);
      return expected;
    }
  }
  if (!slots_.empty()) {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = model::HashBytes(series) & mask; slots_[i] != 0; i = (i + 1) & mask) {
      Entry& entry = entries_[slots_[i] - 1];
      if (entry.key() != series) continue;
      repeated = entry.seen == scrape_;
      if (!repeated) order_.push_back(slots_[i] - 1);
      entry.seen = scrape_;
      return entry;
    }
  }
  const auto index = static_cast<std::uint32_t>(entries_.size());
  entries_.push_back({.bytes = Keep(series), .length = static_cast<std::uint32_t>(series.size())});
  entries_.back().seen = scrape_;
  Insert(index);
  order_.push_back(index);
  return entries_.back();
}

void SeriesCache::Accept() {
  std::swap(expected_, order_);
  order_.clear();
  // The page has settled: give back what growing by doubling reserved.
  if (created_.empty() && entries_.capacity() > entries_.size() + entries_.size() / 8) {
    entries_.shrink_to_fit();
    expected_.shrink_to_fit();
    order_ = {};
    order_.reserve(expected_.size());
    created_.shrink_to_fit();
  }
  created_.clear();
  if (entries_.size() > 2 * expected_.size() + 64) Forget();
}

// The entries stay: when the target is back, its series need not be resolved again.
void SeriesCache::AcceptNothing() {
  order_.clear();
  expected_.clear();
  created_.clear();
}

void SeriesCache::Reject() {
  for (const std::uint32_t index : created_) entries_[index].ref = 0;
  created_.clear();
  order_.clear();
}

const char* SeriesCache::Keep(std::string_view bytes) {
  if (block_used_ + bytes.size() > block_size_) {
    block_size_ =
        std::max(bytes.size(), std::min(kLargestBlock, std::max(kFirstBlock, block_size_ * 2)));
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_size_));
    block_used_ = 0;
  }
  char* const at = blocks_.back().get() + block_used_;
  std::memcpy(at, bytes.data(), bytes.size());
  block_used_ += bytes.size();
  return at;
}

void SeriesCache::Insert(std::uint32_t index) {
  if (slots_.size() * 3 < entries_.size() * 4) {
    slots_.assign(std::max<std::size_t>(64, slots_.size() * 2), 0);
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      if (i != index) Insert(i);
    }
  }
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = model::HashBytes(entries_[index].key()) & mask;
  while (slots_[at] != 0) at = (at + 1) & mask;
  slots_[at] = index + 1;
}

// Rebuilds with what the last scrape had: bytes of forgotten series go with their blocks.
void SeriesCache::Forget() {
  const std::vector<Entry> old = std::move(entries_);
  const auto old_blocks = std::move(blocks_);
  entries_.clear();
  slots_.clear();
  blocks_.clear();
  block_used_ = block_size_ = 0;
  for (std::uint32_t& index : expected_) {
    Entry entry = old[index];
    entry.bytes = Keep(entry.key());
    entries_.push_back(entry);
    index = static_cast<std::uint32_t>(entries_.size() - 1);
    Insert(index);
  }
  entries_.shrink_to_fit();
}

std::size_t SeriesCache::MemoryBytes() const {
  std::size_t bytes = entries_.capacity() * sizeof(Entry) +
                      slots_.capacity() * sizeof(std::uint32_t) +
                      (expected_.capacity() + order_.capacity()) * sizeof(std::uint32_t);
  for (const Entry& entry : entries_) bytes += entry.length;
  return bytes;
}

}  // namespace plimsoll::scrape
