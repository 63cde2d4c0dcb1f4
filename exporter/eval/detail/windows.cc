// SPDX-License-Identifier: Apache-2.0
//
// The frame around every window function: load a series, slide, keep what came out.
#include <algorithm>

#include "eval/detail/function_row.h"
#include "promql/functions.h"

namespace plimsoll::eval {
namespace {

bool IsRange(const Node& node) {
  return node.kind == Node::Kind::kRangeSelector || node.kind == Node::Kind::kSubquery;
}

bool LooksLikeCounter(std::string_view metric) {
  return metric.ends_with("_total") || metric.ends_with("_sum") || metric.ends_with("_count") ||
         metric.ends_with("_bucket");
}

// Finds the edges of the windows, unless they are those of the series before.
void FindEdges(const Windows& windows, WindowEdges& edges) {
  const Time* const times = windows.times;
  const std::size_t size = windows.size;
  if (windows.times_name != 0 && windows.times_name == edges.times_name) return;
  edges.times_name = windows.times_name;
  if (edges.times.size() == size && edges.lo.size() == windows.grid.steps &&
      std::equal(times, times + size, edges.times.begin())) {
    return;
  }
  edges.times.assign(times, times + size);
  edges.lo.resize(windows.grid.steps);
  edges.hi.resize(windows.grid.steps);
  edges.extrapolations.clear();
  const auto behind = [&](Time time) {
    return static_cast<std::size_t>(std::upper_bound(times, times + size, time) - times);
  };
  std::size_t lo = behind(windows.first_end - windows.range), hi = behind(windows.first_end);
  for (std::size_t k = 0; k < windows.grid.steps; ++k) {
    const Time end = windows.EndOf(k);
    while (hi < size && times[hi] <= end) ++hi;
    while (lo < hi && times[lo] <= end - windows.range) ++lo;
    edges.lo[k] = static_cast<std::uint32_t>(lo);
    edges.hi[k] = static_cast<std::uint32_t>(hi);
  }
}

// The newest source in each window that gave a value.
void FillSources(const Windows& windows, const SeriesSamples& samples, const double* out,
                 Time* sources) {
  const bool own = samples.sources == nullptr && !samples.one_source;
  for (std::size_t k = 0; k < windows.grid.steps; ++k) {
    const std::size_t lo = windows.edges->lo[k], hi = windows.edges->hi[k];
    sources[k] = model::kNoSource;
    if (IsAbsent(out[k]) || lo == hi) continue;
    // Where samples are their own sources, the last is the newest.
    for (std::size_t i = own ? hi - 1 : lo; i < hi; ++i)
      sources[k] = model::NewerSource(sources[k], samples.SourceOf(i));
  }
}

}  // namespace

promql::PosRange PositionOfRange(const Node& arg) {
  // Prometheus replaces a subquery by its result, which has no place in the query.
  return arg.kind == Node::Kind::kSubquery ? promql::PosRange{} : arg.expr->pos;
}

base::Result<Block> EvalWindows(Evaluator& evaluator, const Node& call, const Grid& grid,
                                const FunctionRow& row, RowSink* sink) {
  Windows windows;
  windows.grid = grid;
  windows.params = {};
  std::array<Block, 2> params;
  std::size_t param = 0;
  // Before the parameters, wherever it stands: of two equal annotations the place of the later one
  // is told.
  const Node* const range = &*std::find_if(call.children.begin(), call.children.end(), &IsRange);
  auto input = evaluator.OpenRange(*range, grid);
  if (!input) return input.error();
  for (std::size_t i = 0; i < call.children.size(); ++i) {
    if (&call.children[i] == range) continue;
    auto value = EvalScalarArg(evaluator, call, i, grid);
    if (!value) return value;
    params[param] = std::move(*value);
    windows.params[param] = params[param].values.data();
    ++param;
  }
  const promql::Function& function = *std::get<promql::Call>(call.expr->node).function;
  if (auto allowed = CheckExtended(*range, function.name); !allowed) return allowed.error();
  windows.first_end = input->first_end;
  windows.range = input->range;
  windows.fixed = input->fixed;
  windows.extend = ExtendOf(*range);
  windows.lookback = evaluator.options().lookback.count();
  WindowEdges edges;
  windows.edges = &edges;
  std::vector<std::uint32_t> indices;
  std::vector<double> numbers;
  std::string failure;
  windows.indices = &indices;
  windows.numbers = &numbers;
  windows.failure = &failure;
  base::Result<void> verdict;
  windows.evaluator = &evaluator;
  windows.verdict = &verdict;

  const bool quantile = function.id() == promql::FunctionId::quantile_over_time;
  auto made = evaluator.NewBlock(input->size(), grid.steps);
  if (!made) return made;
  Block& block = *made;
  SeriesSamples samples;
  std::size_t points = 0;
  std::vector<Row> handed;
  const auto hand = [&] {
    handed.insert(handed.end(), block.rows.begin(), block.rows.end());
    if (!row.keeps_name) {
      for (Row& made_row : block.rows) made_row.drop_name = true;
    }
    sink->Take(block);
    block.rows.clear();
  };
  for (std::size_t i = 0; i < input->size(); ++i) {
    if (auto loaded = evaluator.LoadSeries(*input, i, samples); !loaded) return loaded.error();
    if (samples.size == 0) continue;
    const std::size_t last_window = evaluator.CountWindows(*input, samples, grid);
    windows.times = samples.times;
    windows.values = samples.values;
    windows.size = samples.size;
    windows.times_name = samples.times_name;
    windows.rising = samples.rising;
    FindEdges(windows, edges);
    double* out = block.NextValues();
    row.window(windows, out);
    if (!verdict) return verdict.error();
    if (!failure.empty()) return ExecutionError(failure);
    const std::size_t present = CountPresent(out, grid.steps);
    if (present == 0) continue;
    if (evaluator.track()) FillSources(windows, samples, out, block.NextSources());
    if (quantile) {
      for (std::size_t k = 0; k < grid.steps; ++k) {
        const double q = windows.params[0][k];
        if (!IsAbsent(out[k]) && !(q >= 0 && q <= 1)) {
          evaluator.notes().WarnOfQuantile(q, call.children[0].expr->pos);
        }
      }
    }
    if (row.of_counters) {
      const std::string_view metric = samples.drop_name && !evaluator.delayed()
                                          ? std::string_view()
                                          : samples.labels->MetricName();
      if (!metric.empty() && !LooksLikeCounter(metric)) {
        evaluator.notes().InformOfNonCounter(metric, PositionOfRange(*range));
      }
    }
    points += present;
    evaluator.NotePeak(points + last_window);
    if (auto fits = evaluator.CheckSamples(points + samples.size); !fits) return fits.error();
    block.AddRow(samples.labels, samples.drop_name, present);
    if (sink != nullptr && block.rows.size() == Evaluator::RowsAtOnce(grid.steps)) hand();
  }
  if (sink != nullptr) {
    hand();
    block.rows = std::move(handed);
  }
  block.unique = input->subquery ? input->inner.unique : true;
  if (!row.keeps_name) evaluator.DropNames(block);
  if (!evaluator.delayed()) {
    if (auto unique = evaluator.CheckUnique(block); !unique) return unique.error();
  }
  return made;
}

}  // namespace plimsoll::eval
