// SPDX-License-Identifier: Apache-2.0
//
// The functions over windows, one kernel each: prometheus/prometheus promql/functions.go is the
// authority on every rule, including the order of additions.
#pragma once

#include "eval/detail/function_row.h"

namespace plimsoll::eval::window {

void Rate(const Windows& windows, double* out);
void Increase(const Windows& windows, double* out);
void Delta(const Windows& windows, double* out);
void Irate(const Windows& windows, double* out);
void Idelta(const Windows& windows, double* out);
void Deriv(const Windows& windows, double* out);
void PredictLinear(const Windows& windows, double* out);
void DoubleExponentialSmoothing(const Windows& windows, double* out);

void Avg(const Windows& windows, double* out);
void Sum(const Windows& windows, double* out);
void Count(const Windows& windows, double* out);
void First(const Windows& windows, double* out);
void Last(const Windows& windows, double* out);
void Max(const Windows& windows, double* out);
void Min(const Windows& windows, double* out);
void Mad(const Windows& windows, double* out);
void Present(const Windows& windows, double* out);
void Quantile(const Windows& windows, double* out);
void Stddev(const Windows& windows, double* out);
void Stdvar(const Windows& windows, double* out);
void Changes(const Windows& windows, double* out);
void Resets(const Windows& windows, double* out);
void TimeOfFirst(const Windows& windows, double* out);
void TimeOfLast(const Windows& windows, double* out);
void TimeOfMax(const Windows& windows, double* out);
void TimeOfMin(const Windows& windows, double* out);

}  // namespace plimsoll::eval::window
