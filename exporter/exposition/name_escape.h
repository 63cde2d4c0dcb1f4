// SPDX-License-Identifier: Apache-2.0
//
// Metric and label names of any UTF-8 in places that know letters, digits, underscores and colons
// alone, in the spellings of Prometheus 3 (prometheus/common model.EscapeName).
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace plimsoll::exposition {

// A name that needs no escaping is returned as it is.
//   kUnderscores: "a.b" -> "a_b"; kDots: "a.b_c" -> "a_dot_b__c"; kValues: "a.b" -> "U__a_2e_b".
std::string EscapeName(std::string_view name, config::NameEscaping escaping);

// The inverse of kValues: "U__a_2e_b" -> "a.b". What is malformed, or has no "U__", stays as it is.
std::string UnescapeValues(std::string_view name);

}  // namespace plimsoll::exposition
