// SPDX-License-Identifier: Apache-2.0
//
// Escapes, and finding out eight bytes at a time that there are none. See answer_text.h.
#include "eval/detail/answer_text.h"

#include <cstdint>
#include <cstring>

namespace plimsoll::eval {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// Whether none of eight bytes must be spelled differently, or may have to be: control characters,
// quotes, backslashes and what is not ASCII.
bool ArePlain(std::uint64_t bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  const auto zeros = [](std::uint64_t word) { return (word - kOnes) & ~word; };
  const std::uint64_t quotes = zeros(bytes ^ kOnes * '"'), slashes = zeros(bytes ^ kOnes * '\\');
  const std::uint64_t controls = (bytes - kOnes * 0x20) & ~bytes;
  return ((bytes | controls | quotes | slashes) & kHigh) == 0;
}

template <typename T>
T Load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

}  // namespace

bool IsPlainJson(std::string_view text) {
  const std::size_t size = text.size();
  const char* const begin = text.data();
  if (size >= 8) {
    // The last eight may overlap those before.
    for (std::size_t i = 0; i + 8 < size; i += 8) {
      if (!ArePlain(Load<std::uint64_t>(begin + i))) return false;
    }
    return ArePlain(Load<std::uint64_t>(begin + size - 8));
  }
  if (size >= 4) {
    const std::uint64_t last = Load<std::uint32_t>(begin + size - 4);
    return ArePlain(Load<std::uint32_t>(begin) | last << 32);
  }
  std::uint64_t bytes = 0x2020202020202020;
  for (const char c : text) bytes = bytes << 8 | static_cast<unsigned char>(c);
  return ArePlain(bytes);
}

void Gathered::AddEscaped(std::string_view text) {
  const bool valid = base::IsValidUtf8(text);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == '"' || byte == '\\') {
      Add('\\');
      Add(c);
    } else if (byte == '\n') {
      Add("\\n");
    } else if (byte == '\r') {
      Add("\\r");
    } else if (byte == '\t') {
      Add("\\t");
    } else if (byte < 0x20) {
      Add("\\u00");
      Add(kHex[byte >> 4]);
      Add(kHex[byte & 15]);
    } else if (byte >= 0x80 && !valid) {
      Add("\\ufffd");
    } else {
      Add(c);
    }
  }
}

}  // namespace plimsoll::eval
