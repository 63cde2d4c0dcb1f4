// SPDX-License-Identifier: Apache-2.0
//
// The children of a node, for everything that looks at a whole tree.
//
// Threads: pure.
#pragma once

#include <variant>

#include "promql/ast.h"

namespace plimsoll::promql {

// Calls visit(const Expr&) for every child of `expr`, in the order of the text.
template <typename Visit>
void ForEachChild(const Expr& expr, Visit visit) {
  struct Children {
    Visit& visit;
    void operator()(const NumberLiteral&) const {}
    void operator()(const StringLiteral&) const {}
    void operator()(const VectorSelector&) const {}
    void operator()(const MatrixSelector& node) const { visit(*node.vector); }
    void operator()(const Subquery& node) const { visit(*node.expr); }
    void operator()(const Paren& node) const { visit(*node.expr); }
    void operator()(const Unary& node) const { visit(*node.expr); }
    void operator()(const Binary& node) const {
      visit(*node.lhs);
      visit(*node.rhs);
    }
    void operator()(const Aggregate& node) const {
      if (node.param != nullptr) visit(*node.param);
      visit(*node.expr);
    }
    void operator()(const Call& node) const {
      for (const ExprPtr& arg : node.args) visit(*arg);
    }
  };
  std::visit(Children{visit}, expr.node);
}

}  // namespace plimsoll::promql
