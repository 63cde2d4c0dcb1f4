// SPDX-License-Identifier: Apache-2.0
//
// Last good values over a restart: a snapshot into one line of JSON, and back.
//
// Only what a hold or a fallback needs is kept. Times are kept on the wall clock, the only one that
// a restart survives; a clock that was set back meanwhile makes a value younger than it is by as
// much, and never older than its time says.
//
// Threads: pure functions.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "signals/snapshot.h"

namespace plimsoll::signals {

// Returns: {"external":[...]} without a line break; "" when there is nothing to keep.
std::string KeptText(const Snapshot& snapshot);

// Returns: a snapshot to take last good values from (Evaluator::First), and nothing else.
// Fails with: kBadInput, at `file`.
base::Result<std::shared_ptr<const Snapshot>> RestoreKept(std::string_view text,
                                                          const std::string& file, Moment now);

}  // namespace plimsoll::signals
