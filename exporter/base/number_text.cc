// SPDX-License-Identifier: Apache-2.0
//
// Numbers, durations, sizes and times as text. See number_text.h for which spelling is whose.
//
// Longer than most files: the spellings share their tables and digit readers, one page each.
#include "base/number_text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/format.h"
#include "base/utf8.h"

namespace plimsoll::base {
namespace {

bool AppendSpecial(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
    return true;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
    return true;
  }
  return false;
}

constexpr double kAllDigitsCount = 9007199254740992.0;  // from 2^53 on

void AppendChars(double value, std::chars_format format, std::string& out) {
  std::array<char, 400> buffer;  // 'f' form of the largest double has 309 digits
  char* const first = buffer.data();
  if (format == std::chars_format::fixed && std::abs(value) >= kAllDigitsCount) {
    // C++ prints every digit of the integer, Go the shortest ones and then zeros.
    const char* end =
        std::to_chars(first, first + buffer.size(), value, std::chars_format::scientific).ptr;
    const char* const e = std::find(static_cast<const char*>(first), end, 'e');
    int zeros = 0;
    std::from_chars(e + 2, end, zeros);
    if (*first == '-') out += '-';
    for (const char* c = first; c != e; ++c) {
      if (!(*c >= '0' && *c <= '9')) continue;
      out += *c;
      --zeros;
    }
    out.append(static_cast<std::size_t>(zeros + 1), '0');
    return;
  }
  const auto end = std::to_chars(first, first + buffer.size(), value, format).ptr;
  out.append(first, end);
}

// Both Go and C++ print at least two exponent digits, so the forms agree as they are.
void AppendWithThresholds(double value, double low, double high, std::string& out) {
  if (AppendSpecial(value, out)) return;
  const double magnitude = std::abs(value);
  const bool exponent = magnitude != 0 && (magnitude < low || magnitude >= high);
  AppendChars(value, exponent ? std::chars_format::scientific : std::chars_format::fixed, out);
}

// Eight digits, the first in the lowest byte: halves, then pairs, then digits are split side by
// side.
std::uint64_t EightDigits(std::uint64_t number) {
  const std::uint64_t halves = number / 10000 | number % 10000 << 32;
  const std::uint64_t hundreds = (halves * 10486 >> 20) & 0x7f0000007f;
  const std::uint64_t pairs = hundreds | (halves - 100 * hundreds) << 16;
  const std::uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000f;
  return tens | (pairs - 10 * tens) << 8;
}

char* PutDigits(std::uint64_t digits, char* out) {
  digits |= 0x3030303030303030;
  if constexpr (std::endian::native == std::endian::big) digits = __builtin_bswap64(digits);
  std::memcpy(out, &digits, sizeof(digits));
  return out + sizeof(digits);
}

// Requires: room for eight characters more than are needed. Returns: the end.
char* WriteDigits(std::uint64_t number, char* out) {
  constexpr std::uint64_t kEight = 100'000'000;
  if (number >= kEight)
    return PutDigits(EightDigits(number % kEight), WriteDigits(number / kEight, out));
  if (number == 0) {
    *out = '0';
    return out + 1;
  }
  const std::uint64_t digits = EightDigits(number);
  const int zeros = std::countr_zero(digits) / 8;  // that lead
  return PutDigits(digits >> 8 * zeros, out) - zeros;
}

// Writes the shortest form of a positive number that has a fraction and no exponent.
char* WriteFraction(double value, char* out) {
  // A decimal of up to 15 digits that reads back as the same double is the only one so short, hence
  // the shortest: most gauges have milliseconds or the like, and a division finds them out.
  constexpr double kThousand = 1000, kFifteenDigits = 1e15;
  const double scaled = value * kThousand;
  std::uint64_t digits = 0;
  int places = 3;
  if (scaled < kFifteenDigits) digits = static_cast<std::uint64_t>(scaled + 0.5);
  if (static_cast<double>(digits) / kThousand != value) {
    const auto decimal = fmt::detail::dragonbox::to_decimal(value);
    digits = decimal.significand;
    places = -decimal.exponent;
  }
  for (; digits % 10 == 0; digits /= 10) --places;
  std::array<char, kApiFloatRoom> buffer;
  const auto length = WriteDigits(digits, buffer.data()) - buffer.data();
  const std::ptrdiff_t before = length - places;  // digits before the point
  if (before > 0) {
    out = std::copy_n(buffer.data(), before, out);
    *out++ = '.';
    return std::copy_n(buffer.data() + before, places, out);
  }
  *out++ = '0';
  *out++ = '.';
  out = std::fill_n(out, -before, '0');
  return std::copy_n(buffer.data(), length, out);
}

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Removes underscores where Go allows them: between digits, or after a base prefix.
std::optional<std::string> WithoutUnderscores(std::string_view text) {
  std::string plain;
  const bool prefixed = text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
  char before = '^';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = std::isxdigit(static_cast<unsigned char>(c)) != 0 || (i == 1 && prefixed);
    if (c == '_' && before != '0') return std::nullopt;
    if (before == '_' && !digit) return std::nullopt;
    if (c != '_') plain += c;
    before = c == '_' ? '_' : digit ? '0' : '^';
  }
  if (before == '_') return std::nullopt;
  return plain;
}

