// SPDX-License-Identifier: Apache-2.0
//
// Building and asking an index segment. See segment.h.
//
// Matching starts from the shortest list that a matcher demands and filters it by the others: by a
// walk along the other list while that is about as short, else by looking at the labels of each
// candidate.
#include "store/detail/segment.h"

#include <algorithm>
#include <numeric>

namespace plimsoll::store {
namespace {

// Where the label after this one begins within the packed form.
std::uint32_t EndOf(const model::Labels& labels, const model::Label& label) {
  return static_cast<std::uint32_t>(label.value.data() + label.value.size() -
                                    labels.bytes().data());
}

// A posting list may be this much longer than the candidates before looking at labels is cheaper.
constexpr std::size_t kWalkFactor = 8;

}  // namespace

// Collects the distinct names and values of all series in a hash table of entry numbers.
class Segment::Builder {
 public:
  explicit Builder(Segment& segment) : segment_(segment), table_(64, 0) {}

  void Run() {
    const std::size_t count = segment_.size();
    std::vector<std::uint32_t> ids;  // entry of every label of every series, in order
    std::vector<std::uint32_t> ends;
    ends.reserve(count);
    for (std::uint32_t rank = 0; rank < count; ++rank) {
      const model::Labels& labels = segment_.LabelsAt(rank);
      std::uint32_t at = 0;
      for (const model::Label& label : labels) {
        ids.push_back(IdOf(labels, label, at));
        at = EndOf(labels, label);
      }
      ends.push_back(static_cast<std::uint32_t>(ids.size()));
    }
    const std::vector<std::uint32_t> place = SortEntries();
    Fill(ids, ends, place);
  }

 private:
  std::uint32_t IdOf(const model::Labels& labels, const model::Label& label, std::uint32_t offset) {
    if ((found_.size() + 1) * 4 > table_.size() * 3) GrowTable();
    const std::uint64_t hash = model::HashBytes(label.value, model::HashBytes(label.name));
    for (std::size_t at = hash & (table_.size() - 1);; at = (at + 1) & (table_.size() - 1)) {
      if (table_[at] == 0) {
        found_.push_back({{&labels, offset, 0}, hash});
        table_[at] = static_cast<std::uint32_t>(found_.size());
        ++found_.back().entry.begin;
        return table_[at] - 1;
      }
      Found& found = found_[table_[at] - 1];
      if (found.hash == hash && TextOf(found.entry) == label) {
        ++found.entry.begin;
        return table_[at] - 1;
      }
    }
  }

  void GrowTable() {
    std::vector<std::uint32_t> larger(table_.size() * 2, 0);
    for (const std::uint32_t id : table_) {
      if (id == 0) continue;
      std::size_t at = found_[id - 1].hash & (larger.size() - 1);
      while (larger[at] != 0) at = (at + 1) & (larger.size() - 1);
      larger[at] = id;
    }
    table_ = std::move(larger);
  }

  // Returns: for each found entry, its place in the order.
  std::vector<std::uint32_t> SortEntries() {
    std::vector<std::uint32_t> order(found_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return TextOf(found_[a].entry) < TextOf(found_[b].entry);
    });
    std::vector<std::uint32_t> place(found_.size());
    segment_.entries_.reserve(found_.size() + 1);
    std::uint32_t begin = 0;
    for (std::uint32_t i = 0; i < order.size(); ++i) {
      Entry entry = found_[order[i]].entry;
      const std::uint32_t count = std::exchange(entry.begin, begin);
      segment_.entries_.push_back(entry);
      place[order[i]] = i;
      begin += count;
    }
    segment_.entries_.push_back({nullptr, 0, begin});
    return place;
  }

  void Fill(const std::vector<std::uint32_t>& ids, const std::vector<std::uint32_t>& ends,
            const std::vector<std::uint32_t>& place) {
    segment_.postings_.resize(ids.size());
    std::vector<std::uint32_t> next(found_.size());
    for (std::size_t i = 0; i < next.size(); ++i) next[i] = segment_.entries_[i].begin;
    std::size_t at = 0;
    for (std::uint32_t rank = 0; rank < ends.size(); ++rank) {
      for (; at < ends[rank]; ++at) segment_.postings_[next[place[ids[at]]]++] = rank;
    }
  }

  struct Found {
    Entry entry;  // begin: the number of series while collecting
    std::uint64_t hash;
  };
  Segment& segment_;
  std::vector<Found> found_;
  std::vector<std::uint32_t> table_;  // entry number plus one; zero: empty
};

std::shared_ptr<const Segment> Segment::Build(const PageDirectory& pages,
                                              std::vector<std::uint32_t> sorted) {
  auto segment = std::make_shared<Segment>();
  segment->series_ = std::move(sorted);
  segment->series_.shrink_to_fit();
  segment->pages_ = pages;
  Builder(*segment).Run();
  return segment;
}

model::Label Segment::TextOf(const Entry& entry) {
  const std::string& bytes = entry.labels->bytes();
  return *model::Labels::Iterator(bytes.data() + entry.at, bytes.data() + bytes.size());
}

Segment::NameRange Segment::EntriesOf(std::string_view name) const {
  const auto end = entries_.end() - 1;
  const auto first = std::partition_point(
      entries_.begin(), end, [&](const Entry& entry) { return TextOf(entry).name < name; });
  const auto last = std::partition_point(
      first, end, [&](const Entry& entry) { return TextOf(entry).name == name; });
  return {static_cast<std::size_t>(first - entries_.begin()),
          static_cast<std::size_t>(last - entries_.begin())};
}

