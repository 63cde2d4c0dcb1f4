// SPDX-License-Identifier: Apache-2.0
//
// The sliding window: both ends only move forward, whatever the body does inside.
#pragma once

#include <algorithm>

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

// Samples in windows, looked at or not, after which the query is asked whether it may go on: one
// series alone can keep a function busy for minutes.
constexpr std::size_t kWorkBetweenChecks = 1 << 20;

// Calls double body(const Window&) for every window that holds a sample; Absent() gives nothing.
template <typename Body>
void Slide(const Windows& windows, double* out, Body&& body) {
  Window window;
  std::size_t work = 0;
  const std::uint32_t* const lo = windows.edges->lo.data();
  const std::uint32_t* const hi = windows.edges->hi.data();
  for (std::size_t k = 0; k < windows.grid.steps; ++k) {
    window.step = k;
    window.end = windows.EndOf(k);
    window.begin = window.end - windows.range;
    window.lo = lo[k];
    window.hi = hi[k];
    out[k] = window.lo == window.hi ? Absent() : body(static_cast<const Window&>(window));
    work += window.hi - window.lo;
    if (work < kWorkBetweenChecks) continue;
    work = 0;
    if (windows.Interrupted()) return std::fill(out + k, out + windows.grid.steps, Absent());
  }
}

}  // namespace plimsoll::eval
