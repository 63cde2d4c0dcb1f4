// SPDX-License-Identifier: Apache-2.0
//
// The door to fmt: rooms format text through this header, so that the library has one owner.
#pragma once

#include <fmt/core.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace plimsoll::base {

using fmt::format;

}  // namespace plimsoll::base
