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
  mallopt(M_MMAP_THRESHOLD, kLarge);
  mallopt(M_TRIM_THRESHOLD, kLarge);
#endif
}

}  // namespace plimsoll::app
