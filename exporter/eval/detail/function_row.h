// SPDX-License-Identifier: Apache-2.0
//
// What a function of the language is to the evaluator: one of three kinds of code.
//
// Most functions are one loop, and differ in its body: over the values of a row (abs), or over the
// windows of a series (rate). The rest see the whole call.
//
// Threads: rows are constants.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "eval/detail/evaluator.h"

namespace plimsoll::eval {

// Selectors that look beyond the edges of their windows (promql-extended-range-selectors).
enum class Extend { kNone, kAnchored, kSmoothed };

// How far a change seen between the first and the last sample of a window reaches towards its ends.
struct Extrapolation {
  double to_start = 0;
  double to_end = 0;
  double sampled = 0;
  double factor = 0;  // of a series whose zero lies before the window
  double scaled = 0;  // the same, per second

  double Factor(double reach) const {
    return sampled != 0 ? (sampled + reach + to_end) / sampled : 1.0;
  }
};

// What depends on the times of a series alone. Series of one target have the same, so that most
// of the work on windows is done once for all of them.
struct WindowEdges {
  std::vector<Time> times;
  std::uint64_t times_name = 0;       // as SampleColumns::times_name
  std::vector<std::uint32_t> lo, hi;  // by step: the samples inside; equal when there are none
  std::vector<Extrapolation> extrapolations;  // by step; empty until somebody needs them
};

// All windows of one series, and room to think that is reused from series to series.
struct Windows {
  const Time* times = nullptr;
  const double* values = nullptr;
  std::size_t size = 0;
  std::uint64_t times_name = 0;
  bool rising = false;
  Grid grid;  // when the function is asked
  Time first_end =
      0;  // end of the first window; the others follow at grid.step, or all are the first
  Time range = 0;
  bool fixed = false;
  Extend extend = Extend::kNone;
  Time lookback = 0;                      // how far beyond, when extended
  std::array<const double*, 2> params{};  // scalar arguments, one value per step

  WindowEdges* edges = nullptr;  // of these times
  std::vector<std::uint32_t>* indices = nullptr;
  std::vector<double>* numbers = nullptr;
  std::string* failure = nullptr;  // set to fail the query
  // Asked between windows, once in a while.
  Evaluator* evaluator = nullptr;
  base::Result<void>* verdict = nullptr;

  Time EndOf(std::size_t step) const {
    return fixed ? first_end : first_end + static_cast<Time>(step) * grid.step;
  }
  // Whether the query must end: it took too long, or nobody waits for it any more.
  bool Interrupted() const {
    *verdict = evaluator->Check();
    return !*verdict;
  }
};

using MapKernel = void (*)(double* values, std::size_t size);
using WindowKernel = void (*)(const Windows& windows, double* out);
using CallFunction = base::Result<Block> (*)(Evaluator& evaluator, const Node& call,
                                             const Grid& grid);

struct FunctionRow {
  MapKernel map = nullptr;
  WindowKernel window = nullptr;
  CallFunction call = nullptr;
  bool keeps_name = false;   // of a window function: its result is still the metric
  bool of_counters = false;  // a window function that only makes sense for counters, and says so
};

constexpr FunctionRow Mapped(MapKernel kernel) { return {kernel, nullptr, nullptr, false, false}; }
constexpr FunctionRow Windowed(WindowKernel kernel) {
  return {nullptr, kernel, nullptr, false, false};
}
constexpr FunctionRow WindowedKeepingName(WindowKernel kernel) {
  return {nullptr, kernel, nullptr, true, false};
}
constexpr FunctionRow WindowedOfCounters(WindowKernel kernel) {
  return {nullptr, kernel, nullptr, false, true};
}
constexpr FunctionRow Called(CallFunction function) {
  return {nullptr, nullptr, function, false, false};
}

// Applies a window function to every series of its range argument. `sink`: when not null, it takes
// the rows, and the block that is returned has no values.
base::Result<Block> EvalWindows(Evaluator& evaluator, const Node& call, const Grid& grid,
                                const FunctionRow& row, RowSink* sink);

// Evaluates the scalar argument `index`.
base::Result<Block> EvalScalarArg(Evaluator& evaluator, const Node& call, std::size_t index,
                                  const Grid& grid);

// What a node that works step by step does about rows whose labels have become equal.
base::Result<void> FinishStepwise(Evaluator& evaluator, Block& block, const Grid& grid);

// Counts the values of every row again and lets go of the rows that have none.
void Recount(Block& block);

// Returns: the string argument `index`.
const std::string& StringArg(const Node& call, std::size_t index);

// The labels that absent() and absent_over_time() give their one element.
model::Labels LabelsOfAbsent(const Node& arg);

Extend ExtendOf(const Node& selector);
// Fails if the function cannot take the selector's windows with what lies beyond their edges.
base::Result<void> CheckExtended(const Node& range, std::string_view function);

// Where the annotations of a range argument point.
promql::PosRange PositionOfRange(const Node& arg);

}  // namespace plimsoll::eval
