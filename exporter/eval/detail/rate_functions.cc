// SPDX-License-Identifier: Apache-2.0
//
// How fast something moves: rate, increase, delta and the slopes.
//
// Where a counter was reset is found once per series. A window without a reset then costs a
// subtraction and the extrapolation, and the extrapolation is the same for every window that lies
// alike to its samples, which under regular scraping are nearly all.
#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "eval/detail/extended_windows.h"
#include "eval/detail/numerics.h"
#include "eval/detail/slide.h"
#include "eval/detail/window_functions.h"

namespace plimsoll::eval::window {
namespace {

// How far a change seen between the first and the last sample reaches towards the window's ends.
struct Extrapolation {
  Time to_start_ms = -1;
  Time to_end_ms = -1;
  Time sampled_ms = -1;
  std::size_t gaps = 0;
  double to_start = 0;
  double to_end = 0;
  double sampled = 0;
  double factor = 0;  // of a series whose zero lies before the window

  void Fit(const Windows& windows, const Window& window) {
    const Time first = windows.times[window.lo];
    const Time last = windows.times[window.hi - 1];
    if (first - window.begin == to_start_ms && window.end - last == to_end_ms &&
        last - first == sampled_ms && window.hi - window.lo - 1 == gaps) {
      return;
    }
    to_start_ms = first - window.begin;
    to_end_ms = window.end - last;
    sampled_ms = last - first;
    gaps = window.hi - window.lo - 1;
    to_start = static_cast<double>(to_start_ms) / 1000;
    to_end = static_cast<double>(to_end_ms) / 1000;
    sampled = static_cast<double>(sampled_ms) / 1000;
    const double average_gap = sampled / static_cast<double>(gaps);
    const double threshold = average_gap * 1.1;
    if (to_start >= threshold) to_start = average_gap / 2;
    if (to_end >= threshold) to_end = average_gap / 2;
    factor = Factor(to_start);
  }
  double Factor(double reach) const {
    return sampled != 0 ? (sampled + reach + to_end) / sampled : 1.0;
  }
};

template <bool kCounter, bool kPerSecond>
void Extrapolated(const Windows& windows, double* out) {
  if (windows.extend != Extend::kNone) return ExtendedChange(windows, kCounter, kPerSecond, out);
  const double* values = windows.values;
  std::vector<std::uint32_t>& resets = *windows.indices;
  resets.clear();
  if (kCounter) {
    for (std::size_t i = 1; i < windows.size; ++i) {
      if (values[i] < values[i - 1]) resets.push_back(static_cast<std::uint32_t>(i));
    }
  }
  const double seconds = static_cast<double>(windows.range) / 1000;
  Extrapolation fit;
  std::size_t reset = 0;
  double factor_of_fit = 0;
  double scaled = 0;  // factor_of_fit, per second
  Slide(windows, out, [&](const Window& window) {
    if (window.hi - window.lo < 2) return Absent();
    double change = values[window.hi - 1] - values[window.lo];
    if (kCounter) {
      while (reset < resets.size() && resets[reset] <= window.lo) ++reset;
      for (std::size_t i = reset; i < resets.size() && resets[i] < window.hi; ++i)
        change += values[resets[i] - 1];
    }
    fit.Fit(windows, window);
    double factor = fit.factor;
    if (kCounter && change > 0 && values[window.lo] >= 0) {
      const double to_zero = fit.sampled * (values[window.lo] / change);
      if (to_zero < fit.to_start) factor = fit.Factor(to_zero);
    }
    if (!kPerSecond) return change * factor;
    if (factor != factor_of_fit) {
      factor_of_fit = factor;
      scaled = factor / seconds;
    }
    return change * scaled;
  });
}

template <bool kCounter>
void Newest(const Windows& windows, double* out) {
  Slide(windows, out, [&](const Window& window) {
    if (window.hi - window.lo < 2) return Absent();
    const double last = windows.values[window.hi - 1];
    const double before = windows.values[window.hi - 2];
    const Time gap = windows.times[window.hi - 1] - windows.times[window.hi - 2];
    if (gap == 0) return Absent();
    const double change = kCounter && last < before ? last : last - before;
    return kCounter ? change / (static_cast<double>(gap) / 1000) : change;
  });
}

struct Line {
  double slope = 0;
  double intercept = 0;
};

// Least squares, with the intercept at `at`.
Line Regress(const Windows& windows, const Window& window, Time at) {
  KahanSum sum_x, sum_y, sum_xy, sum_x2;
  const double first = windows.values[window.lo];
  bool constant = true;
  double n = 0;
  for (std::size_t i = window.lo; i < window.hi; ++i) {
    const double y = windows.values[i];
    if (i > window.lo && y != first) constant = false;
    n += 1;
    const double x = static_cast<double>(windows.times[i] - at) / 1e3;
    sum_x.Add(x);
    sum_y.Add(y);
    sum_xy.Add(x * y);
    sum_x2.Add(x * x);
  }
  if (constant) {
    if (std::isinf(first)) return {NaN(), NaN()};
    return {0, first};
  }
  const double x = sum_x.sum + sum_x.lost;
  const double y = sum_y.sum + sum_y.lost;
  const double xy = sum_xy.sum + sum_xy.lost;
  const double x2 = sum_x2.sum + sum_x2.lost;
  const double covariance = xy - x * y / n;
  const double variance = x2 - x * x / n;
  const double slope = covariance / variance;
  return {slope, y / n - slope * x / n};
}

}  // namespace

void Rate(const Windows& windows, double* out) { Extrapolated<true, true>(windows, out); }
void Increase(const Windows& windows, double* out) { Extrapolated<true, false>(windows, out); }
void Delta(const Windows& windows, double* out) { Extrapolated<false, false>(windows, out); }
void Irate(const Windows& windows, double* out) { Newest<true>(windows, out); }
void Idelta(const Windows& windows, double* out) { Newest<false>(windows, out); }

void Deriv(const Windows& windows, double* out) {
  Slide(windows, out, [&](const Window& window) {
    if (window.hi - window.lo < 2) return Absent();
    return Regress(windows, window, windows.times[window.lo]).slope;
  });
}

void PredictLinear(const Windows& windows, double* out) {
  Slide(windows, out, [&](const Window& window) {
    if (window.hi - window.lo < 2) return Absent();
    const Line line = Regress(windows, window, windows.grid.At(window.step));
    return line.slope * windows.params[0][window.step] + line.intercept;
  });
}

void DoubleExponentialSmoothing(const Windows& windows, double* out) {
  Slide(windows, out, [&](const Window& window) {
    const double smoothing = windows.params[0][window.step];
    const double trend = windows.params[1][window.step];
    if (smoothing <= 0 || smoothing >= 1) {
      *windows.failure =
          base::format("invalid smoothing factor. Expected: 0 < sf < 1, got: {:f}", smoothing);
      return Absent();
    }
    if (trend <= 0 || trend >= 1) {
      *windows.failure =
          base::format("invalid trend factor. Expected: 0 < tf < 1, got: {:f}", trend);
      return Absent();
    }
    if (window.hi - window.lo < 2) return Absent();
    const double* values = windows.values + window.lo;
    double before = 0;
    double smoothed = values[0];
    double slope = values[1] - values[0];
    for (std::size_t i = 1; i < window.hi - window.lo; ++i) {
      const double x = smoothing * values[i];
      if (i > 1) slope = trend * (smoothed - before) + (1 - trend) * slope;
      const double y = (1 - smoothing) * (smoothed + slope);
      before = smoothed;
      smoothed = x + y;
    }
    return smoothed;
  });
}

}  // namespace plimsoll::eval::window
