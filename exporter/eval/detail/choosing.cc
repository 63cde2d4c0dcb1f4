// SPDX-License-Identifier: Apache-2.0
//
// topk, bottomk, limitk, limit_ratio and count_values: what is kept changes from step to step.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/format.h"
#include "base/number_text.h"
#include "eval/detail/aggregate.h"
#include "eval/detail/function_row.h"
#include "eval/detail/numerics.h"
#include "eval/detail/ordering.h"

namespace plimsoll::eval {
namespace {

using promql::AggregateOp;

struct Extent {
  double least = std::numeric_limits<double>::max();
  double most = std::numeric_limits<double>::lowest();
  bool any_nan = false;
};

Extent ExtentOf(const double* values, std::size_t steps) {
  Extent range;
  for (std::size_t k = 0; k < steps; ++k) {
    range.least = GoMin(range.least, values[k]);
    range.most = GoMax(range.most, values[k]);
    range.any_nan = range.any_nan || std::isnan(values[k]);
  }
  return range;
}

constexpr double kLargestInt64 = 9223372036854774784.0;
constexpr double kSmallestInt64 = -9223372036854775808.0;

// Which rows have the value that `offset` of their labels' hash chooses.
bool Sampled(const model::Labels& labels, double ratio) {
  const double offset = static_cast<double>(SampleHash(labels.bytes())) / 18446744073709551616.0;
  return ratio >= 0 ? offset < ratio : offset >= 1.0 + ratio;
}

// The rows chosen at one step, group by group, best first.
class Chooser {
 public:
  Chooser(Evaluator& evaluator, AggregateOp op, const Block& in, const Groups& groups)
      : op_(op), in_(in), rows_of_(groups.count) {
    for (std::uint32_t r = 0; r < in.rows.size(); ++r) rows_of_[groups.of_row[r]].push_back(r);
    if (op != AggregateOp::kLimitRatio) return;
    for (const Row& row : in.rows)
      visible_.push_back(VisibleLabels(*row.labels, evaluator.Hidden(row)));
  }

  template <typename Choose>
  void At(std::size_t step, double param, Choose&& choose) const {
    if (op_ == AggregateOp::kLimitRatio) {
      if (param == 0) return;
      const double ratio = std::clamp(param, -1.0, 1.0);
      for (std::uint32_t r = 0; r < in_.rows.size(); ++r) {
        if (!IsAbsent(in_.RowValues(r)[step]) && Sampled(visible_[r], ratio)) choose(r);
      }
      return;
    }
    const std::int64_t k = std::min(ToInt64(param), static_cast<std::int64_t>(in_.rows.size()));
    if (k < 1) return;
    for (const std::vector<std::uint32_t>& rows : rows_of_) {
      if (op_ == AggregateOp::kLimitk) {
        std::int64_t left = k;
        for (std::size_t i = 0; i < rows.size() && left > 0; ++i) {
          if (IsAbsent(in_.RowValues(rows[i])[step])) continue;
          choose(rows[i]);
          --left;
        }
        continue;
      }
      BestK best(op_ == AggregateOp::kTopk, static_cast<std::size_t>(k));
      for (const std::uint32_t r : rows) {
        const double value = in_.RowValues(r)[step];
        if (!IsAbsent(value)) best.Offer(r, value);
      }
      for (const std::uint32_t r : best.TakeSorted()) choose(r);
    }
  }

