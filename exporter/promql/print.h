// SPDX-License-Identifier: Apache-2.0
//
// Tree to text: Parse(Print(tree)) is an equal tree, and Print is then stable.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include "promql/ast.h"

namespace plimsoll::promql {

// One line, as prometheus/prometheus promql/parser printer.go writes it.
std::string Print(const Expr& expr);

// The same text, and where in it each expression stands (the selector inside a range selector
// aside). Lives as long as: the tree, whose nodes are the keys.
struct OneLine {
  struct Place {
    std::size_t start = 0;
    std::size_t end = 0;
  };
  using Places = std::unordered_map<const Expr*, Place>;
  std::string text;
  Places places;
};
OneLine PrintWithPlaces(const Expr& expr);

// Deep copy.
ExprPtr Clone(const Expr& expr);
// Structural equality, positions aside.
bool Equal(const Expr& a, const Expr& b);

}  // namespace plimsoll::promql
