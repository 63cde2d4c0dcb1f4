// SPDX-License-Identifier: Apache-2.0
//
// JSON that is read is written as JSON that reads the same; any bytes, quoted, read back as those
// bytes; a member is found by its name, with its type and no other.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/number_text.h"
#include "document/json.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness

[[noreturn]] void Broken(const char* what, std::string_view text) {
  std::fprintf(stderr, "%s\n%.*s\n", what, static_cast<int>(text.size()), text.data());
  std::abort();
}

std::string Written(const document::Json& value) {
  std::string out;
  document::AppendJson(value, out);
  return out;
}

void CheckQuoting(std::string_view text, void (*append)(std::string_view, std::string&),
                  bool any_bytes) {
  std::string quoted;
  append(text, quoted);
  const auto read = document::ParseJson(quoted);
  const bool valid = base::IsValidUtf8(text);
  if (!read && (valid || any_bytes)) Broken("a quoted text does not read", quoted);
  if (read && valid && read->text != text) Broken("a quoted text reads as another one", quoted);
}

void CheckMembers(const document::Json& value, std::string_view text) {
  using Kind = document::Json::Kind;
  if (document::DescribeJson(value).empty()) Broken("a value without words", text);
  for (const document::Json& item : value.items) CheckMembers(item, text);
  for (const auto& [name, member] : value.members) {
    CheckMembers(member, text);
    const document::Json* found = value.Find(name);
    if (found == nullptr) Broken("a member is not found", text);
    if (value.Number(name).has_value() != (found->kind == Kind::kNumber) ||
        value.String(name).has_value() != (found->kind == Kind::kString) ||
        value.Bool(name).has_value() != (found->kind == Kind::kBool) ||
        (value.Integer(name) && static_cast<double>(*value.Integer(name)) != *value.Number(name)))
      Broken("a member has another type", text);
  }
  if (value.Find("\x01no such member") != nullptr && value.members.empty())
    Broken("a member that is not there is found", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckQuoting(text, document::AppendJsonString, false);
  CheckQuoting(text, document::AppendJsonStringHtml, true);
  const document::JsonLimits small{.bytes = 4000, .values = 100, .depth = 20};
  const auto first = document::ParseJson(text, "f", small);
  if (!first) {
    if (first.error().message.empty()) Broken("an error without a message", text);
    return 0;
  }
  CheckMembers(*first, text);
  const std::string written = Written(*first);
  const auto second = document::ParseJson(written, "written");
  if (!second) Broken("what was written does not read", written);
  if (Written(*second) != written) Broken("writing is not stable", written);
  return 0;
}
