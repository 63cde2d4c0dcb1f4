// SPDX-License-Identifier: Apache-2.0
//
// The nodes that are neither selectors, operators, aggregations nor functions, and what all share:
// bounds, and the rules by which two rows may or may not have equal labels.
#include "eval/detail/evaluator.h"

#include <algorithm>
#include <tuple>

#include "base/format.h"

namespace plimsoll::eval {

base::Error ExecutionError(std::string message) {
  return {base::Error::Kind::kExecution, std::move(message), {}};
}

base::Error SameLabelset() {
  return ExecutionError("vector cannot contain metrics with the same labelset");
}

base::Error Evaluator::TooManySamples() {
  return {base::Error::Kind::kLimit,
          "query processing would load too many samples into memory in query execution",
          {}};
}

namespace {

bool HasRangeArgument(const Node& call) {
  return std::any_of(call.children.begin(), call.children.end(), [](const Node& child) {
    return child.kind == Node::Kind::kRangeSelector || child.kind == Node::Kind::kSubquery;
  });
}

}  // namespace

Evaluator::Evaluator(store::Querier& querier, const Options& options, bool track,
                     std::vector<Selection>* kept)
    : querier_(querier), options_(options), track_(track), kept_(kept) {
  if (options_.clock != nullptr) deadline_ = options_.clock->SteadyNow() + options_.timeout;
}

base::Result<void> Evaluator::Check() {
  if (options_.canceled && options_.canceled()) {
    return base::Error{
        base::Error::Kind::kCanceled, "query was canceled in expression evaluation", {}};
  }
  if (options_.clock != nullptr && options_.clock->SteadyNow() >= deadline_) {
    return base::Error{base::Error::Kind::kTimeout, "query timed out in expression evaluation", {}};
  }
  return {};
}

base::Result<Block> Evaluator::NewBlock(std::size_t rows, std::size_t steps) const {
  if (steps != 0 && rows > options_.max_cells / steps) return TooManySamples();
  return Block(rows, steps, track_);
}

base::Result<Block> Evaluator::Eval(const Node& node, const Grid& grid) {
  if (auto check = Check(); !check) return check.error();
  if (grid.steps == 0) return Block();
  if (node.kind == Node::Kind::kPlus) return Eval(node.children[0], grid);
  const std::uint64_t before = held_;
  RowSink* const sink = std::exchange(sink_, nullptr);
  auto result = EvalNode(node, grid, sink);
  if (!result) return result;
  // While the result was made its inputs were there too, and one step's elements beside them.
  const std::uint64_t inputs = held_ - before;
  const std::uint64_t points = result->Points();
  if (auto fits = CheckSamples(points + inputs / grid.steps); !fits) return fits.error();
  held_ = before;
  // Prometheus gathers each step's elements for operators and plain functions alone.
  const bool gathers = node.kind == Node::Kind::kBinary ||
                       (node.kind == Node::Kind::kCall && !HasRangeArgument(node));
  NotePeak(gathers ? inputs + inputs / grid.steps + points : std::max(inputs, points));
  held_ += points;
  return result;
}

base::Result<Block> Evaluator::EvalNode(const Node& node, const Grid& grid, RowSink* sink) {
  switch (node.kind) {
    case Node::Kind::kNumber:
      return EvalNumber(node.number, grid);
    case Node::Kind::kSelector:
      return EvalSelector(node, grid, false, sink);
    case Node::Kind::kPlus:
      break;
    case Node::Kind::kNegate:
      return EvalNegate(node, grid);
    case Node::Kind::kBinary:
      return EvalBinary(node, grid);
    case Node::Kind::kAggregate:
      return EvalAggregate(node, grid);
    case Node::Kind::kCall:
      return EvalCall(node, grid, sink);
    case Node::Kind::kInvariant:
      return EvalInvariant(node, grid);
    case Node::Kind::kString:
      break;
    case Node::Kind::kRangeSelector:
      break;
    case Node::Kind::kSubquery:
      break;
  }
  return base::Error{
      base::Error::Kind::kInternal, "an expression of this type has no value of its own here", {}};
}

base::Result<Block> Evaluator::EvalNumber(double value, const Grid& grid) {
  auto block = NewBlock(1, grid.steps);
  if (!block) return block;
  std::fill_n(block->NextValues(), grid.steps, value);
  if (track_) std::fill_n(block->NextSources(), grid.steps, model::kNoSource);
  block->AddRow(arena_.Empty(), false, grid.steps);
  block->unique = true;
  return block;
}

base::Result<Block> Evaluator::EvalInvariant(const Node& node, const Grid& grid) {
  if (grid.steps == 1 && grid.point) return Eval(node.children[0], grid);
  Grid once = grid;
  once.steps = 1;
  once.point = true;
  const std::uint64_t seen = counts_.queryable;
  auto one = Eval(node.children[0], once);
  if (!one) return one;
  counts_.queryable += (counts_.queryable - seen) * (grid.steps - 1);
  auto block = NewBlock(one->rows.size(), grid.steps);
  if (!block) return block;
  for (std::size_t r = 0; r < one->rows.size(); ++r) {
    const double value = one->values.data()[r];
    std::fill_n(block->NextValues(), grid.steps, value);
    if (track_) std::fill_n(block->NextSources(), grid.steps, one->sources.data()[r]);
    block->AddRow(one->rows[r].labels, one->rows[r].drop_name, grid.steps);
  }
  block->unique = one->unique;
  return block;
}

base::Result<Block> Evaluator::EvalNegate(const Node& node, const Grid& grid) {
  auto block = Eval(node.children[0], grid);
  if (!block) return block;
  const std::size_t cells = block->rows.size() * block->steps;
  double* values = block->values.data();
  for (std::size_t i = 0; i < cells; ++i) values[i] = IsAbsent(values[i]) ? values[i] : -values[i];
  DropNames(*block);
  if (!delayed()) {
    if (auto merged = MergeEqualRows(*block, grid); !merged) return merged.error();
  }
  return block;
}

Time Evaluator::FixedTime(const Node& node, const Grid& grid) const {
  return *node.at - node.offset + path_offset_ + (path_at_ ? grid.start - *path_at_ : 0);
}

base::Result<Block> Evaluator::EvalSubquery(const Node& node, const Grid& grid, Grid& inner) {
  const Time step = node.step != 0 ? node.step : options_.default_step.count();
  const Time newest = node.at ? FixedTime(node, grid) : grid.Last() - node.offset;
  const Time oldest = (node.at ? newest : grid.start - node.offset) - node.range;
  Time start = step * (oldest / step);  // rounds towards zero, hence the correction
  if (start <= oldest) start += step;
  const auto outside = std::pair(path_offset_, path_at_);
  if (start != grid.start) {
    path_offset_ = 0;
    path_at_.reset();
  } else {
    path_offset_ = node.at ? node.offset : path_offset_ + node.offset;
    if (node.at) path_at_ = node.at;
  }
  inner = Grid::Of(start, newest, step);
  auto block = Eval(node.children[0], inner);
  std::tie(path_offset_, path_at_) = outside;
  return block;
}

void Evaluator::DropNames(Block& block) const {
  if (!delayed() && block.unique) {
    const auto is_hidden = [](const Row& row) { return row.drop_name; };
    const bool all = std::all_of(block.rows.begin(), block.rows.end(), is_hidden);
    const bool none = !all && std::none_of(block.rows.begin(), block.rows.end(), is_hidden);
    block.unique = all || (none && HidingKeepsUnique(block.rows));
  }
  for (Row& row : block.rows) row.drop_name = true;
}

base::Result<void> Evaluator::CheckUnique(Block& block) const {
  if (block.unique || block.rows.size() < 2) return {};
  KeyTable keys(block.rows.size());
  std::string key;
  for (std::size_t r = 0; r < block.rows.size(); ++r) {
    key.clear();
    AppendAllLabels(*block.rows[r].labels, Hidden(block.rows[r]), key);
    if (keys.Insert(key) != r) return SameLabelset();
  }
  block.unique = true;
  return {};
}

namespace {
std::size_t FirstPresent(const double* values, std::size_t steps) {
  return static_cast<std::size_t>(
      std::find_if(values, values + steps, [](double v) { return !IsAbsent(v); }) - values);
}
}  // namespace

base::Result<void> Evaluator::MergeEqualRows(Block& block, const Grid&) {
  if (block.unique || block.rows.size() < 2) return {};
  KeyTable keys(block.rows.size());
  std::string key;
  std::vector<std::uint32_t> target(block.rows.size());
  for (std::size_t r = 0; r < block.rows.size(); ++r) {
    key.clear();
    AppendAllLabels(*block.rows[r].labels, Hidden(block.rows[r]), key);
    target[r] = keys.Insert(key);
  }
  block.unique = true;
  if (keys.size() == block.rows.size()) return {};
  // Ordinals count first appearances, so a row never moves behind itself. Whether the name goes is
  // what the earliest value says.
  std::vector<Row> rows;
  std::vector<std::size_t> first;
  for (std::size_t r = 0; r < block.rows.size(); ++r) {
    const double* from = block.RowValues(r);
    double* to = block.RowValues(target[r]);
    const std::size_t begins = FirstPresent(from, block.steps);
    if (target[r] == rows.size()) {
      rows.push_back(block.rows[r]);
      first.push_back(begins);
      if (from == to) continue;
      std::memmove(to, from, block.steps * sizeof(double));
      if (block.tracked())
        std::memmove(block.RowSources(target[r]), block.RowSources(r), block.steps * sizeof(Time));
      continue;
    }
    for (std::size_t k = 0; k < block.steps; ++k) {
      if (IsAbsent(from[k])) continue;
      if (!IsAbsent(to[k])) return SameLabelset();
      to[k] = from[k];
      if (block.tracked()) block.RowSources(target[r])[k] = block.RowSources(r)[k];
    }
    rows[target[r]].present += block.rows[r].present;
    if (delayed() && begins < first[target[r]]) {
      first[target[r]] = begins;
      rows[target[r]].drop_name = block.rows[r].drop_name;
    }
  }
  block.rows = std::move(rows);
  return {};
}

base::Result<void> Evaluator::RemoveDelayedNames(Block& block, const Grid& grid) {
  bool removed = false;
  for (Row& row : block.rows) {
    if (!row.drop_name) continue;
    row.labels = arena_.Add(VisibleLabels(*row.labels, true));
    row.drop_name = false;
    removed = true;
  }
  if (removed) block.unique = false;
  return MergeEqualRows(block, grid);
}

}  // namespace plimsoll::eval
