// SPDX-License-Identifier: Apache-2.0
//
// Tree to text on several lines, for people: what does not fit on a line is broken and indented.
//
// Line breaks are those of /api/v1/format_query (prometheus/prometheus promql/parser prettier.go).
//
// Threads: a pure function.
#pragma once

#include <string>

#include "promql/ast.h"

namespace plimsoll::promql {

// Parse(Prettify(tree)) is an equal tree.
std::string Prettify(const Expr& expr);

}  // namespace plimsoll::promql