std::optional<double> FromChars(std::string_view text, std::chars_format format) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, format);
  if (end != text.data() + text.size()) return std::nullopt;
  if (code == std::errc::result_out_of_range) {
    // from_chars does not say in which direction: an underflow has a small exponent or many zeros.
    const auto at = text.find_first_of(format == std::chars_format::hex ? "pP" : "eE");
    const bool negative_exponent =
        at != std::string_view::npos && at + 1 < text.size() && text[at + 1] == '-';
    const bool fraction = at == std::string_view::npos && text.substr(0, 2) == "0.";
    if (negative_exponent || fraction) return 0.0;
    return std::nullopt;
  }
  if (code != std::errc()) return std::nullopt;
  return value;
}

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 7> kUnits = {{{"y", 31536000000},
                                         {"w", 604800000},
                                         {"d", 86400000},
                                         {"h", 3600000},
                                         {"m", 60000},
                                         {"s", 1000},
                                         {"ms", 1}}};

// Days since the epoch of a civil date (Howard Hinnant's algorithm is what <chrono> implements).
std::int64_t DaysFromCivil(int year, unsigned month, unsigned day) {
  const std::chrono::sys_days days{std::chrono::year{year} / std::chrono::month{month} /
                                   std::chrono::day{day}};
  return days.time_since_epoch().count();
}

