// SPDX-License-Identifier: Apache-2.0
//
// From the bytes of a series on the page to its place in the store.
//
// A target exposes the same series in the same order scrape after scrape, so relabelling, limits
// and the store's look-up happen once per series, and the common case afterwards is one comparison
// with the entry that stood at this place last time. What relabelling drops is remembered too.
//
// Threads: the store's writer.
// Bounds:  entries that were not on the last pages are forgotten when they outnumber the others.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "store/querier.h"

namespace plimsoll::scrape {

class SeriesCache {
 public:
  struct Entry {
    const char* bytes = nullptr;
    std::uint32_t length = 0;
    std::uint32_t seen : 30 = 0;        // the scrape that saw it last
    std::uint32_t dropped : 1 = 0;      // by relabelling
    std::uint32_t timestamped : 1 = 0;  // its last sample brought a timestamp of its own
    store::SeriesRef ref = 0;           // zero: not resolved
    std::string_view key() const { return {bytes, length}; }
  };

  // Starts a scrape; what the one before saw becomes the expected order.
  void Begin();
  // Returns: the entry of this series, made if there is none. The reference lives until the next
  // call. `repeated` is set when this scrape had the same bytes before.
  Entry& Find(std::string_view series, bool& repeated);
  // Calls f(Entry&) for every series of the previous scrape that this one did not have.
  template <typename F>
  void ForEachVanished(F&& f) {
    for (const std::uint32_t index : expected_) {
      if (entries_[index].seen != scrape_) f(entries_[index]);
    }
  }
  // Calls f(Entry&) for every series of the last completed scrape.
  template <typename F>
  void ForEachLast(F&& f) {
    for (const std::uint32_t index : expected_) f(entries_[index]);
  }
  // This scrape counts: what it saw is what the next one expects.
  void Accept();
  // This scrape left nothing: no series is expected any more.
  void AcceptNothing();
  // The entry's ref was made by this scrape's batch: Reject takes it back.
  void NoteCreated(const Entry& entry) {
    created_.push_back(static_cast<std::uint32_t>(&entry - entries_.data()));
  }
  // A page that failed half way: refs made since Begin are forgotten, the previous order stays.
  void Reject();

  std::size_t size() const { return entries_.size(); }
  std::size_t MemoryBytes() const;

 private:
  const char* Keep(std::string_view bytes);
  void Insert(std::uint32_t index);
  void Forget();

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;  // open addressing: index + 1, zero is free
  std::vector<std::uint32_t> expected_;
  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> created_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_used_ = 0;
  std::size_t block_size_ = 0;
  std::uint32_t scrape_ = 0;
};

}  // namespace plimsoll::scrape
