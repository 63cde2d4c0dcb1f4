// SPDX-License-Identifier: Apache-2.0
//
// The files of file_sd_configs that hold lists of targets with common labels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "discovery/source.h"

namespace plimsoll::discovery::detail {

// Reads a list of {targets: [...], labels: {...}}. The name's ending says whether it is JSON or
// YAML. Each group gets the label __meta_filepath. Strict: an unknown key is an error.
base::Result<std::vector<TargetGroup>> ReadTargetFile(const std::string& path,
                                                      std::string_view text);

}  // namespace plimsoll::discovery::detail
