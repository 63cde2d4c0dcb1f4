// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic whose last bit matters: compensated sums, and minimum and maximum as Go has them.
//
// Source: Neumaier's variant of Kahan summation; prometheus/prometheus promql and util/kahansum.
// Requires: no fused multiply-add (-ffp-contract=off).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace plimsoll::eval {

constexpr double kInf = std::numeric_limits<double>::infinity();
inline double NaN() { return std::numeric_limits<double>::quiet_NaN(); }

// A running sum and what rounding has taken from it.
struct KahanSum {
  double sum = 0;
  double lost = 0;

  void Add(double value) {
    const double total = sum + value;
    if (std::abs(total) > std::numeric_limits<double>::max()) {
      lost = 0;
    } else if (std::abs(sum) >= std::abs(value)) {
      lost += (sum - total) + value;
    } else {
      lost += (value - total) + sum;
    }
    sum = total;
  }
};

// A mean that switches from sum-then-divide to an incremental mean when the sum would overflow.
struct KahanMean {
  KahanSum state;
  double count = 0;
  bool incremental = false;

  void Add(double value) {
    count += 1;
    if (count == 1) {
      state = {value, 0};
      return;
    }
    if (!incremental) {
      KahanSum next = state;
      next.Add(value);
      if (!std::isinf(next.sum)) {
        state = next;
        return;
      }
      incremental = true;
      state.sum /= count - 1;
      state.lost /= count - 1;
    }
    const double keep = (count - 1) / count;
    state.sum *= keep;
    state.lost *= keep;
    state.Add(value / count);
  }
  double Value() const {
    return incremental ? state.sum + state.lost : state.sum / count + state.lost / count;
  }
};

// Go's math.Max and math.Min: an infinity wins over a NaN, and zeros are ordered by sign.
inline double GoMax(double a, double b) {
  if (a == kInf || b == kInf) return kInf;
  if (std::isnan(a) || std::isnan(b)) return NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
inline double GoMin(double a, double b) {
  if (a == -kInf || b == -kInf) return -kInf;
  if (std::isnan(a) || std::isnan(b)) return NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

// The q-quantile with linear interpolation; NaN is the smallest value. Sorts `values`.
double Quantile(double q, std::vector<double>& values);

// As Go computes them where that can be told from the C library by more than the last bit: the
// logarithms by way of the binary exponent, acos by way of asin, and hyperbolic functions that
// overflow with the exponential function.
double Log2(double v);
double Log10(double v);
double Acos(double v);
double Sinh(double v);
double Cosh(double v);

// Whether a and b are within `epsilon` relative to their sum.
bool AlmostEqual(double a, double b, double epsilon);

// Go's float64 to int64 on amd64: what does not fit is the smallest integer.
std::int64_t ToInt64(double value);

}  // namespace plimsoll::eval
