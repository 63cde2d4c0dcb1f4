// SPDX-License-Identifier: Apache-2.0
//
// The digits are the shortest that read back (as Java has them since release 19); only their layout
// is Java's own.
#include "demo/detail/trino_page.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace plimsoll::demo::detail {
namespace {

// "1.25e+06" as to_chars writes it, taken apart.
struct Decimal {
  std::string sign;
  std::string digits;  // without the point
  int exponent;        // of the first digit
};

Decimal Shortest(double value) {
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific);
  std::string_view text(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  Decimal decimal{};
  if (text.front() == '-') {
    decimal.sign = "-";
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  for (const char c : text.substr(0, e)) {
    if (c != '.') decimal.digits += c;
  }
  text.remove_prefix(e + 1);
  if (text.front() == '+') text.remove_prefix(1);
  std::from_chars(text.data(), text.data() + text.size(), decimal.exponent);
  return decimal;
}

}  // namespace

std::string JavaDouble(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";
  auto [sign, digits, exponent] = Shortest(value);
  const double magnitude = std::fabs(value);
  if (magnitude < 1e-3 || magnitude >= 1e7) {
    const std::string fraction = digits.size() > 1 ? digits.substr(1) : "0";
    return sign + digits.substr(0, 1) + "." + fraction + "E" + std::to_string(exponent);
  }
  if (exponent < 0)
    return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) digits.append(whole + 1 - digits.size(), '0');
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

bool TrinoPage::Wanted(std::string_view name) const {
  return names_.empty() || std::find(names_.begin(), names_.end(), name) != names_.end();
}

void TrinoPage::Type(std::string_view name, std::string_view type) {
  text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void TrinoPage::Line(std::string_view name, std::string_view rest, std::string_view value) {
  text_.append(name).append(rest).append(" ").append(value).append("\n");
}

void TrinoPage::Gauge(std::string_view name, double value) {
  if (!Wanted(name)) return;
  Type(name, "gauge");
  Line(name, "", JavaDouble(value));
}

void TrinoPage::Counter(std::string_view name, std::int64_t value) {
  if (!Wanted(name)) return;
  Type(name, "counter");
  Line(name, "", std::to_string(value));
}

void TrinoPage::EmptySummary(std::string_view name) {
  if (!Wanted(name)) return;
  Type(name, "summary");
  Line(name, "_count", "0");
  Line(name, "_sum", "NaN");
  for (const std::string_view quantile : {"0.5", "0.75", "0.9", "0.95", "0.99"}) {
    Line(name, std::string("{quantile=\"").append(quantile).append("\"}"), "NaN");
  }
}

std::string TrinoPage::Finish() && {
  text_.append("# EOF\n");
  return std::move(text_);
}

}  // namespace plimsoll::demo::detail
