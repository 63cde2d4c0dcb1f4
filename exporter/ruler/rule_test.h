// SPDX-License-Identifier: Apache-2.0
//
// Runs unit tests of rules: the same rules and the same evaluator as the server's, over series that
// the test writes down.
//
// Verdicts are promtool's: every group is evaluated at every evaluation_interval from the start to
// the latest eval_time, then the expressions are compared exactly. Alerting rules are not
// evaluated, and native histograms are not stored, so what tests them is left out and said: it
// counts neither for nor against.
// Without group_eval_order the groups run in the order of the files; promtool's order is random.
//
// Threads: pure, but for the files that are read.
// Bounds:  RuleTestOptions.
// See:     docs/rules.md, docs/differences.md
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/load.h"
#include "eval/engine.h"
#include "promql/parser.h"
#include "ruler/rule_test_file.h"

namespace plimsoll::ruler {

struct RuleTestOptions {
  promql::ParseOptions promql;
  eval::Features features;
  // Which tests run, by name; empty: all.
  std::function<bool(const std::string& name)> wanted;
  bool ignore_unknown_fields = false;         // of rule files
  std::uint64_t max_samples = 10'000;         // of one query, as promtool has it
  std::uint64_t max_evaluations = 1'000'000;  // of the groups in one test
  config::Files files = config::SystemFiles();
};

struct TestFailure {
  base::Error error;  // what and where
  // The result differs from what is expected: both, sorted by labels.
  bool compared = false;
  std::vector<TestSample> expected;
  std::vector<TestSample> got;
};

struct TestOutcome {
  std::string name;  // "unnamed#0" when the file gives none
  std::vector<TestFailure> failures;
  std::vector<std::string> skipped;  // what was not judged, and why
};

struct TestFileOutcome {
  std::string file;
  std::vector<base::Error> errors;  // of the file itself; then no test ran
  std::size_t error_count = 0;      // may exceed the list, which is bounded
  std::vector<std::string> warnings;
  std::vector<TestOutcome> tests;
  bool Passed() const;
};

// `directory`: what rule_files are relative to.
TestFileOutcome RunRuleTests(std::string_view text, const std::string& file,
                             const std::string& directory, const RuleTestOptions& options);

// The failure as lines: its place and text, then the samples expected and got; with `diff` only
// those that differ, marked - and +, coloured when `colour`.
std::string FailureText(const TestFailure& failure, bool diff, bool colour);

}  // namespace plimsoll::ruler
