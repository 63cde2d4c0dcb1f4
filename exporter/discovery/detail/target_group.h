// SPDX-License-Identifier: Apache-2.0
//
// Targets with common labels, and the files of file_sd_configs that hold lists of them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace plimsoll::discovery::detail {

struct TargetGroup {
  std::string source;  // for error messages: "0", or "/etc/sd/a.yml:1"
  std::vector<std::string> targets;
  std::vector<std::pair<std::string, std::string>> labels;
};

// Reads a list of {targets: [...], labels: {...}}. The name's ending says whether it is JSON or
// YAML. Each group gets the label __meta_filepath. Strict: an unknown key is an error.
base::Result<std::vector<TargetGroup>> ReadTargetFile(const std::string& path,
                                                      std::string_view text);

}  // namespace plimsoll::discovery::detail
