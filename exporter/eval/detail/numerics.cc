// SPDX-License-Identifier: Apache-2.0
//
// Compensated sums, quantiles and regression, in the order of operations of Prometheus.
#include "eval/detail/numerics.h"

#include <algorithm>
#include <cstdint>
#include <numbers>

namespace plimsoll::eval {

double Quantile(double q, std::vector<double>& values) {
  if (values.empty() || std::isnan(q)) return NaN();
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  // Stable, because the sign of a zero between equals can be seen in the result.
  std::stable_sort(values.begin(), values.end(), [](double a, double b) {
    if (std::isnan(a)) return !std::isnan(b);
    return a < b;
  });
  const double n = static_cast<double>(values.size());
  const double rank = q * (n - 1);
  const double lower = std::max(0.0, std::floor(rank));
  const double upper = std::min(n - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  return values[static_cast<std::size_t>(lower)] * (1 - weight) +
         values[static_cast<std::size_t>(upper)] * weight;
}

bool AlmostEqual(double a, double b, double epsilon) {
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  const double sum = std::abs(a) + std::abs(b);
  const double difference = std::abs(a - b);
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  if (a == 0 || b == 0 || sum < kMinNormal) return difference < epsilon * kMinNormal;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < epsilon;
}

double Log2(double v) {
  if (!(v > 0) || std::isinf(v)) return std::log(v);
  int exponent = 0;
  const double fraction = std::frexp(v, &exponent);
  if (fraction == 0.5) return exponent - 1;
  return std::log(fraction) * std::numbers::log2e + exponent;
}

double Log10(double v) {
  constexpr double kLog10Of2 = 0.30102999566398119521;
  return Log2(v) * kLog10Of2;
}

double Acos(double v) {
  const double x = std::abs(v);
  if (!(x <= 1) || x == 0) return std::acos(v);
  const double cosine = std::sqrt(1 - x * x);
  constexpr double kHalfPi = std::numbers::pi / 2;
  const double asin = x > 0.7 ? kHalfPi - std::atan(cosine / x) : std::atan(x / cosine);
  return v < 0 ? kHalfPi + asin : kHalfPi - asin;
}

double Sinh(double v) {
  return std::abs(v) > 21 ? std::copysign(std::exp(std::abs(v)) * 0.5, v) : std::sinh(v);
}

double Cosh(double v) { return std::abs(v) > 21 ? std::exp(std::abs(v)) * 0.5 : std::cosh(v); }

std::int64_t ToInt64(double value) {
  if (!(value >= -0x1p63 && value < 0x1p63)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

}  // namespace plimsoll::eval
