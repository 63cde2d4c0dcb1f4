// SPDX-License-Identifier: Apache-2.0
//
// Lets doctest print a Result's error when a REQUIRE on it fails.
#pragma once

#include <doctest/doctest.h>

#include "base/result.h"

namespace plimsoll::test {

// Use as: REQUIRE_MESSAGE(result.has_value(), ErrorText(result));
template <typename T>
std::string ErrorText(const base::Result<T>& result) {
  return result.has_value() ? std::string("no error") : result.error().ToString();
}

}  // namespace plimsoll::test
