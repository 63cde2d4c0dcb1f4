// SPDX-License-Identifier: Apache-2.0
//
// Reading parameters: the arithmetic is Go's, step by step, so that the last millisecond agrees.
#include "serve/detail/api_parameters.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/parser.h"

namespace plimsoll::serve {
namespace {

constexpr double kNanosPerSecond = 1e9;
constexpr double kInt64End = 9223372036854775808.0;

}  // namespace

base::Error InvalidParameter(std::string_view name, std::string_view message) {
  return base::BadInput(base::format("invalid parameter {}: {}", base::GoQuote(name), message));
}

base::Result<long long> Atoi(std::string_view text) {
  std::string_view digits = text;
  if (digits.size() > 1 && digits.front() == '+' && digits[1] != '-') digits.remove_prefix(1);
  long long number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error == std::errc::result_out_of_range && end == digits.data() + digits.size()) {
    return base::BadInput(
        base::format("strconv.Atoi: parsing {}: value out of range", base::GoQuote(text)));
  }
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return base::BadInput(
        base::format("strconv.Atoi: parsing {}: invalid syntax", base::GoQuote(text)));
  }
  return number;
}

base::Result<base::Time> ParseApiTime(std::string_view text) {
  if (const auto seconds = base::ParseFloat(text, true); seconds && std::isfinite(*seconds)) {
    double whole = 0;
    const double fraction = std::round(std::modf(*seconds, &whole) * 1000) / 1000;
    if (std::abs(whole) >= static_cast<double>(kMaxTime) / 1000)
      return whole < 0 ? kMinTime : kMaxTime;
    const auto nanos = static_cast<std::int64_t>(fraction * kNanosPerSecond);
    // Milliseconds of a time before the epoch round down, as in Go.
    const std::int64_t millis = nanos >= 0 ? nanos / 1'000'000 : -((-nanos + 999'999) / 1'000'000);
    return static_cast<std::int64_t>(whole) * 1000 + millis;
  }
  if (const auto time = base::ParseRfc3339(text)) return *time;
  return base::BadInput(base::format("cannot parse {} to a valid timestamp", base::GoQuote(text)));
}

base::Result<std::chrono::nanoseconds> ParseApiDuration(std::string_view text) {
  if (const auto seconds = base::ParseFloat(text, true)) {
    const double nanos = *seconds * kNanosPerSecond;
    // Go makes the smallest number of what is none.
    if (std::isnan(nanos)) return std::chrono::nanoseconds::min();
    if (nanos >= kInt64End || nanos < -kInt64End) {
      return base::BadInput(base::format("cannot parse {} to a valid duration. It overflows int64",
                                         base::GoQuote(text)));
    }
    return std::chrono::nanoseconds(static_cast<std::int64_t>(nanos));
  }
  if (const auto duration = base::ParseDuration(text)) return std::chrono::nanoseconds(*duration);
  return base::BadInput(base::format("cannot parse {} to a valid duration", base::GoQuote(text)));
}

ApiParameters::ApiParameters(const http::Request& request) {
  const std::string_view type = request.Header("Content-Type");
  const bool body = request.method == "POST" || request.method == "PUT";
  const std::string media = LowerCase(type.substr(0, type.find_first_of("; ")));
  if (body && media == "application/x-www-form-urlencoded") Add(request.body);
  Add(request.raw_query);
}

// As Go's url.ParseQuery: a pair that is malformed is left out, and the first one is remembered.
void ApiParameters::Add(std::string_view text) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    std::string fault;
    if (pair.find(';') != std::string_view::npos) fault = "invalid semicolon separator in query";
    for (std::size_t at = pair.find('%'); fault.empty() && at != std::string_view::npos;
         at = pair.find('%', at + 3)) {
      const auto hex = [&](std::size_t i) {
        return i < pair.size() && std::isxdigit(static_cast<unsigned char>(pair[i])) != 0;
      };
      if (!hex(at + 1) || !hex(at + 2))
        fault = "invalid URL escape " + base::GoQuote(pair.substr(at, 3));
    }
    if (!fault.empty()) {
      if (!fault_) fault_ = base::BadInput("error parsing form values: " + fault);
      continue;
    }
    const std::size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    pairs_.emplace_back(http::PercentDecode(pair.substr(0, equals), true),
                        http::PercentDecode(value, true));
  }
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view ApiParameters::First(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return {};
}

std::vector<std::string_view> ApiParameters::All(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : pairs_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

base::Result<base::Time> ApiParameters::TimeOr(std::string_view name, base::Time otherwise) const {
  const std::string_view text = First(name);
  if (text.empty()) return otherwise;
  auto time = ParseApiTime(text);
  if (time) return time;
  return InvalidParameter(
      name, base::format("invalid time value for '{}': {}", name, time.error().message));
}

base::Result<base::Time> ApiParameters::Time(std::string_view name) const {
  auto time = ParseApiTime(First(name));
  if (time) return time;
  return InvalidParameter(name, time.error().message);
}

base::Result<std::chrono::nanoseconds> ApiParameters::Duration(std::string_view name) const {
  auto duration = ParseApiDuration(First(name));
  if (duration) return duration;
  return InvalidParameter(name, duration.error().message);
}

base::Result<std::size_t> ApiParameters::Limit(std::string_view name) const {
  const std::string_view text = First(name);
  if (text.empty()) return std::size_t(0);
  const auto number = Atoi(text);
  if (!number) return InvalidParameter(name, number.error().message);
  if (*number < 0) return InvalidParameter(name, "limit must be non-negative");
  return static_cast<std::size_t>(*number);
}

base::Result<std::vector<model::Matchers>> ApiParameters::Matchers(bool wrap) const {
  const auto refuse = [&](const std::string& message) {
    return wrap ? InvalidParameter("match[]", message) : base::BadInput(message);
  };
  std::vector<model::Matchers> sets;
  for (const std::string_view text : All("match[]")) {
    auto matchers = promql::ParseSelector(text);
    if (!matchers) return refuse(matchers.error().message);
    sets.push_back(*std::move(matchers));
  }
  for (const model::Matchers& set : sets) {
    const bool selective = std::any_of(set.begin(), set.end(), [](const model::Matcher& matcher) {
      return !matcher.MatchesEmpty();
    });
    if (!selective) return refuse("match[] must contain at least one non-empty matcher");
  }
  return sets;
}

}  // namespace plimsoll::serve
