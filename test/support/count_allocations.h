// SPDX-License-Identifier: Apache-2.0
//
// How often this program has allocated: for tests that say "this does not".
//
// A test program that links count_allocations.cc counts every operator new of all its threads.
// Under ThreadSanitizer, whose runtime owns operator new, its hook counts (malloc is then counted
// too).
#pragma once

#include <cstddef>

namespace plimsoll::test {

// Returns: the allocations since the program started.
std::size_t Allocations();

}  // namespace plimsoll::test
