// SPDX-License-Identifier: Apache-2.0
//
// Runs test scripts of PromQL and says how many cases and queries passed.
//
// usage: run_scripts [--epsilon E] [--delayed-name-removal] [--experimental] [--coverage] FILE...
// Without --delayed-name-removal the evaluator is as the server has it by default. --coverage fails
// when some stable function, aggregator, operator or modifier is used by no case.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/functions.h"
#include "support/promql_runner.h"

namespace {

using namespace plimsoll;  // NOLINT: a program

// What is neither a function nor an operator, as test::RunnerReport::used spells it.
constexpr std::string_view kModifiers[] = {
    "@",      "@ start()", "@ end()",  "offset", "by",         "without",     "all",
    "bool",   "on",        "ignoring", "[:]",    "group_left", "group_right", "[:step]",
    "string", "number",    "{=}",      "{!=}",   "{=~}",       "{!~}",        "unary"};

// Only for native histograms, of which a script can hold none.
bool NeedsHistograms(promql::BinaryOp op) {
  return op == promql::BinaryOp::kTrimUpper || op == promql::BinaryOp::kTrimLower;
}

std::vector<std::string> Missing(const std::set<std::string>& used) {
  std::vector<std::string> missing;
  const auto need = [&](std::string_view name) {
    if (used.count(std::string(name)) == 0) missing.emplace_back(name);
  };
  for (const promql::Function& function : promql::Functions()) {
    if (!function.experimental) need(function.name);
  }
  using promql::AggregateOp;
  for (auto op = AggregateOp::kSum; op <= AggregateOp::kCountValues;
       op = static_cast<AggregateOp>(static_cast<int>(op) + 1)) {
    need(promql::OpText(op));
  }
  using promql::BinaryOp;
  for (auto op = BinaryOp::kAdd; op <= BinaryOp::kTrimLower;
       op = static_cast<BinaryOp>(static_cast<int>(op) + 1)) {
    if (!NeedsHistograms(op)) need(promql::OpText(op));
  }
  for (const std::string_view modifier : kModifiers) need(modifier);
  return missing;
}

}  // namespace

int main(int argc, char** argv) {
  test::RunnerOptions options;
  options.eval.features.delayed_name_removal = false;
  bool coverage = false;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--epsilon" && i + 1 < argc) {
      options.epsilon = base::ParseFloat(argv[++i]).value_or(options.epsilon);
    } else if (argument == "--delayed-name-removal") {
      options.eval.features.delayed_name_removal = true;
    } else if (argument == "--experimental") {
      options.parse.experimental_functions = true;
      options.parse.extended_range_selectors = true;
      options.parse.binop_fill = true;
    } else if (argument == "--coverage") {
      coverage = true;
    } else {
      files.push_back(argument);
    }
  }
  std::size_t failures = 0;
  std::size_t cases = 0;
  std::size_t queries = 0;
  std::set<std::string> used;
  for (const std::string& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const auto script = test::ParseScript(text, file);
    if (!in || !script) {
      fmt::print("{}\n", script ? file + ": cannot be read" : script.error().ToString());
      ++failures;
      continue;
    }
    const test::RunnerReport report = test::RunScript(*script, file, options);
    for (const std::string& failure : report.failures) fmt::print("{}\n", failure);
    fmt::print("{}: {} cases, {} queries, {} failures\n", file.substr(file.rfind('/') + 1),
               report.cases, report.queries, report.failures.size());
    failures += report.failures.size();
    cases += report.cases;
    queries += report.queries;
    used.insert(report.used.begin(), report.used.end());
  }
  fmt::print("{} files, {} cases, {} queries, {} failures\n", files.size(), cases, queries,
             failures);
  if (coverage) {
    for (const std::string& name : Missing(used)) {
      fmt::print("used by no case: {}\n", name);
      ++failures;
    }
  }
  return failures == 0 && !files.empty() ? 0 : 1;
}
