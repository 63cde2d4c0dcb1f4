// SPDX-License-Identifier: Apache-2.0
//
// Prometheus rule files: text in, checked groups of recording rules out, every error with its
// place.
//
// Files that Prometheus loads load here, with the same words when they do not. `alert:` rules are
// checked, kept apart, and named in one warning per file: plimsoll records and does not alert. Only
// the first YAML document of a file counts. A file without any document is an error here, because
// it is what a writer leaves half way.
//
// Threads: pure functions; a RuleSet is immutable once it is loaded.
// Bounds:  document::YamlLimits for each file, promql::ParseOptions::max_depth for each expression.
// See:     docs/differences.md
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "document/yaml.h"
#include "promql/ast.h"
#include "promql/parser.h"

namespace plimsoll::ruler {

// Names and values, sorted by name. An empty value takes a label away, so this is not
// model::Labels.
using RuleLabels = std::vector<std::pair<std::string, std::string>>;

struct Rule {
  std::string record;
  std::string text;                          // the expression as it stands in the file
  std::shared_ptr<const promql::Expr> expr;  // never null
  RuleLabels labels;                         // the rule's own
  int number = 0;                            // within its group, alerts counted, from one
  base::Place where;
};

// Checked and listed, and never evaluated.
struct Alert {
  std::string name;
  std::shared_ptr<const promql::Expr> expr;  // never null
  std::chrono::milliseconds hold{0};         // for
  std::chrono::milliseconds keep_firing{0};  // keep_firing_for
  RuleLabels labels;                         // the rule's own
  RuleLabels annotations;
  int number = 0;  // within its group, rules that record counted, from one
  base::Place where;
};

struct Group {
  std::string name;
  std::optional<std::chrono::milliseconds> interval;  // positive
  std::optional<std::chrono::milliseconds> query_offset;
  std::int64_t limit = 0;  // of series per rule; zero or less: none
  RuleLabels labels;
  std::vector<Rule> rules;
  std::vector<Alert> alerts;
  base::Place where;
};

struct RuleFile {
  std::string name;
  std::vector<Group> groups;
  std::vector<std::string> warnings;
};

struct RuleOptions {
  promql::ParseOptions promql;
  // global.evaluation_interval; unset: a group without an interval follows the tick, and then may
  // not have a query_offset.
  std::optional<std::chrono::milliseconds> evaluation_interval;
  // Keys that nobody knows pass, for files with metadata of their own.
  bool ignore_unknown_fields = false;
};

// Reports to `errors`. Returns: nothing if it reported anything.
std::optional<RuleFile> ParseRuleFile(std::string_view text, const std::string& name,
                                      const RuleOptions& options, document::Errors& errors);

// Every file, in order. Returns: nothing if any of them has an error.
using RuleSet = std::vector<RuleFile>;
std::optional<RuleSet> LoadRules(const std::vector<config::RuleFile>& files,
                                 const RuleOptions& options, document::Errors& errors);

// Fails with: the first error; its message has the others on lines of their own.
base::Result<RuleSet> LoadRules(const std::vector<config::RuleFile>& files,
                                const RuleOptions& options);

// YAML that parses to an equal file.
std::string PrintRuleFile(const RuleFile& file);
// Equality of what a file means: places and the spelling of expressions aside.
bool Equal(const RuleFile& a, const RuleFile& b);

// The labels that a rule's results get: the group's, overridden by the rule's own.
RuleLabels MergedLabels(const Group& group, const RuleLabels& own);

// Returns: `group "trino", rule 3, "trino:queued:sum"`, as errors name a rule.
std::string NameOf(const Group& group, const Rule& rule);

}  // namespace plimsoll::ruler
