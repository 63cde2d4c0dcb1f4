// SPDX-License-Identifier: Apache-2.0
//
// One measured value at one time, and the two not-a-numbers that differ only in their bits.
//
// Source: prometheus/prometheus model/value/value.go. Compare bits, never isnan(): a stale marker
// says "this series ended", an ordinary NaN is a value.
#pragma once

#include <bit>
#include <cstdint>

#include "base/clock.h"

namespace plimsoll::model {

using base::Time;  // milliseconds since the Unix epoch

constexpr std::uint64_t kStaleNaNBits = 0x7ff0000000000002ULL;
constexpr std::uint64_t kNormalNaNBits = 0x7ff8000000000001ULL;

inline double StaleNaN() { return std::bit_cast<double>(kStaleNaNBits); }
inline double NormalNaN() { return std::bit_cast<double>(kNormalNaNBits); }
inline bool IsStaleNaN(double value) {
  return std::bit_cast<std::uint64_t>(value) == kStaleNaNBits;
}

struct Sample {
  Time time = 0;
  double value = 0;

  // Bit equality: NaN equals the same NaN.
  bool operator==(const Sample& other) const {
    return time == other.time &&
           std::bit_cast<std::uint64_t>(value) == std::bit_cast<std::uint64_t>(other.value);
  }
};

// The time of the scraped sample behind a value (docs/architecture.md, "Source time").
// kNoSource: no scraped sample is behind it (a literal, time(), a parameter).
constexpr Time kNoSource = INT64_MIN;
inline Time NewerSource(Time a, Time b) { return a > b ? a : b; }
inline Time OlderSource(Time a, Time b) {
  if (a == kNoSource) return b;
  if (b == kNoSource) return a;
  return a < b ? a : b;
}

}  // namespace plimsoll::model
