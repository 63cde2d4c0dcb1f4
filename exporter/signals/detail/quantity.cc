// SPDX-License-Identifier: Apache-2.0
//
// Thousandths and their text: see detail/quantity.h.
#include "signals/detail/quantity.h"

#include <cmath>
#include <limits>

namespace plimsoll::signals {

std::optional<std::int64_t> ToMilli(double value, config::ExternalMetric::Round round) {
  if (!std::isfinite(value) || value < 0 || value >= kQuantityEnd) return std::nullopt;
  const double exact = value * 1000;
  double milli = std::round(exact);
  const double noise = 4 * std::numeric_limits<double>::epsilon() * exact;
  if (round == config::ExternalMetric::Round::kUp && exact - milli > noise) milli += 1;
  // `value` is positive, yet `exact` may have been rounded to zero by nearest: up means at least
  // one.
  if (round == config::ExternalMetric::Round::kUp && milli == 0 && value > 0) milli = 1;
  if (milli >= kQuantityEnd * 1000) return std::nullopt;
  return static_cast<std::int64_t>(milli);
}

std::string QuantityText(std::int64_t milli) {
  if (milli % 1000 == 0) return std::to_string(milli / 1000);
  return std::to_string(milli) + "m";
}

}  // namespace plimsoll::signals
