// SPDX-License-Identifier: Apache-2.0
//
// Escaping code point by code point. See name_escape.h.
#include "exposition/name_escape.h"

#include <cstddef>

#include "base/format.h"
#include "model/labels.h"

namespace plimsoll::exposition {
namespace {

constexpr char32_t kReplacement = 0xfffd;

// Takes one code point off the front; a byte that begins none counts as U+FFFD.
char32_t TakeCodePoint(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  std::size_t length = 1;
  char32_t code = first;
  if (first >= 0xf0 && first < 0xf5) {
    length = 4;
    code = first & 0x07U;
  } else if (first >= 0xe0) {
    length = 3;
    code = first & 0x0fU;
  } else if (first >= 0xc2) {
    length = 2;
    code = first & 0x1fU;
  }
  bool good = first < 0x80 || (length > 1 && first < 0xf5 && text.size() >= length);
  for (std::size_t i = 1; good && i < length; ++i) {
    good = (byte(i) & 0xc0U) == 0x80U;
    code = (code << 6) | (byte(i) & 0x3fU);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  good = good && code >= (length == 1 ? 0 : kSmallest[length]) && code <= 0x10ffff &&
         (code < 0xd800 || code >= 0xe000);
  text.remove_prefix(good ? length : 1);
  return good ? code : kReplacement;
}

void AppendCodePoint(char32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
  } else {
    if (code < 0x10000) {
      out += static_cast<char>(0xe0 | (code >> 12));
    } else {
      out += static_cast<char>(0xf0 | (code >> 18));
      out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    }
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
  }
  out += static_cast<char>(0x80 | (code & 0x3f));
}

bool IsLegacy(char32_t code, bool first) {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || code == '_' ||
         code == ':' || (code >= '0' && code <= '9' && !first);
}

std::string_view Escaped(char32_t code, config::NameEscaping escaping) {
  if (escaping == config::NameEscaping::kUnderscores) return "_";
  return escaping == config::NameEscaping::kDots && code == '.' ? "_dot_" : "__";
}

}  // namespace

std::string EscapeName(std::string_view name, config::NameEscaping escaping) {
  using config::NameEscaping;
  if (escaping == NameEscaping::kAllowUtf8 || model::IsLegacyMetricName(name))
    return std::string(name);
  std::string out = escaping == NameEscaping::kValues ? "U__" : "";
  for (bool first = true; !name.empty(); first = false) {
    const char32_t code = TakeCodePoint(name);
    const bool underscore = code == '_' && escaping != NameEscaping::kUnderscores;
    if (IsLegacy(code, first) && !underscore) {
      out += static_cast<char>(code);
    } else if (escaping == NameEscaping::kValues && !underscore) {
      out += base::format("_{:x}_", static_cast<std::uint32_t>(code));
    } else {
      out += Escaped(code, escaping);
    }
  }
  return out;
}

std::string UnescapeValues(std::string_view name) {
  constexpr std::string_view kMark = "U__";
  constexpr std::size_t kMostDigits = 5;  // as Prometheus: no code point beyond U+FFFFF
  if (!name.starts_with(kMark)) return std::string(name);
  const std::string original(name);
  name.remove_prefix(kMark.size());
  std::string plain;
  while (!name.empty()) {
    if (name.front() != '_') {
      plain += name.front();
      name.remove_prefix(1);
      continue;
    }
    name.remove_prefix(1);
    const std::size_t end = name.find('_');
    if (end == std::string_view::npos || end > kMostDigits) return original;
    if (end == 0) {
      plain += '_';
      name.remove_prefix(1);
      continue;
    }
    char32_t code = 0;
    for (const char c : name.substr(0, end)) {
      const bool digit = c >= '0' && c <= '9';
      const bool letter = c >= 'a' && c <= 'f';
      if (!digit && !letter && !(c >= 'A' && c <= 'F')) return original;
      code = code * 16 + static_cast<char32_t>(digit ? c - '0' : (letter ? c - 'a' : c - 'A') + 10);
    }
    if (code >= 0xd800 && code < 0xe000) return original;
    AppendCodePoint(code, plain);
    name.remove_prefix(end + 1);
  }
  return plain;
}

}  // namespace plimsoll::exposition
