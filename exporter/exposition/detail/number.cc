// SPDX-License-Identifier: Apache-2.0
//
// Numbers of exposition pages. See number.h.
#include "exposition/detail/number.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace plimsoll::exposition::detail {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool EqualsLower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != lower[i]) return false;
  }
  return true;
}

// from_chars does not say in which direction a literal is out of range.
// Returns: whether the first digit that counts stands left of the decimal point once the exponent
// is applied.
bool IsLarge(std::string_view decimal) {
  const std::size_t e = decimal.find_first_of("eE");
  const std::string_view mantissa = decimal.substr(0, e);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  const std::size_t first = mantissa.find_first_of("123456789");
  if (first == std::string_view::npos) return false;
  constexpr std::int64_t kFar = std::int64_t{1} << 40;  // further than any page is long
  std::int64_t exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view power = decimal.substr(e + 1);
    const bool down = power.front() == '-';
    if (down || power.front() == '+') power.remove_prefix(1);
    for (const char c : power) {
      if (exponent < kFar) exponent = exponent * 10 + (c - '0');
    }
    if (down) exponent = -exponent;
  }
  return static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first) + exponent > 0;
}

}  // namespace

NumberFault ParseNumber(std::string_view token, double& out) {
  if (token.find_first_of("pP_") != std::string_view::npos) return NumberFault::kUnsupported;
  std::string_view rest = token;
  const bool negative = !rest.empty() && rest.front() == '-';
  const bool has_sign = negative || (!rest.empty() && rest.front() == '+');
  if (has_sign) rest.remove_prefix(1);
  if (rest.empty()) return NumberFault::kSyntax;
  if (!IsDigit(rest.front()) && rest.front() != '.') {
    if (EqualsLower(rest, "inf") || EqualsLower(rest, "infinity")) {
      constexpr double kInfinity = std::numeric_limits<double>::infinity();
      out = negative ? -kInfinity : kInfinity;
      return NumberFault::kNone;
    }
    if (!has_sign && EqualsLower(rest, "nan")) {
      out = std::numeric_limits<double>::quiet_NaN();
      return NumberFault::kNone;
    }
    return NumberFault::kSyntax;
  }
  double value = 0;
  const char* const end = rest.data() + rest.size();
  const auto [stop, code] = std::from_chars(rest.data(), end, value);
  if (stop != end || code == std::errc::invalid_argument) return NumberFault::kSyntax;
  if (code == std::errc::result_out_of_range) {
    if (IsLarge(rest)) return NumberFault::kRange;
    value = 0;
  }
  out = negative ? -value : value;
  return NumberFault::kNone;
}

std::string_view FaultText(NumberFault fault) {
  switch (fault) {
    case NumberFault::kNone:
      return "";
    case NumberFault::kUnsupported:
      return "unsupported character in float";
    case NumberFault::kSyntax:
      return "invalid syntax";
    case NumberFault::kRange:
      return "value out of range";
  }
  return "";
}

}  // namespace plimsoll::exposition::detail
