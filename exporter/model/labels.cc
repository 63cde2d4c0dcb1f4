// SPDX-License-Identifier: Apache-2.0
//
// The packed label set: per label a length and the bytes of the name, a length and the bytes of the
// value. A length below 255 is one byte; otherwise 255 and four bytes, little-endian.
#include "model/labels.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/number_text.h"

namespace plimsoll::model {
namespace {

constexpr unsigned char kLong = 255;

void AppendPart(std::string_view part, std::string& out) {
  if (part.size() < kLong) {
    out.push_back(static_cast<char>(part.size()));
  } else {
    out.push_back(static_cast<char>(kLong));
    for (int shift = 0; shift < 32; shift += 8)
      out.push_back(static_cast<char>(part.size() >> shift));
  }
  out.append(part);
}

std::size_t ReadLongLength(const char*& at) {
  std::size_t length = 0;
  for (int shift = 0; shift < 32; shift += 8)
    length |= static_cast<std::size_t>(static_cast<unsigned char>(*at++)) << shift;
  return length;
}

inline std::string_view ReadPart(const char*& at) {
  std::size_t length = static_cast<unsigned char>(*at++);
  if (length == kLong) [[unlikely]]
    length = ReadLongLength(at);
  const std::string_view part(at, length);
  at += length;
  return part;
}

inline bool IsMetricName(std::string_view name) {
  return name.size() == kMetricName.size() &&
         std::memcmp(name.data(), kMetricName.data(), kMetricName.size()) == 0;
}

// Of packed labels. Asked of every series of a query, so it compares without a call.
std::string_view FindMetricName(const char* at, const char* end) {
  while (at != end) {
    const std::string_view here = ReadPart(at);
    const std::string_view value = ReadPart(at);
    if (IsMetricName(here)) return value;
    constexpr unsigned char kBegin = '_';  // later names begin with this or something behind it
    if (!here.empty() && static_cast<unsigned char>(here[0]) > kBegin) break;
  }
  return {};
}

bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsNameRest(char c) { return IsNameStart(c) || (c >= '0' && c <= '9'); }

}  // namespace

Labels::Iterator::Iterator(const char* at, const char* end) : at_(at), next_(at), end_(end) {
  Decode();
}

void Labels::Iterator::Decode() {
  if (at_ == end_) return;
  next_ = at_;
  label_.name = ReadPart(next_);
  label_.value = ReadPart(next_);
}

Labels::Iterator& Labels::Iterator::operator++() {
  at_ = next_;
  Decode();
  return *this;
}

Labels::Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  LabelsBuilder builder;
  for (const auto& [name, value] : pairs) builder.Set(name, value);
  *this = builder.Build();
}

Labels Labels::FromPairs(std::vector<std::pair<std::string, std::string>> pairs) {
  LabelsBuilder builder;
  for (const auto& [name, value] : pairs) builder.Set(name, value);
  return builder.Build();
}

Labels Labels::FromSorted(const std::vector<Label>& sorted) {
  Labels labels;
  std::size_t bytes = 0;
  for (const Label& label : sorted) bytes += label.name.size() + label.value.size() + 2;
  labels.data_.reserve(bytes);
  [[maybe_unused]] std::string_view before;
  for (const Label& label : sorted) {
    assert(!label.value.empty() && (labels.data_.empty() || before < label.name));
    before = label.name;
    AppendPart(label.name, labels.data_);
    AppendPart(label.value, labels.data_);
  }
  return labels;
}

std::size_t Labels::size() const { return static_cast<std::size_t>(std::distance(begin(), end())); }

std::string_view Labels::Get(std::string_view name) const {
  const char* at = data_.data();
  const char* const end = at + data_.size();
  if (IsMetricName(name)) return FindMetricName(at, end);
  while (at != end) {
    const std::string_view here = ReadPart(at);
    const std::string_view value = ReadPart(at);
    if (here == name) return value;
    if (here > name) break;
  }
  return {};
}

bool Labels::Has(std::string_view name) const { return !Get(name).empty(); }

Labels Labels::WithoutMetricName() const {
  const char* const begin = data_.data();
  const char* const end = begin + data_.size();
  for (const char* at = begin; at != end;) {
    const char* const start = at;
    const std::string_view name = ReadPart(at);
    ReadPart(at);
    if (name != kMetricName) continue;
    Labels rest;
    rest.data_.reserve(data_.size() - static_cast<std::size_t>(at - start));
    rest.data_.append(begin, start).append(at, end);
    return rest;
  }
  return *this;
}

