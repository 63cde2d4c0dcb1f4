// SPDX-License-Identifier: Apache-2.0
//
// --config.file, or --engine with --target and --param.
#include "app/load_config.h"

#include <utility>
#include <vector>

#include "base/format.h"
#include "config/load.h"
#include "config/preset.h"

namespace plimsoll::app {

base::Result<LoadedConfig> LoadConfig(const ConfigSource& source) {
  if (source.engine.empty()) {
    if (!source.target.empty()) return base::BadInput("--target needs --engine");
    if (!source.params.empty())
      return base::BadInput("--param needs --engine; in a file, set params:");
    if (source.file.empty()) return base::BadInput("--config.file or --engine is needed");
    auto config = config::Load(source.file);
    if (!config) return std::move(config).error();
    return LoadedConfig{*std::move(config), {}};
  }
  if (!source.file.empty()) return base::BadInput("--config.file and --engine exclude each other");
  std::vector<std::pair<std::string, std::string>> overrides;
  for (const std::string& param : source.params) {
    const auto equals = param.find('=');
    if (equals == std::string::npos || equals == 0) {
      return base::BadInput(fmt::format("--param must be NAME=VALUE, found '{}'", param));
    }
    overrides.emplace_back("params." + param.substr(0, equals), param.substr(equals + 1));
  }
  const std::string target = source.target.empty() ? "localhost:8080" : source.target;
  auto preset = config::FromPreset(source.engine, target, overrides);
  if (!preset) return std::move(preset).error();
  return LoadedConfig{std::move(preset->config), std::move(preset->text)};
}

}  // namespace plimsoll::app
