// SPDX-License-Identifier: Apache-2.0
//
// What a policy may be, in words and numbers: once for the configuration that it is written in, and
// for the labels that it travels as.
//
// Threads: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"

namespace plimsoll::config {

// The words of an enum, once: for reading, for printing and for "expected one of".
template <typename E>
using Words = std::pair<std::string_view, E>;

inline constexpr std::array<Words<ExternalMetric::Type>, 2> kMetricTypes = {
    {{"AverageValue", ExternalMetric::Type::kAverageValue},
     {"Value", ExternalMetric::Type::kValue}}};
inline constexpr std::array<Words<ExternalMetric::Several>, 3> kSeveral = {
    {{"error", ExternalMetric::Several::kError},
     {"sum", ExternalMetric::Several::kSum},
     {"max", ExternalMetric::Several::kMax}}};
inline constexpr std::array<Words<ExternalMetric::Round>, 2> kRound = {
    {{"nearest", ExternalMetric::Round::kNearest}, {"up", ExternalMetric::Round::kUp}}};

template <typename E, std::size_t N>
std::string_view WordOf(const std::array<Words<E>, N>& words, E value) {
  for (const auto& [word, meaning] : words) {
    if (meaning == value) return word;
  }
  return "";
}

template <typename E, std::size_t N>
std::optional<E> MeaningOf(const std::array<Words<E>, N>& words, std::string_view text) {
  for (const auto& [word, meaning] : words) {
    if (word == text) return meaning;
  }
  return std::nullopt;
}

template <typename E, std::size_t N>
std::string ListOf(const std::array<Words<E>, N>& words) {
  std::string list;
  for (const auto& [word, meaning] : words) list += (list.empty() ? "" : ", ") + std::string(word);
  return list;
}

// Beyond it a quantity does not fit the HPA's thousandths.
inline constexpr double kMostQuantity = 9.2e15;
bool IsQuantity(double value);

// What is wrong with a policy as a whole, each by its key in a configuration.
struct PolicyProblem {
  std::string_view key;
  std::string text;
};
std::vector<PolicyProblem> PolicyProblems(const ExternalMetric& metric);

}  // namespace plimsoll::config
