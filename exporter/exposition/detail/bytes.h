// SPDX-License-Identifier: Apache-2.0
//
// Eight bytes at a time, without vector instructions: the same code is fast on x86-64 and arm64.
//
// The answers of the searches are masks whose lowest set bit is exact; higher ones may be false.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace plimsoll::exposition::detail {

static_assert(std::endian::native == std::endian::little,
              "the first byte of a page must be the lowest of the word");

constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
constexpr std::uint64_t kHighs = 0x8080808080808080ULL;

inline std::uint64_t LoadWord(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

constexpr std::uint64_t FindZero(std::uint64_t word) { return (word - kOnes) & ~word & kHighs; }
constexpr std::uint64_t FindByte(std::uint64_t word, char byte) {
  return FindZero(word ^ (kOnes * static_cast<unsigned char>(byte)));
}
// Requires: limit <= 128.
constexpr std::uint64_t FindBelow(std::uint64_t word, unsigned char limit) {
  return (word - kOnes * limit) & ~word & kHighs;
}
inline int FirstOf(std::uint64_t mask) { return std::countr_zero(mask) / 8; }
// Keeps the first `count` bytes; count < 8.
constexpr std::uint64_t FirstBytes(std::uint64_t word, int count) {
  return word & ((std::uint64_t{1} << (count * 8)) - 1);
}

// The hash of a name, word by word, so that it can be computed while its end is searched. The
// products do not wait for each other.
class NameHash {
 public:
  constexpr void Add(std::uint64_t word) {
    sum_ += word * factor_;
    factor_ += 0x9e3779b97f4a7c16ULL;  // even, so that the factors stay odd
  }
  constexpr std::uint64_t Finish() const {
    return (sum_ ^ (sum_ >> 29)) * 0xbf58476d1ce4e5b9ULL >> 20;
  }

 private:
  std::uint64_t sum_ = 0;
  std::uint64_t factor_ = 0x9e3779b97f4a7c15ULL;
};

}  // namespace plimsoll::exposition::detail
