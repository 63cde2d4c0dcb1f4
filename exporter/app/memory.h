// SPDX-License-Identifier: Apache-2.0
//
// How the process gives memory back.
//
// A scraped page lives for a moment and may be the largest thing that the process ever holds. Left
// to itself glibc keeps such blocks once it has seen one: for two megabytes of page, two of memory.
#pragma once

namespace plimsoll::app {

// To be called before threads start. Does nothing where the C library is another one.
void KeepMemorySmall();

}  // namespace plimsoll::app
