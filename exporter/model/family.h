// SPDX-License-Identifier: Apache-2.0
//
// What a page says about a metric besides its samples: type, help, unit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "model/sample.h"

namespace plimsoll::model {

// The union of the types of the text format and of OpenMetrics. kUnknown is "untyped" in text.
enum class MetricType {
  kUnknown,
  kCounter,
  kGauge,
  kHistogram,
  kGaugeHistogram,
  kSummary,
  kInfo,
  kStateSet
};

// Returns: the OpenMetrics word, as the HTTP API's metadata has it ("unknown" for untyped).
std::string_view TypeName(MetricType type);

struct Metadata {
  MetricType type = MetricType::kUnknown;
  std::string help = {};
  std::string unit = {};
  bool operator==(const Metadata&) const = default;
};

// A family to write: the samples carry their full names (histogram `_bucket` and so on included).
struct Family {
  struct Point {
    Labels labels;  // with __name__
    double value = 0;
    Time time = kNoSource;  // kNoSource: written without a timestamp
  };
  std::string name = {};
  Metadata metadata = {};
  std::vector<Point> points = {};
};

}  // namespace plimsoll::model
