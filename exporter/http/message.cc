// SPDX-License-Identifier: Apache-2.0
//
// Queries, percent-encoding, header lookup and content negotiation; no I/O.
#include "http/message.h"

#include <algorithm>
#include <cstddef>

namespace plimsoll::http {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool SameWithoutCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return Lower(x) == Lower(y); });
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = Lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

void AppendQuery(std::string_view raw, Pairs& pairs) {
  while (!raw.empty()) {
    const std::string_view field = raw.substr(0, raw.find('&'));
    raw.remove_prefix(std::min(raw.size(), field.size() + 1));
    if (field.empty()) continue;
    const std::size_t equals = field.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : field.substr(equals + 1);
    pairs.emplace_back(PercentDecode(field.substr(0, equals), true), PercentDecode(value, true));
  }
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes the part before `separator` off the front of `text`.
std::string_view Next(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return Trim(part);
}

// A weight refuses only when it is zero ("0", "0.0", "0.000"); garbage counts as present.
bool IsZeroWeight(std::string_view weight) {
  return !weight.empty() && weight.front() == '0' &&
         weight.find_first_not_of("0.") == std::string_view::npos;
}

bool RefusedByParameters(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = Next(parameters, ';');
    const std::string_view name = Next(parameter, '=');
    if (SameWithoutCase(name, "q")) return IsZeroWeight(Trim(parameter));
  }
  return false;
}

}  // namespace

std::string_view FindHeader(const Pairs& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (SameWithoutCase(key, name)) return value;
  }
  return {};
}

std::string_view Request::Header(std::string_view name) const { return FindHeader(headers, name); }

void Complete(Response& response) {
  if (!response.rest) return;
  while (response.rest(response.body)) {
  }
  response.rest = {};
}

Pairs ParseQuery(std::string_view raw_query) {
  Pairs pairs;
  AppendQuery(raw_query, pairs);
  return pairs;
}

std::string PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        decoded.push_back(static_cast<char>(high * 16 + low));
        i += 2;
        continue;
      }
    }
    decoded.push_back(text[i] == '+' && plus_is_space ? ' ' : text[i]);
  }
  return decoded;
}

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const char lower = Lower(c);
    const bool unreserved = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (unreserved) {
      encoded.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded.push_back('%');
      encoded.push_back(kHex[byte >> 4]);
      encoded.push_back(kHex[byte & 15]);
    }
  }
  return encoded;
}

bool AcceptsEncoding(std::string_view accept_encoding, std::string_view coding) {
  bool by_default = SameWithoutCase(coding, "identity");  // acceptable unless it is refused
  while (!accept_encoding.empty()) {
    std::string_view element = Next(accept_encoding, ',');
    const std::string_view name = Next(element, ';');
    if (SameWithoutCase(name, coding)) return !RefusedByParameters(element);
    if (name == "*") by_default = !RefusedByParameters(element);
  }
  return by_default;
}

}  // namespace plimsoll::http
