// SPDX-License-Identifier: Apache-2.0
//
// JSON: a bounded reader into a small tree, and a writer that appends to a string.
//
// Answers of the query API run to tens of megabytes, so writing has no tree and no state beyond the
// text itself: whether a comma is due can be read from its last byte.
//
// Threads: plain values.
// Bounds:  JsonLimits. Numbers are doubles; whole ones that fit also keep all 64 bits.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::document {

class Json {
 public:
  enum class Kind { kNull, kBool, kNumber, kString, kList, kObject };
  struct Member;

  Kind kind = Kind::kNull;
  bool truth = false;
  double number = 0;
  std::optional<std::int64_t> integer;  // of a number without fraction and exponent that fits
  std::string text;
  std::vector<Json> items;
  std::vector<Member> members;  // in the order of the text

  bool is_object() const { return kind == Kind::kObject; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_null() const { return kind == Kind::kNull; }

  // Returns: the member of that name, the last when it is repeated (as Go reads it); nullptr when
  // there is none or this is no object.
  const Json* Find(std::string_view name) const;
  // Find, step by step: At("status", "conditions").
  template <typename... Names>
  const Json* At(std::string_view first, Names... rest) const {
    const Json* found = Find(first);
    if constexpr (sizeof...(rest) == 0) {
      return found;
    } else {
      return found == nullptr ? nullptr : found->At(rest...);
    }
  }
  // The member's value if it has that type.
  std::optional<double> Number(std::string_view name) const;
  std::optional<std::int64_t> Integer(std::string_view name) const;
  std::optional<bool> Bool(std::string_view name) const;
  std::optional<std::string_view> String(std::string_view name) const;  // lives as long as this
};

struct Json::Member {
  std::string first;  // the names of a pair, so that [name, value] reads one
  Json second;
};

struct JsonLimits {
  std::size_t bytes = 64U << 20;
  std::size_t values = 4000000;
  int depth = 200;
};

// Fails with: kBadInput with line and column, which quotes nothing of the text; kLimit.
base::Result<Json> ParseJson(std::string_view text, std::string file = {},
                             const JsonLimits& limits = {});

// "a list", "an object", "the text \"x\"": for "expected ..., found ...".
std::string DescribeJson(const Json& value);

// Appends `text` quoted. As the label sets of Prometheus's API are written (jsoniter WriteString):
// only the quote, the backslash and control characters are escaped; bytes above 0x7f pass through.
void AppendJsonString(std::string_view text, std::string& out);
// Appends `text` quoted as every other string of that API (Go's encoding/json): also <, >, & and
// U+2028/9 escaped, and invalid UTF-8 replaced.
void AppendJsonStringHtml(std::string_view text, std::string& out);
// The tree again, without blanks.
void AppendJson(const Json& value, std::string& out);

// Puts the commas. Requires: keys and values in the order that JSON has them; nothing is checked.
//   JsonWriter(out).Object().Key("status").String("success").Key("data").List().EndList().EndObject();
class JsonWriter {
 public:
  // Lives as long as: `out`, to which nothing else but values may be appended meanwhile.
  explicit JsonWriter(std::string& out) : out_(out), start_(out.size()) {}

  JsonWriter& Object() { return Comma(), out_ += '{', *this; }
  JsonWriter& EndObject() { return out_ += '}', *this; }
  JsonWriter& List() { return Comma(), out_ += '[', *this; }
  JsonWriter& EndList() { return out_ += ']', *this; }
  JsonWriter& Key(std::string_view name) {
    return Comma(), AppendJsonString(name, out_), out_ += ':', *this;
  }
  JsonWriter& String(std::string_view text) {
    return Comma(), AppendJsonStringHtml(text, out_), *this;
  }
  JsonWriter& LabelString(std::string_view text) {
    return Comma(), AppendJsonString(text, out_), *this;
  }
  JsonWriter& Bool(bool value) { return Raw(value ? "true" : "false"); }
  JsonWriter& Null() { return Raw("null"); }
  JsonWriter& Raw(std::string_view json) { return Comma(), out_ += json, *this; }
  // Leaves the text open for a value that the caller appends: base::AppendApiFloat(v,
  // writer.Open()).
  std::string& Open() { return Comma(), out_; }
  // Shortest text that reads back; null when not finite, which JSON cannot say.
  JsonWriter& Number(double value);
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  JsonWriter& Integer(T value) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    return Raw({text, static_cast<std::size_t>(end - text)});
  }

 private:
  void Comma() {
    if (out_.size() == start_) return;
    const char last = out_.back();
    if (last != '{' && last != '[' && last != ':') out_ += ',';
  }
  std::string& out_;
  std::size_t start_;
};

}  // namespace plimsoll::document
