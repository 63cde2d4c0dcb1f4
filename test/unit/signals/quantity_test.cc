// SPDX-License-Identifier: Apache-2.0
//
// Quantities: the edges at which an HPA would scale the wrong way.
#include "signals/detail/quantity.h"

#include <doctest/doctest.h>

#include <limits>

namespace plimsoll::signals {
namespace {

using Round = config::ExternalMetric::Round;

std::string Nearest(double value) {
  const auto milli = ToMilli(value, Round::kNearest);
  return milli ? QuantityText(*milli) : "none";
}
std::string Up(double value) {
  const auto milli = ToMilli(value, Round::kUp);
  return milli ? QuantityText(*milli) : "none";
}

TEST_CASE("whole numbers are plain and others are thousandths") {
  CHECK(Nearest(0) == "0");
  CHECK(Nearest(17) == "17");
  CHECK(Nearest(1.5) == "1500m");
  CHECK(Nearest(0.001) == "1m");
  CHECK(Nearest(39.9999) == "40");
  CHECK(Nearest(12.3456) == "12346m");
}

TEST_CASE("nearest rounds a thousandth's half up, and less down") {
  CHECK(Nearest(0.0005) == "1m");
  CHECK(Nearest(0.0004) == "0");
}

TEST_CASE("up rounds everything up but the noise of arithmetic") {
  CHECK(Up(0.0001) == "1m");
  CHECK(Up(1e-300) == "1m");
  CHECK(Up(std::numeric_limits<double>::denorm_min()) == "1m");
  CHECK(Up(1.0001) == "1001m");
  CHECK(Up(0.1 + 0.2) == "300m");
  CHECK(Up(0.3) == "300m");
  CHECK(Up(0) == "0");
}

TEST_CASE("negative zero is zero, and nothing below or without end is a quantity") {
  CHECK(Nearest(-0.0) == "0");
  CHECK(Nearest(-1e-9) == "none");
  CHECK(Nearest(-1) == "none");
  CHECK(Nearest(std::numeric_limits<double>::quiet_NaN()) == "none");
  CHECK(Nearest(std::numeric_limits<double>::infinity()) == "none");
}

TEST_CASE("a quantity ends below 9.2e15") {
  CHECK(Nearest(9.2e15) == "none");
  CHECK(Nearest(9199999999999998) == "9199999999999998");
  CHECK(Up(9199999999999998) == "9199999999999998");
}

}  // namespace
}  // namespace plimsoll::signals
