// SPDX-License-Identifier: Apache-2.0
//
// The identity of a series: names and values, sorted by name, in one string.
//
// One allocation per label set, equality by memcmp, and a hash over contiguous bytes; the price is
// a linear walk for Get, which for the five to ten labels of a series is as fast as any index. A
// label with an empty value is the same as no label, so Labels never holds one.
//
// Threads: a Labels is a plain value.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plimsoll::model {

constexpr std::string_view kMetricName = "__name__";

// A view into a Labels; lives as long as it and until it is changed.
struct Label {
  std::string_view name;
  std::string_view value;
  bool operator==(const Label&) const = default;
  auto operator<=>(const Label&) const = default;
};

class Labels {
 public:
  class Iterator {
   public:
    using value_type = Label;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = const Label*;
    using reference = const Label&;
    Iterator() = default;
    explicit Iterator(const char* at, const char* end);
    const Label& operator*() const { return label_; }
    const Label* operator->() const { return &label_; }
    Iterator& operator++();
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    void Decode();
    const char* at_ = nullptr;    // where this label starts; end_ at the end
    const char* next_ = nullptr;  // where the next one starts
    const char* end_ = nullptr;
    Label label_;
  };

  Labels() = default;
  // Sorts. Of a name given twice the last value counts; empty values are left out.
  Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);
  static Labels FromPairs(std::vector<std::pair<std::string, std::string>> pairs);
  // Requires: sorted by name, unique, no empty value. Does not check (assert in debug builds).
  static Labels FromSorted(const std::vector<Label>& sorted);

  Iterator begin() const { return Iterator(data_.data(), data_.data() + data_.size()); }
  Iterator end() const {
    return Iterator(data_.data() + data_.size(), data_.data() + data_.size());
  }
  bool empty() const { return data_.empty(); }
  std::size_t size() const;  // number of labels; walks

  // Returns: the value, or "" when there is no such label.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::string_view MetricName() const { return Get(kMetricName); }
  Labels WithoutMetricName() const;

  // The packed form: stable within one process, usable as a key. Never written to a file.
  const std::string& bytes() const { return data_; }
  std::uint64_t Hash() const;

  // Returns: name{a="b", c="d"}, or {a="b"} without a name; values quoted as Go quotes them and
  // names that are not plain identifiers quoted too (prometheus/prometheus model/labels String()).
  std::string ToString() const;

  bool operator==(const Labels& other) const { return data_ == other.data_; }
  // Orders by name, then value, label by label; a prefix comes first (labels.Compare).
  std::strong_ordering operator<=>(const Labels& other) const;

 private:
  friend class LabelsBuilder;
  std::string data_;
};

// Changes a label set. Reusable: Reset keeps the memory.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(const Labels& base) { Reset(base); }
  void Reset();
  void Reset(const Labels& base);
  // An empty value deletes.
  LabelsBuilder& Set(std::string_view name, std::string_view value);
  LabelsBuilder& Delete(std::string_view name);
  // Keeps only (or drops) the named labels. `names` need not be sorted.
  LabelsBuilder& Keep(const std::vector<std::string>& names);
  LabelsBuilder& DeleteAll(const std::vector<std::string>& names);
  // Returns: "" when absent. The view lives until the next change.
  std::string_view Get(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }
  Labels Build() const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;  // sorted by name
};

// [a-zA-Z_][a-zA-Z0-9_]*
bool IsLegacyLabelName(std::string_view name);
// [a-zA-Z_:][a-zA-Z0-9_:]*
bool IsLegacyMetricName(std::string_view name);

std::uint64_t HashBytes(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace plimsoll::model

template <>
struct std::hash<plimsoll::model::Labels> {
  std::size_t operator()(const plimsoll::model::Labels& labels) const noexcept {
    return labels.Hash();
  }
};
