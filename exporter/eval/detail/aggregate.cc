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
#include <memory>
#include <optional>

#include "base/format.h"
#include "base/number_text.h"
#include "eval/detail/numerics.h"

namespace plimsoll::eval {
namespace {

using promql::AggregateOp;

// The accumulators of all groups, row after row like a block. Rows may come a few at a time.
class Fold {
 public:
  virtual ~Fold() = default;
  // `groups`: whose of_row is that of the rows.
  virtual void Add(const Block& in, const Groups& groups) = 0;
  virtual void Write(Block& out) const = 0;
};

template <typename State>
class FoldInto final : public Fold {
 public:
  explicit FoldInto(std::size_t steps) : steps_(steps) {}

  void Add(const Block& in, const Groups& groups) override {
    states_.resize(groups.count * steps_);
    for (std::size_t r = 0; r < in.rows.size(); ++r) {
      const double* values = in.RowValues(r);
      State* state = states_.data() + groups.of_row[r] * steps_;
      for (std::size_t k = 0; k < steps_; ++k) {
        if (!IsAbsent(values[k])) state[k].Add(values[k]);
      }
    }
  }

  void Write(Block& out) const override {
    for (std::size_t i = 0; i < states_.size(); ++i)
      out.values[i] = states_[i].count == 0 ? Absent() : states_[i].Value();
  }

 private:
  std::size_t steps_;
  std::vector<State> states_;
};

// Sums lie apart from what rounding took from them, and no branch depends on a value: the error of
// an addition is exact whichever way it is found, so the bits are those of KahanSum.
class FoldSum final : public Fold {
 public:
  explicit FoldSum(std::size_t steps) : steps_(steps) {}

  void Add(const Block& in, const Groups& groups) override {
    sums_.resize(groups.count * steps_, Absent());
    lost_.resize(groups.count * steps_, 0.0);
    full_.resize(groups.count, 0);
    for (std::size_t r = 0; r < in.rows.size(); ++r) {
      const double* values = in.RowValues(r);
      const std::uint32_t group = groups.of_row[r];
      double* const sums = sums_.data() + group * steps_;
      double* const lost = lost_.data() + group * steps_;
      const bool full = in.rows[r].present == steps_;
      if (full && full_[group] != 0) {
        AddRow(values, sums, lost);
        continue;
      }
      for (std::size_t k = 0; k < steps_; ++k) {
        if (IsAbsent(values[k])) continue;
        if (IsAbsent(sums[k])) {
          sums[k] = values[k];
        } else {
          AddTo<1>(values + k, sums + k, lost + k);
        }
      }
      if (full) full_[group] = 1;
    }
  }

  void Write(Block& out) const override {
    for (std::size_t i = 0; i < sums_.size(); ++i)
      out.values[i] = IsAbsent(sums_[i]) ? Absent() : sums_[i] + lost_[i];
  }

 private:
  // A count that is known lets the compiler add several at once.
  template <std::size_t kCount>
  static void AddTo(const double* __restrict values, double* __restrict sums,
                    double* __restrict lost) {
    for (std::size_t k = 0; k < kCount; ++k) {
      const double total = sums[k] + values[k];
      const double grown = total - sums[k];
      const double error = (sums[k] - (total - grown)) + (values[k] - grown);
      lost[k] = std::abs(total) > std::numeric_limits<double>::max() ? 0 : lost[k] + error;
      sums[k] = total;
    }
  }

  void AddRow(const double* values, double* sums, double* lost) const {
    constexpr std::size_t kAtOnce = 8;
    std::size_t k = 0;
    for (; k + kAtOnce <= steps_; k += kAtOnce) AddTo<kAtOnce>(values + k, sums + k, lost + k);
    for (; k < steps_; ++k) AddTo<1>(values + k, sums + k, lost + k);
  }