std::optional<int> Digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (!IsDigit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

char* WriteApiFloat(double value, char* out) {
  const double magnitude = std::abs(value);
  // Whole numbers need no search for the shortest form; a negative zero has a sign.
  if (magnitude < kAllDigitsCount) {
    const auto whole = static_cast<std::int64_t>(value);
    if (static_cast<double>(whole) == value && (whole != 0 || !std::signbit(value))) {
      if (whole < 0) *out++ = '-';
      return WriteDigits(static_cast<std::uint64_t>(whole < 0 ? -whole : whole), out);
    }
    if (magnitude >= 1e-6) {
      if (value < 0) *out++ = '-';
      return WriteFraction(magnitude, out);
    }
  }
  std::string text;
  AppendWithThresholds(value, 1e-6, 1e21, text);
  return std::copy(text.begin(), text.end(), out);
}

void AppendApiFloat(double value, std::string& out) {
  std::array<char, kApiFloatRoom> buffer;
  out.append(buffer.data(), WriteApiFloat(value, buffer.data()));
}
void AppendShortestG(double value, std::string& out) {
  AppendWithThresholds(value, 1e-4, 1e6, out);
}

std::string SprintFloat(double value) { return ShortestG(value); }

std::string ApiFloat(double value) {
  std::string out;
  AppendApiFloat(value, out);
  return out;
}

std::string ShortestG(double value) {
  std::string out;
  AppendShortestG(value, out);
  return out;
}

std::string FixedShortest(double value) {
  std::string out;
  if (!AppendSpecial(value, out)) AppendChars(value, std::chars_format::fixed, out);
  return out;
}

void AppendApiTime(Time time, std::string& out) {
  if (time < 0) {
    out += '-';
    time = -time;
  }
  fmt::format_to(std::back_inserter(out), "{}", time / 1000);
  if (time % 1000 != 0) fmt::format_to(std::back_inserter(out), ".{:03}", time % 1000);
}

std::optional<double> ParseFloat(std::string_view text, bool allow_go_literals) {
  if (text.empty()) return std::nullopt;
  double sign = 1;
  std::string_view digits = text;
  if (digits[0] == '+' || digits[0] == '-') {
    sign = digits[0] == '-' ? -1 : 1;
    digits.remove_prefix(1);
  }
  if (digits.empty() || digits[0] == '+' || digits[0] == '-') return std::nullopt;
  if (EqualsIgnoringCase(digits, "inf") || EqualsIgnoringCase(digits, "infinity")) {
    return sign * std::numeric_limits<double>::infinity();
  }
  // Go accepts no sign before nan.
  if (EqualsIgnoringCase(digits, "nan")) {
    if (digits.size() != text.size()) return std::nullopt;
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (!IsDigit(digits[0]) && digits[0] != '.')
    return std::nullopt;  // from_chars knows nan(...) too
  std::optional<double> value;
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] | 0x20) == 'x') {
    if (!allow_go_literals) return std::nullopt;
    const auto plain = WithoutUnderscores(digits);
    if (!plain || plain->find_first_of("pP") == std::string::npos) return std::nullopt;
    value = FromChars(std::string_view(*plain).substr(2), std::chars_format::hex);
  } else if (allow_go_literals && digits.find('_') != std::string_view::npos) {
    const auto plain = WithoutUnderscores(digits);
    if (!plain) return std::nullopt;
    value = FromChars(*plain, std::chars_format::general);
  } else {
    value = FromChars(digits, std::chars_format::general);
  }
  if (!value) return std::nullopt;
  return sign * *value;
}

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return BadInput("empty duration string");
  const std::string quoted = GoQuote(text);
  constexpr std::int64_t kMax =
      std::numeric_limits<std::int64_t>::max() / 1000000;  // Go counts in ns
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    if (!IsDigit(rest[0])) return BadInput("not a valid duration string: " + quoted);
    std::size_t count = 0;
    while (count < rest.size() && IsDigit(rest[count])) ++count;
    std::uint64_t number = 0;
    const auto [end, code] = std::from_chars(rest.data(), rest.data() + count, number);
    if (code != std::errc()) return BadInput("not a valid duration string: " + quoted);
    rest.remove_prefix(count);
    std::size_t letters = 0;
    while (letters < rest.size() && !IsDigit(rest[letters])) ++letters;
    const std::string_view name = rest.substr(0, letters);
    rest.remove_prefix(letters);
    if (name.empty()) return BadInput("not a valid duration string: " + quoted);
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const Unit& known) { return known.name == name; });
    if (unit == kUnits.end()) {
      return BadInput(fmt::format("unknown unit {} in duration {}", GoQuote(name), quoted));
    }
    const auto index = static_cast<std::size_t>(unit - kUnits.begin());
    if (index < next_unit) return BadInput("not a valid duration string: " + quoted);
    next_unit = index + 1;
    if (number > static_cast<std::uint64_t>(kMax / unit->milliseconds))
      return BadInput("duration out of range");
    total += static_cast<std::int64_t>(number) * unit->milliseconds;
    if (total > kMax) return BadInput("duration out of range");
  }
  return std::chrono::milliseconds(total);
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  std::int64_t rest = duration.count();
  if (rest == 0) return "0s";
  std::string out;
  if (rest < 0) {
    out = "-";
    rest = -rest;
  }
  for (const Unit& unit : kUnits) {
    // Years and weeks only when they are exact: 90d stays 90d and is not 12w6d (Prometheus).
    const bool exact_only = unit.name == "y" || unit.name == "w";
    if (exact_only && rest % unit.milliseconds != 0) continue;
    if (const std::int64_t count = rest / unit.milliseconds; count > 0) {
      fmt::format_to(std::back_inserter(out), "{}{}", count, unit.name);
      rest -= count * unit.milliseconds;
    }
  }
  return out;
}

