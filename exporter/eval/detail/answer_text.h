// SPDX-License-Identifier: Apache-2.0
//
// Text of an answer, which is millions of short pieces: they are gathered on the stack, because
// appending each to a string costs more than making it.
//
// Threads: belongs to one answer.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "base/number_text.h"

namespace plimsoll::eval {

// Whether a JSON string spells the text as it is: ASCII without control characters, quotes and
// backslashes.
bool IsPlainJson(std::string_view text);

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
    Add('"');
    if (IsPlainJson(text)) {
      Add(text);
    } else {
      AddEscaped(text);
    }
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
