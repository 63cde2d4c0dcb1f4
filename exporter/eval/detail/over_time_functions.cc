// SPDX-License-Identifier: Apache-2.0
//
// ..._over_time, changes and resets. Where a shortcut gives the same bits it is taken (counts by
// prefix sums, extremes by a monotonic queue); sums are added anew in every window, because a sum
// that is carried along is not the same number.
#include <algorithm>
#include <array>
#include <cmath>

#include "eval/detail/extended_windows.h"
#include "eval/detail/numerics.h"
#include "eval/detail/slide.h"
#include "eval/detail/window_functions.h"

namespace plimsoll::eval::window {
namespace {

// The extreme of some values, not none; see Extreme. Four are followed beside each other, unless it
// matters which of them came first.
template <typename Better>
double ExtremeOf(const double* values, std::size_t size, Better&& better) {
  constexpr std::size_t kBeside = 4;
  const double worst = better(1.0, 0.0) ? -kInf : kInf;
  std::array<double, kBeside> bests;
  bests.fill(worst);
  const auto take = [&](double& best, double value) { best = better(value, best) ? value : best; };
  std::size_t i = 0;
  for (; i + kBeside <= size; i += kBeside) {
    for (std::size_t j = 0; j < kBeside; ++j) take(bests[j], values[i + j]);
  }
  for (; i < size; ++i) take(bests[0], values[i]);
  for (std::size_t j = 1; j < kBeside; ++j) take(bests[0], bests[j]);
  // Zeros have signs, and where nothing is better than the worst there may be NaN alone.
  if (bests[0] != 0 && bests[0] != worst) return bests[0];
  double best = NaN();
  for (i = 0; i < size; ++i) {
    if (better(values[i], best) || std::isnan(best)) best = values[i];
  }
  return best;
}

// The extreme of every window. NaN gives way to any number; of equal values the first counts.
template <typename Better>
void Extreme(const Windows& windows, double* out, Better&& better) {
  const double* values = windows.values;
  if (windows.grid.steps == 1) {  // nothing slides
    return Slide(windows, out, [&](const Window& window) {
      return ExtremeOf(values + window.lo, window.hi - window.lo, better);
    });
  }
  std::vector<std::uint32_t>& queue = *windows.indices;
  queue.clear();
  std::size_t head = 0;
  std::size_t seen = 0;
  Slide(windows, out, [&](const Window& window) {
    seen = std::max(seen, window.lo);
    for (; seen < window.hi; ++seen) {
      const double value = values[seen];
      if (std::isnan(value)) continue;
      while (queue.size() > head && better(value, values[queue.back()])) queue.pop_back();
      queue.push_back(static_cast<std::uint32_t>(seen));
    }
    while (head < queue.size() && queue[head] < window.lo) ++head;
    return head < queue.size() ? values[queue[head]] : NaN();
  });
}

// When the extreme was; of equal values the last counts.
template <typename Better>
void TimeOfExtreme(const Windows& windows, double* out, Better&& better) {
  Slide(windows, out, [&](const Window& window) {
    std::size_t best = window.lo;
    for (std::size_t i = window.lo; i < window.hi; ++i) {
      if (better(windows.values[i], windows.values[best]) || std::isnan(windows.values[best]))
        best = i;
    }
    return static_cast<double>(windows.times[best]) / 1000;
  });
}

// How often `differ(before, now)` holds between neighbours of the window.
template <typename Differ>
void CountPairs(const Windows& windows, double* out, Differ&& differ) {
  std::vector<std::uint32_t>& until = *windows.indices;
  until.resize(windows.size);
  if (windows.size > 0) until[0] = 0;
  for (std::size_t i = 1; i < windows.size; ++i) {
    until[i] = until[i - 1] + (differ(windows.values[i - 1], windows.values[i]) ? 1 : 0);
  }
  const auto pairs = [&](const Window& window) {
    return static_cast<double>(until[window.hi - 1] - until[window.lo]);
  };
  if (windows.extend == Extend::kNone) {
    Slide(windows, out, pairs);
  } else {
    SlideAnchored(windows, out, pairs);
  }
}

double Variance(const Windows& windows, const Window& window) {
  double count = 0;
  KahanSum mean, squares;
  for (std::size_t i = window.lo; i < window.hi; ++i) {
    count += 1;
    const double value = windows.values[i];
    const double delta = value - (mean.sum + mean.lost);
    mean.Add(delta / count);
    squares.Add(delta * (value - (mean.sum + mean.lost)));
  }
  return (squares.sum + squares.lost) / count;
}

void CopyWindow(const Windows& windows, const Window& window, std::vector<double>& to) {
  to.assign(windows.values + window.lo, windows.values + window.hi);
}

}  // namespace

void Avg(const Windows& windows, double* out) {
  Slide(windows, out, [&](const Window& window) {
    KahanMean mean;
    for (std::size_t i = window.lo; i < window.hi; ++i) mean.Add(windows.values[i]);
    return mean.Value();
  });
}

void Sum(const Windows& windows, double* out) {
  Slide(windows, out, [&](const Window& window) {
    KahanSum sum;
    for (std::size_t i = window.lo; i < window.hi; ++i) sum.Add(windows.values[i]);
    return std::isinf(sum.sum) ? sum.sum : sum.sum + sum.lost;
  });
}

void Count(const Windows& windows, double* out) {
  Slide(windows, out,
        [](const Window& window) { return static_cast<double>(window.hi - window.lo); });
}

void First(const Windows& windows, double* out) {
  Slide(windows, out, [&](const Window& window) { return windows.values[window.lo]; });
}

void Last(const Windows& windows, double* out) {
  Slide(windows, out, [&](const Window& window) { return windows.values[window.hi - 1]; });
}

void Max(const Windows& windows, double* out) {
  Extreme(windows, out, [](double a, double b) { return a > b; });
}

void Min(const Windows& windows, double* out) {
  Extreme(windows, out, [](double a, double b) { return a < b; });
}

void Mad(const Windows& windows, double* out) {
  std::vector<double>& values = *windows.numbers;
  Slide(windows, out, [&](const Window& window) {
    CopyWindow(windows, window, values);
    if (std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); }))
      return NaN();
    const double median = eval::Quantile(0.5, values);
    for (double& value : values) value = std::abs(value - median);
    return eval::Quantile(0.5, values);
  });
}