 private:
  AggregateOp op_;
  const Block& in_;
  std::vector<std::vector<std::uint32_t>> rows_of_;
  std::vector<model::Labels> visible_;
};

}  // namespace

base::Result<Block> SelectRows(Evaluator& evaluator, const promql::Aggregate& aggregate,
                               const Node& node, Block in, const double* param, const Grid& grid) {
  const Extent range = ExtentOf(param, grid.steps);
  const promql::PosRange pos = node.children[1].expr->pos;
  if (aggregate.op == AggregateOp::kLimitRatio) {
    if (range.most == 0 && range.least == 0) return Block(0, grid.steps, evaluator.track());
    if (range.any_nan) return ExecutionError("Ratio value is NaN");
    if (range.most > 1) evaluator.notes().WarnOfRatio(range.most, 1, pos);
    if (range.least < -1) evaluator.notes().WarnOfRatio(range.least, -1, pos);
  } else {
    if (range.most < 1) return Block(0, grid.steps, evaluator.track());
    if (range.any_nan) return ExecutionError("Parameter value is NaN");
    if (range.least <= kSmallestInt64) {
      return ExecutionError(
          base::format("Scalar value {} underflows int64", base::ShortestG(range.least)));
    }
    if (range.most >= kLargestInt64) {
      return ExecutionError(
          base::format("Scalar value {} overflows int64", base::ShortestG(range.most)));
    }
  }
  const Groups groups = GroupRows(evaluator, aggregate, in, false);
  const Chooser chooser(evaluator, aggregate.op, in, groups);
  auto made = evaluator.NewBlock(in.rows.size(), grid.steps);
  if (!made) return made;
  Block& out = *made;
  out.unique = in.unique;
  if (grid.steps == 1) {
    chooser.At(0, param[0], [&](std::uint32_t r) {
      *out.NextValues() = in.values.data()[r];
      if (in.tracked()) *out.NextSources() = in.sources.data()[r];
      out.rows.push_back(in.rows[r]);
    });
    return made;
  }
  std::fill_n(out.values.data(), in.rows.size() * grid.steps, Absent());
  for (std::size_t k = 0; k < grid.steps; ++k) {
    if (auto check = evaluator.Check(); !check) return check.error();
    chooser.At(k, param[k], [&](std::uint32_t r) { out.RowValues(r)[k] = in.RowValues(r)[k]; });
  }
  out.rows = in.rows;
  out.sources = std::move(in.sources);
  Recount(out);
  return made;
}

base::Result<Block> CountValues(Evaluator& evaluator, const promql::Aggregate& aggregate,
                                const Node& node, const Grid& grid) {
  const std::string& label = std::get<promql::StringLiteral>(node.children[1].expr->node).value;
  if (label.empty() || !base::IsValidUtf8(label)) {
    return ExecutionError("invalid label name " + base::GoQuote(label));
  }
  auto in = evaluator.Eval(node.children[0], grid);
  if (!in) return in;
  // The group without the value, then the value: the labels are the same for all rows of both.
  promql::Aggregate rest;
  rest.without = aggregate.without;
  rest.grouping = aggregate.grouping;
  const bool value_dropped =
      aggregate.without &&
      std::find(rest.grouping.begin(), rest.grouping.end(), label) != rest.grouping.end();
  if (aggregate.without) {
    if (!value_dropped) rest.grouping.push_back(label);
  } else {
    std::erase(rest.grouping, label);
  }
  const Groups groups = GroupRows(evaluator, rest, *in, true);
  struct Key {
    std::uint32_t group;
    std::uint64_t bits;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return (key.bits ^ (key.bits >> 29)) * 0x9e3779b97f4a7c15ULL + key.group;
    }
  };
  struct Output {
    const model::Labels* labels;
    std::vector<double> counts;
    std::vector<Time> sources;
  };
  std::unordered_map<Key, std::size_t, Hash> of_key;
  std::vector<Output> outputs;
  for (std::size_t r = 0; r < in->rows.size(); ++r) {
    if (auto check = evaluator.Check(); !check) return check.error();
    for (std::size_t k = 0; k < grid.steps; ++k) {
      const double value = in->RowValues(r)[k];
      if (IsAbsent(value)) continue;
      const double same = std::isnan(value) ? NaN() : value;
      const Key key{groups.of_row[r], value_dropped ? 0 : std::bit_cast<std::uint64_t>(same)};
      const auto [at, fresh] = of_key.try_emplace(key, outputs.size());
      if (fresh) {
        if (auto fits = evaluator.CheckSamples(outputs.size()); !fits) return fits.error();
        model::LabelsBuilder builder(*groups.labels[key.group]);
        if (!value_dropped) builder.Set(label, base::FixedShortest(value));
        outputs.push_back(
            {evaluator.arena().Add(builder.Build()), std::vector<double>(grid.steps, 0.0),
             std::vector<Time>(evaluator.track() ? grid.steps : 0, model::kNoSource)});
      }
      Output& output = outputs[at->second];
      output.counts[k] += 1;
      if (evaluator.track())
        output.sources[k] = model::NewerSource(output.sources[k], in->RowSources(r)[k]);
    }
  }
  auto out = evaluator.NewBlock(outputs.size(), grid.steps);
  if (!out) return out;
  for (const Output& output : outputs) {
    double* values = out->NextValues();
    for (std::size_t k = 0; k < grid.steps; ++k)
      values[k] = output.counts[k] == 0 ? Absent() : output.counts[k];
    if (evaluator.track())
      std::copy(output.sources.begin(), output.sources.end(), out->NextSources());
    out->AddRow(output.labels, false, CountPresent(values, grid.steps));
  }
  out->unique = true;
  return out;
}

}  // namespace plimsoll::eval
