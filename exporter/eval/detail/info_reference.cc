// SPDX-License-Identifier: Apache-2.0
//
// A walk over the vectors below info().
#include "eval/detail/info_reference.h"

#include <variant>
#include <vector>

#include "promql/functions.h"

namespace plimsoll::eval {
namespace {

class ReferenceFinder {
 public:
  static std::optional<Reference> Of(const Node& node) {
    ReferenceFinder finder;
    finder.Walk(node, {});
    if (!finder.uniform_ || finder.without_selector_) return std::nullopt;
    return finder.first_;
  }

 private:
  bool Walk(const Node& node, std::vector<const Node*> path) {
    const promql::ValueType type = node.expr->type;
    if (type != promql::ValueType::kVector && type != promql::ValueType::kMatrix) return false;
    if (node.kind == Node::Kind::kSelector || node.kind == Node::Kind::kRangeSelector) {
      Reference found{node.at, node.offset};
      // Offsets of subqueries around it add up until an @ anchors it.
      for (auto outer = path.rbegin(); !found.at && outer != path.rend(); ++outer) {
        if ((*outer)->kind != Node::Kind::kSubquery) continue;
        found.offset += (*outer)->offset;
        found.at = (*outer)->at;
      }
      if (!first_) first_ = found;
      uniform_ = uniform_ && *first_ == found;
      return true;
    }
    path.push_back(&node);
    bool any = false;
    const auto* call = std::get_if<promql::Call>(&node.expr->node);
    const bool info =
        node.kind == Node::Kind::kCall && call != nullptr && call->function->name == "info";
    for (const Node& child : node.children) {
      if (info && &child != &node.children[0]) continue;
      any = Walk(child, path) || any;
    }
    without_selector_ = without_selector_ || !any;
    return any;
  }

  std::optional<Reference> first_;
  bool uniform_ = true;
  bool without_selector_ = false;
};

}  // namespace

std::optional<Reference> SharedReference(const Node& node) { return ReferenceFinder::Of(node); }

}  // namespace plimsoll::eval
