// SPDX-License-Identifier: Apache-2.0
//
// MD5 as RFC 1321 defines it: 64 rounds over 64-byte blocks, little-endian.
#include "base/md5.h"

#include <bit>
#include <cmath>
#include <string>

namespace plimsoll::base {
namespace {

constexpr std::array<int, 16> kShifts = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};

// The additive constants are floor(2^32 * |sin(i + 1)|), so they are computed and not listed.
const std::array<std::uint32_t, 64>& Constants() {
  static const std::array<std::uint32_t, 64> table = [] {
    std::array<std::uint32_t, 64> made{};
    for (int i = 0; i < 64; ++i) {
      made[static_cast<std::size_t>(i)] =
          static_cast<std::uint32_t>(std::floor(std::abs(std::sin(i + 1.0)) * 4294967296.0));
    }
    return made;
  }();
  return table;
}

void Block(const unsigned char* data, std::array<std::uint32_t, 4>& state) {
  std::array<std::uint32_t, 16> words{};
  for (std::size_t i = 0; i < 16; ++i) {
    words[i] = static_cast<std::uint32_t>(data[4 * i]) |
               static_cast<std::uint32_t>(data[4 * i + 1]) << 8 |
               static_cast<std::uint32_t>(data[4 * i + 2]) << 16 |
               static_cast<std::uint32_t>(data[4 * i + 3]) << 24;
  }
  auto [a, b, c, d] = state;
  for (std::size_t i = 0; i < 64; ++i) {
    std::uint32_t mixed = 0;
    std::size_t word = 0;
    if (i < 16) {
      mixed = (b & c) | (~b & d);
      word = i;
    } else if (i < 32) {
      mixed = (d & b) | (~d & c);
      word = (5 * i + 1) % 16;
    } else if (i < 48) {
      mixed = b ^ c ^ d;
      word = (3 * i + 5) % 16;
    } else {
      mixed = c ^ (b | ~d);
      word = (7 * i) % 16;
    }
    const std::uint32_t sum = a + mixed + Constants()[i] + words[word];
    a = d;
    d = c;
    c = b;
    b += std::rotl(sum, kShifts[(i / 16) * 4 + i % 4]);
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

}  // namespace

std::array<std::uint8_t, 16> Md5(std::string_view text) {
  std::array<std::uint32_t, 4> state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  std::string padded(text);
  padded.push_back('\x80');
  while (padded.size() % 64 != 56) padded.push_back('\0');
  const std::uint64_t bits = static_cast<std::uint64_t>(text.size()) * 8;
  for (int shift = 0; shift < 64; shift += 8) padded.push_back(static_cast<char>(bits >> shift));
  for (std::size_t at = 0; at < padded.size(); at += 64) {
    Block(reinterpret_cast<const unsigned char*>(padded.data()) + at, state);
  }
  std::array<std::uint8_t, 16> digest{};
  for (std::size_t i = 0; i < 16; ++i) {
    digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (8 * (i % 4)));
  }
  return digest;
}

}  // namespace plimsoll::base
