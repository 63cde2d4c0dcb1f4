// SPDX-License-Identifier: Apache-2.0
//
// Copies of trees, and whether two are the same. See promql/print.h.
#include <algorithm>
#include <bit>
#include <cmath>

#include "promql/functions.h"
#include "promql/print.h"

namespace plimsoll::promql {

namespace {

// ---- Clone

ExprPtr Copy(const ExprPtr& expr) { return expr == nullptr ? nullptr : Clone(*expr); }

NumberLiteral Copy(const NumberLiteral& node) { return node; }
StringLiteral Copy(const StringLiteral& node) { return node; }
VectorSelector Copy(const VectorSelector& node) { return node; }
MatrixSelector Copy(const MatrixSelector& node) { return {Copy(node.vector), node.range}; }
Subquery Copy(const Subquery& node) {
  return {Copy(node.expr), node.range, node.step, node.offset, node.at};
}
Paren Copy(const Paren& node) { return {Copy(node.expr)}; }
Unary Copy(const Unary& node) { return {node.negative, Copy(node.expr)}; }
Binary Copy(const Binary& node) {
  return {node.op, Copy(node.lhs), Copy(node.rhs), node.matching, node.return_bool, node.op_pos};
}
Aggregate Copy(const Aggregate& node) {
  return {node.op, Copy(node.expr), Copy(node.param), node.without, node.grouping};
}
Call Copy(const Call& node) {
  Call call{node.function, {}};
  call.args.reserve(node.args.size());
  for (const ExprPtr& arg : node.args) call.args.push_back(Copy(arg));
  return call;
}

// ---- Equal

// One NaN is as good as another here; zero and minus zero are not the same text.
bool Same(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool Same(const std::optional<double>& a, const std::optional<double>& b) {
  return a.has_value() == b.has_value() && (!a || Same(*a, *b));
}

bool Same(const DurationExprPtr& a, const DurationExprPtr& b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->op == b->op && Same(a->seconds, b->seconds) && a->wrapped == b->wrapped &&
         a->duration_literal == b->duration_literal && Same(a->lhs, b->lhs) && Same(a->rhs, b->rhs);
}

bool Same(const Duration& a, const Duration& b) {
  return a.milliseconds == b.milliseconds && Same(a.expr, b.expr);
}

bool Same(const ExprPtr& a, const ExprPtr& b) {
  if (a == nullptr || b == nullptr) return a == b;
  return Equal(*a, *b);
}

// The order of matchers says nothing.
bool Same(const model::Matchers& a, const model::Matchers& b) {
  return std::is_permutation(a.begin(), a.end(), b.begin(), b.end());
}

bool Same(const std::optional<VectorMatching>& a, const std::optional<VectorMatching>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->card == b->card && a->on == b->on && a->labels == b->labels &&
         a->include == b->include && Same(a->fill_left, b->fill_left) &&
         Same(a->fill_right, b->fill_right);
}

bool Same(const NumberLiteral& a, const NumberLiteral& b) {
  return Same(a.value, b.value) && a.duration == b.duration;
}
bool Same(const StringLiteral& a, const StringLiteral& b) { return a.value == b.value; }
bool Same(const VectorSelector& a, const VectorSelector& b) {
  return a.name == b.name && Same(a.matchers, b.matchers) && Same(a.offset, b.offset) &&
         a.at == b.at && a.anchored == b.anchored && a.smoothed == b.smoothed;
}
bool Same(const MatrixSelector& a, const MatrixSelector& b) {
  return Same(a.vector, b.vector) && Same(a.range, b.range);
}
bool Same(const Subquery& a, const Subquery& b) {
  return Same(a.expr, b.expr) && Same(a.range, b.range) && Same(a.step, b.step) &&
         Same(a.offset, b.offset) && a.at == b.at;
}
bool Same(const Paren& a, const Paren& b) { return Same(a.expr, b.expr); }
bool Same(const Unary& a, const Unary& b) {
  return a.negative == b.negative && Same(a.expr, b.expr);
}
bool Same(const Binary& a, const Binary& b) {
  return a.op == b.op && a.return_bool == b.return_bool && Same(a.matching, b.matching) &&
         Same(a.lhs, b.lhs) && Same(a.rhs, b.rhs);
}
bool Same(const Aggregate& a, const Aggregate& b) {
  return a.op == b.op && a.without == b.without && a.grouping == b.grouping &&
         Same(a.param, b.param) && Same(a.expr, b.expr);
}
bool Same(const Call& a, const Call& b) {
  return a.function == b.function &&
         std::equal(a.args.begin(), a.args.end(), b.args.begin(), b.args.end(),
                    [](const ExprPtr& x, const ExprPtr& y) { return Same(x, y); });
}

}  // namespace

ExprPtr Clone(const Expr& expr) {
  return std::visit(
      [&](const auto& node) {
        return std::make_unique<Expr>(Expr{Copy(node), expr.type, expr.pos});
      },
      expr.node);
}

bool Equal(const Expr& a, const Expr& b) {
  if (a.type != b.type || a.node.index() != b.node.index()) return false;
  return std::visit(
      [&](const auto& node) { return Same(node, std::get<std::decay_t<decltype(node)>>(b.node)); },
      a.node);
}

}  // namespace plimsoll::promql
