// SPDX-License-Identifier: Apache-2.0
//
// The command line as /api/v1/status/flags shows it: every flag of a run with its value in effect.
//
// Threads: a pure function.
#pragma once

#include <map>
#include <string>

#include "app/options.h"

namespace plimsoll::app {

std::map<std::string, std::string> FlagsOf(const RunOptions& options);

}  // namespace plimsoll::app
