// SPDX-License-Identifier: Apache-2.0
//
// anchored and smoothed selectors: windows that also know the samples next to their edges.
//
// An anchored window begins with the last sample at or before its start; a smoothed one has values
// at both edges, interpolated between the samples on either side. Source: prometheus/prometheus
// promql/functions.go (extendedRate) and engine.go (smoothSeries).
#pragma once

#include <algorithm>

#include "eval/detail/slide.h"

namespace plimsoll::eval {

// rate, increase and delta.
void ExtendedChange(const Windows& windows, bool counter, bool per_second, double* out);

// Cuts the samples of one extended window to (begin, end], with values at both edges.
void ExtendSamples(Time begin, Time end, bool smoothed, SeriesSamples& samples);

// Slide over anchored windows: lo is the anchor, or the first sample when there is none.
template <typename Body>
void SlideAnchored(const Windows& windows, double* out, Body&& body) {
  Window window;
  for (std::size_t k = 0; k < windows.grid.steps; ++k) {
    window.step = k;
    window.end = windows.EndOf(k);
    window.begin = window.end - windows.range;
    const Time* const first = std::upper_bound(windows.times, windows.times + windows.size,
                                               window.begin - windows.lookback);
    const Time* const inside = std::upper_bound(first, windows.times + windows.size, window.begin);
    const Time* const behind = std::upper_bound(inside, windows.times + windows.size, window.end);
    window.lo = static_cast<std::size_t>((inside == first ? inside : inside - 1) - windows.times);
    window.hi = static_cast<std::size_t>(behind - windows.times);
    out[k] = inside == behind ? Absent() : body(static_cast<const Window&>(window));
  }
}

}  // namespace plimsoll::eval
