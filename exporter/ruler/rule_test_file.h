// SPDX-License-Identifier: Apache-2.0
//
// Unit tests of rules as a file: promtool's format, text in, checked tests out.
//
// What promtool refuses for the whole file (a key nobody knows, a value of the wrong kind) is an
// error here with its place. What it refuses for one test alone (a series that does not parse) is
// kept with that test, so that the verdict of the others stands.
//
// Threads: pure functions.
// Bounds:  document::YamlLimits, promql::SeriesLimits for each series.
// See:     docs/rules.md
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document/yaml.h"
#include "model/labels.h"
#include "model/sample.h"
#include "promql/series.h"

namespace plimsoll::ruler {

// One element of a result, expected or got.
struct TestSample {
  model::Labels labels;
  double value = 0;
};

struct ExprTest {
  std::string expr;
  std::chrono::milliseconds at{0};  // after the start of the test
  std::vector<TestSample> expected;
  bool histogram = false;             // a native histogram is expected
  std::optional<base::Error> broken;  // expected labels that do not parse
  base::Place where;
};

// Only named, because alerting rules are not evaluated.
struct AlertTest {
  std::string alert;
  std::chrono::milliseconds at{0};
  base::Place where;
};

struct RuleTest {
  std::string name;                    // "" when the file gives none
  std::chrono::milliseconds interval;  // between the values of a series
  model::Time start = 0;
  std::vector<promql::SeriesText> input;
  std::vector<std::string> histograms;  // metrics with native histograms among their values
  std::vector<ExprTest> exprs;
  std::vector<AlertTest> alerts;
  std::vector<base::Error> errors;  // why this test cannot run
  base::Place where;
};

struct RuleTestFile {
  std::vector<std::string> rule_files;  // as written: relative to the file, with wildcards
  std::chrono::milliseconds evaluation_interval = std::chrono::minutes(1);
  std::vector<std::string> group_eval_order;
  bool fuzzy_compare = false;
  std::vector<RuleTest> tests;
};

// Reports to `errors`. Returns: nothing if it reported anything.
std::optional<RuleTestFile> ParseRuleTestFile(std::string_view text, const std::string& name,
                                              document::Errors& errors,
                                              const promql::SeriesLimits& limits = {});

}  // namespace plimsoll::ruler
