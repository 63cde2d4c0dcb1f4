// SPDX-License-Identifier: Apache-2.0
//
// Runs test scripts of PromQL against the evaluator over the live store.
//
// As Prometheus's own runner does, each instant case runs more than once: as it is; with every
// selector fixed by @ to its time and evaluated at five other times; and each of these as a range
// query around its time, of which the middle step must say the same.
//
// Threads: belongs to one thread.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "eval/engine.h"
#include "promql/parser.h"
#include "support/promql_script.h"

namespace plimsoll::test {

struct RunnerOptions {
  RunnerOptions();
  promql::ParseOptions parse;
  eval::Options eval;
  double epsilon = 1e-6;  // relative; zero asks for equal values
};

struct RunnerReport {
  std::size_t cases = 0;
  std::size_t queries = 0;
  std::vector<std::string> failures;  // file:line: what, with the query, expected and got
  // What of the language the cases have used: function and operator names, modifiers.
  std::set<std::string> used;
};

// Runs every command, also after a failure.
RunnerReport RunScript(const Script& script, const std::string& file, const RunnerOptions& options);

}  // namespace plimsoll::test
