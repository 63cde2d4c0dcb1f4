// SPDX-License-Identifier: Apache-2.0
//
// Functions with a scalar among arguments or results; a scalar may change from step to step.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "eval/detail/call_functions.h"
#include "eval/detail/numerics.h"

namespace plimsoll::eval::call {
namespace {

// Applies `change(double&, step)` to every value that is present; it may make it absent.
template <typename Change>
void ChangeValues(Block& block, Change&& change) {
  for (std::size_t r = 0; r < block.rows.size(); ++r) {
    double* values = block.RowValues(r);
    for (std::size_t k = 0; k < block.steps; ++k) {
      if (!IsAbsent(values[k])) change(values[k], k);
    }
  }
}

Result Finish(Evaluator& evaluator, Block block, const Grid& grid) {
  evaluator.DropNames(block);
  if (auto finished = FinishStepwise(evaluator, block, grid); !finished) return finished.error();
  return block;
}

Result ClampBetween(Evaluator& evaluator, const Node& node, const Grid& grid, int low_arg,
                    int high_arg) {
  auto block = evaluator.Eval(node.children[0], grid);
  if (!block) return block;
  Block low, high;
  for (auto [arg, to] : {std::pair{low_arg, &low}, std::pair{high_arg, &high}}) {
    if (arg < 0) continue;
    auto value = EvalScalarArg(evaluator, node, static_cast<std::size_t>(arg), grid);
    if (!value) return value;
    *to = std::move(*value);
  }
  bool emptied = false;
  ChangeValues(*block, [&](double& value, std::size_t k) {
    const double least = low_arg < 0 ? -kInf : low.values.data()[k];
    const double most = high_arg < 0 ? kInf : high.values.data()[k];
    if (most < least) {
      value = eval::Absent();
      emptied = true;
      return;
    }
    value = GoMax(least, GoMin(most, value));
  });
  if (emptied) Recount(*block);
  return Finish(evaluator, std::move(*block), grid);
}

Result Constant(Evaluator& evaluator, const Grid& grid, double value) {
  auto out = evaluator.NewBlock(1, grid.steps);
  if (!out) return out;
  std::fill_n(out->NextValues(), grid.steps, value);
  if (evaluator.track()) std::fill_n(out->NextSources(), grid.steps, model::kNoSource);
  out->AddRow(evaluator.arena().Empty(), false, grid.steps);
  out->unique = true;
  return out;
}

template <typename Choose>
Result OfTwo(Evaluator& evaluator, const Node& node, const Grid& grid, Choose&& choose) {
  auto left = EvalScalarArg(evaluator, node, 0, grid);
  if (!left) return left;
  const auto right = EvalScalarArg(evaluator, node, 1, grid);
  if (!right) return right.error();
  for (std::size_t k = 0; k < grid.steps; ++k) {
    left->values.data()[k] = choose(left->values.data()[k], right->values.data()[k]);
    if (evaluator.track()) {
      left->sources.data()[k] =
          model::OlderSource(left->sources.data()[k], right->sources.data()[k]);
    }
  }
  return left;
}

}  // namespace

Result Clamp(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return ClampBetween(evaluator, node, grid, 1, 2);
}
Result ClampMin(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return ClampBetween(evaluator, node, grid, 1, -1);
}
Result ClampMax(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return ClampBetween(evaluator, node, grid, -1, 1);
}

Result Round(Evaluator& evaluator, const Node& node, const Grid& grid) {
  auto block = evaluator.Eval(node.children[0], grid);
  if (!block) return block;
  Block to;
  if (node.children.size() > 1) {
    auto value = EvalScalarArg(evaluator, node, 1, grid);
    if (!value) return value;
    to = std::move(*value);
  }
  ChangeValues(*block, [&](double& value, std::size_t k) {
    const double inverse = 1.0 / (to.rows.empty() ? 1.0 : to.values.data()[k]);
    value = std::floor(value * inverse + 0.5) / inverse;
  });
  return Finish(evaluator, std::move(*block), grid);
}

Result Scalar(Evaluator& evaluator, const Node& node, const Grid& grid) {
  const auto block = evaluator.Eval(node.children[0], grid);
  if (!block) return block.error();
  auto out = evaluator.NewBlock(1, grid.steps);
  if (!out) return out;
  double* values = out->NextValues();
  std::fill_n(values, grid.steps, eval::Absent());
  if (evaluator.track()) std::fill_n(out->NextSources(), grid.steps, model::kNoSource);
  std::vector<bool> several(grid.steps, false);
  for (std::size_t r = 0; r < block->rows.size(); ++r) {
    const double* row = block->RowValues(r);
    for (std::size_t k = 0; k < grid.steps; ++k) {
      if (IsAbsent(row[k])) continue;
      if (!IsAbsent(values[k])) several[k] = true;
      values[k] = row[k];
      if (evaluator.track()) out->NextSources()[k] = block->RowSources(r)[k];
    }
  }
  for (std::size_t k = 0; k < grid.steps; ++k) {
    if (!several[k] && !IsAbsent(values[k])) continue;
    values[k] = NaN();
    if (evaluator.track()) out->NextSources()[k] = model::kNoSource;
  }
  out->AddRow(evaluator.arena().Empty(), false, grid.steps);
  out->unique = true;
  return out;
}

Result Vector(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return EvalScalarArg(evaluator, node, 0, grid);
}

Result MaxOf(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return OfTwo(evaluator, node, grid, GoMax);
}
Result MinOf(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return OfTwo(evaluator, node, grid, GoMin);
}

Result Pi(Evaluator& evaluator, const Node&, const Grid& grid) {
  return Constant(evaluator, grid, std::numbers::pi);
}

Result Folded(Evaluator&, const Node&, const Grid&) {
  return base::Error{
      base::Error::Kind::kInternal, "the plan left a function of the query's times in place", {}};
}

Result OfNativeHistograms(Evaluator& evaluator, const Node& node, const Grid& grid) {
  const auto block = evaluator.Eval(node.children[0], grid);
  if (!block) return block.error();
  return Block(0, grid.steps, evaluator.track());
}

}  // namespace plimsoll::eval::call
