// SPDX-License-Identifier: Apache-2.0
//
// What lies beyond the edges of a window, and what the edges are worth. See extended_windows.h.
#include "eval/detail/extended_windows.h"

#include "base/format.h"
#include "promql/functions.h"

namespace plimsoll::eval {
namespace {

struct Samples {
  const Time* times;
  const double* values;
  std::size_t size;
};

// The value at `at` on the line from sample i to the next. A counter that fell is taken to have
// started again from zero.
double Interpolate(const Samples& samples, std::size_t i, Time at, bool counter) {
  const double next = samples.values[i + 1];
  const double before = counter && next < samples.values[i] ? 0 : samples.values[i];
  return before + (next - before) * static_cast<double>(at - samples.times[i]) /
                      static_cast<double>(samples.times[i + 1] - samples.times[i]);
}

// Where an extended window begins and ends among its samples, and its values there.
struct Edges {
  bool any = false;
  std::size_t first = 0;
  std::size_t last = 0;
  double left = 0;
  double right = 0;
};

Edges FindEdges(const Samples& samples, Time begin, Time end, bool smoothed, bool counter) {
  Edges edges;
  if (samples.size == 0) return edges;
  std::size_t last = samples.size - 1;
  const auto first_behind = static_cast<std::size_t>(
      std::upper_bound(samples.times, samples.times + last, begin) - samples.times);
  edges.first = first_behind == 0 ? 0 : first_behind - 1;
  if (smoothed)
    last = static_cast<std::size_t>(std::lower_bound(samples.times, samples.times + last, end) -
                                    samples.times);
  edges.last = last;
  if (samples.times[last] <= begin || (smoothed && samples.times[edges.first] > end)) return edges;
  edges.any = true;
  edges.left = smoothed && samples.times[edges.first] < begin
                   ? Interpolate(samples, edges.first, begin, counter)
                   : samples.values[edges.first];
  edges.right = smoothed && last > 0 && samples.times[last] > end
                    ? Interpolate(samples, last - 1, end, counter)
                    : samples.values[last];
  return edges;
}

}  // namespace

Extend ExtendOf(const Node& selector) {
  if (selector.kind != Node::Kind::kRangeSelector && selector.kind != Node::Kind::kSelector)
    return Extend::kNone;
  const promql::VectorSelector& vector = selector.vector_selector();
  return vector.anchored ? Extend::kAnchored : vector.smoothed ? Extend::kSmoothed : Extend::kNone;
}

base::Result<void> CheckExtended(const Node& range, std::string_view function) {
  const bool change = function == "rate" || function == "increase" || function == "delta";
  switch (ExtendOf(range)) {
    case Extend::kNone:
      return {};
    case Extend::kAnchored:
      if (change || function == "resets" || function == "changes") return {};
      return ExecutionError(
          base::format("anchored modifier can only be used with: changes, delta, increase, rate, "
                       "resets - not with {}",
                       function));
    case Extend::kSmoothed:
      if (change) return {};
      return ExecutionError(base::format(
          "smoothed modifier can only be used with: delta, increase, rate - not with {}",
          function));
  }
  return {};
}

void ExtendedChange(const Windows& windows, bool counter, bool per_second, double* out) {
  const bool smoothed = windows.extend == Extend::kSmoothed;
  std::size_t work = 0;
  for (std::size_t k = 0; k < windows.grid.steps; ++k) {
    const Time end = windows.EndOf(k);
    const Time begin = end - windows.range;
    const Time* const all = windows.times + windows.size;
    const Time* const from = std::upper_bound(windows.times, all, begin - windows.lookback);
    const Time* const to = std::upper_bound(from, all, smoothed ? end + windows.lookback : end);
    const Samples samples{from, windows.values + (from - windows.times),
                          static_cast<std::size_t>(to - from)};
    work += samples.size;
    if (work >= kWorkBetweenChecks) {
      work = 0;
      if (windows.Interrupted()) return std::fill(out + k, out + windows.grid.steps, Absent());
    }
    const Edges edges = FindEdges(samples, begin, end, smoothed, counter);
    out[k] = Absent();
    if (!edges.any) continue;
    double change = edges.right - edges.left;
    if (counter) {
      // Only what lies within the window: the edges have accounted for resets across them.
      std::ptrdiff_t i =
          static_cast<std::ptrdiff_t>(edges.first) + (samples.times[edges.first] <= begin ? 1 : 0);
      const std::ptrdiff_t last =
          static_cast<std::ptrdiff_t>(edges.last) - (samples.times[edges.last] >= end ? 1 : 0);
      double before = edges.left, correction = 0;
      for (; i <= last; ++i) {
        if (samples.values[i] < before) correction += before;
        before = samples.values[i];
      }
      if (edges.right < before) correction += before;
      change += correction;
    }
    out[k] = per_second ? change / (static_cast<double>(windows.range) / 1000) : change;
  }
}

void ExtendSamples(Time begin, Time end, bool smoothed, SeriesSamples& out) {
  const Samples samples{out.times, out.values, out.size};
  const Edges edges = FindEdges(samples, begin, end, smoothed, false);
  store::SampleColumns cut;
  if (edges.any) {
    const std::size_t from = edges.first + (samples.times[edges.first] <= begin ? 1 : 0);
    const std::size_t to = edges.last + (samples.times[edges.last] >= end ? 0 : 1);
    cut.times.push_back(begin);
    cut.values.push_back(edges.left);
    for (std::size_t i = from; i < to; ++i) {
      cut.times.push_back(samples.times[i]);
      cut.values.push_back(samples.values[i]);
    }
    cut.times.push_back(end);
    cut.values.push_back(edges.right);
  }
  out.columns = std::move(cut);
  out.times = out.columns.times.data();
  out.values = out.columns.values.data();
  out.size = out.columns.size();
}

base::Result<Block> Evaluator::EvalSmoothed(const Node& node, const Grid& grid) {
  const Time lookback = options_.lookback.count();
  RangeInput input;
  input.first_end = node.at ? FixedTime(node, grid) : grid.start - node.offset;
  const Time step = node.at ? 0 : grid.step;
  input.mint = input.first_end - lookback + 1;
  input.maxt = input.first_end + static_cast<Time>(grid.steps - 1) * step + lookback;
  input.series = Select(node, input.mint, input.maxt);
  auto made = NewBlock(input.size(), grid.steps);
  if (!made) return made;
  SeriesSamples loaded;
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (auto done = LoadSeries(input, i, loaded); !done) return done.error();
    double* values = made->NextValues();
    std::size_t present = 0;
    for (std::size_t k = 0; k < grid.steps; ++k) {
      const Time at = input.first_end + static_cast<Time>(k) * step;
      const Time* const end = loaded.times + loaded.size;
      const Time* const from = std::upper_bound(loaded.times, end, at - lookback);
      const Time* const next = std::lower_bound(from, end, at);
      const std::size_t n = static_cast<std::size_t>(next - loaded.times);
      values[k] = Absent();
      if (next != end && *next == at) {
        values[k] = loaded.values[n];
      } else if (next != from && next != end && *next <= at + lookback) {
        values[k] = Interpolate({loaded.times, loaded.values, loaded.size}, n - 1, at, false);
      } else if (next != from) {
        values[k] = loaded.values[n - 1];
      }
      if (IsAbsent(values[k])) continue;
      ++present;
      if (track_) made->NextSources()[k] = loaded.SourceOf(next != end && *next == at ? n : n - 1);
    }
    made->AddRow(loaded.labels, false, present);
  }
  made->unique = true;
  return made;
}

}  // namespace plimsoll::eval
