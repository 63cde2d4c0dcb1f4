// SPDX-License-Identifier: Apache-2.0
//
// What every node of an expression yields: rows of values over a grid of steps.
//
// Values lie row after row in one array, so that a node is a loop over contiguous doubles. A step
// without a value holds the staleness marker. Labels are not copied: a row points to labels that
// the querier or the evaluator's arena owns, and a flag says whether the name counts as gone.
//
// Threads: belongs to one evaluation.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "eval/value.h"
#include "model/labels.h"

namespace plimsoll::eval {

// The instants at which a node is asked.
struct Grid {
  Time start = 0;
  Time step = 1;
  std::size_t steps = 1;
  bool point = true;  // start and end are the same instant, so that the order of rows is kept
  static Grid Of(Time from, Time to, Time step);
  Time At(std::size_t k) const { return start + static_cast<Time>(k) * step; }
  Time Last() const { return steps == 0 ? start : At(steps - 1); }
};

struct Row {
  const model::Labels* labels = nullptr;
  // The metric's name (and __type__, __unit__) is gone; under delayed name removal: is to go at the
  // end.
  bool drop_name = false;
  std::uint32_t present = 0;  // steps with a value
};

struct Block {
  std::size_t steps = 0;
  std::vector<Row> rows;
  Buffer<double> values;
  Buffer<Time> sources;  // of the same shape as values; empty when nobody asks for them
  bool unique = false;   // known to have no two rows with equal visible labels

  Block() = default;
  // Room for `rows` rows; none is there yet.
  Block(std::size_t capacity, std::size_t at_steps, bool track)
      : steps(at_steps), values(capacity * at_steps), sources(track ? capacity * at_steps : 0) {
    rows.reserve(capacity);
  }

  bool tracked() const { return !sources.empty(); }
  double* RowValues(std::size_t row) { return values.data() + row * steps; }
  const double* RowValues(std::size_t row) const { return values.data() + row * steps; }
  Time* RowSources(std::size_t row) { return sources.data() + row * steps; }
  const Time* RowSources(std::size_t row) const { return sources.data() + row * steps; }

  // Where the next row is to be written; AddRow makes it count if it has a value at any step.
  double* NextValues() { return values.data() + rows.size() * steps; }
  Time* NextSources() { return sources.data() + rows.size() * steps; }
  bool AddRow(const model::Labels* labels, bool drop_name, std::size_t present) {
    if (present == 0) return false;
    rows.push_back({labels, drop_name, static_cast<std::uint32_t>(present)});
    return true;
  }

  std::size_t Points() const {
    std::size_t points = 0;
    for (const Row& row : rows) points += row.present;
    return points;
  }
};

// Takes rows as they are made, a few at a time, so that they need not be held together.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual void Take(const Block& rows) = 0;
};

// Returns: how many of the values are present.
inline std::size_t CountPresent(const double* values, std::size_t steps) {
  std::size_t present = 0;
  for (std::size_t k = 0; k < steps; ++k) present += IsAbsent(values[k]) ? 0 : 1;
  return present;
}

// Labels that an evaluation made. Addresses stay.
class LabelArena {
 public:
  const model::Labels* Add(model::Labels labels) {
    return &labels_.emplace_back(std::move(labels));
  }
  const model::Labels* Empty() const { return &empty_; }

 private:
  std::deque<model::Labels> labels_;
  model::Labels empty_;
};

// Byte strings to ordinals 0, 1, 2 ... in the order of their first appearance.
class KeyTable {
 public:
  explicit KeyTable(std::size_t expected);
  std::uint32_t Insert(std::string_view key);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t hash;
    std::size_t offset;
    std::size_t length;
  };
  void Grow();
  std::vector<std::uint32_t> slots_;  // ordinal + 1; zero is free
  std::vector<Entry> entries_;
  std::string bytes_;
};

// __name__, __type__ and __unit__: what describes the metric rather than the series.
bool IsMetadataLabel(std::string_view name);

// Reads labels as the rest of the engine must see them: `hidden` leaves the metadata labels out.
template <typename F>
void ForEachLabel(const model::Labels& labels, bool hidden, F&& f) {
  for (const model::Label& label : labels) {
    if (hidden && IsMetadataLabel(label.name)) continue;
    f(label);
  }
}
std::string_view GetLabel(const model::Labels& labels, bool hidden, std::string_view name);

// Each appends bytes that are equal for two label sets exactly if the chosen labels are equal.
// `names` are sorted.
void AppendAllLabels(const model::Labels& labels, bool hidden, std::string& key);
void AppendLabels(const model::Labels& labels, bool hidden, const std::vector<std::string>& names,
                  std::string& key);
void AppendLabelsWithout(const model::Labels& labels, bool hidden,
                         const std::vector<std::string>& names, std::string& key);

// Returns: the chosen labels alone.
model::Labels KeepLabels(const model::Labels& labels, bool hidden,
                         const std::vector<std::string>& names);
model::Labels DropLabels(const model::Labels& labels, bool hidden,
                         const std::vector<std::string>& names);
model::Labels VisibleLabels(const model::Labels& labels, bool hidden);

// All labels in braces, the name among them: how errors print a series.
std::string SeriesText(const model::Labels& labels);

// Returns: whether hiding the metadata labels of rows that are unique leaves them unique for
// certain.
bool HidingKeepsUnique(const std::vector<Row>& rows);

}  // namespace plimsoll::eval
