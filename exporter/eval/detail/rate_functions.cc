// SPDX-License-Identifier: Apache-2.0
//
// How fast something moves: rate, increase, delta and the slopes.
//
// Where a counter was reset is found once per series, and how far to extrapolate once for all
// series with the same times. A window without a reset then costs a subtraction and a product.
#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "eval/detail/extended_windows.h"
#include "eval/detail/numerics.h"
#include "eval/detail/slide.h"
#include "eval/detail/window_functions.h"

namespace plimsoll::eval::window {
namespace {

Extrapolation Extrapolate(const Windows& windows, std::size_t step) {
  Extrapolation fit;
  const std::size_t lo = windows.edges->lo[step], hi = windows.edges->hi[step];
  if (hi - lo < 2) return fit;
  const Time first = windows.times[lo];
  const Time last = windows.times[hi - 1];
  const Time end = windows.EndOf(step);
  fit.to_start = static_cast<double>(first - (end - windows.range)) / 1000;
  fit.to_end = static_cast<double>(end - last) / 1000;
  fit.sampled = static_cast<double>(last - first) / 1000;
  const double average_gap = fit.sampled / static_cast<double>(hi - lo - 1);
  const double threshold = average_gap * 1.1;
  if (fit.to_start >= threshold) fit.to_start = average_gap / 2;
  if (fit.to_end >= threshold) fit.to_end = average_gap / 2;
  fit.factor = fit.Factor(fit.to_start);
  fit.scaled = fit.factor / (static_cast<double>(windows.range) / 1000);
  return fit;
}

// Appends where a value is less than the one before it, which is rarely anywhere.
void FindFalls(const double* values, std::size_t size, std::vector<std::uint32_t>& falls) {
  constexpr std::size_t kBeside = 8;
  for (std::size_t i = 1; i < size;) {
    const std::size_t end = std::min(size, i + kBeside);
    bool any = false;
    if (end - i == kBeside) {
      for (std::size_t j = 0; j < kBeside; ++j) any = any | (values[i + j] < values[i + j - 1]);
      if (!any) {
        i = end;
        continue;
      }
    }
    for (; i < end; ++i) {
      if (values[i] < values[i - 1]) falls.push_back(static_cast<std::uint32_t>(i));
    }
  }
}

// Whether `first`, which grew by `change`, may have been zero within reach of the window. Only a
// certain no is a no: the division that decides is spared where it cannot matter.
bool MayReachZero(const Extrapolation& fit, double first, double change) {
  constexpr double kMore = 1 + 1e-9, kLeast = 1e-290;
  return !(fit.sampled * first > std::max(fit.to_start * change * kMore, kLeast));
}

template <bool kCounter, bool kPerSecond>
void Extrapolated(const Windows& windows, double* out) {
  if (windows.extend != Extend::kNone) return ExtendedChange(windows, kCounter, kPerSecond, out);
  const double* values = windows.values;
  std::vector<std::uint32_t>& resets = *windows.indices;
  resets.clear();
  if (kCounter && !windows.rising) {
    FindFalls(values, windows.size, resets);
  }
  std::vector<Extrapolation>& fits = windows.edges->extrapolations;
  if (fits.empty()) {
    for (std::size_t k = 0; k < windows.grid.steps; ++k) fits.push_back(Extrapolate(windows, k));
  }
  const double seconds = static_cast<double>(windows.range) / 1000;
  std::size_t reset = 0;
  Slide(windows, out, [&](const Window& window) {
    if (window.hi - window.lo < 2) return Absent();
    const double first = values[window.lo];
    double change = values[window.hi - 1] - first;
    if (kCounter) {
      while (reset < resets.size() && resets[reset] <= window.lo) ++reset;
      for (std::size_t i = reset; i < resets.size() && resets[i] < window.hi; ++i)
        change += values[resets[i] - 1];
    }
    const Extrapolation& fit = fits[window.step];
    if (kCounter && change > 0 && first >= 0 && MayReachZero(fit, first, change)) {
      const double to_zero = fit.sampled * (first / change);
      if (to_zero < fit.to_start) {
        const double factor = fit.Factor(to_zero);
        return change * (kPerSecond ? factor / seconds : factor);
      }
    }
    return change * (kPerSecond ? fit.scaled : fit.factor);
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
