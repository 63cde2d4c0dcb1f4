// SPDX-License-Identifier: Apache-2.0
//
// The sliding window: both ends only move forward, whatever the body does inside.
#pragma once

#include "eval/detail/function_row.h"

namespace plimsoll::eval {

// One non-empty window: samples [lo, hi) of the series, in (begin, end].
struct Window {
  std::size_t lo = 0;
  std::size_t hi = 0;
  std::size_t step = 0;
  Time begin = 0;
  Time end = 0;
};

// Calls double body(const Window&) for every window that holds a sample; Absent() gives nothing.
template <typename Body>
void Slide(const Windows& windows, double* out, Body&& body) {
  Window window;
  for (std::size_t k = 0; k < windows.grid.steps; ++k) {
    window.step = k;
    window.end = windows.EndOf(k);
    window.begin = window.end - windows.range;
    while (window.hi < windows.size && windows.times[window.hi] <= window.end) ++window.hi;
    while (window.lo < window.hi && windows.times[window.lo] <= window.begin) ++window.lo;
    out[k] = window.lo == window.hi ? Absent() : body(static_cast<const Window&>(window));
  }
}

}  // namespace plimsoll::eval
