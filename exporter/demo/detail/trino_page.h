// SPDX-License-Identifier: Apache-2.0
//
// Writes lines as Trino's own endpoint does: OpenMetrics, with its faults.
//
// The faults are the reason for this file: counters without _total, gauges in Java's spelling of a
// double, summaries of NaN. A scraper that survives the demo survives the engine.
//
// Threads: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::demo::detail {

// Java's Double.toString: at least one digit after the point, and from ten million on (or below a
// thousandth) a computerised exponent: "8.64026624E8".
std::string JavaDouble(double value);

class TrinoPage {
 public:
  // `names`: the families that were asked for; empty: all.
  explicit TrinoPage(const std::vector<std::string>& names) : names_(names) {}

  void Gauge(std::string_view name, double value);
  void Counter(std::string_view name, std::int64_t value);
  // A distribution in which nothing has been seen lately.
  void EmptySummary(std::string_view name);

  std::string Finish() &&;

 private:
  bool Wanted(std::string_view name) const;
  void Type(std::string_view name, std::string_view type);
  void Line(std::string_view name, std::string_view rest, std::string_view value);

  const std::vector<std::string>& names_;
  std::string text_;
};

}  // namespace plimsoll::demo::detail
