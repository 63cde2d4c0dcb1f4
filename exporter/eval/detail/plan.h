// SPDX-License-Identifier: Apache-2.0
//
// An expression made ready for one query: what depends on the query's times is resolved.
//
// Durations become milliseconds, start() and end() become instants, parentheses go, and the parts
// whose value is the same at every step are marked, so that they are computed once. The tree itself
// stays as it was parsed and may be shared.
//
// Lives as long as: the expression it was made from.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "model/sample.h"
#include "promql/ast.h"

namespace plimsoll::eval {

using model::Time;

struct Node {
  enum class Kind {
    kNumber,
    kString,
    kSelector,
    kRangeSelector,
    kSubquery,
    kPlus,  // its one child; a node of its own, because it has a place and is no selector
    kNegate,
    kBinary,
    kAggregate,
    kCall,
    kInvariant,  // its one child, asked once and repeated at every step
  };
  Kind kind = Kind::kNumber;
  const promql::Expr* expr = nullptr;
  std::vector<Node> children;  // of an aggregate: what is aggregated, then the parameter
  double number = 0;
  // Selectors and subqueries. A zero step: the default one.
  Time range = 0;
  Time step = 0;
  Time offset = 0;
  std::optional<Time> at;
  std::size_t selector = 0;  // ordinal of the selector within the query

  const promql::VectorSelector& vector_selector() const;
};

struct QueryTimes {
  Time start = 0;
  Time end = 0;
  Time step = 0;  // zero for an instant query
};

struct Plan {
  Node root;
  std::size_t selectors = 0;
};

// Fails with: kBadInput when a duration expression is not a positive, finite length.
base::Result<Plan> MakePlan(const promql::Expr& expr, const QueryTimes& times);

}  // namespace plimsoll::eval
