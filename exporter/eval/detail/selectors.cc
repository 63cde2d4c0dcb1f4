// SPDX-License-Identifier: Apache-2.0
//
// Where samples come in: instant selectors, and what range functions read.
//
// A series is decoded once for all steps. Times are sorted, so the sample of each step is found by
// one walk along both.
#include <algorithm>
#include <span>

#include "eval/detail/evaluator.h"
#include "eval/detail/extended_windows.h"
#include "eval/detail/function_row.h"

namespace plimsoll::eval {
namespace {

constexpr std::string_view kParameter = "plimsoll_param";

Time Shift(const Node& node) { return !node.at && node.offset > 0 ? node.offset : 0; }

void RemoveStaleMarkers(store::SampleColumns& columns) {
  if (columns.numbers) return;
  std::size_t kept = 0;
  while (kept < columns.size() && !model::IsStaleNaN(columns.values[kept])) ++kept;
  if (kept == columns.size()) return;
  columns.times_name = 0;
  for (std::size_t i = kept; i < columns.size(); ++i) {
    if (model::IsStaleNaN(columns.values[i])) continue;
    columns.times[kept] = columns.times[i];
    columns.values[kept++] = columns.values[i];
  }
  columns.times.resize(kept);
  columns.values.resize(kept);
}

// Reads one of many series, when those behind it are read next.
void ReadOne(store::Querier& querier, const std::vector<store::SelectedSeries>& all,
             std::size_t index, Time mint, Time maxt, store::SampleColumns& out) {
  constexpr std::size_t kAhead = 2;
  const std::span following = std::span(all).subspan(index + 1);
  querier.Expect(following.first(std::min(following.size(), kAhead)));
  querier.Read(all[index].ref, mint, maxt, out);
}

}  // namespace

std::vector<store::SelectedSeries> Evaluator::Select(const Node& node, Time mint, Time maxt) {
  const model::Matchers& matchers = node.vector_selector().matchers;
  if (kept_ == nullptr) return querier_.Select(matchers, mint, maxt);
  Selection& selection = (*kept_)[node.selector];
  if (!selection.valid || selection.version != querier_.TableVersion()) {
    selection.series = querier_.Select(matchers, std::numeric_limits<Time>::min(),
                                       std::numeric_limits<Time>::max());
    selection.labels.clear();
    selection.labels.reserve(selection.series.size());
    for (store::SelectedSeries& series : selection.series) {
      selection.labels.push_back(*series.labels);
      series.labels = &selection.labels.back();
    }
    selection.version = querier_.TableVersion();
    selection.valid = true;
  }
  return selection.series;
}

bool Evaluator::OneSource(const store::SelectedSeries& series, Time& source) const {
  if (series.labels->MetricName() == kParameter) {
    source = model::kNoSource;
    return true;
  }
  if (!querier_.IsRecorded(series.ref)) return false;
  source = querier_.RecordedSource(series.ref);
  return true;
}

base::Result<Block> Evaluator::EvalSelector(const Node& node, const Grid& grid, bool timestamps,
                                            RowSink* sink) {
  if (!timestamps && node.vector_selector().smoothed) return EvalSmoothed(node, grid);
  const Time lookback = options_.lookback.count();
  const Time first = node.at ? FixedTime(node, grid) : grid.start - node.offset;
  const Time step = node.at ? 0 : grid.step;
  const Time last = first + static_cast<Time>(grid.steps - 1) * step;
  const std::vector<store::SelectedSeries> selected = Select(node, first - lookback + 1, last);
  if (timestamps && node.at) return EvalFixedTimestamps(node, grid, selected, first);
  auto made = NewBlock(selected.size(), grid.steps);
  if (!made) return made;
  Block& block = *made;
  std::size_t points = 0;
  std::vector<Row> handed;
  const auto hand = [&] {
    sink->Take(block);
    handed.insert(handed.end(), block.rows.begin(), block.rows.end());
    block.rows.clear();
  };
  for (const store::SelectedSeries& series : selected) {
    if (auto check = CheckAfter(grid.steps); !check) return check.error();
    double* values = block.NextValues();
    std::size_t present = 0;
    if (grid.steps == 1) {
      const auto latest = querier_.ReadLatest(series.ref, first - lookback + 1, first);
      if (!latest || model::IsStaleNaN(latest->sample.value)) continue;
      values[0] =
          timestamps ? static_cast<double>(latest->sample.time) / 1000 : latest->sample.value;
      present = 1;
      if (track_) {
        Time source = latest->sample.time;
        OneSource(series, source);
        *block.NextSources() = source == model::kNoSource ? source : source + Shift(node);
      }
    } else {
      columns_.Clear();
      const auto index = static_cast<std::size_t>(&series - selected.data());
      ReadOne(querier_, selected, index, first - lookback + 1, last, columns_);
      const Time* times = columns_.times.data();
      const std::size_t size = columns_.size();
      Time source = 0;
      const bool one_source = track_ && OneSource(series, source);
      std::size_t next = 0;  // the first sample after the step
      Time at = first;
      for (std::size_t k = 0; k < grid.steps; ++k, at += step) {
        while (next < size && times[next] <= at) ++next;
        if (next == 0 || times[next - 1] <= at - lookback ||
            model::IsStaleNaN(columns_.values[next - 1])) {
          values[k] = Absent();
          continue;
        }
        values[k] =
            timestamps ? static_cast<double>(times[next - 1]) / 1000 : columns_.values[next - 1];
        ++present;
        if (track_) {
          const Time own = one_source ? source : times[next - 1];
          block.NextSources()[k] = own == model::kNoSource ? own : own + Shift(node);
        }
      }
    }
    points += present;
    if (auto fits = CheckSamples(points); !fits) return fits.error();
    block.AddRow(series.labels, false, present);
    if (sink != nullptr && block.rows.size() == RowsAtOnce(grid.steps)) hand();
  }
  if (sink != nullptr) {
    hand();
    block.rows = std::move(handed);
  }
  block.unique = true;
  counts_.queryable += points;
  counts_.read += points;
  NotePeak(points);
  return made;
}

base::Result<Block> Evaluator::EvalSampleTimes(
    const model::Matchers& matchers, const std::function<bool(const model::Labels&)>& choose,
    const Grid& grid, std::optional<Time> at, Time offset) {
  const Time lookback = options_.lookback.count();
  const Time first = at.value_or(grid.start) - offset;
  const Time last = at.value_or(grid.Last()) - offset;
  std::vector<store::SelectedSeries> chosen;
  for (const store::SelectedSeries& series :
       querier_.Select(matchers, first - lookback + 1, last)) {
    if (choose(*series.labels)) chosen.push_back(series);
  }
  auto made = NewBlock(chosen.size(), grid.steps);
  if (!made) return made;
  std::size_t points = 0;
  for (const store::SelectedSeries& series : chosen) {
    if (auto check = Check(); !check) return check.error();
    std::size_t present = 0;
    double* values = made->NextValues();
    for (std::size_t k = 0; k < grid.steps; ++k) {
      const Time newest = at.value_or(grid.At(k)) - offset;
      const auto latest = querier_.ReadLatest(series.ref, newest - lookback + 1, newest);
      const bool there = latest && !model::IsStaleNaN(latest->sample.value);
      values[k] = there ? static_cast<double>(latest->sample.time) : Absent();
      present += there ? 1 : 0;
    }
    if (track_) std::fill_n(made->NextSources(), grid.steps, model::kNoSource);
    points += present;
    if (auto fits = CheckSamples(points); !fits) return fits.error();
    made->AddRow(series.labels, false, present);
  }
  counts_.queryable += points;
  counts_.read += points;
  return made;
}

// Prometheus selects with the offset but looks from the `@` alone: what both see counts.
base::Result<Block> Evaluator::EvalFixedTimestamps(
    const Node& node, const Grid& grid, const std::vector<store::SelectedSeries>& selected,
    Time shifted) {
  const Time lookback = options_.lookback.count();
  const Time oldest = std::max(*node.at, shifted) - lookback + 1;
  const Time newest = std::min(*node.at, shifted);
  auto made = NewBlock(selected.size(), grid.steps);
  if (!made) return made;
  for (const store::SelectedSeries& series : selected) {
    if (auto check = Check(); !check) return check.error();
    const auto latest = querier_.ReadLatest(series.ref, oldest, newest);
    if (!latest || model::IsStaleNaN(latest->sample.value)) continue;
    std::fill_n(made->NextValues(), grid.steps, static_cast<double>(latest->sample.time) / 1000);
    if (track_) {
      Time source = latest->sample.time;
      OneSource(series, source);
      std::fill_n(made->NextSources(), grid.steps, source);
    }
    made->AddRow(series.labels, false, grid.steps);
    if (auto fits = CheckSamples(made->Points()); !fits) return fits.error();
  }
  made->unique = true;
  counts_.queryable += made->Points();
  counts_.read += made->Points();
  return made;
}

base::Result<RangeInput> Evaluator::OpenRange(const Node& node, const Grid& grid) {
  RangeInput input;
  input.steps = grid.steps;
  input.range = node.range;
  input.fixed = node.at.has_value();
  input.first_end = input.fixed ? FixedTime(node, grid) : grid.start - node.offset;
  input.mint = input.first_end - node.range + 1;
  input.maxt = input.fixed ? input.first_end : grid.Last() - node.offset;
  input.shift = Shift(node);
  if (node.kind == Node::Kind::kSubquery) {
    input.subquery = true;
    const std::uint64_t seen = counts_.queryable;
    auto inner = EvalSubquery(node, grid, input.inner_grid);
    if (!inner) return inner.error();
    counts_.queryable = seen;  // what counts is what the windows see of the result
    input.inner = std::move(*inner);
    input.inner_times.resize(input.inner_grid.steps);
    for (std::size_t k = 0; k < input.inner_grid.steps; ++k)
      input.inner_times[k] = input.inner_grid.At(k);
  } else {
    const Extend extend = ExtendOf(node);
    if (extend != Extend::kNone) input.mint -= options_.lookback.count();
    if (extend == Extend::kSmoothed) input.maxt += options_.lookback.count();
    input.series = Select(node, input.mint, input.maxt);
  }
  return input;
}

base::Result<void> Evaluator::LoadSeries(const RangeInput& input, std::size_t index,
                                         SeriesSamples& out) {
  // What the last series cost stands for what this one will.
  if (auto check = CheckAfter(out.size * input.steps); !check) return check;
  out.columns.Clear();
  out.sources = nullptr;
  out.one_source = false;
  out.times_name = 0;
  out.rising = false;
  out.shift = input.shift;
  if (!input.subquery) {
    const store::SelectedSeries& series = input.series[index];
    ReadOne(querier_, input.series, index, input.mint, input.maxt, out.columns);
    RemoveStaleMarkers(out.columns);
    out.labels = series.labels;
    out.drop_name = false;
    out.times = out.columns.times.data();
    out.values = out.columns.values.data();
    out.size = out.columns.size();
    out.times_name = out.columns.times_name;
    out.rising = out.columns.rising && out.columns.numbers;
    if (track_) out.one_source = OneSource(series, out.source);
    return CheckSamples(out.size);
  }
  const Block& block = input.inner;
  const Row& row = block.rows[index];
  const double* values = block.RowValues(index);
  out.labels = row.labels;
  out.drop_name = row.drop_name;
  out.size = row.present;
  if (row.present == block.steps) {
    out.times = input.inner_times.data();
    out.values = values;
    if (track_) out.sources = block.RowSources(index);
    return {};
  }
  out.column_sources.clear();
  for (std::size_t k = 0; k < block.steps; ++k) {
    if (IsAbsent(values[k])) continue;
    out.columns.times.push_back(input.inner_times[k]);
    out.columns.values.push_back(values[k]);
    if (track_) out.column_sources.push_back(block.RowSources(index)[k]);
  }
  out.times = out.columns.times.data();
  out.values = out.columns.values.data();
  if (track_) out.sources = out.column_sources.data();
  return {};
}

std::size_t Evaluator::CountWindows(const RangeInput& input, const SeriesSamples& samples,
                                    const Grid& grid) {
  if (!options_.count_samples) return 0;
  std::size_t lo = 0, hi = 0, known = 0;
  for (std::size_t k = 0; k < grid.steps; ++k) {
    const Time end = input.first_end + (input.fixed ? 0 : static_cast<Time>(k) * grid.step);
    while (hi < samples.size && samples.times[hi] <= end) ++hi;
    while (lo < hi && samples.times[lo] <= end - input.range) ++lo;
    counts_.queryable += hi - lo;
    if (!input.subquery) counts_.read += hi - std::min(hi, std::max(lo, known));
    known = hi;
  }
  return hi - lo;
}

base::Result<Matrix> Evaluator::EvalRangeSelector(const Node& node, const Grid& grid) {
  auto input = OpenRange(node, grid);
  if (!input) return input.error();
  Matrix matrix;
  std::vector<double> values;
  SeriesSamples samples;
  for (std::size_t i = 0; i < input->size(); ++i) {
    if (auto loaded = LoadSeries(*input, i, samples); !loaded) return loaded.error();
    if (ExtendOf(node) != Extend::kNone) {
      ExtendSamples(input->first_end - input->range, input->first_end,
                    ExtendOf(node) == Extend::kSmoothed, samples);
    }
    if (samples.size == 0) continue;
    if (auto fits = CheckSamples(matrix.times.size() + samples.size); !fits) return fits.error();
    matrix.series.push_back({*samples.labels, matrix.times.size(), samples.size});
    matrix.times.insert(matrix.times.end(), samples.times, samples.times + samples.size);
    values.insert(values.end(), samples.values, samples.values + samples.size);
  }
  counts_.queryable += matrix.times.size();
  counts_.read += matrix.times.size();
  NotePeak(matrix.times.size());
  matrix.values = Buffer<double>(values.size());
  std::copy(values.begin(), values.end(), matrix.values.data());
  return matrix;
}

}  // namespace plimsoll::eval
