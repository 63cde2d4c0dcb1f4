// SPDX-License-Identifier: Apache-2.0
//
// MD5, because relabelling's hashmod is defined by it (prometheus/prometheus model/relabel). Not
// for security: nothing here depends on collisions being hard.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace plimsoll::base {

std::array<std::uint8_t, 16> Md5(std::string_view text);

// 64-bit FNV-1a: offsets of targets and rule groups within their interval (Prometheus hashes the
// same way).
constexpr std::uint64_t Fnv1a(std::string_view text, std::uint64_t hash = 14695981039346656037ULL) {
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return hash;
}

}  // namespace plimsoll::base
