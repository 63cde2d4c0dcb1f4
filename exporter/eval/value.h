// SPDX-License-Identifier: Apache-2.0
//
// What an expression evaluates to, with where it came from and what the engine had to say about it.
//
// A matrix is dense over a shared grid of steps, because that is how it is computed and how it is
// written; a step without a value holds the staleness marker, whose bits no computed value can
// have. A range selector asked for on its own (x[5m]) has points of its own per series.
//
// Threads: a Value is a plain value.
// See:     docs/adr/0004-evaluator-layout.md
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/labels.h"
#include "model/sample.h"
#include "promql/ast.h"

namespace plimsoll::eval {

using model::Time;

struct Scalar {
  Time time = 0;
  double value = 0;
  Time source = model::kNoSource;
};

struct String {
  Time time = 0;
  std::string value;
};

// One element of an instant vector. `source` is the time of the newest scraped sample behind it
// (model::kNoSource: there is none).
struct Element {
  model::Labels labels;
  double value = 0;
  Time source = model::kNoSource;
};

struct Vector {
  Time time = 0;
  std::vector<Element> elements;
};

// No value at this step.
inline double Absent() { return model::StaleNaN(); }
inline bool IsAbsent(double value) { return model::IsStaleNaN(value); }

// An array that is not initialised: a row that is never written is never touched, and millions of
// values change hands without being copied.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : data_(size == 0 ? nullptr : new T[size]), size_(size) {}
  Buffer(const Buffer& other) : Buffer(other.size_) { std::copy_n(other.data(), size_, data()); }
  Buffer& operator=(const Buffer& other) { return *this = Buffer(other); }
  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(Buffer&&) noexcept = default;
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  std::unique_ptr<T[]> data_;
  std::size_t size_ = 0;
};

struct Matrix {
  struct Series {
    model::Labels labels;
    std::size_t first = 0;  // grid: index of its row in `values`; points: of its first point
    std::size_t count = 0;  // points that are present
  };

  // A grid: value of series s at step k is values[series[s].first + k], at start + k * step.
  // Points: steps is zero, and series s has times and values [first, first + count).
  Time start = 0;
  Time step = 0;
  std::size_t steps = 0;
  std::vector<Series> series;  // sorted by labels
  Buffer<double> values;
  std::vector<Time> times;

  // Calls f(Time, double) for every present point of a series, in time order.
  template <typename F>
  void ForEachPoint(const Series& of, F&& f) const {
    if (steps == 0) {
      for (std::size_t i = of.first; i < of.first + of.count; ++i) f(times[i], values[i]);
      return;
    }
    for (std::size_t k = 0; k < steps; ++k) {
      const double value = values[of.first + k];
      if (!IsAbsent(value)) f(start + static_cast<Time>(k) * step, value);
    }
  }
};

using Value = std::variant<Scalar, Vector, Matrix, String>;

// Returns: "scalar", "vector", "matrix", "string": resultType of the HTTP API.
std::string_view ResultTypeText(const Value& value);

// What the engine noticed without failing, in the order in which it was noticed. The texts are
// Prometheus's, with "PromQL warning: " or "PromQL info: " in front and " (line:column)" behind.
struct Annotations {
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  bool empty() const { return warnings.empty() && infos.empty(); }
};

// What a query read, counted as Prometheus counts (Options::count_samples).
struct SampleCounts {
  std::uint64_t queryable = 0;  // per step what it sees: a window counts whole at each
  std::uint64_t read = 0;       // what the storage had to give
  std::uint64_t peak = 0;       // held at once
};

struct Answer {
  Value value;
  Annotations annotations;
  SampleCounts samples;
};

}  // namespace plimsoll::eval