  std::size_t steps_;
  std::vector<double> sums_, lost_;
  std::vector<char> full_;  // the group has a sum at every step
};

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

// Returns: null for what needs all rows of a group at once.
std::unique_ptr<Fold> MakeFold(AggregateOp op, std::size_t steps) {
  switch (op) {
    case AggregateOp::kSum:
      return std::make_unique<FoldSum>(steps);
    case AggregateOp::kAvg:
      return std::make_unique<FoldInto<KahanMean>>(steps);
    case AggregateOp::kMin:
      return std::make_unique<FoldInto<MinState>>(steps);
    case AggregateOp::kMax:
      return std::make_unique<FoldInto<MaxState>>(steps);
    case AggregateOp::kGroup:
      return std::make_unique<FoldInto<GroupState>>(steps);
    case AggregateOp::kCount:
      return std::make_unique<FoldInto<CountState>>(steps);
    case AggregateOp::kStddev:
      return std::make_unique<FoldInto<DeviationState>>(steps);
    case AggregateOp::kStdvar:
      return std::make_unique<FoldInto<VarianceState>>(steps);
    case AggregateOp::kQuantile:
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kCountValues:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio:
      break;
  }
  return nullptr;
}

class FoldRows final : public RowSink {
 public:
  FoldRows(Grouper& grouper, Fold& fold) : grouper_(grouper), fold_(fold) {}
  void Take(const Block& rows) override {
    taken_ = true;
    grouper_.Add(rows.rows);
    fold_.Add(rows, grouper_.groups());
  }
  bool taken() const { return taken_; }

 private:
  Grouper& grouper_;
  Fold& fold_;
  bool taken_ = false;
};

}  // namespace

Grouper::Grouper(Evaluator& evaluator, const promql::Aggregate& aggregate, bool with_labels,
                 std::size_t expected)
    : evaluator_(evaluator),
      without_(aggregate.without),
      with_labels_(with_labels),
      names_(aggregate.grouping),
      keys_(aggregate.without ? expected : expected / 8 + 1) {
  if (without_) names_.emplace_back(model::kMetricName);
  std::sort(names_.begin(), names_.end());
}

void Grouper::Add(const std::vector<Row>& rows) {
  groups_.of_row.clear();
  groups_.of_row.reserve(rows.size());
  for (const Row& row : rows) {
    const bool hidden = evaluator_.Hidden(row);
    key_.clear();
    if (without_) {
      AppendLabelsWithout(*row.labels, hidden, names_, key_);
    } else {
      AppendLabels(*row.labels, hidden, names_, key_);
    }
    const std::uint32_t ordinal = keys_.Insert(key_);
    groups_.of_row.push_back(ordinal);
    if (ordinal == groups_.drop_name.size()) {
      groups_.drop_name.push_back(evaluator_.delayed() && row.drop_name);
      if (with_labels_) {
        groups_.labels.push_back(
            evaluator_.arena().Add(without_ ? DropLabels(*row.labels, hidden, names_)
                                            : KeepLabels(*row.labels, hidden, names_)));
      }
    } else if (evaluator_.delayed() && row.drop_name) {
      groups_.drop_name[ordinal] = true;
    }
  }
  groups_.count = keys_.size();
}

Groups GroupRows(Evaluator& evaluator, const promql::Aggregate& aggregate, const Block& block,
                 bool with_labels) {
  Grouper grouper(evaluator, aggregate, with_labels, block.rows.size());
  grouper.Add(block.rows);
  return grouper.groups();
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
  const std::unique_ptr<Fold> fold = MakeFold(aggregate.op, steps);
  Grouper grouper(*this, aggregate, true, 64);
  std::optional<FoldRows> folded;
  if (fold != nullptr) folded.emplace(grouper, *fold);
  // Rows that are folded as soon as they are made are never held together.
  if (folded && !track_) sink_ = &*folded;
  auto in = Eval(node.children[0], grid);
  sink_ = nullptr;
  if (!in) return in;
  if (folded && !folded->taken()) folded->Take(*in);
  if (!folded && aggregate.op != AggregateOp::kQuantile)
    return SelectRows(*this, aggregate, node, std::move(*in), param.values.data(), grid);
  if (!folded) {
    WarnOfQuantileParameter(notes_, param.values.data(), steps, node.children[1].expr->pos);
    grouper.Add(in->rows);
  }
  const Groups& groups = grouper.groups();
  auto made = NewBlock(groups.count, steps);
  if (!made) return made;
  Block& out = *made;
  if (folded) {
    fold->Write(out);
  } else {
    FoldQuantile(*in, groups, param.values.data(), out);
  }
  if (track_) FoldSources(*in, groups, out);
  for (std::size_t g = 0; g < groups.count; ++g) {
    // Every group has a row with a value at some step, so none of them is empty.
    out.AddRow(groups.labels[g], groups.drop_name[g], CountPresent(out.RowValues(g), steps));
  }
  out.unique = true;
  return made;
}

}  // namespace plimsoll::eval
