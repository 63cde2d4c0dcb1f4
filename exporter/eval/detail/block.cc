// SPDX-License-Identifier: Apache-2.0
//
// Keys and label work. A key separates its parts with a byte that UTF-8 text cannot hold.
#include "eval/detail/block.h"

#include <algorithm>

#include "base/number_text.h"

namespace plimsoll::eval {
namespace {

constexpr char kSeparator = '\xff';
constexpr std::string_view kType = "__type__";
constexpr std::string_view kUnit = "__unit__";

void AppendPair(const model::Label& label, std::string& key) {
  key.append(label.name).push_back(kSeparator);
  key.append(label.value).push_back(kSeparator);
}

bool Holds(const std::vector<std::string>& sorted, std::string_view name) {
  return std::binary_search(sorted.begin(), sorted.end(), name);
}

template <typename Keep>
model::Labels Select(const model::Labels& labels, bool hidden, Keep&& keep) {
  std::vector<model::Label> kept;
  kept.reserve(16);
  ForEachLabel(labels, hidden, [&](const model::Label& label) {
    if (keep(label.name)) kept.push_back(label);
  });
  return model::Labels::FromSorted(kept);
}

}  // namespace

Grid Grid::Of(Time from, Time to, Time step) {
  Grid grid;
  grid.start = from;
  grid.step = step;
  grid.steps = to < from ? 0 : static_cast<std::size_t>((to - from) / step) + 1;
  grid.point = to == from;
  return grid;
}

KeyTable::KeyTable(std::size_t expected) {
  std::size_t slots = 16;
  while (slots < expected * 2) slots *= 2;
  slots_.resize(slots, 0);
  entries_.reserve(expected);
}

void KeyTable::Grow() {
  std::vector<std::uint32_t> slots(slots_.size() * 2, 0);
  const std::size_t mask = slots.size() - 1;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t at = entries_[i].hash & mask;
    while (slots[at] != 0) at = (at + 1) & mask;
    slots[at] = static_cast<std::uint32_t>(i + 1);
  }
  slots_ = std::move(slots);
}

std::uint32_t KeyTable::Insert(std::string_view key) {
  if (entries_.size() * 2 >= slots_.size()) Grow();
  const std::uint64_t hash = model::HashBytes(key);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    const Entry& entry = entries_[slots_[at] - 1];
    if (entry.hash == hash && std::string_view(bytes_).substr(entry.offset, entry.length) == key) {
      return slots_[at] - 1;
    }
  }
  entries_.push_back({hash, bytes_.size(), key.size()});
  bytes_.append(key);
  slots_[at] = static_cast<std::uint32_t>(entries_.size());
  return slots_[at] - 1;
}

bool IsMetadataLabel(std::string_view name) {
  return name.size() == model::kMetricName.size() && name[0] == '_' &&
         (name == model::kMetricName || name == kType || name == kUnit);
}

std::string_view GetLabel(const model::Labels& labels, bool hidden, std::string_view name) {
  return hidden && IsMetadataLabel(name) ? std::string_view() : labels.Get(name);
}

void AppendAllLabels(const model::Labels& labels, bool hidden, std::string& key) {
  ForEachLabel(labels, hidden, [&](const model::Label& label) { AppendPair(label, key); });
}

void AppendLabels(const model::Labels& labels, bool hidden, const std::vector<std::string>& names,
                  std::string& key) {
  auto name = names.begin();
  for (const model::Label& label : labels) {
    if (hidden && IsMetadataLabel(label.name)) continue;
    int order = -1;
    while (name != names.end() && (order = name->compare(label.name)) < 0) ++name;
    if (name == names.end()) return;
    if (order == 0) AppendPair(label, key);
  }
}

void AppendLabelsWithout(const model::Labels& labels, bool hidden,
                         const std::vector<std::string>& names, std::string& key) {
  ForEachLabel(labels, hidden, [&](const model::Label& label) {
    if (!Holds(names, label.name)) AppendPair(label, key);
  });
}

model::Labels KeepLabels(const model::Labels& labels, bool hidden,
                         const std::vector<std::string>& names) {
  return Select(labels, hidden, [&](std::string_view name) { return Holds(names, name); });
}

model::Labels DropLabels(const model::Labels& labels, bool hidden,
                         const std::vector<std::string>& names) {
  return Select(labels, hidden, [&](std::string_view name) { return !Holds(names, name); });
}

model::Labels VisibleLabels(const model::Labels& labels, bool hidden) {
  if (!hidden) return labels;
  if (!labels.Has(kType) && !labels.Has(kUnit)) return labels.WithoutMetricName();
  return Select(labels, true, [](std::string_view) { return true; });
}

std::string SeriesText(const model::Labels& labels) {
  std::string out = "{";
  for (const model::Label& label : labels) {
    if (out.size() > 1) out += ", ";
    out +=
        model::IsLegacyLabelName(label.name) ? std::string(label.name) : base::GoQuote(label.name);
    out += "=" + base::GoQuote(label.value);
  }
  return out + "}";
}

bool HidingKeepsUnique(const std::vector<Row>& rows) {
  if (rows.size() < 2) return true;
  const std::string_view first = rows[0].labels->MetricName();
  for (const Row& row : rows) {
    std::string_view metric;
    for (const model::Label& label : *row.labels) {
      if (label.name > kUnit) break;
      if (label.name == kType || label.name == kUnit) return false;
      if (label.name == model::kMetricName) metric = label.value;
    }
    if (metric != first) return false;
  }
  return true;
}

}  // namespace plimsoll::eval
