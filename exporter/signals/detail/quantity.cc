// SPDX-License-Identifier: Apache-2.0
//
// Thousandths and their text: see detail/quantity.h.
#include "signals/detail/quantity.h"

#include <cmath>
#include <limits>

namespace plimsoll::signals {

std::optional<std::int64_t> ToMilli(double value, config::ExternalMetric::Round round) {
  if (!std::isfinite(value) || value < 0 || value >= kQuantityEnd) return std::nullopt;
  // The whole part is exact as an integer; only the fraction needs arithmetic.
  const double whole = std::floor(value);
  const double exact = (value - whole) * 1000;
  double fraction = std::round(exact);
  if (round == config::ExternalMetric::Round::kUp) {
    const double noise = 4 * std::numeric_limits<double>::epsilon() * value * 1000;
    if (exact - fraction > noise) fraction += 1;
    // Noise cannot make something of nothing, nor nothing of something.
    if (whole == 0 && fraction == 0 && value > 0) fraction = 1;
  }
  const std::int64_t milli =
      static_cast<std::int64_t>(whole) * 1000 + static_cast<std::int64_t>(fraction);
  if (milli >= static_cast<std::int64_t>(kQuantityEnd) * 1000) return std::nullopt;
  return milli;
}

std::string QuantityText(std::int64_t milli) {
  if (milli % 1000 == 0) return std::to_string(milli / 1000);
  return std::to_string(milli) + "m";
}

}  // namespace plimsoll::signals
