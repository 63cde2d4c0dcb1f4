// SPDX-License-Identifier: Apache-2.0
//
// Lower and upper case of UTF-8 text, letter by letter, whatever the locale of the process
// (Go's strings.ToLower and ToUpper). What is not UTF-8 becomes U+FFFD, as there.
#pragma once

#include <string>
#include <string_view>

namespace plimsoll::discovery::detail {

std::string ToLower(std::string_view text);
std::string ToUpper(std::string_view text);

}  // namespace plimsoll::discovery::detail
