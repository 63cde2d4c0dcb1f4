// SPDX-License-Identifier: Apache-2.0
//
// The doors of the room: limits and options in, one run of the evaluator, an answer out.
#include "eval/engine.h"

#include <algorithm>

#include "base/format.h"
#include "eval/detail/evaluator.h"

namespace plimsoll::eval {
namespace {

using promql::ValueType;

Vector MakeVector(Evaluator& evaluator, const Block& block, Time at) {
  Vector vector;
  vector.time = at;
  vector.elements.reserve(block.rows.size());
  for (std::size_t r = 0; r < block.rows.size(); ++r) {
    const Row& row = block.rows[r];
    vector.elements.push_back({VisibleLabels(*row.labels, evaluator.Hidden(row)),
                               block.values.data()[r],
                               block.tracked() ? block.sources.data()[r] : model::kNoSource});
  }
  return vector;
}

void SortSeries(Matrix& matrix) {
  const auto before = [](const Matrix::Series& a, const Matrix::Series& b) {
    return a.labels < b.labels;
  };
  // Selectors yield them sorted.
  if (!std::is_sorted(matrix.series.begin(), matrix.series.end(), before))
    std::sort(matrix.series.begin(), matrix.series.end(), before);
}

Matrix MakeMatrix(Evaluator& evaluator, Block block, const Grid& grid) {
  Matrix matrix;
  matrix.start = grid.start;
  matrix.step = grid.step;
  matrix.steps = grid.steps;
  matrix.series.reserve(block.rows.size());
  for (std::size_t r = 0; r < block.rows.size(); ++r) {
    const Row& row = block.rows[r];
    matrix.series.push_back(
        {VisibleLabels(*row.labels, evaluator.Hidden(row)), r * block.steps, row.present});
  }
  matrix.values = std::move(block.values);
  SortSeries(matrix);
  return matrix;
}

base::Result<Answer> AskInstant(const promql::Expr& expr, std::string_view text,
                                store::Querier& querier, Time at, const Options& options,
                                std::vector<Selection>* kept) {
  const auto plan = MakePlan(expr, {at, at, 0});
  if (!plan) return plan.error();
  if (kept != nullptr) kept->resize(plan->selectors);
  Evaluator evaluator(querier, options, options.sources, kept);
  Answer answer;
  const Grid grid;
  Grid now = grid;
  now.start = at;
  const Node& root = plan->root;
  if (const auto* literal = std::get_if<promql::StringLiteral>(&root.expr->node)) {
    answer.value = String{at, literal->value};
    return answer;
  }
  if (root.kind == Node::Kind::kRangeSelector) {
    auto matrix = evaluator.EvalRangeSelector(root, now);
    if (!matrix) return matrix.error();
    SortSeries(*matrix);
    answer.value = std::move(*matrix);
  } else {
    const bool subquery = root.kind == Node::Kind::kSubquery;
    auto block = subquery ? evaluator.EvalSubquery(root, now, now) : evaluator.Eval(root, now);
    if (!block) return block.error();
    if (options.features.delayed_name_removal) {
      if (auto removed = evaluator.RemoveDelayedNames(*block, now); !removed)
        return removed.error();
    }
    if (subquery) {
      answer.value = MakeMatrix(evaluator, std::move(*block), now);
    } else if (expr.type == ValueType::kScalar) {
      answer.value = Scalar{at, block->values.data()[0],
                            block->tracked() ? block->sources.data()[0] : model::kNoSource};
    } else {
      answer.value = MakeVector(evaluator, *block, at);
    }
  }
  answer.annotations = evaluator.notes().Finish(text);
  answer.samples = evaluator.counts();
  return answer;
}

}  // namespace

std::string_view ResultTypeText(const Value& value) {
  switch (value.index()) {
    case 0:
      return "scalar";
    case 1:
      return "vector";
    case 2:
      return "matrix";
    default:
      return "string";
  }
}

base::Result<Answer> Instant(const promql::Expr& expr, std::string_view text,
                             store::Querier& querier, Time at, const Options& options) {
  return AskInstant(expr, text, querier, at, options, nullptr);
}

base::Result<Answer> Range(const promql::Expr& expr, std::string_view text, store::Querier& querier,
                           Time start, Time end, std::chrono::milliseconds step,
                           const Options& options) {
  if (expr.type != ValueType::kScalar && expr.type != ValueType::kVector) {
    return base::BadInput(base::format(
        "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
        promql::TypeText(expr.type)));
  }
  const auto plan = MakePlan(expr, {start, end, step.count()});
  if (!plan) return plan.error();
  Evaluator evaluator(querier, options, false, nullptr);
  const Grid grid = Grid::Of(start, end, step.count());
  auto block = evaluator.Eval(plan->root, grid);
  if (!block) return block.error();
  if (options.features.delayed_name_removal) {
    if (auto removed = evaluator.RemoveDelayedNames(*block, grid); !removed) return removed.error();
  }
  if (auto check = evaluator.Check(); !check) return check.error();
  Answer answer;
  answer.value = MakeMatrix(evaluator, std::move(*block), grid);
  answer.annotations = evaluator.notes().Finish(text);
  answer.samples = evaluator.counts();
  return answer;
}

struct Prepared::State {
  promql::ExprPtr expr;
  std::string text;
  std::vector<Selection> kept;
};

Prepared::Prepared(promql::ExprPtr expr, std::string text)
    : state_(std::make_unique<State>(State{std::move(expr), std::move(text), {}})) {}
Prepared::~Prepared() = default;
Prepared::Prepared(Prepared&&) noexcept = default;
Prepared& Prepared::operator=(Prepared&&) noexcept = default;

const promql::Expr& Prepared::expr() const { return *state_->expr; }
const std::string& Prepared::text() const { return state_->text; }

base::Result<Answer> Prepared::Instant(store::Querier& querier, Time at, const Options& options) {
  return AskInstant(*state_->expr, state_->text, querier, at, options, &state_->kept);
}

}  // namespace plimsoll::eval
