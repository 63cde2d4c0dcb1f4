// SPDX-License-Identifier: Apache-2.0
//
// Functions of time and of the calendar, which is UTC and Gregorian without end in both directions.
#include <algorithm>

#include "eval/detail/call_functions.h"
#include "eval/detail/numerics.h"

namespace plimsoll::eval::call {
namespace {

struct Date {
  std::int64_t year = 0;
  int month = 1;
  int day = 1;
};

// Seconds count modulo 2^64 from 1 March of a year that is a multiple of 400 and further back than
// any second since 1970 can be, as Go's time package counts; so what a NaN converts to has a date,
// too.
constexpr std::int64_t kFirstYear = -292277022400;
constexpr std::uint64_t kDaysOfEra = 146097;  // 400 years
constexpr std::uint64_t kDay = 86400;
constexpr std::uint64_t kDaysUntil1970 =
    719468 + static_cast<std::uint64_t>(-kFirstYear / 400) * kDaysOfEra;

std::uint64_t Absolute(std::int64_t seconds) {
  return static_cast<std::uint64_t>(seconds) + kDaysUntil1970 * kDay;
}

Date DateOf(std::uint64_t seconds) {
  const std::uint64_t days = seconds / kDay;
  const std::int64_t era = static_cast<std::int64_t>(days / kDaysOfEra);
  const std::int64_t day_of_era = static_cast<std::int64_t>(days % kDaysOfEra);
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  Date date;
  date.day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  date.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  date.year = kFirstYear + year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

bool IsLeap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int DaysOf(std::int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}

template <typename OfSeconds>
Result OfCalendar(Evaluator& evaluator, const Node& node, const Grid& grid,
                  OfSeconds&& of_seconds) {
  if (node.children.empty()) {
    auto now = Time(evaluator, node, grid);
    if (!now) return now;
    for (std::size_t k = 0; k < grid.steps; ++k) {
      now->values.data()[k] = static_cast<double>(of_seconds(grid.At(k) / 1000));
    }
    return now;
  }
  auto block = evaluator.Eval(node.children[0], grid);
  if (!block) return block;
  const std::size_t cells = block->rows.size() * block->steps;
  double* values = block->values.data();
  for (std::size_t i = 0; i < cells; ++i) {
    if (!IsAbsent(values[i])) values[i] = static_cast<double>(of_seconds(ToInt64(values[i])));
  }
  evaluator.DropNames(*block);
  if (auto finished = FinishStepwise(evaluator, *block, grid); !finished) return finished.error();
  return block;
}

template <typename OfDate>
Result OfDay(Evaluator& evaluator, const Node& node, const Grid& grid, OfDate&& of_date) {
  return OfCalendar(evaluator, node, grid,
                    [&](std::int64_t seconds) { return of_date(DateOf(Absolute(seconds))); });
}

}  // namespace

Result Time(Evaluator& evaluator, const Node&, const Grid& grid) {
  auto out = evaluator.NewBlock(1, grid.steps);
  if (!out) return out;
  for (std::size_t k = 0; k < grid.steps; ++k)
    out->NextValues()[k] = static_cast<double>(grid.At(k)) / 1000;
  if (evaluator.track()) std::fill_n(out->NextSources(), grid.steps, model::kNoSource);
  out->AddRow(evaluator.arena().Empty(), false, grid.steps);
  out->unique = true;
  return out;
}

Result Timestamp(Evaluator& evaluator, const Node& node, const Grid& grid) {
  const Node& arg = node.children[0];
  const bool selector = arg.kind == Node::Kind::kSelector;
  auto block = selector ? evaluator.EvalSelector(arg, grid, true) : evaluator.Eval(arg, grid);
  if (!block) return block;
  if (!selector) {
    for (std::size_t r = 0; r < block->rows.size(); ++r) {
      double* values = block->RowValues(r);
      for (std::size_t k = 0; k < grid.steps; ++k) {
        if (!IsAbsent(values[k])) values[k] = static_cast<double>(grid.At(k)) / 1000;
      }
    }
  }
  evaluator.DropNames(*block);
  if (auto finished = FinishStepwise(evaluator, *block, grid); !finished) return finished.error();
  return block;
}

Result StartTimestamp(Evaluator& evaluator, const Node& node, const Grid& grid) {
  const auto block = evaluator.Eval(node.children[0], grid);
  if (!block) return block.error();
  return Block(0, grid.steps, evaluator.track());
}

Result DayOfMonth(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return OfDay(evaluator, node, grid, [](const Date& date) { return date.day; });
}

Result DayOfWeek(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return OfCalendar(evaluator, node, grid, [](std::int64_t seconds) {
    return (Absolute(seconds) / kDay + 3) % 7;  // the first day was a Wednesday
  });
}

Result DayOfYear(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return OfDay(evaluator, node, grid, [](const Date& date) {
    int day = date.day;
    for (int month = 1; month < date.month; ++month) day += DaysOf(date.year, month);
    return day;
  });
}

Result DaysInMonth(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return OfDay(evaluator, node, grid,
               [](const Date& date) { return DaysOf(date.year, date.month); });
}

Result Hour(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return OfCalendar(evaluator, node, grid,
                    [](std::int64_t seconds) { return Absolute(seconds) % kDay / 3600; });
}

Result Minute(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return OfCalendar(evaluator, node, grid,
                    [](std::int64_t seconds) { return Absolute(seconds) % 3600 / 60; });
}

Result Month(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return OfDay(evaluator, node, grid, [](const Date& date) { return date.month; });
}

Result Year(Evaluator& evaluator, const Node& node, const Grid& grid) {
  return OfDay(evaluator, node, grid, [](const Date& date) { return date.year; });
}

}  // namespace plimsoll::eval::call
