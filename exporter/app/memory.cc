// SPDX-License-Identifier: Apache-2.0
//
// Thresholds of glibc's malloc, which otherwise grow with the largest block. See memory.h.
#include "app/memory.h"

#include <cstdlib>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace plimsoll::app {

void KeepMemorySmall() {
#if defined(__GLIBC__)
  constexpr int kLarge = 128 << 10;  // glibc's own first value; setting it stops the growth
  // What the answers to queries over a thousand series take: to ask the system for it again and
  // again costs a tenth of such a query.
  constexpr int kSpare = 1 << 20;
  mallopt(M_MMAP_THRESHOLD, kLarge);
  mallopt(M_TRIM_THRESHOLD, kSpare);
#endif
}

}  // namespace plimsoll::app
