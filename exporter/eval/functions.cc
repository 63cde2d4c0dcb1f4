// SPDX-License-Identifier: Apache-2.0
//
// The table: for every function of the language, what evaluates it.
//
// It is written as one constant per name and assembled from the list of the language
// (promql/function_list.h), so that a function without a row, or a row without a function, does not
// compile.
#include "promql/functions.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "eval/detail/call_functions.h"
#include "eval/detail/function_row.h"
#include "eval/detail/numerics.h"
#include "eval/detail/window_functions.h"

namespace plimsoll::eval {
namespace {

// One function of one number, over a row.
template <typename F>
constexpr FunctionRow Each(F) {
  return Mapped([](double* values, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      values[i] = IsAbsent(values[i]) ? values[i] : F()(values[i]);
  });
}
#define PLIMSOLL_EACH(expression) Each([](double v) -> double { return expression; })

// The rows under the names that the language gives them, which are not our style of name.
namespace row {
constexpr FunctionRow abs = PLIMSOLL_EACH(std::abs(v));
constexpr FunctionRow absent = Called(call::Absent);
constexpr FunctionRow absent_over_time = Called(call::AbsentOverTime);
constexpr FunctionRow acos = PLIMSOLL_EACH(Acos(v));
constexpr FunctionRow acosh = PLIMSOLL_EACH(std::acosh(v));
constexpr FunctionRow asin = PLIMSOLL_EACH(std::asin(v));
constexpr FunctionRow asinh = PLIMSOLL_EACH(std::asinh(v));
constexpr FunctionRow atan = PLIMSOLL_EACH(std::atan(v));
constexpr FunctionRow atanh = PLIMSOLL_EACH(std::atanh(v));
constexpr FunctionRow avg_over_time = Windowed(window::Avg);
constexpr FunctionRow ceil = PLIMSOLL_EACH(std::ceil(v));
constexpr FunctionRow changes = Windowed(window::Changes);
constexpr FunctionRow clamp = Called(call::Clamp);
constexpr FunctionRow clamp_max = Called(call::ClampMax);
constexpr FunctionRow clamp_min = Called(call::ClampMin);
constexpr FunctionRow cos = PLIMSOLL_EACH(std::cos(v));
constexpr FunctionRow cosh = PLIMSOLL_EACH(Cosh(v));
constexpr FunctionRow count_over_time = Windowed(window::Count);
constexpr FunctionRow day_of_month = Called(call::DayOfMonth);
constexpr FunctionRow day_of_week = Called(call::DayOfWeek);
constexpr FunctionRow day_of_year = Called(call::DayOfYear);
constexpr FunctionRow days_in_month = Called(call::DaysInMonth);
constexpr FunctionRow deg = PLIMSOLL_EACH(v * 180 / std::numbers::pi);
constexpr FunctionRow delta = Windowed(window::Delta);
constexpr FunctionRow deriv = Windowed(window::Deriv);
constexpr FunctionRow double_exponential_smoothing = Windowed(window::DoubleExponentialSmoothing);
constexpr FunctionRow end = Called(call::Folded);
constexpr FunctionRow exp = PLIMSOLL_EACH(std::exp(v));
constexpr FunctionRow first_over_time = WindowedKeepingName(window::First);
constexpr FunctionRow floor = PLIMSOLL_EACH(std::floor(v));
constexpr FunctionRow histogram_avg = Called(call::OfNativeHistograms);
constexpr FunctionRow histogram_count = Called(call::OfNativeHistograms);
constexpr FunctionRow histogram_fraction = Called(call::HistogramFraction);
constexpr FunctionRow histogram_quantile = Called(call::HistogramQuantile);
constexpr FunctionRow histogram_quantiles = Called(call::HistogramQuantiles);
constexpr FunctionRow histogram_stddev = Called(call::OfNativeHistograms);
constexpr FunctionRow histogram_stdvar = Called(call::OfNativeHistograms);
constexpr FunctionRow histogram_sum = Called(call::OfNativeHistograms);
constexpr FunctionRow hour = Called(call::Hour);
constexpr FunctionRow idelta = Windowed(window::Idelta);
constexpr FunctionRow increase = WindowedOfCounters(window::Increase);
constexpr FunctionRow info = Called(call::Info);
constexpr FunctionRow irate = Windowed(window::Irate);
constexpr FunctionRow label_join = Called(call::LabelJoin);
constexpr FunctionRow label_replace = Called(call::LabelReplace);
constexpr FunctionRow last_over_time = WindowedKeepingName(window::Last);
constexpr FunctionRow ln = PLIMSOLL_EACH(std::log(v));
constexpr FunctionRow log10 = PLIMSOLL_EACH(Log10(v));
constexpr FunctionRow log2 = PLIMSOLL_EACH(Log2(v));
constexpr FunctionRow mad_over_time = Windowed(window::Mad);
constexpr FunctionRow max_of = Called(call::MaxOf);
constexpr FunctionRow max_over_time = Windowed(window::Max);
constexpr FunctionRow min_of = Called(call::MinOf);
constexpr FunctionRow min_over_time = Windowed(window::Min);
constexpr FunctionRow minute = Called(call::Minute);
constexpr FunctionRow month = Called(call::Month);
constexpr FunctionRow pi = Called(call::Pi);
constexpr FunctionRow predict_linear = Windowed(window::PredictLinear);
constexpr FunctionRow present_over_time = Windowed(window::Present);
constexpr FunctionRow quantile_over_time = Windowed(window::Quantile);
constexpr FunctionRow rad = PLIMSOLL_EACH(v * std::numbers::pi / 180);
constexpr FunctionRow range = Called(call::Folded);
constexpr FunctionRow rate = WindowedOfCounters(window::Rate);
constexpr FunctionRow resets = Windowed(window::Resets);
constexpr FunctionRow round = Called(call::Round);
constexpr FunctionRow scalar = Called(call::Scalar);
constexpr FunctionRow sgn = PLIMSOLL_EACH(v < 0 ? -1 : v > 0 ? 1 : v);
constexpr FunctionRow sin = PLIMSOLL_EACH(std::sin(v));
constexpr FunctionRow sinh = PLIMSOLL_EACH(Sinh(v));
constexpr FunctionRow sort = Called(call::Sort);
constexpr FunctionRow sort_by_label = Called(call::SortByLabel);
constexpr FunctionRow sort_by_label_desc = Called(call::SortByLabelDesc);
constexpr FunctionRow sort_desc = Called(call::SortDesc);
constexpr FunctionRow sqrt = PLIMSOLL_EACH(std::sqrt(v));
constexpr FunctionRow start = Called(call::Folded);
constexpr FunctionRow start_timestamp = Called(call::StartTimestamp);
constexpr FunctionRow stddev_over_time = Windowed(window::Stddev);
constexpr FunctionRow stdvar_over_time = Windowed(window::Stdvar);
constexpr FunctionRow step = Called(call::Folded);
constexpr FunctionRow sum_over_time = Windowed(window::Sum);
constexpr FunctionRow tan = PLIMSOLL_EACH(std::tan(v));
constexpr FunctionRow tanh = PLIMSOLL_EACH(std::tanh(v));
constexpr FunctionRow time = Called(call::Time);
constexpr FunctionRow timestamp = Called(call::Timestamp);
constexpr FunctionRow ts_of_first_over_time = Windowed(window::TimeOfFirst);
constexpr FunctionRow ts_of_last_over_time = Windowed(window::TimeOfLast);
constexpr FunctionRow ts_of_max_over_time = Windowed(window::TimeOfMax);
constexpr FunctionRow ts_of_min_over_time = Windowed(window::TimeOfMin);
constexpr FunctionRow vector = Called(call::Vector);
constexpr FunctionRow year = Called(call::Year);
}  // namespace row
#undef PLIMSOLL_EACH

constexpr FunctionRow kRows[] = {
#define PLIMSOLL_ROW(name, args, variadic, returns, experimental) row::name,
    PLIMSOLL_PROMQL_FUNCTIONS(PLIMSOLL_ROW)
#undef PLIMSOLL_ROW
};

}  // namespace

const std::string& StringArg(const Node& call, std::size_t index) {
  return std::get<promql::StringLiteral>(call.children[index].expr->node).value;
}

base::Result<Block> EvalScalarArg(Evaluator& evaluator, const Node& call, std::size_t index,
                                  const Grid& grid) {
  return evaluator.Eval(call.children[index], grid);
}

base::Result<void> FinishStepwise(Evaluator& evaluator, Block& block, const Grid& grid) {
  if (!grid.point) return evaluator.MergeEqualRows(block, grid);
  if (!evaluator.delayed()) return evaluator.CheckUnique(block);
  return {};
}

void Recount(Block& block) {
  std::size_t kept = 0;
  for (std::size_t r = 0; r < block.rows.size(); ++r) {
    const std::size_t present = CountPresent(block.RowValues(r), block.steps);
    if (present == 0) continue;
    if (kept != r) {
      block.rows[kept] = block.rows[r];
      std::copy_n(block.RowValues(r), block.steps, block.RowValues(kept));
      if (block.tracked()) std::copy_n(block.RowSources(r), block.steps, block.RowSources(kept));
    }
    block.rows[kept++].present = static_cast<std::uint32_t>(present);
  }
  block.rows.resize(kept);
}

base::Result<Block> Evaluator::EvalCall(const Node& node, const Grid& grid, RowSink* sink) {
  const auto& call = std::get<promql::Call>(node.expr->node);
  const FunctionRow& function = kRows[call.function->index];
  if (function.call != nullptr) return function.call(*this, node, grid);
  if (function.window != nullptr) return EvalWindows(*this, node, grid, function, sink);
  auto block = Eval(node.children[0], grid);
  if (!block) return block;
  function.map(block->values.data(), block->rows.size() * block->steps);
  DropNames(*block);
  if (auto finished = FinishStepwise(*this, *block, grid); !finished) return finished.error();
  return block;
}

}  // namespace plimsoll::eval
