// SPDX-License-Identifier: Apache-2.0
//
// The walk over a plan: one call per node for a whole query, never one per step.
//
// Threads: belongs to one evaluation.
// Bounds:  Options::max_samples is counted as Prometheus counts (results held at once, and what a
//          window holds); Options::max_cells bounds each result before it is allocated.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "eval/detail/block.h"
#include "eval/detail/notes.h"
#include "eval/detail/plan.h"
#include "eval/engine.h"
#include "store/querier.h"

namespace plimsoll::eval {

// The series that one selector found, kept while the storage's table of series stays the same.
struct Selection {
  std::vector<store::SelectedSeries> series;
  std::vector<model::Labels> labels;  // own copies, when the selection outlives a querier
  std::uint64_t version = 0;
  bool valid = false;
};

// The series below a range function, and the ends of its windows.
struct RangeInput {
  std::vector<store::SelectedSeries> series;  // of a range selector
  Block inner;                                // of a subquery, on inner_grid
  Grid inner_grid;
  std::vector<Time> inner_times;
  bool subquery = false;
  std::size_t steps = 0;  // how many windows
  Time first_end = 0;     // end of the first window
  Time range = 0;
  bool fixed = false;  // `@`: every window is the first one
  Time mint = 0;       // what all windows together cover
  Time maxt = 0;
  Time shift = 0;  // added to sources: how far the selector looks back on purpose
  std::size_t size() const { return subquery ? inner.rows.size() : series.size(); }
};

// One series of a RangeInput, staleness markers left out. Valid until the next LoadSeries.
struct SeriesSamples {
  const model::Labels* labels = nullptr;
  bool drop_name = false;
  const Time* times = nullptr;
  const double* values = nullptr;
  std::size_t size = 0;
  std::uint64_t times_name = 0;  // as SampleColumns::times_name
  bool rising = false;           // as SampleColumns::rising
  // Sources: one per sample, or one for all, or (neither) each sample's own time.
  const Time* sources = nullptr;
  bool one_source = false;
  Time source = model::kNoSource;
  Time shift = 0;
  Time SourceOf(std::size_t i) const {
    const Time own = sources != nullptr ? sources[i] : one_source ? source : times[i];
    return own == model::kNoSource ? own : own + shift;
  }

  store::SampleColumns columns;  // where samples are kept that are not elsewhere
  std::vector<Time> column_sources;
};

class Evaluator {
 public:
  // `kept`: selections of a Prepared, one per selector; null when nothing is kept.
  // `track`: whether every value carries its source time.
  Evaluator(store::Querier& querier, const Options& options, bool track,
            std::vector<Selection>* kept);

  base::Result<Block> Eval(const Node& node, const Grid& grid);

  // A range selector as a value of its own.
  base::Result<Matrix> EvalRangeSelector(const Node& node, const Grid& grid);
  // A subquery's result on its own grid, which is returned in `inner`.
  base::Result<Block> EvalSubquery(const Node& node, const Grid& grid, Grid& inner);

  // What functions and operators need.
  Notes& notes() { return notes_; }
  LabelArena& arena() { return arena_; }
  bool delayed() const { return options_.features.delayed_name_removal; }
  bool Hidden(const Row& row) const { return row.drop_name && !delayed(); }
  bool track() const { return track_; }
  const Options& options() const { return options_; }
  // Fails with: kTimeout, kCanceled.
  base::Result<void> Check();
  // The same, but asks only when enough has been done since it last did: `work` counts samples and
  // steps.
  base::Result<void> CheckAfter(std::size_t work) {
    constexpr std::size_t kWorth = 4096;
    unchecked_ += work + 16;  // a series costs something even if it is empty
    if (unchecked_ < kWorth) return {};
    unchecked_ = 0;
    return Check();
  }
  // Fails with: kLimit, when the block would have more cells than allowed.
  base::Result<Block> NewBlock(std::size_t rows, std::size_t steps) const;
  base::Result<void> CheckSamples(std::size_t further) const {
    if (held_ + further > options_.max_samples) return TooManySamples();
    return {};
  }
  // So many rows are handed to a sink at once.
  static std::size_t RowsAtOnce(std::size_t steps) {
    constexpr std::size_t kCells = 4096;
    return steps >= kCells ? 1 : kCells / steps;
  }
  // Counts what the windows over one series see, if that is asked for. Returns: what the last one
  // holds.
  std::size_t CountWindows(const RangeInput& input, const SeriesSamples& samples, const Grid& grid);
  // So many samples are held beside the results that exist.
  void NotePeak(std::uint64_t further) { counts_.peak = std::max(counts_.peak, held_ + further); }
  const SampleCounts& counts() const { return counts_; }

