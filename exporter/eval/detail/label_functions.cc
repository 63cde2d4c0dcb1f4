// SPDX-License-Identifier: Apache-2.0
//
// The functions that look at labels, at the order of elements, or at whether there are any.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/number_text.h"
#include "eval/detail/call_functions.h"
#include "eval/detail/ordering.h"
#include "model/regex.h"

namespace plimsoll::eval::call {
namespace {

bool IsLabelName(std::string_view name) { return !name.empty() && base::IsValidUtf8(name); }

// Gives a row new labels: `edit` changes the visible ones.
template <typename Edit>
void Relabel(Evaluator& evaluator, Row& row, const std::string& target, Edit&& edit) {
  const bool hidden = evaluator.Hidden(row);
  model::LabelsBuilder builder;
  ForEachLabel(*row.labels, hidden,
               [&](const model::Label& label) { builder.Set(label.name, label.value); });
  edit(builder);
  row.labels = evaluator.arena().Add(builder.Build());
  if (!evaluator.delayed() || target == model::kMetricName) row.drop_name = false;
}

// Puts the rows of a one-step block into the order that `before(row, row)` says.
template <typename SortIndices>
void Reorder(Block& block, SortIndices&& sort) {
  std::vector<std::uint32_t> order(block.rows.size());
  std::iota(order.begin(), order.end(), 0U);
  sort(order);
  Block sorted(block.rows.size(), 1, block.tracked());
  for (const std::uint32_t r : order) {
    *sorted.NextValues() = block.values.data()[r];
    if (block.tracked()) *sorted.NextSources() = block.sources.data()[r];
    sorted.rows.push_back(block.rows[r]);
  }
  sorted.unique = block.unique;
  block = std::move(sorted);
}

void WarnOfSort(Evaluator& evaluator, const Node& node, const Grid& grid) {
  if (grid.point) return;
  evaluator.notes().Warn(
      "sort is ineffective for range queries since results are always ordered by labels",
      node.expr->pos);
}

Result SortByValue(Evaluator& evaluator, const Node& node, const Grid& grid, bool descending) {
  auto block = evaluator.Eval(node.children[0], grid);
  if (!block) return block;
  WarnOfSort(evaluator, node, grid);
  if (grid.steps == 1) {
    Reorder(*block, [&](std::vector<std::uint32_t>& order) {
      SortWithNaNLast(order, block->values.data(), descending);
    });
  }
  return block;
}

Result SortByLabels(Evaluator& evaluator, const Node& node, const Grid& grid, bool descending) {
  auto block = evaluator.Eval(node.children[0], grid);
  if (!block) return block;
  WarnOfSort(evaluator, node, grid);
  if (grid.steps != 1) return block;
  std::vector<model::Labels> visible;
  for (const Row& row : block->rows)
    visible.push_back(VisibleLabels(*row.labels, evaluator.Hidden(row)));
  Reorder(*block, [&](std::vector<std::uint32_t>& order) {
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      for (std::size_t i = 1; i < node.children.size(); ++i) {
        const std::string_view left = visible[a].Get(StringArg(node, i));
        const std::string_view right = visible[b].Get(StringArg(node, i));
        if (left == right) continue;
        return descending ? !NaturalLess(left, right) : NaturalLess(left, right);
      }
      return descending ? visible[b] < visible[a] : visible[a] < visible[b];
    });
  });
  return block;
}

}  // namespace

Result LabelReplace(Evaluator& evaluator, const Node& node, const Grid& grid) {
  const std::string& target = StringArg(node, 1);
  const std::string& replacement = StringArg(node, 2);
  const std::string& source = StringArg(node, 3);
  const std::string& pattern = StringArg(node, 4);
  const auto regex = model::Regex::Compile(pattern);
  if (!regex) return ExecutionError("invalid regular expression in label_replace(): " + pattern);
  if (!IsLabelName(target)) {
    return ExecutionError("invalid destination label name in label_replace(): " + target);
  }
  auto block = evaluator.Eval(node.children[0], grid);
  if (!block) return block;
  for (Row& row : block->rows) {
    std::string value;
    if (!regex->Expand(GetLabel(*row.labels, evaluator.Hidden(row), source), replacement, value))
      continue;
    Relabel(evaluator, row, target,
            [&](model::LabelsBuilder& builder) { builder.Set(target, value); });
    block->unique = false;
  }
  if (auto merged = evaluator.MergeEqualRows(*block, grid); !merged) return merged.error();
  return block;
}

