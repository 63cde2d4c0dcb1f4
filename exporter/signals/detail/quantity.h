// SPDX-License-Identifier: Apache-2.0
//
// A number as a Kubernetes quantity, in thousandths: what the HPA compares.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.h"

namespace plimsoll::signals {

// From here on HPA's thousandths overflow and it scales to the minimum (docs/bugs.md).
constexpr double kQuantityEnd = 9.2e15;

// Returns: thousandths; nothing when the value is not finite, negative, or reaches kQuantityEnd.
// Rounding up forgives the last bits of arithmetic: 0.1 + 0.2 is 300 thousandths, not 301.
std::optional<std::int64_t> ToMilli(double value, config::ExternalMetric::Round round);

// Returns: "17", or "1500m" when there is a fraction.
std::string QuantityText(std::int64_t milli);

}  // namespace plimsoll::signals