const Segment::Entry* Segment::Find(std::string_view name, std::string_view value) const {
  const model::Label wanted{name, value};
  const auto at = std::partition_point(entries_.begin(), entries_.end() - 1,
                                       [&](const Entry& e) { return TextOf(e) < wanted; });
  return at != entries_.end() - 1 && TextOf(*at) == wanted ? &*at : nullptr;
}

// Puts the shortest list that a matcher demands into `out` and marks that matcher done.
// Returns: false when some matcher demands a label that no series here has.
bool Segment::FirstCandidates(const model::Matchers& matchers, std::vector<bool>& done,
                              std::vector<std::uint32_t>& out) const {
  const Entry* best = nullptr;
  std::size_t best_matcher = 0;
  std::size_t best_size = 0;
  for (std::size_t i = 0; i < matchers.size(); ++i) {
    const model::Matcher& matcher = matchers[i];
    if (matcher.type() != model::Matcher::Type::kEqual || matcher.value().empty()) continue;
    const Entry* const entry = Find(matcher.name(), matcher.value());
    if (entry == nullptr) return false;
    const auto size = static_cast<std::size_t>(End(*entry) - Begin(*entry));
    if (best == nullptr || size < best_size) {
      best = entry;
      best_matcher = i;
      best_size = size;
    }
  }
  if (best != nullptr) {
    out.assign(Begin(*best), End(*best));
    done[best_matcher] = true;
    return true;
  }
  // No equality: the first matcher that demands its label gives the union of the values it accepts.
  for (std::size_t i = 0; i < matchers.size(); ++i) {
    const model::Matcher& matcher = matchers[i];
    if (matcher.MatchesEmpty()) continue;
    const NameRange range = EntriesOf(matcher.name());
    for (std::size_t e = range.first; e < range.last; ++e) {
      if (matcher.Matches(TextOf(entries_[e]).value)) {
        out.insert(out.end(), Begin(entries_[e]), End(entries_[e]));
      }
    }
    std::sort(out.begin(), out.end());
    done[i] = true;
    return true;
  }
  out.resize(series_.size());
  std::iota(out.begin(), out.end(), 0U);
  return true;
}

void Segment::Filter(const model::Matcher& matcher, std::vector<std::uint32_t>& ranks) const {
  const auto look = [&](std::uint32_t rank) {
    return !matcher.Matches(LabelsAt(rank).Get(matcher.name()));
  };
  const auto by_list = [&](const Entry& entry, bool keep) {
    const std::uint32_t* at = Begin(entry);
    const std::uint32_t* const end = End(entry);
    std::erase_if(ranks, [&](std::uint32_t rank) {
      while (at != end && *at < rank) ++at;
      return (at != end && *at == rank) != keep;
    });
  };
  const bool equal = matcher.type() == model::Matcher::Type::kEqual;
  if ((equal || matcher.type() == model::Matcher::Type::kNotEqual) && !matcher.value().empty()) {
    const Entry* const entry = Find(matcher.name(), matcher.value());
    if (entry == nullptr) {
      if (equal) ranks.clear();
      return;
    }
    if (static_cast<std::size_t>(End(*entry) - Begin(*entry)) <= ranks.size() * kWalkFactor) {
      by_list(*entry, equal);
      return;
    }
  } else if (ranks.size() > kWalkFactor) {
    // Judge every value once instead of every series, when there are fewer of them.
    const NameRange range = EntriesOf(matcher.name());
    if ((range.last - range.first) * 2 < ranks.size()) {
      const bool otherwise = matcher.MatchesEmpty();
      std::vector<bool> keep(series_.size(), otherwise);
      for (std::size_t e = range.first; e < range.last; ++e) {
        const bool matches = matcher.Matches(TextOf(entries_[e]).value);
        if (matches == otherwise) continue;
        for (const std::uint32_t* at = Begin(entries_[e]); at != End(entries_[e]); ++at) {
          keep[*at] = matches;
        }
      }
      std::erase_if(ranks, [&](std::uint32_t rank) { return !keep[rank]; });
      return;
    }
  }
  std::erase_if(ranks, look);
}

std::vector<std::uint32_t> Segment::Match(const model::Matchers& matchers) const {
  std::vector<std::uint32_t> ranks;
  std::vector<bool> done(matchers.size(), false);
  if (!FirstCandidates(matchers, done, ranks)) return {};
  // Comparisons of lists first: they are cheap and leave less for expressions to look at.
  for (const bool regex : {false, true}) {
    for (std::size_t i = 0; i < matchers.size() && !ranks.empty(); ++i) {
      const auto type = matchers[i].type();
      const bool is_regex =
          type == model::Matcher::Type::kRegex || type == model::Matcher::Type::kNotRegex;
      if (!done[i] && is_regex == regex) Filter(matchers[i], ranks);
    }
  }
  return ranks;
}

std::uint64_t Segment::bytes() const {
  return series_.capacity() * sizeof(series_[0]) + entries_.capacity() * sizeof(Entry) +
         postings_.capacity() * sizeof(postings_[0]);
}

}  // namespace plimsoll::store
