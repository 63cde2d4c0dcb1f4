// SPDX-License-Identifier: Apache-2.0
//
// Where the argument of info() looks: its info series are looked up there, too.
//
// Threads: a pure function.
#pragma once

#include <optional>

#include "eval/detail/plan.h"

namespace plimsoll::eval {

// The instant that a selector reads: an evaluation time, or `at`, less the offset.
struct Reference {
  std::optional<Time> at;
  Time offset = 0;
  bool operator==(const Reference& other) const {
    if (!at || !other.at) return !at && !other.at && offset == other.offset;
    return *at - offset == *other.at - other.offset;
  }
};

// Returns: nothing when the selectors below `node` disagree, or a vector below it has no selector.
std::optional<Reference> SharedReference(const Node& node);

}  // namespace plimsoll::eval
