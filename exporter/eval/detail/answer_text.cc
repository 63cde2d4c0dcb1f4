// SPDX-License-Identifier: Apache-2.0
//
// Escapes. See answer_text.h.
#include "eval/detail/answer_text.h"

namespace plimsoll::eval {
namespace {

constexpr char kHex[] = "0123456789abcdef";

}  // namespace

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
