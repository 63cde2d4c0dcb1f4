// SPDX-License-Identifier: Apache-2.0
//
// What rules read, found without running them: scraped series or nothing, and how far back.
//
// A signal without a scraped sample behind it counts as empty, unless its expression reads no
// scraped series at all, through any chain of rules (a schedule). And the window must hold what the
// farthest rule reads. Both follow from the trees alone.
//
// Threads: immutable once built.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <string_view>

#include "document/yaml.h"
#include "promql/ast.h"
#include "ruler/rule_file.h"

namespace plimsoll::ruler {

// The metric name under which params: are stored.
constexpr std::string_view kParamName = "plimsoll_param";

// Returns: false when no selector of the expression can select a series of that name for certain.
bool MayRead(const promql::Expr& expr, std::string_view metric);

class Dependencies {
 public:
  Dependencies() = default;
  explicit Dependencies(const RuleSet& rules);

  // Whether some selector of `expr` could select a scraped series: its name is not fixed, or it is
  // neither a parameter nor recorded only from what reads none.
  bool ReadsScraped(const promql::Expr& expr) const;
  bool IsRecorded(std::string_view name) const { return recorded_.count(name) > 0; }

 private:
  std::set<std::string, std::less<>> recorded_;
  std::set<std::string, std::less<>> from_scrapes_;  // of these, the ones that read scraped series
};

struct WindowOptions {
  std::chrono::milliseconds lookback = std::chrono::minutes(5);
  std::chrono::milliseconds default_step =
      std::chrono::minutes(1);                                    // of a subquery that names none
  std::chrono::milliseconds query_offset{0};                      // global.rule_query_offset
  std::chrono::milliseconds max_window = std::chrono::hours(24);  // storage.max_window
};

struct Window {
  std::chrono::milliseconds reach{0};
  std::string set_by;  // `pack.yml: group "x", rule 1, "y"`; "" without rules
};

// The largest reach of all rules. Reports every rule with a fixed @, or that reads farther back
// than max_window.
Window RequiredWindow(const RuleSet& rules, const WindowOptions& options, document::Errors& errors);

}  // namespace plimsoll::ruler