Result LabelJoin(Evaluator& evaluator, const Node& node, const Grid& grid) {
  const std::string& target = StringArg(node, 1);
  const std::string& separator = StringArg(node, 2);
  for (std::size_t i = 3; i < node.children.size(); ++i) {
    if (!IsLabelName(StringArg(node, i))) {
      return ExecutionError("invalid source label name in label_join(): " + StringArg(node, i));
    }
  }
  if (!IsLabelName(target))
    return ExecutionError("invalid destination label name in label_join(): " + target);
  auto block = evaluator.Eval(node.children[0], grid);
  if (!block) return block;
  for (Row& row : block->rows) {
    std::string value;
    for (std::size_t i = 3; i < node.children.size(); ++i) {
      if (i > 3) value += separator;
      value += GetLabel(*row.labels, evaluator.Hidden(row), StringArg(node, i));
    }
    Relabel(evaluator, row, target,
            [&](model::LabelsBuilder& builder) { builder.Set(target, value); });
  }
  block->unique = false;
  if (auto merged = evaluator.MergeEqualRows(*block, grid); !merged) return merged.error();
  return block;
}

Result Sort(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return SortByValue(evaluator, node, grid, false);
}
Result SortDesc(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return SortByValue(evaluator, node, grid, true);
}
Result SortByLabel(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return SortByLabels(evaluator, node, grid, false);
}
Result SortByLabelDesc(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return SortByLabels(evaluator, node, grid, true);
}

Result Absent(Evaluator& evaluator, const Node& node, const Grid& grid) {
  const auto block = evaluator.Eval(node.children[0], grid);
  if (!block) return block.error();
  auto out = evaluator.NewBlock(1, grid.steps);
  if (!out) return out;
  double* values = out->NextValues();
  std::fill_n(values, grid.steps, 1.0);
  if (evaluator.track()) std::fill_n(out->NextSources(), grid.steps, model::kNoSource);
  for (std::size_t r = 0; r < block->rows.size(); ++r) {
    const double* row = block->RowValues(r);
    for (std::size_t k = 0; k < grid.steps; ++k) {
      if (!IsAbsent(row[k])) values[k] = eval::Absent();
    }
  }
  out->AddRow(evaluator.arena().Add(LabelsOfAbsent(node.children[0])), false,
              CountPresent(values, grid.steps));
  out->unique = true;
  return out;
}

Result AbsentOverTime(Evaluator& evaluator, const Node& node, const Grid& grid) {
  if (auto allowed = CheckExtended(node.children[0], "absent_over_time"); !allowed)
    return allowed.error();
  const auto input = evaluator.OpenRange(node.children[0], grid);
  if (!input) return input.error();
  auto out = evaluator.NewBlock(1, grid.steps);
  if (!out) return out;
  double* values = out->NextValues();
  std::fill_n(values, grid.steps, 1.0);
  if (evaluator.track()) std::fill_n(out->NextSources(), grid.steps, model::kNoSource);
  SeriesSamples samples;
  for (std::size_t i = 0; i < input->size(); ++i) {
    if (auto loaded = evaluator.LoadSeries(*input, i, samples); !loaded) return loaded.error();
    evaluator.CountWindows(*input, samples, grid);
    std::size_t next = 0;  // the first sample after the window's end
    for (std::size_t k = 0; k < grid.steps; ++k) {
      const plimsoll::eval::Time end =
          input->fixed ? input->first_end
                       : input->first_end + static_cast<plimsoll::eval::Time>(k) * grid.step;
      while (next < samples.size && samples.times[next] <= end) ++next;
      if (next > 0 && samples.times[next - 1] > end - input->range) values[k] = eval::Absent();
    }
  }
  out->AddRow(evaluator.arena().Add(LabelsOfAbsent(node.children[0])), true,
              CountPresent(values, grid.steps));
  out->unique = true;
  return out;
}

}  // namespace plimsoll::eval::call
