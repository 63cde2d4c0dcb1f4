// SPDX-License-Identifier: Apache-2.0
//
// Escaping code point by code point. See name_escape.h.
#include "exposition/name_escape.h"

#include <cstddef>

#include "base/format.h"
#include "base/utf8.h"
#include "model/labels.h"

namespace plimsoll::exposition {
namespace {

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
    const auto [code, bytes, valid] = base::FirstCodePoint(name);
    name.remove_prefix(bytes);
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
    base::AppendUtf8(code, plain);
    name.remove_prefix(end + 1);
  }
  return plain;
}

}  // namespace plimsoll::exposition
