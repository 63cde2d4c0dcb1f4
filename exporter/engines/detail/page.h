// SPDX-License-Identifier: Apache-2.0
//
// The exposition page that a collector writes, family by family.
//
// Threads: one.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exposition/writer.h"
#include "model/family.h"

namespace plimsoll::engines::detail {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class Page {
 public:
  void Begin(std::string name, std::string help,
             model::MetricType type = model::MetricType::kGauge) {
    families_.push_back(
        {.name = std::move(name), .metadata = {.type = type, .help = std::move(help)}});
  }
  // To the family that was begun last. What is no finite number is absent.
  void Add(Pairs labels, double value) {
    if (!std::isfinite(value)) return;
    labels.emplace_back(model::kMetricName, families_.back().name);
    families_.back().points.push_back(
        {.labels = model::Labels::FromPairs(std::move(labels)), .value = value});
  }
  void Add(Pairs labels, std::optional<double> value) {
    if (value) Add(std::move(labels), *value);
  }
  std::string Write() const {
    return exposition::WritePage(families_, {.format = exposition::Format::kText,
                                             .escaping = config::NameEscaping::kAllowUtf8});
  }

 private:
  std::vector<model::Family> families_;
};

}  // namespace plimsoll::engines::detail
