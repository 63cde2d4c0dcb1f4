// SPDX-License-Identifier: Apache-2.0
//
// How the tests of this room load: no files but those in a map, no environment but one in a map.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "config/load.h"

namespace plimsoll::test {

struct World {
  std::map<std::string, std::string> files = {};
  std::map<std::string, std::string> environment = {};

  // Lives as long as: the options hold copies.
  config::LoadOptions Options(std::string directory = {}) const {
    config::LoadOptions options;
    options.directory = std::move(directory);
    options.files.read = [files = files](const std::string& path) -> base::Result<std::string> {
      const auto found = files.find(path);
      if (found != files.end()) return found->second;
      return base::Error{base::Error::Kind::kNotFound, "cannot read " + path, {path, 0, 0}};
    };
    // A star matches what it must; enough for one star in the last part of a path.
    options.files.glob = [files = files](const std::string& pattern) {
      std::vector<std::string> paths;
      const auto star = pattern.find('*');
      for (const auto& [path, text] : files) {
        const bool match = star == std::string::npos ? path == pattern
                                                     : path.starts_with(pattern.substr(0, star)) &&
                                                           path.ends_with(pattern.substr(star + 1));
        if (match) paths.push_back(path);
      }
      return paths;
    };
    options.environment = [environment = environment](const std::string& name) {
      const auto found = environment.find(name);
      return found == environment.end() ? std::string() : found->second;
    };
    return options;
  }
};

// Every error on a line of its own; "" when it loads.
inline std::string ErrorsOf(std::string_view text, const World& world = {}) {
  std::string all;
  for (const auto& error : config::LoadAll(text, "f", world.Options()).errors) {
    all += (all.empty() ? "" : "\n") + error.ToString();
  }
  return all;
}

inline std::shared_ptr<const config::Config> LoadGood(std::string_view text,
                                                      const World& world = {}) {
  const config::Loaded loaded = config::LoadAll(text, "f", world.Options());
  REQUIRE_MESSAGE(loaded.config != nullptr, ErrorsOf(text, world));
  return loaded.config;
}

}  // namespace plimsoll::test
