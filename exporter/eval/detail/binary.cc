// SPDX-License-Identifier: Apache-2.0
//
// Which kind of binary operation a node is; the kinds with a scalar; the set operations.
#include "eval/detail/binary.h"

#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"
#include "eval/detail/function_row.h"
#include "eval/detail/operators.h"

namespace plimsoll::eval {
namespace {

using promql::BinaryOp;
using promql::ValueType;

// result[k] = operation(a[k], b[k]) where both are present; `b` may be the same scalar row for all.
template <typename Operation>
void Combine(const double* a, const double* b, std::size_t steps, double* out,
             Operation&& operation) {
  for (std::size_t k = 0; k < steps; ++k) {
    out[k] = IsAbsent(a[k]) || IsAbsent(b[k]) ? Absent() : operation(a[k], b[k]);
  }
}

base::Result<Block> ScalarWithScalar(Evaluator& evaluator, const promql::Binary& binary, Block left,
                                     const Block& right, const Grid& grid) {
  WithOperator(binary.op, true, [&](auto operation) {
    Combine(left.values.data(), right.values.data(), grid.steps, left.values.data(), operation);
  });
  if (evaluator.track()) {
    for (std::size_t k = 0; k < grid.steps; ++k) {
      left.sources.data()[k] = model::OlderSource(left.sources.data()[k], right.sources.data()[k]);
    }
  }
  return left;
}

base::Result<Block> VectorWithScalar(Evaluator& evaluator, const promql::Binary& binary,
                                     const Node& node, Block vector, const Block& scalar,
                                     bool scalar_left, const Grid& grid) {
  const bool comparison = promql::IsComparison(binary.op);
  const double* numbers = scalar.values.data();
  if (binary.op == BinaryOp::kTrimLower || binary.op == BinaryOp::kTrimUpper) {
    if (!vector.rows.empty()) {
      evaluator.notes().Inform(
          base::format(
              "incompatible sample types encountered for binary operator {}: float {} float",
              base::GoQuote(promql::OpText(binary.op)), promql::OpText(binary.op)),
          node.expr->pos);
    }
    return Block(0, grid.steps, evaluator.track());
  }
  WithOperator(binary.op, binary.return_bool, [&](auto operation) {
    for (std::size_t r = 0; r < vector.rows.size(); ++r) {
      double* values = vector.RowValues(r);
      if (!scalar_left) {
        Combine(values, numbers, grid.steps, values, operation);
      } else if (comparison && !binary.return_bool) {
        // A comparison that filters keeps the element's value, whichever side it is on.
        for (std::size_t k = 0; k < grid.steps; ++k) {
          if (!IsAbsent(values[k]) && IsAbsent(operation(numbers[k], values[k])))
            values[k] = Absent();
        }
      } else {
        Combine(numbers, values, grid.steps, values, operation);
      }
    }
  });
  if (comparison && !binary.return_bool) Recount(vector);
  if (evaluator.track()) {
    for (std::size_t r = 0; r < vector.rows.size(); ++r) {
      plimsoll::eval::Time* sources = vector.RowSources(r);
      for (std::size_t k = 0; k < grid.steps; ++k)
        sources[k] = model::OlderSource(sources[k], scalar.sources.data()[k]);
    }
  }
  if (ChangesMetric(binary.op) || binary.return_bool) {
    evaluator.DropNames(vector);
    if (auto finished = FinishStepwise(evaluator, vector, grid); !finished) return finished.error();
  }
  return vector;
}

}  // namespace

Signatures MatchRows(const Evaluator& evaluator, const Block& left, const Block& right,
                     const promql::VectorMatching& matching) {
  Signatures signatures;
  std::vector<std::string> names = matching.labels;
  if (!matching.on) names.emplace_back(model::kMetricName);
  std::sort(names.begin(), names.end());
  KeyTable keys(left.rows.size() + right.rows.size());
  std::string key;
  for (auto [block, ordinals] :
       {std::pair{&left, &signatures.left}, std::pair{&right, &signatures.right}}) {
    ordinals->reserve(block->rows.size());
    for (const Row& row : block->rows) {
      key.clear();
      if (matching.on) {
        AppendLabels(*row.labels, evaluator.Hidden(row), names, key);
      } else {
        AppendLabelsWithout(*row.labels, evaluator.Hidden(row), names, key);
      }
      ordinals->push_back(keys.Insert(key));
    }
  }
  signatures.count = keys.size();
  return signatures;
}

base::Result<Block> SetOperation(Evaluator& evaluator, const promql::Binary& binary, Block left,
                                 Block right, const Grid& grid) {
  const Signatures signatures = MatchRows(evaluator, left, right, *binary.matching);
  const std::size_t steps = grid.steps;
  const bool is_or = binary.op == BinaryOp::kOr;
  // Where the deciding side has something, per signature and step, and how old it is.
  const Block& deciding = is_or ? left : right;
  const std::vector<std::uint32_t>& deciding_of = is_or ? signatures.left : signatures.right;
  std::vector<char> present(signatures.count * steps, 0);
  const bool older_counts = evaluator.track() && binary.op == BinaryOp::kAnd;
  std::vector<Time> newest(older_counts ? present.size() : 0, model::kNoSource);
  for (std::size_t r = 0; r < deciding.rows.size(); ++r) {
    const double* values = deciding.RowValues(r);
    char* mask = present.data() + deciding_of[r] * steps;
    for (std::size_t k = 0; k < steps; ++k)
      mask[k] = static_cast<char>(mask[k] | (IsAbsent(values[k]) ? 0 : 1));
    if (!older_counts) continue;
    for (std::size_t k = 0; k < steps; ++k) {
      Time& source = newest[deciding_of[r] * steps + k];
      if (!IsAbsent(values[k])) source = model::NewerSource(source, deciding.RowSources(r)[k]);
    }
  }
  Block& filtered = is_or ? right : left;
  const std::vector<std::uint32_t>& filtered_of = is_or ? signatures.right : signatures.left;
  const char keep = binary.op == BinaryOp::kAnd ? 1 : 0;
  for (std::size_t r = 0; r < filtered.rows.size(); ++r) {
    double* values = filtered.RowValues(r);
    const char* mask = present.data() + filtered_of[r] * steps;
    for (std::size_t k = 0; k < steps; ++k) values[k] = mask[k] == keep ? values[k] : Absent();
    if (!older_counts) continue;
    for (std::size_t k = 0; k < steps; ++k) {
      Time& source = filtered.RowSources(r)[k];
      source = model::OlderSource(source, newest[filtered_of[r] * steps + k]);
    }
  }
  Recount(filtered);
  if (!is_or) return left;

  auto both = evaluator.NewBlock(left.rows.size() + right.rows.size(), steps);
  if (!both) return both;
  for (const Block* side : {&left, &right}) {
    for (std::size_t r = 0; r < side->rows.size(); ++r) {
      std::copy_n(side->RowValues(r), steps, both->NextValues());
      if (evaluator.track()) std::copy_n(side->RowSources(r), steps, both->NextSources());
      both->rows.push_back(side->rows[r]);
    }
  }
  both->unique = left.rows.empty() ? right.unique : right.rows.empty() && left.unique;
  if (auto finished = FinishStepwise(evaluator, *both, grid); !finished) return finished.error();
  return both;
}

base::Result<Block> Evaluator::EvalBinary(const Node& node, const Grid& grid) {
  const auto& binary = std::get<promql::Binary>(node.expr->node);
  auto left = Eval(node.children[0], grid);
  if (!left) return left;
  auto right = Eval(node.children[1], grid);
  if (!right) return right;
  const bool left_scalar = binary.lhs->type == ValueType::kScalar;
  const bool right_scalar = binary.rhs->type == ValueType::kScalar;
  if (left_scalar && right_scalar)
    return ScalarWithScalar(*this, binary, std::move(*left), *right, grid);
  if (right_scalar)
    return VectorWithScalar(*this, binary, node, std::move(*left), *right, false, grid);
  if (left_scalar)
    return VectorWithScalar(*this, binary, node, std::move(*right), *left, true, grid);
  if (promql::IsSetOp(binary.op))
    return SetOperation(*this, binary, std::move(*left), std::move(*right), grid);
  return VectorOperation(*this, binary, node, std::move(*left), std::move(*right), grid);
}

}  // namespace plimsoll::eval
