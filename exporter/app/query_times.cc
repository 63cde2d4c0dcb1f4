// SPDX-License-Identifier: Apache-2.0
//
// Reading the times of a query.
#include "app/query_times.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "base/number_text.h"

namespace plimsoll::app {
namespace {

constexpr double kLargest = 9e15;  // milliseconds that a double still counts exactly

}  // namespace

base::Result<base::Time> ReadTime(std::string_view text) {
  if (const auto seconds = base::ParseFloat(text);
      seconds && std::abs(*seconds * 1000) < kLargest) {
    return static_cast<base::Time>(std::llround(*seconds * 1000));
  }
  if (const auto time = base::ParseRfc3339(text)) return *time;
  return base::BadInput(
      fmt::format("cannot read '{}' as a time: expected Unix seconds or RFC 3339", text));
}

base::Result<base::Time> ReadStep(std::string_view text) {
  if (const auto seconds = base::ParseFloat(text);
      seconds && std::abs(*seconds * 1000) < kLargest) {
    return static_cast<base::Time>(std::llround(*seconds * 1000));
  }
  const auto duration = base::ParseDuration(text);
  if (!duration)
    return base::BadInput(
        fmt::format("cannot read '{}' as a step: expected seconds or a duration", text));
  return static_cast<base::Time>(duration->count());
}

base::Result<QueryTimes> ReadQueryTimes(std::string_view time, std::string_view start,
                                        std::string_view end, std::string_view step, base::Time now,
                                        bool range) {
  QueryTimes times{.at = now, .start = 0, .end = now, .step = 0};
  for (const auto& [text, into] : {std::pair{time, &times.at}, std::pair{end, &times.end}}) {
    if (text.empty()) continue;
    const auto read = ReadTime(text);
    if (!read) return read.error();
    *into = *read;
  }
  times.start = times.end - 300000;
  if (!start.empty()) {
    const auto read = ReadTime(start);
    if (!read) return read.error();
    times.start = *read;
  }
  times.step = std::max<base::Time>(1000, (times.end - times.start) / 250 / 1000 * 1000);
  if (!step.empty()) {
    const auto read = ReadStep(step);
    if (!read) return read.error();
    times.step = *read;
  }
  if (range && times.end < times.start)
    return base::BadInput("end timestamp must not be before start time");
  if (range && times.step <= 0) return base::BadInput("the step must be positive");
  return times;
}

}  // namespace plimsoll::app
