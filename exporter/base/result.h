// SPDX-License-Identifier: Apache-2.0
//
// A value or the reason why there is none.
//
// Expected failure (a bad file, a refused connection, a query that does not type-check) is a value
// with a place; a bug is an assertion; exceptions stop at the room that owns the throwing library.
// C++20 has no std::expected, so the member names are its own and this file can retire.
//
// Threads: a Result is a plain value.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace plimsoll::base {

// Where in a text something is wrong. Lines and columns count from one; zero means unknown.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;

  // Returns: "file:line:column", without the parts that are unknown; "" if all are.
  std::string ToString() const;
  bool operator==(const Place&) const = default;
};

struct Error {
  enum class Kind {
    kBadInput,     // the text, file, flag or request is wrong: trying again cannot help
    kNotFound,     // what was named does not exist
    kLimit,        // a bound was reached: see the Limits struct of the room that says so
    kTimeout,      // a deadline passed
    kCanceled,     // the asker went away
    kUnavailable,  // somebody else's fault that may pass: connection refused, 503, no data yet
    kExecution,    // a query that is well-formed failed while it ran
    kInternal,     // a bug that was survivable
  };
  Kind kind = Kind::kInternal;
  std::string message = {};  // one sentence without a final full stop: what, and what was expected
  Place where = {};

  // Returns: "file:line:column: message".
  std::string ToString() const;
  bool operator==(const Error&) const = default;
};

inline Error BadInput(std::string message, Place where = {}) {
  return {Error::Kind::kBadInput, std::move(message), std::move(where)};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // Requires: has_value().
  T& value() & { return assert(has_value()), *std::get_if<0>(&state_); }
  const T& value() const& { return assert(has_value()), *std::get_if<0>(&state_); }
  T&& value() && { return assert(has_value()), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Requires: !has_value().
  Error& error() & { return assert(!has_value()), *std::get_if<1>(&state_); }
  const Error& error() const& { return assert(!has_value()), *std::get_if<1>(&state_); }
  Error&& error() && { return assert(!has_value()), std::move(*std::get_if<1>(&state_)); }

  T value_or(T otherwise) const& { return has_value() ? value() : std::move(otherwise); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  void value() const { assert(has_value()); }

  Error& error() & { return assert(error_), *error_; }
  const Error& error() const& { return assert(error_), *error_; }
  Error&& error() && { return assert(error_), std::move(*error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace plimsoll::base
