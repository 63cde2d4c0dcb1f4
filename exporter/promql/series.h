// SPDX-License-Identifier: Apache-2.0
//
// Series as tests write them: `requests{code="200"} 1 2+3x4 _ _x2 stale`.
//
// Rule tests and test scripts share this notation. `a+bxN` is a and N more, each b above the last;
// `axN` is a and N more of it; `_` is a gap and `_xN` are N of them; `stale` is a staleness marker.
// A native histogram, {{...}}, is recognised and left out: it counts as a gap.
// Source of the notation: prometheus/prometheus promql/parser generated_parser.y.
//
// Threads: pure functions.
// Bounds:  SeriesLimits::values, because `0x1000000000` is short.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"

namespace plimsoll::promql {

struct SeriesText {
  model::Labels labels;
  std::vector<std::optional<double>> values;  // nothing: a gap
  bool histograms = false;                    // some of the gaps were native histograms
};

struct SeriesLimits {
  std::size_t values = 5'000'000;
};

// Fails with: kBadInput, "1:5: parse error: unexpected ..."; kLimit.
base::Result<SeriesText> ParseSeries(std::string_view text, const SeriesLimits& limits = {});
// What stands before the values: `requests{code="200"}`, `{"a.b", c="d"}`; "" has no labels.
// Fails with: kBadInput, as above.
base::Result<model::Labels> ParseMetric(std::string_view text);

// Text that ParseMetric reads as the same labels.
std::string PrintMetric(const model::Labels& labels);
// Text that ParseSeries reads as the same labels and values; repetitions are written out.
std::string PrintSeries(const SeriesText& series);

}  // namespace plimsoll::promql
