// SPDX-License-Identifier: Apache-2.0
//
// How much history is kept, and what asked for it.
#pragma once

#include <chrono>
#include <string>

#include "app/options.h"
#include "base/result.h"
#include "config/config.h"
#include "ruler/rule_file.h"

namespace plimsoll::app {

struct KeptWindow {
  std::chrono::milliseconds length{0};
  std::string set_by;  // a rule, an external metric, or --storage.retention.time
};

// The larger of the retention and of what the farthest-reaching rule or external metric reads.
// Fails with: kBadInput, naming the rule, for a fixed @ or a reach above storage.max_window.
base::Result<KeptWindow> WindowOf(const config::Config& config, const ruler::RuleSet& rules,
                                  const QueryOptions& query, std::chrono::milliseconds retention);

}  // namespace plimsoll::app
