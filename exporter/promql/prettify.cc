// SPDX-License-Identifier: Apache-2.0
//
// Breaking lines. Everything that is written stands in the one-line text already, so this only
// decides where it is cut: an expression is printed once, whatever its depth.
#include "promql/prettify.h"

#include <string_view>

#include "promql/print.h"

namespace plimsoll::promql {
namespace {

constexpr std::size_t kLine = 100;  // bytes, without the indentation

class Prettifier {
 public:
  explicit Prettifier(const Expr& root) : line_(PrintWithPlaces(root)) {}

  std::string Run(const Expr& root) {
    Write(root, 0);
    return std::move(out_);
  }

 private:
  void Write(const Expr& expr, std::size_t level) {
    std::visit([&](const auto& node) { Write(expr, node, level); }, expr.node);
  }
  template <typename Leaf>
  void Write(const Expr& expr, const Leaf&, std::size_t level) {
    WriteLeaf(expr, level);
  }
  void Write(const Expr& expr, const Paren& node, std::size_t level) {
    if (WroteWhole(expr, level)) return;
    Indent(level);
    out_ += "(\n";
    Write(*node.expr, level + 1);
    CloseOn(level);
  }
  void Write(const Expr& expr, const Call& node, std::size_t level) {
    if (WroteWhole(expr, level)) return;
    if (node.args.empty()) return WriteLeaf(expr, level);
    Indent(level);
    out_ += Between(StartOf(expr), StartOf(*node.args.front()));
    out_ += '\n';
    for (const ExprPtr& argument : node.args) {
      if (argument != node.args.front()) out_ += ",\n";
      Write(*argument, level + 1);
    }
    CloseOn(level);
  }
  void Write(const Expr& expr, const Aggregate& node, std::size_t level) {
    if (WroteWhole(expr, level)) return;
    const Expr& first = node.param != nullptr ? *node.param : *node.expr;
    Indent(level);
    out_ += Between(StartOf(expr), StartOf(first));
    out_ += '\n';
    if (node.param != nullptr) {
      Write(*node.param, level + 1);
      out_ += ",\n";
    }
    Write(*node.expr, level + 1);
    CloseOn(level);
  }
  void Write(const Expr& expr, const Binary& node, std::size_t level) {
    if (WroteWhole(expr, level)) return;
    Write(*node.lhs, level + 1);
    out_ += '\n';
    Indent(level);
    // The operator stands between two blanks on one line.
    out_ += Between(EndOf(*node.lhs) + 1, StartOf(*node.rhs) - 1);
    out_ += '\n';
    Write(*node.rhs, level + 1);
  }
  // Prometheus does not indent a subquery that fits on a line.
  void Write(const Expr& expr, const Subquery& node, std::size_t level) {
    if (Fits(expr)) {
      out_ += TextOf(expr);
      return;
    }
    Write(*node.expr, level);
    out_ += Between(EndOf(*node.expr), EndOf(expr));
  }
  void Write(const Expr& expr, const Unary& node, std::size_t level) {
    Indent(level);
    out_ += Between(StartOf(expr), StartOf(*node.expr));
    const std::size_t start = out_.size();
    Write(*node.expr, level);
    const std::size_t text = out_.find_first_not_of(' ', start);
    out_.erase(start, text == std::string::npos ? 0 : text - start);
  }

  void WriteLeaf(const Expr& expr, std::size_t level) {
    Indent(level);
    out_ += TextOf(expr);
  }
  bool WroteWhole(const Expr& expr, std::size_t level) {
    if (!Fits(expr)) return false;
    WriteLeaf(expr, level);
    return true;
  }
  void CloseOn(std::size_t level) {
    out_ += '\n';
    Indent(level);
    out_ += ')';
  }
  void Indent(std::size_t level) { out_.append(2 * level, ' '); }

  bool Fits(const Expr& expr) const { return TextOf(expr).size() <= kLine; }
  std::size_t StartOf(const Expr& expr) const { return line_.places.at(&expr).start; }
  std::size_t EndOf(const Expr& expr) const { return line_.places.at(&expr).end; }
  std::string_view Between(std::size_t start, std::size_t end) const {
    return std::string_view(line_.text).substr(start, end - start);
  }
  std::string_view TextOf(const Expr& expr) const { return Between(StartOf(expr), EndOf(expr)); }

  OneLine line_;
  std::string out_;
};

}  // namespace

std::string Prettify(const Expr& expr) { return Prettifier(expr).Run(expr); }

}  // namespace plimsoll::promql
