// SPDX-License-Identifier: Apache-2.0
//
// Media types and their parameters. See media_type.h.
#include "exposition/detail/media_type.h"

#include <algorithm>

namespace plimsoll::exposition::detail {
namespace {

bool IsTokenChar(char c) {
  const bool alphanumeric =
      (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string_view TrimLeft(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

std::string_view Trim(std::string_view text) {
  text = TrimLeft(text);
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

std::string_view TakeToken(std::string_view& rest) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), IsTokenChar);
  const std::string_view token = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(token.size());
  return token;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return lower;
}

// Returns: false when there is no value or its quotes do not close.
bool TakeValue(std::string_view& rest, std::string& value) {
  if (!rest.empty() && rest.front() != '"') {
    value = TakeToken(rest);
    return !value.empty();
  }
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return true;
    }
    if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
    value += rest[i];
  }
  return false;
}

}  // namespace

std::string_view MediaType::Parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

base::Result<MediaType> ParseMediaType(std::string_view text) {
  MediaType media;
  const std::size_t end = std::min(text.find(';'), text.size());
  media.type = Lower(Trim(text.substr(0, end)));
  std::string_view type = media.type;
  if (TakeToken(type).empty()) return base::BadInput("mime: no media type");
  if (!type.empty()) {
    if (type.front() != '/') return base::BadInput("mime: expected slash after first token");
    type.remove_prefix(1);
    if (TakeToken(type).empty()) return base::BadInput("mime: expected token after slash");
    if (!type.empty()) return base::BadInput("mime: unexpected content after media subtype");
  }
  for (std::string_view rest = TrimLeft(text.substr(end)); !rest.empty(); rest = TrimLeft(rest)) {
    if (rest.front() != ';') return base::BadInput("mime: invalid media parameter");
    rest = TrimLeft(rest.substr(1));
    if (rest.empty()) break;  // a trailing semicolon
    std::string name = Lower(TakeToken(rest));
    rest = TrimLeft(rest);
    std::string value;
    const bool equal = !name.empty() && !rest.empty() && rest.front() == '=';
    if (equal) rest = TrimLeft(rest.substr(1));
    if (!equal || !TakeValue(rest, value)) return base::BadInput("mime: invalid media parameter");
    for (const auto& [known, known_value] : media.parameters) {
      if (known == name && known_value != value)
        return base::BadInput("mime: duplicate parameter name");
    }
    media.parameters.emplace_back(std::move(name), std::move(value));
  }
  return media;
}

std::vector<std::string_view> SplitList(std::string_view header) {
  std::vector<std::string_view> elements;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= header.size(); ++i) {
    if (i < header.size() && header[i] == '\\' && quoted) {
      ++i;
      continue;
    }
    if (i < header.size() && header[i] == '"') quoted = !quoted;
    if (i < header.size() && (header[i] != ',' || quoted)) continue;
    const std::string_view element = Trim(header.substr(start, i - start));
    if (!element.empty()) elements.push_back(element);
    start = i + 1;
  }
  return elements;
}

}  // namespace plimsoll::exposition::detail
