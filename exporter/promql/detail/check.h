// SPDX-License-Identifier: Apache-2.0
//
// Types: which expression may stand where.
//
// Threads: pure, apart from the tree that it is given.
#pragma once

#include <string_view>

#include "base/result.h"
#include "promql/ast.h"

namespace plimsoll::promql::detail {

// Checks the whole tree, operands before operators, and settles what depends on types: how the
// vectors of a binary operator match. Fails with: kBadInput and the first error in the order of
// Prometheus.
base::Result<void> CheckTypes(Expr& expr, std::string_view query);

}  // namespace plimsoll::promql::detail
