// SPDX-License-Identifier: Apache-2.0
//
// The text of a file that a flag names: certificates, CA bundles, the pod's namespace.
//
// Threads: any.
#pragma once

#include <string>

#include "base/result.h"

namespace plimsoll::app {

// Fails with: kUnavailable "cannot read PATH".
base::Result<std::string> ReadFile(const std::string& path);

}  // namespace plimsoll::app
