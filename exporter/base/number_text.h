// SPDX-License-Identifier: Apache-2.0
//
// Numbers, durations, sizes and times as text, in the spellings of Prometheus, without a locale.
//
// One function per spelling, because clients and tests compare them byte by byte. Source of the
// spellings: Go's strconv.FormatFloat/ParseFloat and prometheus/common model.ParseDuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace plimsoll::base {

// Shortest decimal that reads back as the same double; 'f' form, or 'e' form with at least two
// exponent digits when the magnitude is below 1e-6 or at least 1e21; NaN, +Inf, -Inf.
// The HTTP API's sample value.
void AppendApiFloat(double value, std::string& out);
std::string ApiFloat(double value);
// The same to where there is room for kApiFloatRoom characters. Returns: the end.
constexpr std::size_t kApiFloatRoom = 32;
char* WriteApiFloat(double value, char* out);

// strconv.FormatFloat(v, 'g', -1, 64): exponent form below 1e-4 and from 1e6 on ("1e+06").
// Exposition pages, `le` and `quantile` in canonical form.
void AppendShortestG(double value, std::string& out);
std::string ShortestG(double value);

// fmt.Sprint(v): as above with the exponent form only from 1e21 on. PromQL printing and error
// texts.
std::string SprintFloat(double value);

// Go's strconv.FormatFloat(v, 'f', -1, 64): never an exponent. Used by count_values.
std::string FixedShortest(double value);

// Seconds as the HTTP API prints them: an integer, or exactly three decimals.
void AppendApiTime(Time time, std::string& out);

// Reads what Go's ParseFloat(s, 64) reads, including hexadecimal floats and underscores as Go has
// them only when `allow_go_literals`; inf and nan in any case with a sign. A finite literal that is
// too large is refused, as Go's ErrRange is by its callers; one that underflows reads as zero.
std::optional<double> ParseFloat(std::string_view text, bool allow_go_literals = false);

// Prometheus durations: units y w d h m s ms in this order, each at most once, or "0".
// Fails with: kBadInput, Prometheus's texts ("not a valid duration string: \"x\"").
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);
// Returns: the canonical spelling ("1h30m", "0s"), model.Duration.String().
std::string FormatDuration(std::chrono::milliseconds duration);

// Sizes: integer and unit B KB MB GB TB PB EB, powers of 1024.
Result<std::uint64_t> ParseSize(std::string_view text);

// RFC 3339 in UTC: "2026-01-01T00:00:00Z", with milliseconds only when they are not zero.
std::string FormatRfc3339(Time time);
// Reads RFC 3339 with any offset and fraction.
std::optional<Time> ParseRfc3339(std::string_view text);

bool IsValidUtf8(std::string_view text);

// Go's strconv.Quote: what Prometheus prints in errors and PromQL strings.
std::string GoQuote(std::string_view text);

// The closest of `known` to a misspelled `name` (edit distance at most a third of its length).
// Lives as long as: the view belongs to `known`.
template <typename Range>
std::string_view NearestOf(std::string_view name, const Range& known);
std::size_t EditDistance(std::string_view a, std::string_view b);

template <typename Range>
std::string_view NearestOf(std::string_view name, const Range& known) {
  std::string_view best;
  std::size_t best_distance = name.size() / 3 + 2;
  for (const std::string_view candidate : known) {
    const std::size_t distance = EditDistance(name, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace plimsoll::base
