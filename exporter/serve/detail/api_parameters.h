// SPDX-License-Identifier: Apache-2.0
//
// Parameters of the Prometheus HTTP API, read and refused exactly as the server does.
//
// Threads: plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "model/matcher.h"

namespace plimsoll::serve {

// What "from the beginning" and "until the end" mean: far from where adding to a time overflows.
constexpr base::Time kMinTime = -(base::Time(1) << 61);
constexpr base::Time kMaxTime = base::Time(1) << 61;

class ApiParameters {
 public:
  explicit ApiParameters(const http::Request& request);

  // What was malformed about the form, which most endpoints do not care about.
  const std::optional<base::Error>& fault() const { return fault_; }

  // Returns: the first value, or "".
  std::string_view First(std::string_view name) const;
  std::vector<std::string_view> All(std::string_view name) const;

  // All fail with kBadInput whose message is complete: `invalid parameter "time": ...`.
  base::Result<base::Time> TimeOr(std::string_view name, base::Time otherwise) const;
  base::Result<base::Time> Time(std::string_view name) const;  // required
  base::Result<std::chrono::nanoseconds> Duration(std::string_view name) const;
  // Zero: no limit.
  base::Result<std::size_t> Limit(std::string_view name) const;
  // match[]; each set must have a matcher that "" does not satisfy. `wrap`: name the parameter in
  // errors.
  base::Result<std::vector<model::Matchers>> Matchers(bool wrap) const;

 private:
  void Add(std::string_view text);

  http::Pairs pairs_;
  std::optional<base::Error> fault_;
};

base::Error InvalidParameter(std::string_view name, std::string_view message);

// strconv.Atoi with its errors: `strconv.Atoi: parsing "x": invalid syntax`.
base::Result<long long> Atoi(std::string_view text);

// strings.ToLower of ASCII.
std::string LowerCase(std::string_view text);

// Float seconds or RFC 3339. Fails with: `cannot parse "x" to a valid timestamp`.
base::Result<base::Time> ParseApiTime(std::string_view text);
// Float seconds or a Prometheus duration. Fails with: `cannot parse "x" to a valid duration`.
base::Result<std::chrono::nanoseconds> ParseApiDuration(std::string_view text);

}  // namespace plimsoll::serve