void Present(const Windows& windows, double* out) {
  Slide(windows, out, [](const Window&) { return 1.0; });
}

void Quantile(const Windows& windows, double* out) {
  std::vector<double>& values = *windows.numbers;
  Slide(windows, out, [&](const Window& window) {
    CopyWindow(windows, window, values);
    return eval::Quantile(windows.params[0][window.step], values);
  });
}

void Stddev(const Windows& windows, double* out) {
  Slide(windows, out, [&](const Window& window) { return std::sqrt(Variance(windows, window)); });
}

void Stdvar(const Windows& windows, double* out) {
  Slide(windows, out, [&](const Window& window) { return Variance(windows, window); });
}

void Changes(const Windows& windows, double* out) {
  CountPairs(windows, out, [](double before, double now) {
    return now != before && !(std::isnan(now) && std::isnan(before));
  });
}

void Resets(const Windows& windows, double* out) {
  CountPairs(windows, out, [](double before, double now) { return now < before; });
}

void TimeOfFirst(const Windows& windows, double* out) {
  Slide(windows, out,
        [&](const Window& window) { return static_cast<double>(windows.times[window.lo]) / 1000; });
}

void TimeOfLast(const Windows& windows, double* out) {
  Slide(windows, out, [&](const Window& window) {
    return static_cast<double>(windows.times[window.hi - 1]) / 1000;
  });
}

void TimeOfMax(const Windows& windows, double* out) {
  TimeOfExtreme(windows, out, [](double a, double b) { return a >= b; });
}

void TimeOfMin(const Windows& windows, double* out) {
  TimeOfExtreme(windows, out, [](double a, double b) { return a <= b; });
}

}  // namespace plimsoll::eval::window
