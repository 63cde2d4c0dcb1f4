// SPDX-License-Identifier: Apache-2.0
//
// The functions that are neither a loop over values nor over windows. Each sees its whole call.
#pragma once

#include "eval/detail/function_row.h"

namespace plimsoll::eval::call {

using Result = base::Result<Block>;

// label_functions.cc
Result LabelReplace(Evaluator& evaluator, const Node& node, const Grid& grid);
Result LabelJoin(Evaluator& evaluator, const Node& node, const Grid& grid);
Result Sort(Evaluator& evaluator, const Node& node, const Grid& grid);
Result SortDesc(Evaluator& evaluator, const Node& node, const Grid& grid);
Result SortByLabel(Evaluator& evaluator, const Node& node, const Grid& grid);
Result SortByLabelDesc(Evaluator& evaluator, const Node& node, const Grid& grid);
Result Absent(Evaluator& evaluator, const Node& node, const Grid& grid);
Result AbsentOverTime(Evaluator& evaluator, const Node& node, const Grid& grid);

// scalar_functions.cc
Result Clamp(Evaluator& evaluator, const Node& node, const Grid& grid);
Result ClampMin(Evaluator& evaluator, const Node& node, const Grid& grid);
Result ClampMax(Evaluator& evaluator, const Node& node, const Grid& grid);
Result Round(Evaluator& evaluator, const Node& node, const Grid& grid);
Result Scalar(Evaluator& evaluator, const Node& node, const Grid& grid);
Result Vector(Evaluator& evaluator, const Node& node, const Grid& grid);
Result MaxOf(Evaluator& evaluator, const Node& node, const Grid& grid);
Result MinOf(Evaluator& evaluator, const Node& node, const Grid& grid);
Result Pi(Evaluator& evaluator, const Node& node, const Grid& grid);
// Of a function that the plan has replaced by a number (start, end, step, range).
Result Folded(Evaluator& evaluator, const Node& node, const Grid& grid);
// Of a function that only native histograms can feed.
Result OfNativeHistograms(Evaluator& evaluator, const Node& node, const Grid& grid);

// time_functions.cc
Result Time(Evaluator& evaluator, const Node& node, const Grid& grid);
Result Timestamp(Evaluator& evaluator, const Node& node, const Grid& grid);
Result StartTimestamp(Evaluator& evaluator, const Node& node, const Grid& grid);
Result DayOfMonth(Evaluator& evaluator, const Node& node, const Grid& grid);
Result DayOfWeek(Evaluator& evaluator, const Node& node, const Grid& grid);
Result DayOfYear(Evaluator& evaluator, const Node& node, const Grid& grid);
Result DaysInMonth(Evaluator& evaluator, const Node& node, const Grid& grid);
Result Hour(Evaluator& evaluator, const Node& node, const Grid& grid);
Result Minute(Evaluator& evaluator, const Node& node, const Grid& grid);
Result Month(Evaluator& evaluator, const Node& node, const Grid& grid);
Result Year(Evaluator& evaluator, const Node& node, const Grid& grid);

// histogram_functions.cc
Result HistogramQuantile(Evaluator& evaluator, const Node& node, const Grid& grid);
Result HistogramQuantiles(Evaluator& evaluator, const Node& node, const Grid& grid);
Result HistogramFraction(Evaluator& evaluator, const Node& node, const Grid& grid);

// info_function.cc
Result Info(Evaluator& evaluator, const Node& node, const Grid& grid);

}  // namespace plimsoll::eval::call
