// SPDX-License-Identifier: Apache-2.0
//
// Rules written as in a configuration file.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace plimsoll::test {

inline config::ScrapeConfig ScrapeOf(std::string_view lines) {
  config::LoadOptions options;
  options.files = config::PackFilesOnly();
  const auto config =
      config::LoadText("scrape_configs:\n- job_name: j\n" + std::string(lines), "f", options);
  REQUIRE_MESSAGE(config.has_value(), (config ? std::string() : config.error().ToString()));
  return (*config)->scrape_configs.at(0);
}

// `rules`: "{action: drop, ...}, {...}".
inline std::vector<config::RelabelRule> RulesOf(std::string_view rules) {
  return ScrapeOf("  relabel_configs: [" + std::string(rules) + "]\n").relabel_configs;
}

}  // namespace plimsoll::test
