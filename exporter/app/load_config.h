// SPDX-License-Identifier: Apache-2.0
//
// The configuration that the command line asks for: a file, or the preset of an engine.
#pragma once

#include <memory>
#include <string>

#include "app/options.h"
#include "base/result.h"
#include "config/config.h"

namespace plimsoll::app {

struct LoadedConfig {
  std::shared_ptr<const config::Config> config;
  std::string preset_text;  // of --engine: what `plimsoll config` prints
};

// Fails with: as config::Load and config::FromPreset; kBadInput for --engine together with
// --config.file.
base::Result<LoadedConfig> LoadConfig(const ConfigSource& source);

}  // namespace plimsoll::app
