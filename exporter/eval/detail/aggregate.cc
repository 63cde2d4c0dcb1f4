// SPDX-License-Identifier: Apache-2.0
//
// Aggregation: every row belongs to one group for the whole query; a group is an accumulator per
// step.
//
// Rows are added in order, step by step beside each other, which is the order of additions that
// Prometheus has at each step. Source: prometheus/prometheus promql/engine.go (aggregation).
#include "eval/detail/aggregate.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "base/number_text.h"
#include "eval/detail/numerics.h"

namespace plimsoll::eval {
namespace {

using promql::AggregateOp;

// The accumulators of all groups, row after row like a block.
template <typename State>
class States {
 public:
  States(const Groups& groups, std::size_t steps)
      : steps_(steps), states_(groups.labels.size() * steps) {}
  State* Of(std::size_t group) { return states_.data() + group * steps_; }

 private:
  std::size_t steps_;
  std::vector<State> states_;
};

// Feeds every value to its group's state and lets `value(state)` make the result of each step.
template <typename State>
void Fold(const Block& in, const Groups& groups, Block& out) {
  States<State> states(groups, in.steps);
  for (std::size_t r = 0; r < in.rows.size(); ++r) {
    const double* values = in.RowValues(r);
    State* state = states.Of(groups.of_row[r]);
    if (in.rows[r].present == in.steps) {
      for (std::size_t k = 0; k < in.steps; ++k) state[k].Add(values[k]);
    } else {
      for (std::size_t k = 0; k < in.steps; ++k) {
        if (!IsAbsent(values[k])) state[k].Add(values[k]);
      }
    }
  }
  for (std::size_t g = 0; g < groups.labels.size(); ++g) {
    const State* state = states.Of(g);
    double* values = out.RowValues(g);
    for (std::size_t k = 0; k < in.steps; ++k)
      values[k] = state[k].count == 0 ? Absent() : state[k].Value();
  }
}

// Sums lie apart from what rounding took from them. The loop has no branch on the values: the error
// of an addition is exact whichever way it is found, so the bits are those of KahanSum.
void AddRow(const double* values, std::size_t steps, double* sums, double* lost) {
  for (std::size_t k = 0; k < steps; ++k) {
    const double value = values[k];
    const double total = sums[k] + value;
    const double grown = total - sums[k];
    const double error = (sums[k] - (total - grown)) + (value - grown);
    lost[k] = std::abs(total) > std::numeric_limits<double>::max() ? 0 : lost[k] + error;
    sums[k] = total;
  }
}

void FoldSum(const Block& in, const Groups& groups, Block& out) {
  const std::size_t steps = in.steps, cells = groups.labels.size() * steps;
  std::vector<double> sums(cells, Absent()), lost(cells, 0.0);
  std::vector<char> full(groups.labels.size(), 0);  // the group has a sum at every step
  for (std::size_t r = 0; r < in.rows.size(); ++r) {
    const double* values = in.RowValues(r);
    const std::uint32_t group = groups.of_row[r];
    double* const sum = sums.data() + group * steps;
    double* const error = lost.data() + group * steps;
    if (in.rows[r].present == steps && full[group] != 0) {
      AddRow(values, steps, sum, error);
      continue;
    }
    for (std::size_t k = 0; k < steps; ++k) {
      if (IsAbsent(values[k])) continue;
      if (IsAbsent(sum[k])) {
        sum[k] = values[k];
      } else {
        AddRow(values + k, 1, sum + k, error + k);
      }
    }
    if (in.rows[r].present == steps) full[group] = 1;
  }
  for (std::size_t i = 0; i < cells; ++i)
    out.values[i] = IsAbsent(sums[i]) ? Absent() : sums[i] + lost[i];
}

struct MinState {
  double value = 0;
  std::uint32_t count = 0;
  void Add(double next) {
    if (count++ == 0 || value > next || std::isnan(value)) value = next;
  }
  double Value() const { return value; }
};

struct MaxState {
  double value = 0;
  std::uint32_t count = 0;
  void Add(double next) {
    if (count++ == 0 || value < next || std::isnan(value)) value = next;
  }
  double Value() const { return value; }
};

struct CountState {
  std::uint32_t count = 0;
  void Add(double) { ++count; }
  double Value() const { return count; }
};

struct GroupState : CountState {
  double Value() const { return 1; }
};

// Welford's method, which an infinity or NaN as first value turns into NaN.
struct VarianceState {
  double mean = 0;
  double squares = 0;
  double count = 0;
  void Add(double value) {
    count += 1;
    if (count == 1) {
      mean = value;
      squares = std::isfinite(value) ? 0 : NaN();
      return;
    }
    const double delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  double Value() const { return squares / count; }
};

struct DeviationState : VarianceState {
  double Value() const { return std::sqrt(VarianceState::Value()); }
};

void FoldQuantile(const Block& in, const Groups& groups, const double* qs, Block& out) {
  std::vector<std::vector<std::uint32_t>> rows_of(groups.labels.size());
  for (std::uint32_t r = 0; r < in.rows.size(); ++r) rows_of[groups.of_row[r]].push_back(r);
  std::vector<double> values;
  for (std::size_t g = 0; g < rows_of.size(); ++g) {
    for (std::size_t k = 0; k < in.steps; ++k) {
      values.clear();
      for (const std::uint32_t r : rows_of[g]) {
        const double value = in.RowValues(r)[k];
        if (!IsAbsent(value)) values.push_back(value);
      }
      out.RowValues(g)[k] = values.empty() ? Absent() : Quantile(qs[k], values);
    }
  }
}

// The newest source of each group at each step.
void FoldSources(const Block& in, const Groups& groups, Block& out) {
  std::fill_n(out.sources.data(), groups.labels.size() * in.steps, model::kNoSource);
  for (std::size_t r = 0; r < in.rows.size(); ++r) {
    const double* values = in.RowValues(r);
    Time* sources = out.RowSources(groups.of_row[r]);
    for (std::size_t k = 0; k < in.steps; ++k) {
      if (!IsAbsent(values[k])) sources[k] = model::NewerSource(sources[k], in.RowSources(r)[k]);
    }
  }
}

void WarnOfQuantileParameter(Notes& notes, const double* qs, std::size_t steps,
                             promql::PosRange pos) {
  double least = std::numeric_limits<double>::max(), most = std::numeric_limits<double>::lowest();
  bool any_nan = false;
  for (std::size_t k = 0; k < steps; ++k) {
    least = GoMin(least, qs[k]);
    most = GoMax(most, qs[k]);
    any_nan = any_nan || std::isnan(qs[k]);
  }
  if (any_nan) notes.WarnOfQuantile(NaN(), pos);
  if (most > 1) notes.WarnOfQuantile(most, pos);
  if (least < 0) notes.WarnOfQuantile(least, pos);
}

}  // namespace

Groups GroupRows(Evaluator& evaluator, const promql::Aggregate& aggregate, const Block& block,
                 bool with_labels) {
  Groups groups;
  std::vector<std::string> names = aggregate.grouping;
  if (aggregate.without) names.emplace_back(model::kMetricName);
  std::sort(names.begin(), names.end());
  KeyTable keys(aggregate.without ? block.rows.size() : block.rows.size() / 8 + 1);
  std::string key;
  groups.of_row.reserve(block.rows.size());
  for (const Row& row : block.rows) {
    const bool hidden = evaluator.Hidden(row);
    key.clear();
    if (aggregate.without) {
      AppendLabelsWithout(*row.labels, hidden, names, key);
    } else {
      AppendLabels(*row.labels, hidden, names, key);
    }
    const std::uint32_t ordinal = keys.Insert(key);
    groups.of_row.push_back(ordinal);
    if (ordinal == groups.drop_name.size()) {
      groups.drop_name.push_back(evaluator.delayed() && row.drop_name);
      if (with_labels) {
        groups.labels.push_back(
            evaluator.arena().Add(aggregate.without ? DropLabels(*row.labels, hidden, names)
                                                    : KeepLabels(*row.labels, hidden, names)));
      }
    } else if (evaluator.delayed() && row.drop_name) {
      groups.drop_name[ordinal] = true;
    }
  }
  groups.count = keys.size();
  return groups;
}

base::Result<Block> Evaluator::EvalAggregate(const Node& node, const Grid& grid) {
  const auto& aggregate = std::get<promql::Aggregate>(node.expr->node);
  const std::size_t steps = grid.steps;
  if (aggregate.op == AggregateOp::kCountValues) return CountValues(*this, aggregate, node, grid);
  Block param;
  if (node.children.size() > 1) {
    auto value = Eval(node.children[1], grid);
    if (!value) return value;
    param = std::move(*value);
  }
  auto in = Eval(node.children[0], grid);
  if (!in) return in;
  switch (aggregate.op) {
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio:
      return SelectRows(*this, aggregate, node, std::move(*in), param.values.data(), grid);
    default:
      break;
  }
  if (aggregate.op == AggregateOp::kQuantile) {
    WarnOfQuantileParameter(notes_, param.values.data(), steps, node.children[1].expr->pos);
  }
  const Groups groups = GroupRows(*this, aggregate, *in, true);
  auto made = NewBlock(groups.labels.size(), steps);
  if (!made) return made;
  Block& out = *made;
  switch (aggregate.op) {
    case AggregateOp::kSum:
      FoldSum(*in, groups, out);
      break;
    case AggregateOp::kAvg:
      Fold<KahanMean>(*in, groups, out);
      break;
    case AggregateOp::kMin:
      Fold<MinState>(*in, groups, out);
      break;
    case AggregateOp::kMax:
      Fold<MaxState>(*in, groups, out);
      break;
    case AggregateOp::kGroup:
      Fold<GroupState>(*in, groups, out);
      break;
    case AggregateOp::kCount:
      Fold<CountState>(*in, groups, out);
      break;
    case AggregateOp::kStddev:
      Fold<DeviationState>(*in, groups, out);
      break;
    case AggregateOp::kStdvar:
      Fold<VarianceState>(*in, groups, out);
      break;
    case AggregateOp::kQuantile:
      FoldQuantile(*in, groups, param.values.data(), out);
      break;
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kCountValues:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio:
      break;
  }
  if (track_) FoldSources(*in, groups, out);
  for (std::size_t g = 0; g < groups.labels.size(); ++g) {
    // Every group has a row with a value at some step, so none of them is empty.
    out.AddRow(groups.labels[g], groups.drop_name[g], CountPresent(out.RowValues(g), steps));
  }
  out.unique = true;
  return made;
}

}  // namespace plimsoll::eval
