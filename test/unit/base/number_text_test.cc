// SPDX-License-Identifier: Apache-2.0
#include "base/number_text.h"

#include <doctest/doctest.h>

#include <array>
#include <charconv>
#include <clocale>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace plimsoll::base;
using namespace std::chrono_literals;

namespace {
constexpr double kInf = std::numeric_limits<double>::infinity();
std::string ApiTime(Time time) {
  std::string out;
  AppendApiTime(time, out);
  return out;
}
std::string DurationError(std::string_view text) { return ParseDuration(text).error().message; }
}  // namespace

TEST_CASE("the HTTP API's sample values are Go's shortest form") {
  CHECK(ApiFloat(0) == "0");
  CHECK(ApiFloat(-0.0) == "-0");
  CHECK(ApiFloat(1.5) == "1.5");
  CHECK(ApiFloat(1e6) == "1000000");
  CHECK(ApiFloat(1e-6) == "0.000001");
  CHECK(ApiFloat(9.9e-7) == "9.9e-07");
  CHECK(ApiFloat(1e20) == "100000000000000000000");
  CHECK(ApiFloat(1e21) == "1e+21");
  CHECK(ApiFloat(18446744073709551616.0) == "18446744073709552000");  // shortest digits, then zeros
  CHECK(ApiFloat(-1e20) == "-100000000000000000000");
  CHECK(ApiFloat(9007199254740993.0) == "9007199254740992");
  CHECK(FixedShortest(1.7976931348623157e308) == "17976931348623157" + std::string(292, '0'));
  CHECK(ApiFloat(1e-100) == "1e-100");
  CHECK(ApiFloat(std::nan("")) == "NaN");
  CHECK(ApiFloat(kInf) == "+Inf");
  CHECK(ApiFloat(-kInf) == "-Inf");
}

TEST_CASE("every short way to the shortest form agrees with the long one") {
  std::mt19937_64 random(7);
  const auto agrees = [](double value) {
    std::array<char, 64> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                   std::chars_format::fixed);
    const std::string expected(buffer.data(), end.ptr);
    if (ApiFloat(value) != expected) FAIL(ApiFloat(value), " for ", expected);
  };
  for (int i = 0; i < 50000; ++i) {
    const auto digits = static_cast<double>(random() >> (random() % 53 + 11));
    agrees(digits / 1000);
    agrees(-digits / 64);
    agrees(digits / 1e7 + 1e-6);
    agrees(std::ldexp(1 + digits * 0x1p-53, static_cast<int>(random() % 70) - 19));
  }
  for (int exponent = -19; exponent < 53; ++exponent) {
    agrees(std::ldexp(1, exponent));
    agrees(std::nextafter(std::ldexp(1, exponent), 0));
    agrees(std::nextafter(std::ldexp(1, exponent), kInf));
  }
}

TEST_CASE("exposition pages write %g: an exponent from a million on") {
  CHECK(ShortestG(1.0886816e+07) == "1.0886816e+07");
  CHECK(ShortestG(999999) == "999999");
  CHECK(ShortestG(1e6) == "1e+06");
  CHECK(ShortestG(0.0001) == "0.0001");
  CHECK(ShortestG(0.00001) == "1e-05");
}

TEST_CASE("PromQL prints numbers as fmt.Sprint") {
  CHECK(SprintFloat(1e6) == "1e+06");
  CHECK(SprintFloat(999999) == "999999");
  CHECK(SprintFloat(1e21) == "1e+21");
  CHECK(SprintFloat(0.00001) == "1e-05");
}

TEST_CASE("count_values never writes an exponent") {
  CHECK(FixedShortest(1e21) == "1000000000000000000000");
  CHECK(FixedShortest(1e-7) == "0.0000001");
}

TEST_CASE("times have no fraction or three decimals") {
  CHECK(ApiTime(1435781451000) == "1435781451");
  CHECK(ApiTime(1435781451230) == "1435781451.230");
  CHECK(ApiTime(-1500) == "-1.500");
  CHECK(ApiTime(0) == "0");
}

