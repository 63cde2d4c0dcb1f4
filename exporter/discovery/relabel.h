// SPDX-License-Identifier: Apache-2.0
//
// Applies relabelling rules to a label set, as prometheus/prometheus model/relabel does.
//
// Threads: may be called from any thread; rules are only read.
#pragma once

#include <optional>
#include <vector>

#include "config/config.h"
#include "model/labels.h"

namespace plimsoll::discovery {

// Returns: false when a rule says that the target or sample is dropped; `labels` is then of no use.
bool Relabel(const std::vector<config::RelabelRule>& rules, model::LabelsBuilder& labels);

// Returns: nullopt when dropped.
std::optional<model::Labels> Relabel(const std::vector<config::RelabelRule>& rules,
                                     const model::Labels& labels);

}  // namespace plimsoll::discovery
