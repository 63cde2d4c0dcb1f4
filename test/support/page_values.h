// SPDX-License-Identifier: Apache-2.0
//
// Asking an exposition page for the samples of one series.
//
// Threads: pure functions.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "exposition/page_parser.h"

namespace plimsoll::test {

// Samples of `page` that have the name and the labels of `series`, and perhaps others.
inline std::vector<double> ValuesOf(const std::string& page, const std::string& series) {
  const std::string line = series + " 0\n";
  exposition::PageParser wanted(line, exposition::Format::kText);
  REQUIRE(wanted.Next() == exposition::PageParser::Entry::kSample);
  model::LabelsBuilder labels, found;
  REQUIRE(wanted.DecodeLabels(labels).has_value());
  std::vector<double> values;
  exposition::PageParser parser(page, exposition::Format::kText);
  for (;;) {
    const auto entry = parser.Next();
    REQUIRE(entry != exposition::PageParser::Entry::kError);
    if (entry == exposition::PageParser::Entry::kEnd) return values;
    if (entry != exposition::PageParser::Entry::kSample) continue;
    REQUIRE(parser.DecodeLabels(found).has_value());
    bool all = true;
    for (const auto& [name, value] : labels.pairs()) all = all && found.Get(name) == value;
    if (all) values.push_back(parser.Value());
  }
}

}  // namespace plimsoll::test
