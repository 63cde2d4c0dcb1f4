// SPDX-License-Identifier: Apache-2.0
//
// Numbers of exposition pages: Go's strconv.ParseFloat without hexadecimal floats and underscores.
//
// Most values are short decimals, for which one multiplication or division by an exact power of ten
// gives the correctly rounded result; the rest go to std::from_chars.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace plimsoll::exposition::detail {

enum class NumberFault { kNone, kUnsupported, kSyntax, kRange };

// Reads a whole token. `out` is set only when the answer is kNone.
NumberFault ParseNumber(std::string_view token, double& out);

// The text of Go's error, for `token` refused with `fault`.
std::string_view FaultText(NumberFault fault);

constexpr double kPowersOfTen[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// Reads a decimal that needs no more than the exact arithmetic above.
// Requires: a byte that cannot be part of a number at or after `at` (a line break, a blank).
// Returns: where the number ends, or null if it is not of that kind (which says nothing about its
// validity).
inline const char* ReadShortDecimal(const char* at, double& out) {
  constexpr std::uint64_t kExactInteger = std::uint64_t{1} << 53;
  constexpr auto kExactPower =
      static_cast<std::int64_t>(sizeof(kPowersOfTen) / sizeof(kPowersOfTen[0])) - 1;
  constexpr std::int64_t kDigitsWithoutOverflow = 19;

  const bool negative = *at == '-';
  if (negative || *at == '+') ++at;
  std::uint64_t mantissa = 0;
  const char* const digits = at;
  for (unsigned digit; (digit = static_cast<unsigned char>(*at) - unsigned{'0'}) < 10; ++at)
    mantissa = mantissa * 10 + digit;
  std::int64_t count = at - digits;
  std::int64_t exponent = 0;
  if (*at == '.') {
    const char* const fraction = ++at;
    for (unsigned digit; (digit = static_cast<unsigned char>(*at) - unsigned{'0'}) < 10; ++at)
      mantissa = mantissa * 10 + digit;
    exponent = fraction - at;
    count -= exponent;
  }
  if (count == 0 || count > kDigitsWithoutOverflow) return nullptr;
  if ((*at | 0x20) == 'e') {
    ++at;
    const bool down = *at == '-';
    if (down || *at == '+') ++at;
    const char* const power = at;
    std::int64_t written = 0;
    for (unsigned digit;
         (digit = static_cast<unsigned char>(*at) - unsigned{'0'}) < 10 && at - power < 4; ++at)
      written = written * 10 + digit;
    if (at == power || at - power == 4) return nullptr;
    exponent += down ? -written : written;
  }
  if (mantissa > kExactInteger) return nullptr;
  auto value = static_cast<double>(mantissa);
  if (exponent < 0) {
    if (exponent < -kExactPower) return nullptr;
    value /= kPowersOfTen[-exponent];
  } else if (exponent > 0) {
    if (exponent > kExactPower) return nullptr;
    value *= kPowersOfTen[exponent];
  }
  out = negative ? -value : value;
  return at;
}

}  // namespace plimsoll::exposition::detail
