// SPDX-License-Identifier: Apache-2.0
//
// The one list of functions, as a macro, so that every table over them is complete by construction.
//
// Row: X(name, arguments, variadic, result, experimental). Arguments are one letter each: v instant
// vector, m range vector, s scalar, t string. `variadic` as in Function (promql/functions.h).
// Sorted by name in byte order; a test holds that. Source: prometheus/prometheus
// promql/parser/functions.go.
#pragma once

// clang-format off
#define PLIMSOLL_PROMQL_FUNCTIONS(X) \
  X(abs, "v", 0, kVector, false) \
  X(absent, "v", 0, kVector, false) \
  X(absent_over_time, "m", 0, kVector, false) \
  X(acos, "v", 0, kVector, false) \
  X(acosh, "v", 0, kVector, false) \
  X(asin, "v", 0, kVector, false) \
  X(asinh, "v", 0, kVector, false) \
  X(atan, "v", 0, kVector, false) \
  X(atanh, "v", 0, kVector, false) \
  X(avg_over_time, "m", 0, kVector, false) \
  X(ceil, "v", 0, kVector, false) \
  X(changes, "m", 0, kVector, false) \
  X(clamp, "vss", 0, kVector, false) \
  X(clamp_max, "vs", 0, kVector, false) \
  X(clamp_min, "vs", 0, kVector, false) \
  X(cos, "v", 0, kVector, false) \
  X(cosh, "v", 0, kVector, false) \
  X(count_over_time, "m", 0, kVector, false) \
  X(day_of_month, "v", 1, kVector, false) \
  X(day_of_week, "v", 1, kVector, false) \
  X(day_of_year, "v", 1, kVector, false) \
  X(days_in_month, "v", 1, kVector, false) \
  X(deg, "v", 0, kVector, false) \
  X(delta, "m", 0, kVector, false) \
  X(deriv, "m", 0, kVector, false) \
  X(double_exponential_smoothing, "mss", 0, kVector, true) \
  X(end, "", 0, kScalar, true) \
  X(exp, "v", 0, kVector, false) \
  X(first_over_time, "m", 0, kVector, false) \
  X(floor, "v", 0, kVector, false) \
  X(histogram_avg, "v", 0, kVector, false) \
  X(histogram_count, "v", 0, kVector, false) \
  X(histogram_fraction, "ssv", 0, kVector, false) \
  X(histogram_quantile, "sv", 0, kVector, false) \
  X(histogram_quantiles, "vtss", 9, kVector, true) \
  X(histogram_stddev, "v", 0, kVector, false) \
  X(histogram_stdvar, "v", 0, kVector, false) \
  X(histogram_sum, "v", 0, kVector, false) \
  X(hour, "v", 1, kVector, false) \
  X(idelta, "m", 0, kVector, false) \
  X(increase, "m", 0, kVector, false) \
  X(info, "vv", 1, kVector, true) \
  X(irate, "m", 0, kVector, false) \
  X(label_join, "vttt", -1, kVector, false) \
  X(label_replace, "vtttt", 0, kVector, false) \
  X(last_over_time, "m", 0, kVector, false) \
  X(ln, "v", 0, kVector, false) \
  X(log10, "v", 0, kVector, false) \
  X(log2, "v", 0, kVector, false) \
  X(mad_over_time, "m", 0, kVector, true) \
  X(max_of, "ss", 0, kScalar, true) \
  X(max_over_time, "m", 0, kVector, false) \
  X(min_of, "ss", 0, kScalar, true) \
  X(min_over_time, "m", 0, kVector, false) \
  X(minute, "v", 1, kVector, false) \
  X(month, "v", 1, kVector, false) \
  X(pi, "", 0, kScalar, false) \
  X(predict_linear, "ms", 0, kVector, false) \
  X(present_over_time, "m", 0, kVector, false) \
  X(quantile_over_time, "sm", 0, kVector, false) \
  X(rad, "v", 0, kVector, false) \
  X(range, "", 0, kScalar, true) \
  X(rate, "m", 0, kVector, false) \
  X(resets, "m", 0, kVector, false) \
  X(round, "vs", 1, kVector, false) \
  X(scalar, "v", 0, kScalar, false) \
  X(sgn, "v", 0, kVector, false) \
  X(sin, "v", 0, kVector, false) \
  X(sinh, "v", 0, kVector, false) \
  X(sort, "v", 0, kVector, false) \
  X(sort_by_label, "vt", -1, kVector, true) \
  X(sort_by_label_desc, "vt", -1, kVector, true) \
  X(sort_desc, "v", 0, kVector, false) \
  X(sqrt, "v", 0, kVector, false) \
  X(start, "", 0, kScalar, true) \
  X(start_timestamp, "v", 0, kVector, true) \
  X(stddev_over_time, "m", 0, kVector, false) \
  X(stdvar_over_time, "m", 0, kVector, false) \
  X(step, "", 0, kScalar, true) \
  X(sum_over_time, "m", 0, kVector, false) \
  X(tan, "v", 0, kVector, false) \
  X(tanh, "v", 0, kVector, false) \
  X(time, "", 0, kScalar, false) \
  X(timestamp, "v", 0, kVector, false) \
  X(ts_of_first_over_time, "m", 0, kVector, true) \
  X(ts_of_last_over_time, "m", 0, kVector, true) \
  X(ts_of_max_over_time, "m", 0, kVector, true) \
  X(ts_of_min_over_time, "m", 0, kVector, true) \
  X(vector, "s", 0, kVector, false) \
  X(year, "v", 1, kVector, false)
// clang-format on
