// SPDX-License-Identifier: Apache-2.0
//
// What may be asked for by name: external metrics and namespaces.
#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"
#include "config/config.h"

namespace plimsoll::config {

namespace {
constexpr std::size_t kMostNameBytes = 253;
}  // namespace

// A metric's name is a path segment that client-go lower-cases; the API server takes two of them
// for itself.
std::string ExternalMetricNameProblem(std::string_view name) {
  if (name.empty()) return "an external metric needs a name";
  if (name.size() > kMostNameBytes)
    return fmt::format("the name is longer than {} bytes", kMostNameBytes);
  if (name == "." || name == "..") return "'.' and '..' cannot be asked for in a URL";
  if (name == "status" || name == "finalize") {
    return fmt::format(
        "the API server reads '{}' as a subresource, so no metric can have this name", name);
  }
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      return fmt::format("{} has an upper-case letter, and Kubernetes asks in lower case",
                         base::GoQuote(name));
    }
    if (c <= ' ' || c >= 0x7f || c == '/' || c == '%' || c == '?' || c == '#' || c == '\\') {
      return fmt::format(
          "{} cannot be asked for in a URL: no '/', '%', '?', '#', '\\', blanks or non-ASCII "
          "letters",
          base::GoQuote(name));
    }
  }
  return "";
}

bool IsNamespaceName(std::string_view name) {
  constexpr std::size_t kMost = 63;
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kMost && alphanumeric(name.front()) &&
         alphanumeric(name.back()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return alphanumeric(c) || c == '-'; });
}

}  // namespace plimsoll::config