std::uint64_t Labels::Hash() const { return HashBytes(data_); }

std::string Labels::ToString() const {
  std::string out;
  const std::string_view metric = MetricName();
  const bool plain = IsLegacyMetricName(metric);
  if (!metric.empty() && plain) out += metric;
  std::string inside;
  if (!metric.empty() && !plain) inside = base::GoQuote(metric);
  for (const Label& label : *this) {
    if (label.name == kMetricName) continue;
    if (!inside.empty()) inside += ", ";
    inside += IsLegacyLabelName(label.name) ? std::string(label.name) : base::GoQuote(label.name);
    inside += '=' + base::GoQuote(label.value);
  }
  if (!inside.empty() || out.empty()) out += '{' + inside + '}';
  return out;
}

std::strong_ordering Labels::operator<=>(const Labels& other) const {
  auto a = begin(), b = other.begin();
  for (; a != end() && b != other.end(); ++a, ++b) {
    if (const auto order = *a <=> *b; order != 0) return order;
  }
  return (a == end() ? 0 : 1) <=> (b == other.end() ? 0 : 1);
}

void LabelsBuilder::Reset() { pairs_.clear(); }

void LabelsBuilder::Reset(const Labels& base) {
  pairs_.clear();
  for (const Label& label : base) pairs_.emplace_back(label.name, label.value);
}

LabelsBuilder& LabelsBuilder::Set(std::string_view name, std::string_view value) {
  if (value.empty()) return Delete(name);
  const auto at =
      std::lower_bound(pairs_.begin(), pairs_.end(), name,
                       [](const auto& pair, std::string_view key) { return pair.first < key; });
  if (at != pairs_.end() && at->first == name) {
    at->second = value;
  } else {
    pairs_.emplace(at, name, value);
  }
  return *this;
}

LabelsBuilder& LabelsBuilder::Delete(std::string_view name) {
  std::erase_if(pairs_, [&](const auto& pair) { return pair.first == name; });
  return *this;
}

LabelsBuilder& LabelsBuilder::Keep(const std::vector<std::string>& names) {
  std::erase_if(pairs_, [&](const auto& pair) {
    return std::find(names.begin(), names.end(), pair.first) == names.end();
  });
  return *this;
}

LabelsBuilder& LabelsBuilder::DeleteAll(const std::vector<std::string>& names) {
  std::erase_if(pairs_, [&](const auto& pair) {
    return std::find(names.begin(), names.end(), pair.first) != names.end();
  });
  return *this;
}

std::string_view LabelsBuilder::Get(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return {};
}

Labels LabelsBuilder::Build() const {
  Labels labels;
  std::size_t bytes = 0;
  for (const auto& [name, value] : pairs_) bytes += name.size() + value.size() + 2;
  labels.data_.reserve(bytes);
  for (const auto& [name, value] : pairs_) {
    AppendPart(name, labels.data_);
    AppendPart(value, labels.data_);
  }
  return labels;
}

bool IsLegacyLabelName(std::string_view name) {
  return !name.empty() && IsNameStart(name[0]) && std::all_of(name.begin(), name.end(), IsNameRest);
}

bool IsLegacyMetricName(std::string_view name) {
  return !name.empty() && (IsNameStart(name[0]) || name[0] == ':') &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsNameRest(c) || c == ':'; });
}

// Eight bytes at a time, multiply and fold; in the manner of wyhash, for tables inside one process.
std::uint64_t HashBytes(std::string_view bytes, std::uint64_t seed) {
  constexpr std::uint64_t kA = 0x9e3779b97f4a7c15ULL, kB = 0xd6e8feb86659fd93ULL;
  const auto fold = [](std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t hash = seed ^ fold(bytes.size() ^ kA, kB);
  const char* at = bytes.data();
  std::size_t rest = bytes.size();
  for (; rest >= 8; at += 8, rest -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash = fold(hash ^ word ^ kA, kB);
  }
  std::uint64_t word = 0;
  if (rest > 0) std::memcpy(&word, at, rest);
  return fold(hash ^ word, kA);
}

}  // namespace plimsoll::model
