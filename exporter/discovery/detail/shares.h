// SPDX-License-Identifier: Apache-2.0
//
// A bound on the targets of a source that no namespace can use up for the others.
//
// Threads: pure functions.
// Bounds:  `most` targets; what is beyond is counted by reason and said in Found.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "discovery/source.h"

namespace plimsoll::discovery::detail {

// Something of this namespace ("*": all) is missing for a limit; the first problem is told.
void LeaveOut(const std::string& name_space, std::string problem, Found& found);

// Namespaces have equal shares of the targets, as far as they need them. Within one its groups come
// in their order. Also says what was left out of a single group before.
// Requires: sources of groups are "KIND/NAMESPACE/NAME", as kubernetes_targets.h makes them.
void ShareTargets(std::size_t most,
                  const std::function<void(std::string_view reason, std::size_t count)>& refuse,
                  Found& found);

}  // namespace plimsoll::discovery::detail
