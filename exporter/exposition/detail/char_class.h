// SPDX-License-Identifier: Apache-2.0
//
// Which bytes may stand in names that need no quotes, as one table.
#pragma once

#include <array>
#include <cstdint>

namespace plimsoll::exposition::detail {

constexpr std::uint8_t kMetricStart = 1;
constexpr std::uint8_t kMetricChar = 2;
constexpr std::uint8_t kLabelStart = 4;
constexpr std::uint8_t kLabelChar = 8;

constexpr std::array<std::uint8_t, 256> kCharClass = [] {
  std::array<std::uint8_t, 256> table{};
  for (int c = 'a'; c <= 'z'; ++c)
    table[c] = table[c - 'a' + 'A'] = kMetricStart | kMetricChar | kLabelStart | kLabelChar;
  for (int c = '0'; c <= '9'; ++c) table[c] = kMetricChar | kLabelChar;
  table['_'] = kMetricStart | kMetricChar | kLabelStart | kLabelChar;
  table[':'] = kMetricStart | kMetricChar;
  return table;
}();

inline bool Is(char c, std::uint8_t classes) {
  return (kCharClass[static_cast<unsigned char>(c)] & classes) != 0;
}

}  // namespace plimsoll::exposition::detail
