// SPDX-License-Identifier: Apache-2.0
//
// What a Pravega controller answers, as values.
//
// Only what the collector uses is read. A body that is no JSON, or not of the shape that its path
// promises, is an error; so is a scaling event whose segments do not divide the whole key space,
// because a number of segments out of half an answer would scale whoever reads them.
//
// Threads: pure functions.
// Bounds:  PravegaLimits; what is left out is counted in the value.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::engines::detail {

struct PravegaLimits {
  std::size_t streams = 200;     // that are read
  std::size_t scopes = 100;      // whose streams are listed
  std::size_t segments = 10000;  // of a stream
  std::size_t gauges = 5000;     // series of the controller's own page that are looked at
  std::size_t values = 500000;   // of any JSON answer
};

struct PravegaStream {
  std::string scope, name;
  auto operator<=>(const PravegaStream&) const = default;
};

// What is to be read: one stream, the streams of a scope (an empty name), or all (both empty).
using PravegaChoice = PravegaStream;
// "SCOPE/STREAM", "SCOPE/*" or "*". Fails with: kBadInput.
base::Result<PravegaChoice> ReadChoice(std::string_view text);

// A user's own scope or stream: letters, digits, dots and hyphens. Internal ones begin with "_".
bool IsPravegaName(std::string_view text);

struct PravegaNames {
  std::vector<std::string> names;  // sorted, each once; without internal ones
  std::uint64_t left_out = 0;
};
base::Result<PravegaNames> ReadScopes(std::string_view body, const PravegaLimits& limits);
base::Result<PravegaNames> ReadStreams(std::string_view body, const PravegaLimits& limits);

// How a stream is divided since it was last scaled, or created.
struct PravegaScaling {
  double time_ms = 0;
  double segments = 0;
  double epoch = 0;  // of its youngest segment
};
// Returns: the newest event of the list, in which the reference event stands first whatever its
// time.
base::Result<PravegaScaling> ReadScaling(std::string_view body, const PravegaLimits& limits);

// The controller's own count, from its exposition page.
struct PravegaGauges {
  std::map<PravegaStream, double> segments;  // without internal streams
  std::uint64_t left_out = 0;
};
base::Result<PravegaGauges> ReadGauges(std::string_view page, const PravegaLimits& limits);

}  // namespace plimsoll::engines::detail