TEST_CASE("numbers do not depend on the locale") {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  // Whichever comma locale the machine has; without one the test still checks the C locale.
  for (const char* name : {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"}) {
    if (std::setlocale(LC_ALL, name) != nullptr) break;
  }
  CHECK(ApiFloat(1.5) == "1.5");
  CHECK(ParseFloat("1.5") == 1.5);
  std::setlocale(LC_ALL, before.c_str());
}

TEST_CASE("floats read as Go's ParseFloat reads them") {
  CHECK(ParseFloat("8.64026624E8") == 8.64026624e8);
  CHECK(ParseFloat("+1") == 1);
  CHECK(ParseFloat("-.5") == -0.5);
  CHECK(ParseFloat("5.") == 5);
  CHECK(ParseFloat("iNf") == kInf);
  CHECK(ParseFloat("-Infinity") == -kInf);
  CHECK(std::isnan(*ParseFloat("nan")));
  CHECK(ParseFloat("1e-999") == 0);
  for (const char* bad : {"", "+", "--1", "-nan", "nan(1)", "1e999", "0x1p3", "1_0", "1 ", " 1",
                          ".", "1e", "e5", "infx"}) {
    CAPTURE(bad);
    CHECK_FALSE(ParseFloat(bad).has_value());
  }
  CHECK(ParseFloat("0x1p3", true) == 8);
  CHECK(ParseFloat("1_000.5", true) == 1000.5);
  CHECK_FALSE(ParseFloat("1__0", true).has_value());
  CHECK_FALSE(ParseFloat("1_", true).has_value());
}

TEST_CASE("quoted text shows what has no ink") {
  CHECK(GoQuote("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") ==
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
  CHECK(GoQuote("\xe2\x80\xa8|\xc2\xa0|\xef\xbb\xbf") == R"("\u2028|\u00a0|\ufeff")");
  CHECK(GoQuote("\xf3\xa0\x80\x81") == R"("\U000e0001")");
  CHECK(GoQuote("\xff\x7f") == R"("\xff\x7f")");
}

TEST_CASE("durations are ordered units, each at most once") {
  CHECK(*ParseDuration("1h30m") == 90min);
  CHECK(*ParseDuration("1d2h3m4s5ms") == 26h + 3min + 4s + 5ms);
  CHECK(*ParseDuration("0") == 0ms);
  CHECK(DurationError("") == "empty duration string");
  CHECK(DurationError("1") == "not a valid duration string: \"1\"");
  CHECK(DurationError("1m1h") == "not a valid duration string: \"1m1h\"");
  CHECK(DurationError("1.5h") == "unknown unit \".\" in duration \"1.5h\"");
  CHECK(DurationError("5x") == "unknown unit \"x\" in duration \"5x\"");
  CHECK(DurationError("300000000y") == "duration out of range");
  CHECK(DurationError("99999999999999999999s") ==
        "not a valid duration string: \"99999999999999999999s\"");
}

TEST_CASE("durations print in their canonical form") {
  CHECK(FormatDuration(90min) == "1h30m");
  CHECK(FormatDuration(0ms) == "0s");
  CHECK(FormatDuration(36h) == "1d12h");
  CHECK(FormatDuration(48h) == "2d");
  CHECK(FormatDuration(1500ms) == "1s500ms");
}

TEST_CASE("sizes are powers of 1024") {
  CHECK(*ParseSize("15MB") == 15U << 20);
  CHECK(*ParseSize("0") == 0);
  CHECK_FALSE(ParseSize("15").has_value());
  CHECK_FALSE(ParseSize("16EB").has_value());
}

TEST_CASE("RFC 3339 survives a round trip") {
  CHECK(FormatRfc3339(1767225600000) == "2026-01-01T00:00:00Z");
  CHECK(FormatRfc3339(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(ParseRfc3339("2026-01-01T00:00:00Z") == 1767225600000);
  CHECK(ParseRfc3339("2026-01-01T02:00:00.25+02:00") == 1767225600250);
  for (const char* bad : {"2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T24:00:00Z",
                          "2026-01-01T00:00:00", "2026-01-01T00:00:00+0200"}) {
    CAPTURE(bad);
    CHECK_FALSE(ParseRfc3339(bad).has_value());
  }
}

TEST_CASE("quoting is Go's") {
  CHECK(GoQuote("a\"b\\c\n\x01") == "\"a\\\"b\\\\c\\n\\x01\"");
  CHECK(GoQuote("ü") == "\"ü\"");
  CHECK(GoQuote("\xff") == "\"\\xff\"");
}

TEST_CASE("the nearest known key is offered, and nothing when all are far") {
  const std::vector<std::string_view> known = {"scrape_interval", "scrape_timeout"};
  CHECK(NearestOf("scrape_intervall", known) == "scrape_interval");
  CHECK(NearestOf("xyz", known).empty());
}
