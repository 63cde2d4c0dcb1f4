// SPDX-License-Identifier: Apache-2.0
//
// Evaluates an expression over a storage: at one instant, or at every step of a range.
//
// Both take the same road. Each selector selects once; each series is decoded once for the whole
// query; label work (names dropped, groups, matches) is done per series and never per step.
// Answers, annotations and errors are those of Prometheus's engine.
//
// Threads: the functions may be called from any thread, with a Querier that belongs to the caller.
// A
//          Prepared belongs to one thread at a time.
// Bounds:  Options::max_samples, Options::max_cells, Options::timeout.
// See:     docs/adr/0004-evaluator-layout.md
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "eval/value.h"
#include "promql/ast.h"
#include "store/querier.h"

namespace plimsoll::eval {

// What Prometheus hides behind --enable-feature and an evaluator must know. All off, as in the
// server; what is experimental in syntax is the parser's business (promql::ParseOptions).
struct Features {
  bool delayed_name_removal = false;
  bool type_and_unit_labels = false;
};

struct Options {
  std::chrono::milliseconds lookback = std::chrono::minutes(5);
  std::chrono::milliseconds default_step =
      std::chrono::minutes(1);             // of a subquery that names none
  std::uint64_t max_samples = 50'000'000;  // held at once, counted as Prometheus counts
  std::uint64_t max_cells = 100'000'000;   // series x steps of all results held at once
  // The clock that decides whether `timeout` has passed; null: no time-out.
  const base::Clock* clock = nullptr;
  std::chrono::nanoseconds timeout = std::chrono::minutes(2);
  // Asked between series and between steps; true ends the query. May be empty.
  std::function<bool()> canceled;
  Features features;
  bool count_samples = false;  // fills Answer::samples, which costs a little
  bool sources = true;         // fills the `source` of an instant answer, which costs a little, too
};

// The value of `expr` at `at`. `text` is what was parsed: annotations name places in it.
// Requires: `expr` and `text` live until the call returns.
// Fails with: kExecution (Prometheus's texts), kLimit ("query processing would load too many
// samples into memory in ..."), kTimeout ("query timed out in ..."), kCanceled, kBadInput (a
// duration expression that is out of range).
base::Result<Answer> Instant(const promql::Expr& expr, std::string_view text,
                             store::Querier& querier, Time at, const Options& options = {});

// The value at start, start + step, ... up to end; always a Matrix.
// Requires: step > 0, start <= end. Fails with: as Instant; kBadInput for an expression that is
// neither a scalar nor an instant vector.
base::Result<Answer> Range(const promql::Expr& expr, std::string_view text, store::Querier& querier,
                           Time start, Time end, std::chrono::milliseconds step,
                           const Options& options = {});

// An expression that is evaluated again and again, as a rule is. It remembers which series its
// selectors found and asks again only when the storage's table of series has changed
// (store::Querier::TableVersion); it keeps copies of labels, so it outlives every Querier.
class Prepared {
 public:
  // `text`: what `expr` was parsed from.
  Prepared(promql::ExprPtr expr, std::string text);
  ~Prepared();
  Prepared(Prepared&&) noexcept;
  Prepared& operator=(Prepared&&) noexcept;

  const promql::Expr& expr() const;
  const std::string& text() const;
  // Requires: every querier passed to one Prepared is of one storage. Fails with: as eval::Instant.
  base::Result<Answer> Instant(store::Querier& querier, Time at, const Options& options = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::eval
