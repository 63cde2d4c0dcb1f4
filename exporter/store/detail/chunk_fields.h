// SPDX-License-Identifier: Apache-2.0
//
// The sizes of the fields of a chunk, shared by the one who writes and the one who reads them.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace plimsoll::store {

constexpr unsigned kMaxLeading = 31;
constexpr unsigned kNewWindowBits = 2 + 5 + 6;
constexpr unsigned kShortLag = 16;

// A field begins with as many ones as its class says and, but for the last class, a zero.
constexpr std::array<unsigned, 5> kSlotSizes = {0, 7, 12, 20, 32};
constexpr std::array<unsigned, 7> kGrowthSizes = {0, 5, 9, 14, 22, 32, 64};

template <std::size_t kClasses>
constexpr unsigned HeadBits(const std::array<unsigned, kClasses>&, std::size_t size_class) {
  return static_cast<unsigned>(size_class + (size_class + 1 < kClasses ? 1 : 0));
}

constexpr std::uint64_t Low(std::uint64_t value, unsigned bits) {
  return bits >= 64 ? value : value & ((std::uint64_t{1} << bits) - 1);
}

inline bool Fits(std::int64_t value, unsigned bits) {
  const std::int64_t half = std::int64_t{1} << (bits - 1);
  return value >= -half && value < half;
}

inline std::int64_t Extend(std::uint64_t raw, unsigned bits) {
  const unsigned shift = 64 - bits;
  return static_cast<std::int64_t>(raw << shift) >> shift;
}

inline std::int64_t Whole(std::uint64_t bits) {
  return static_cast<std::int64_t>(std::bit_cast<double>(bits));
}

}  // namespace plimsoll::store
