// SPDX-License-Identifier: Apache-2.0
//
// The words of a policy's enums, as the configuration has them, in both directions.
//
// Threads: pure functions.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "config/config.h"

namespace plimsoll::hub::detail {

using Type = config::ExternalMetric::Type;
using Several = config::ExternalMetric::Several;
using Round = config::ExternalMetric::Round;

constexpr std::string_view TypeText(Type type) {
  switch (type) {
    case Type::kAverageValue:
      return "AverageValue";
    case Type::kValue:
      return "Value";
  }
  return "";
}
constexpr std::string_view SeveralText(Several several) {
  switch (several) {
    case Several::kError:
      return "error";
    case Several::kSum:
      return "sum";
    case Several::kMax:
      return "max";
  }
  return "";
}
constexpr std::string_view RoundText(Round round) {
  switch (round) {
    case Round::kNearest:
      return "nearest";
    case Round::kUp:
      return "up";
  }
  return "";
}

inline constexpr std::array kTypes = {Type::kAverageValue, Type::kValue};
inline constexpr std::array kSeveral = {Several::kError, Several::kSum, Several::kMax};
inline constexpr std::array kRounds = {Round::kNearest, Round::kUp};

// Returns: the one of `all` whose text is `word`.
template <typename All, typename E = typename All::value_type>
std::optional<E> Meaning(const All& all, std::string_view (*text)(E), std::string_view word) {
  for (const E one : all) {
    if (text(one) == word) return one;
  }
  return std::nullopt;
}

}  // namespace plimsoll::hub::detail
