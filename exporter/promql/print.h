// SPDX-License-Identifier: Apache-2.0
//
// Tree to text: Parse(Print(tree)) is an equal tree, and Print is then stable.
#pragma once

#include <string>

#include "promql/ast.h"

namespace plimsoll::promql {

// One line, as prometheus/prometheus promql/parser printer.go writes it.
std::string Print(const Expr& expr);
// Deep copy.
ExprPtr Clone(const Expr& expr);
// Structural equality, positions aside.
bool Equal(const Expr& a, const Expr& b);

}  // namespace plimsoll::promql
