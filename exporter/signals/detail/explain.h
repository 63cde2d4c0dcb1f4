// SPDX-License-Identifier: Apache-2.0
//
// Why there is no value, in one sentence for the engineer whom the HPA's event wakes.
//
// Threads: a pure function.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signals/snapshot.h"

namespace plimsoll::signals {

// What the decision saw.
struct Evidence {
  std::optional<double> value = {};   // the value that was refused
  std::optional<Moment> source = {};  // of the value that is too old
  std::optional<Good> last_good = {};
  std::vector<const Entry*> series = {};  // those that matched, when several did
};

std::string Explain(const Snapshot& snapshot, const Metric& metric, std::string_view name_space,
                    Reason reason, const Evidence& evidence, Moment now);

// Several engines export a name, and a read did not say which of them it means.
std::string ExplainShared(const std::vector<const Metric*>& sharing, std::string_view name_space);

// Engines export a name, and a read asks for another one.
std::string ExplainNone(const std::vector<const Metric*>& sharing, std::string_view name_space);

}  // namespace plimsoll::signals