Result<std::uint64_t> ParseSize(std::string_view text) {
  if (text == "0") return std::uint64_t{0};
  constexpr std::array<std::string_view, 7> kNames = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (std::size_t i = 0; i < kNames.size() && code == std::errc(); ++i) {
    if (unit != kNames[i]) continue;
    const int shift = static_cast<int>(10 * i);
    if (shift > 0 && number >> (64 - shift) != 0)
      return BadInput("size out of range: " + GoQuote(text));
    return number << shift;
  }
  return BadInput("not a valid size: " + GoQuote(text) +
                  ", expected an integer and B, KB, MB, GB, TB, PB or EB");
}

std::string FormatRfc3339(Time time) {
  const Time days = time >= 0 ? time / 86400000 : (time - 86399999) / 86400000;
  const Time in_day = time - days * 86400000;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  in_day / 3600000, in_day / 60000 % 60, in_day / 1000 % 60);
  if (in_day % 1000 != 0) out += fmt::format(".{:03}", in_day % 1000);
  return out + 'Z';
}

std::optional<Time> ParseRfc3339(std::string_view text) {
  const auto year = Digits(text, 0, 4), month = Digits(text, 5, 2), day = Digits(text, 8, 2);
  const auto hour = Digits(text, 11, 2), minute = Digits(text, 14, 2), second = Digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
      text[16] != ':' || *hour > 23 || *minute > 59 || *second > 59) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  std::size_t at = 19;
  Time milliseconds = 0;
  if (at < text.size() && text[at] == '.') {
    Time scale = 100;
    const std::size_t first = ++at;
    for (; at < text.size() && IsDigit(text[at]); ++at, scale /= 10)
      milliseconds += scale * (text[at] - '0');
    if (at == first) return std::nullopt;
  }
  Time offset = 0;
  const std::string_view zone = text.substr(at);
  if (zone != "Z" && zone != "z") {
    const auto zone_hour = Digits(zone, 1, 2), zone_minute = Digits(zone, 4, 2);
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' || !zone_hour ||
        !zone_minute || *zone_hour > 23 || *zone_minute > 59) {
      return std::nullopt;
    }
    offset = (*zone_hour * 60 + *zone_minute) * 60000 * (zone[0] == '-' ? -1 : 1);
  }
  const Time days =
      DaysFromCivil(*year, static_cast<unsigned>(*month), static_cast<unsigned>(*day));
  return days * 86400000 + ((*hour * 60 + *minute) * 60 + *second) * Time{1000} + milliseconds -
         offset;
}

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint first = FirstCodePoint(text);
    if (!first.valid) return false;
    text.remove_prefix(first.bytes);
  }
  return true;
}

std::string GoQuote(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    switch (c) {
      case '"':
        out += "\\\"";
        continue;
      case '\\':
        out += "\\\\";
        continue;
      case '\a':
        out += "\\a";
        continue;
      case '\b':
        out += "\\b";
        continue;
      case '\f':
        out += "\\f";
        continue;
      case '\n':
        out += "\\n";
        continue;
      case '\r':
        out += "\\r";
        continue;
      case '\t':
        out += "\\t";
        continue;
      case '\v':
        out += "\\v";
        continue;
      default:
        break;
    }
    const CodePoint code = FirstCodePoint(text.substr(i));
    if (!code.valid || (code.bytes == 1 && !IsPrintable(c))) {
      out += fmt::format("\\x{:02x}", c);
    } else if (IsPrintable(code.value)) {
      out += text.substr(i, code.bytes);
    } else {
      const auto value = static_cast<std::uint32_t>(code.value);
      out += value < 0x10000 ? fmt::format("\\u{:04x}", value) : fmt::format("\\U{:08x}", value);
    }
    i += code.bytes - 1;
  }
  return out + '"';
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace plimsoll::base
