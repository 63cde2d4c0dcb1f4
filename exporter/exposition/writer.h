// SPDX-License-Identifier: Apache-2.0
//
// Families as an exposition page: text 0.0.4 or OpenMetrics 1.0.
//
// The formats disagree on names: the samples of an OpenMetrics counter end with `_total` and its
// TYPE line does not, a text counter is named once. The writer makes the names that the format
// wants from either spelling. Types that text does not have become gauge (info, stateset) or
// untyped (gaugehistogram). A family without points is not written. Order is the caller's.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "exposition/format.h"
#include "model/family.h"

namespace plimsoll::exposition {

struct WriteOptions {
  Format format = Format::kText;
  // What becomes of a name with bytes outside [a-zA-Z0-9_:]; kAllowUtf8: it is quoted.
  config::NameEscaping escaping = config::NameEscaping::kUnderscores;
  // Behind the labels of every sample that has none of that name; a value may be empty.
  std::vector<std::pair<std::string, std::string>> extra_labels = {};
};

// Appends the family. Requires: every point's labels have `__name__`.
void WriteFamily(const model::Family& family, const WriteOptions& options, std::string& out);

// Appends what ends a page: `# EOF` in OpenMetrics.
void WriteEnd(const WriteOptions& options, std::string& out);

std::string WritePage(const std::vector<model::Family>& families, const WriteOptions& options);

}  // namespace plimsoll::exposition
