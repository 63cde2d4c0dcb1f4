// SPDX-License-Identifier: Apache-2.0
//
// An immutable index over some of the series: sorted by labels, with a posting list per name and
// value.
//
// A posting list holds ranks, not refs, so an intersection is in the order of the labels already.
// The text of a name and a value is not copied: an entry points into the labels of one series that
// has them. New series make a new small segment; segments of like size are merged, so there are
// never many.
//
// Threads: immutable after Build.
// Lives as long as: the table of a view; its series stay in their places meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "model/matcher.h"
#include "store/detail/series.h"

namespace plimsoll::store {

class Segment {
 public:
  // `sorted`: indices of series, in the order of their labels. `pages` outlives the segment.
  static std::shared_ptr<const Segment> Build(const PageDirectory& pages,
                                              std::vector<std::uint32_t> sorted);

  std::size_t size() const { return series_.size(); }
  std::uint32_t IndexAt(std::size_t rank) const { return series_[rank]; }
  const std::vector<std::uint32_t>& series() const { return series_; }
  // Returns: the ranks of the series that match, ascending.
  std::vector<std::uint32_t> Match(const model::Matchers& matchers) const;
  std::uint64_t bytes() const;

 private:
  // One name and value: where its text is, and where its posting list begins. It ends where that of
  // the next entry begins.
  struct Entry {
    const model::Labels* labels;
    std::uint32_t at;  // offset of the label in the packed form
    std::uint32_t begin;
  };
  struct NameRange {
    std::size_t first, last;
  };
  class Builder;

  static model::Label TextOf(const Entry& entry);
  NameRange EntriesOf(std::string_view name) const;
  const Entry* Find(std::string_view name, std::string_view value) const;
  const model::Labels& LabelsAt(std::uint32_t rank) const {
    return ColdOf(pages_, series_[rank]).labels;
  }
  // The ranks of one entry.
  const std::uint32_t* Begin(const Entry& entry) const { return postings_.data() + entry.begin; }
  const std::uint32_t* End(const Entry& entry) const { return Begin((&entry)[1]); }

  bool FirstCandidates(const model::Matchers& matchers, std::vector<bool>& done,
                       std::vector<std::uint32_t>& out) const;
  void Filter(const model::Matcher& matcher, std::vector<std::uint32_t>& ranks) const;

  PageDirectory pages_;
  std::vector<std::uint32_t> series_;  // by rank
  std::vector<Entry> entries_;         // sorted by name and value; one more at the end
  std::vector<std::uint32_t> postings_;
};

}  // namespace plimsoll::store