  // What a range function reads: a range selector's series, or a subquery's rows.
  base::Result<RangeInput> OpenRange(const Node& node, const Grid& grid);
  // Loads one series; what `out` held before is overwritten.
  base::Result<void> LoadSeries(const RangeInput& input, std::size_t index, SeriesSamples& out);

  // timestamp() of a selector: the samples' own times.
  base::Result<Block> EvalSelector(const Node& node, const Grid& grid, bool timestamps,
                                   RowSink* sink = nullptr);

  // The times of the newest samples of the series that match and are chosen, one row each, as a
  // selector with that `@` and offset would find them.
  base::Result<Block> EvalSampleTimes(const model::Matchers& matchers,
                                      const std::function<bool(const model::Labels&)>& choose,
                                      const Grid& grid, std::optional<Time> at, Time offset);

  // The rows' labels at the end of a query: names that were to go, gone; rows made equal by it,
  // merged.
  base::Result<void> RemoveDelayedNames(Block& block, const Grid& grid);
  // Rows with equal visible labels become one if they have no step in common, else the query fails.
  base::Result<void> MergeEqualRows(Block& block, const Grid& grid);
  // Fails if two rows have equal visible labels.
  base::Result<void> CheckUnique(Block& block) const;
  // Hides the names of all rows, as most functions do.
  void DropNames(Block& block) const;

 private:
  static base::Error TooManySamples();
  base::Result<Block> EvalNode(const Node& node, const Grid& grid, RowSink* sink);
  base::Result<Block> EvalNumber(double value, const Grid& grid);
  base::Result<Block> EvalInvariant(const Node& node, const Grid& grid);
  base::Result<Block> EvalNegate(const Node& node, const Grid& grid);
  base::Result<Block> EvalBinary(const Node& node, const Grid& grid);               // binary.cc
  base::Result<Block> EvalAggregate(const Node& node, const Grid& grid);            // aggregate.cc
  base::Result<Block> EvalCall(const Node& node, const Grid& grid, RowSink* sink);  // functions.cc
  std::vector<store::SelectedSeries> Select(const Node& node, Time mint, Time maxt);
  base::Result<Block> EvalSmoothed(const Node& node, const Grid& grid);  // extended_windows.cc
  // timestamp() of a selector with `@`. `shifted`: the `@` less the offset.
  base::Result<Block> EvalFixedTimestamps(const Node& node, const Grid& grid,
                                          const std::vector<store::SelectedSeries>& selected,
                                          Time shifted);
  // The instant that a selector or subquery with `@` reads, its offset included.
  Time FixedTime(const Node& node, const Grid& grid) const;
  // Whether a series has one source for all of its samples, and which.
  bool OneSource(const store::SelectedSeries& series, Time& source) const;

  store::Querier& querier_;
  const Options& options_;
  bool track_;
  std::vector<Selection>* kept_;
  base::Steady deadline_{0};
  std::size_t unchecked_ = 0;
  std::uint64_t held_ = 0;  // points of the results that exist now
  SampleCounts counts_;
  // The subqueries around the node, as far as they begin at the same instant as the evaluation
  // around them: Prometheus then counts their offsets into every `@` inside.
  Time path_offset_ = 0;
  std::optional<Time> path_at_;
  // Who takes the rows of the node that is asked next, if that can make them one by one.
  RowSink* sink_ = nullptr;
  LabelArena arena_;
  Notes notes_;
  store::SampleColumns columns_;
};

base::Error ExecutionError(std::string message);
base::Error SameLabelset();

}  // namespace plimsoll::eval
