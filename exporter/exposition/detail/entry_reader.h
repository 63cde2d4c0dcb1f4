// SPDX-License-Identifier: Apache-2.0
//
// One entry of a page, read token by token: the grammar, and the only maker of parse errors.
//
// Accepts and refuses what Prometheus accepts and refuses, with its texts. Deliberately different:
// blanks before a metric name are not part of the name, and an error shows a bounded part of its
// entry.
//
// Threads: pure. Lives as long as: the views of an entry point into the page.
// See: prometheus/prometheus model/textparse/promparse.go and openmetricsparse.go
#pragma once

#include <cstddef>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "exposition/format.h"
#include "model/family.h"

namespace plimsoll::exposition::detail {

struct PageEntry {
  enum class Kind { kSample, kType, kHelp, kUnit, kNothing, kEnd };
  Kind kind = Kind::kEnd;
  std::string_view series = {};  // kSample: name and labels as on the page
  std::string_view name = {};    // without its quotes, escapes kept
  std::string_view text = {};    // kHelp, kUnit
  model::MetricType type = model::MetricType::kUnknown;
  double value = 0;
  bool has_time = false;
  base::Time time = 0;
  std::size_t next = 0;  // where the next entry starts
};

// Reads the entry at `at`.
// Fails with: kBadInput, and the line and column of the token that was not expected.
base::Result<PageEntry> ReadEntry(std::string_view page, std::size_t at, Format format);

// Returns: false when `word` is not a type of the format.
bool ReadType(std::string_view word, Format format, model::MetricType& type);
// Returns: whether UNIT may say `unit` of the family `name`.
bool IsUnitOf(std::string_view unit, std::string_view name);
// OpenMetrics gives seconds. Truncates as Prometheus does; what does not fit is the end of the
// range.
base::Time SecondsToTime(double seconds);

}  // namespace plimsoll::exposition::detail
