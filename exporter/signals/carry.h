// SPDX-License-Identifier: Apache-2.0
//
// What survives from one snapshot to the next, and over a reload: last good values, and on which
// steady instant a sample was first seen (so that setting the wall clock does not change an age).
//
// Threads: pure functions.
// Bounds:  `limit` series of one metric; those that vanished longest ago are forgotten first.
#pragma once

#include <cstddef>

#include "signals/snapshot.h"

namespace plimsoll::signals {

// Completes `next`, which is of our own and whose entries hold the newest result alone.
// Returns: how many last good values had to be forgotten for the limit.
std::size_t CarryOver(const Snapshot* previous, Moment now, std::size_t limit, Metric& next);
// The same from one metric; `before` may be null.
std::size_t CarryOver(const Metric* before, Moment now, std::size_t limit, Metric& next);

void CarryOver(const Snapshot* previous, SignalFamily& next);

}  // namespace plimsoll::signals
