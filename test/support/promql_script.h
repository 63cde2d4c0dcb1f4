// SPDX-License-Identifier: Apache-2.0
//
// Test scripts of PromQL: text in, commands out.
//
// The language is that of Prometheus's own tests (promql/promqltest): load, clear, eval instant,
// eval range, the expect lines and the older eval_fail, eval_warn, eval_info and eval_ordered.
// load_with_nhcb is refused by name: there are no native histograms here.
//
// Threads: pure functions.
// Bounds:  promql::SeriesLimits for each series.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/regex.h"
#include "model/sample.h"
#include "promql/series.h"

namespace plimsoll::test {

struct LoadCommand {
  std::chrono::milliseconds step{0};
  std::vector<promql::SeriesText> series;  // of one metric only once: the last line counts
  bool operator==(const LoadCommand& other) const;
};

struct ClearCommand {
  bool operator==(const ClearCommand&) const = default;
};

// What a message must be: anything, this text, or a match of a pattern somewhere in it.
struct Message {
  enum class Kind { kAny, kText, kPattern };
  Kind kind = Kind::kAny;
  std::string text;
  std::optional<model::Regex> pattern;
  bool Matches(const std::string& message) const;
  bool operator==(const Message& other) const { return kind == other.kind && text == other.text; }
};

struct EvalCommand {
  std::string expr;
  bool range = false;
  model::Time start = 0;  // of an instant query: its time
  model::Time end = 0;
  std::chrono::milliseconds step{0};

  bool ordered = false;
  std::optional<Message> fail;
  std::vector<Message> warn, info;
  bool no_warn = false;
  bool no_info = false;

  // An instant query whose result is a range vector: its points are at start, start + step, ...
  bool range_vector = false;
  std::optional<std::string> text;           // a string
  std::optional<double> scalar;              // a scalar
  std::vector<promql::SeriesText> expected;  // else
  bool operator==(const EvalCommand& other) const;
};

struct Command {
  int line = 0;  // from one
  std::variant<LoadCommand, ClearCommand, EvalCommand> what;
};

using Script = std::vector<Command>;

// Fails with: kBadInput at file:line.
base::Result<Script> ParseScript(std::string_view text, const std::string& file,
                                 const promql::SeriesLimits& limits = {});

// Text that parses to the same commands.
std::string PrintScript(const Script& script);

}  // namespace plimsoll::test
