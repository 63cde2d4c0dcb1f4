// SPDX-License-Identifier: Apache-2.0
#include "exposition/detail/number.h"

#include <doctest/doctest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

using namespace plimsoll::exposition::detail;

namespace {

double Read(std::string_view token) {
  double value = 0;
  REQUIRE(ParseNumber(token, value) == NumberFault::kNone);
  return value;
}
NumberFault Fault(std::string_view token) {
  double value = 0;
  return ParseNumber(token, value);
}

}  // namespace

TEST_CASE("numbers are read as Go reads them") {
  CHECK(Read("1") == 1);
  CHECK(Read("+1.5") == 1.5);
  CHECK(Read("-.5") == -0.5);
  CHECK(Read("5.") == 5);
  CHECK(Read("8.64026624E8") == 864026624);
  CHECK(Read("1e+06") == 1e6);
  CHECK(Read("4.9e-324") == std::numeric_limits<double>::denorm_min());
  CHECK(std::signbit(Read("-0.0")));
  CHECK(Read("inf") == std::numeric_limits<double>::infinity());
  CHECK(Read("+Infinity") == std::numeric_limits<double>::infinity());
  CHECK(Read("-iNf") == -std::numeric_limits<double>::infinity());
  CHECK(std::isnan(Read("nAn")));
}

TEST_CASE("hexadecimal floats, underscores and signed NaN are refused") {
  CHECK(Fault("0x1p4") == NumberFault::kUnsupported);
  CHECK(Fault("1_000") == NumberFault::kUnsupported);
  CHECK(Fault("1P") == NumberFault::kUnsupported);
  for (const char* token : {"", "+", ".", "-.", "e5", "1e", "1e+", "0x1", "+NaN", "-nan", "infi",
                            "nano", "1 ", "1\r", "+-1", "1.2.3"}) {
    CAPTURE(token);
    CHECK(Fault(token) == NumberFault::kSyntax);
  }
}

TEST_CASE("a number that is too large is refused, one that is too small is zero") {
  CHECK(Fault("1e309") == NumberFault::kRange);
  CHECK(Fault("-1e999") == NumberFault::kRange);
  CHECK(Fault(std::string(400, '9')) == NumberFault::kRange);
  CHECK(Fault("1" + std::string(400, '0') + "e-10") == NumberFault::kRange);
  CHECK(Fault("0." + std::string(400, '0') + "1e999") == NumberFault::kRange);
  CHECK(Read("1e-999") == 0);
  CHECK(std::signbit(Read("-1e-999")));
  CHECK(Read("0." + std::string(400, '0') + "1") == 0);
  CHECK(Read("0e999999999999") == 0);
}

TEST_CASE("the short way gives the same bits as the long one") {
  std::uint64_t state = 42;
  const auto random = [&state](std::uint64_t below) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % below;
  };
  int quick = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    if (random(3) == 0) text += '-';
    for (std::uint64_t digits = random(12); digits-- > 0;)
      text += static_cast<char>('0' + random(10));
    if (random(2) == 0) {
      text += '.';
      for (std::uint64_t digits = random(10); digits-- > 0;)
        text += static_cast<char>('0' + random(10));
    }
    if (random(3) == 0) text += (random(2) == 0 ? "e-" : "E+") + std::to_string(random(30));
    text += '\n';
    double value = 0;
    const char* const end = ReadShortDecimal(text.c_str(), value);
    if (end == nullptr) continue;
    ++quick;
    CAPTURE(text);
    double expected = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), expected);
    REQUIRE(code == std::errc());
    CHECK(stop == end);
    CHECK(std::bit_cast<std::uint64_t>(value) == std::bit_cast<std::uint64_t>(expected));
  }
  CHECK(quick > 10000);
}
