// SPDX-License-Identifier: Apache-2.0
//
// plimsoll version.
#include <cstdio>

#include "app/verbs.h"
#include "base/format.h"

namespace plimsoll::app {

int Do(const VersionOptions&) {
  fmt::print("plimsoll {} ({})\n", Version(), Compiler());
  return kGood;
}

}  // namespace plimsoll::app
