// SPDX-License-Identifier: Apache-2.0
//
// The packs that are compiled into the binary, and `--engine NAME --target HOST:PORT`.
//
// A preset is ordinary configuration: rules/<engine>/preset.yml, in which __TARGET__ stands for the
// address. What FromPreset returns can be printed, changed and given back as a file.
//
// Threads: every function may be called from any thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/load.h"

namespace plimsoll::config {

inline constexpr std::string_view kPackPrefix = "pack:";  // in rule_files: pack:trino/*.rules.yml

struct PackFile {
  std::string_view name;  // "trino/preset.yml"
  std::string_view text;
};
// Returns: every preset.yml and *.rules.yml, sorted by name. Lives as long as the process.
std::span<const PackFile> PackFiles();

// Returns: the engines that have a preset, sorted.
std::vector<std::string> Engines();

struct Preset {
  std::string text;                      // what `plimsoll config --engine NAME` prints
  std::shared_ptr<const Config> config;  // the same, loaded
};

// `overrides` replace single values of the preset: {"params.trino_target_free_gib", "50"},
// {"global.scrape_interval", "5s"}, {"scrape_configs.0.scheme", "https"}.
// Fails with: kNotFound for an unknown engine, kBadInput for a bad target or override.
base::Result<Preset> FromPreset(
    const std::string& engine, const std::string& target,
    const std::vector<std::pair<std::string, std::string>>& overrides = {},
    const LoadOptions& options = {});

}  // namespace plimsoll::config
