// SPDX-License-Identifier: Apache-2.0
//
// Text of an answer, which is millions of short pieces: they are gathered on the stack, because
// appending each to a string costs more than making it.
//
// Threads: belongs to one answer.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/number_text.h"

namespace plimsoll::eval {

// Has a bit for each of eight bytes that must be spelled differently, or may have to be: control
// characters, quotes, backslashes and what is not ASCII. Bits may also stand for bytes that follow
// such a one.
inline std::uint64_t NotPlainJson(std::uint64_t bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  const auto zeros = [](std::uint64_t word) { return (word - kOnes) & ~word; };
  const std::uint64_t quotes = zeros(bytes ^ kOnes * '"'), slashes = zeros(bytes ^ kOnes * '\\');
  const std::uint64_t controls = (bytes - kOnes * 0x20) & ~bytes;
  return (bytes | controls | quotes | slashes) & kHigh;
}

// Copies text that a JSON string spells as it is. Returns: false when it may not; then it is
// copied, but not good. Requires: room for it.
inline bool CopyPlainJson(std::string_view text, char* to) {
  const char* const from = text.data();
  const std::size_t size = text.size();
  std::uint64_t bad = 0;
  const auto copy = [&]<typename Word>(std::size_t at, Word word) {
    std::memcpy(&word, from + at, sizeof(word));
    std::memcpy(to + at, &word, sizeof(word));
    // What a short word leaves free counts as letters.
    const std::uint64_t rest = sizeof(word) == 4 ? 0x6161616100000000 : 0;
    bad |= NotPlainJson(word | rest);
  };
  if (size >= 8) {
    // The last eight may overlap those before.
    for (std::size_t i = 0; i + 8 < size; i += 8) copy(i, std::uint64_t{0});
    copy(size - 8, std::uint64_t{0});
  } else if (size >= 4) {
    copy(0, std::uint32_t{0});
    copy(size - 4, std::uint32_t{0});
  } else {
    std::uint64_t bytes = 0x6161616161616161;
    for (std::size_t i = 0; i < size; ++i) {
      to[i] = from[i];
      bytes = bytes << 8 | static_cast<unsigned char>(from[i]);
    }
    bad = NotPlainJson(bytes);
  }
  return bad == 0;
}

// Short pieces of text, gathered on the stack and handed on when it is full.
class Gathered {
 public:
  explicit Gathered(std::string& out) : out_(out) {}
  ~Gathered() { Flush(); }
  Gathered(const Gathered&) = delete;
  Gathered& operator=(const Gathered&) = delete;

  void Add(char c) {
    Reserve(1);
    *end_++ = c;
  }
  void Add(std::string_view text) {
    if (text.size() > buffer_.size()) {
      Flush();
      out_.append(text);
      return;
    }
    Reserve(text.size());
    end_ = std::copy(text.begin(), text.end(), end_);
  }
  // Adds the first `size` characters at `before`, the value and "]. Requires: kBefore characters
  // can be read there, so that they are copied without a loop.
  static constexpr std::size_t kBefore = 32;
  void AddPoint(const char* before, std::size_t size, double value) {
    Reserve(kBefore + base::kApiFloatRoom + 2);
    std::memcpy(end_, before, kBefore);
    end_ = base::WriteApiFloat(value, end_ + size);
    *end_++ = '"';
    *end_++ = ']';
  }

  // A JSON string as Prometheus's json codec writes it: UTF-8 as it is, invalid bytes replaced.
  void AddString(std::string_view text) {
    constexpr std::size_t kShort = 256;
    if (text.size() <= kShort) {
      Reserve(kShort + 2);
      if (CopyPlainJson(text, end_ + 1)) {
        *end_ = '"';
        end_ += text.size() + 2;
        end_[-1] = '"';
        return;
      }
    }
    Add('"');
    AddEscaped(text);
    Add('"');
  }

 private:
  void AddEscaped(std::string_view text);
  void Reserve(std::size_t room) {
    if (static_cast<std::size_t>(buffer_.data() + buffer_.size() - end_) < room) Flush();
  }
  void Flush() {
    out_.append(buffer_.data(), end_);
    end_ = buffer_.data();
  }

  std::string& out_;
  std::array<char, 4096> buffer_;
  char* end_ = buffer_.data();
};

}  // namespace plimsoll::eval
