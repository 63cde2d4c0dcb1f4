// SPDX-License-Identifier: Apache-2.0
//
// Media types and their parameters, as in Content-Type and in one element of Accept.
//
// Threads: pure functions.
// See: RFC 9110 section 8.3.1; texts of errors: Go's mime.ParseMediaType
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace plimsoll::exposition::detail {

struct MediaType {
  std::string type;                                             // lower case, "text/plain"
  std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case

  // Returns: "" when absent.
  std::string_view Parameter(std::string_view name) const;
};

// Fails with: kBadInput.
base::Result<MediaType> ParseMediaType(std::string_view text);

// Splits at commas that are not inside quotes; elements are trimmed, empty ones left out.
std::vector<std::string_view> SplitList(std::string_view header);

}  // namespace plimsoll::exposition::detail
