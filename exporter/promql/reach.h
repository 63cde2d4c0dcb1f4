// SPDX-License-Identifier: Apache-2.0
//
// How far back an expression reads, and what it reads.
//
// The reach of a selector is its range or the lookback, plus its offset, plus the ranges and
// offsets of the subqueries around it. A recorded series ends the walk: its own rule reads what
// lies behind.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "promql/ast.h"

namespace plimsoll::promql {

struct Reach {
  std::chrono::milliseconds back{0};  // how much older than the evaluation the oldest sample may be
  bool fixed_at = false;              // has an `@` with a fixed time: no window can hold it
  bool range_dependent =
      false;  // has `@ start()`, `@ end()` or range() whose reach needs the query's range
};

// `lookback`: what an instant selector reads. `default_step`: of a subquery without one.
Reach ReachOf(const Expr& expr, std::chrono::milliseconds lookback,
              std::chrono::milliseconds default_step);

// Every selector in the tree, in text order. Pointers live as long as `expr`.
std::vector<const VectorSelector*> Selectors(const Expr& expr);

}  // namespace plimsoll::promql
