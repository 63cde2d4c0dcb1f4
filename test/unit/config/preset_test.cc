// SPDX-License-Identifier: Apache-2.0
#include "config/preset.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "config/print.h"
#include "support/error_text.h"
#include "unit/config/loading.h"

using namespace plimsoll;
using namespace plimsoll::config;

namespace {

std::string Failure(const base::Result<Preset>& result) { return test::ErrorText(result); }

}  // namespace

TEST_CASE("every engine has a preset that loads for a target, with its rules") {
  const test::World nothing;
  REQUIRE_FALSE(Engines().empty());
  for (const std::string& engine : Engines()) {
    const auto preset = FromPreset(engine, "[::1]:8080", {}, nothing.Options());
    REQUIRE_MESSAGE(preset.has_value(), Failure(preset));
    CHECK(preset->text.find("__TARGET__") == std::string::npos);
    const Config& config = *preset->config;
    CHECK(config.warnings.empty());
    CHECK_FALSE(config.rules.empty());
    CHECK_FALSE(config.signals.empty());
    REQUIRE_FALSE(config.scrape_configs.empty());
    CHECK(config.scrape_configs[0].static_configs.at(0).targets ==
          std::vector<std::string>{"[::1]:8080"});
    for (const RuleFile& file : config.rules) CHECK(file.name.starts_with("pack:" + engine + "/"));
    const std::string printed = Print(config);
    CHECK(Print(*test::LoadGood(printed)) == printed);
  }
}

TEST_CASE("what a preset prints is what it loads") {
  const test::World nothing;
  const auto preset = FromPreset("trino", "coordinator:8080", {}, nothing.Options());
  REQUIRE_MESSAGE(preset.has_value(), Failure(preset));
  CHECK(Print(*test::LoadGood(preset->text)) == Print(*preset->config));
}

TEST_CASE("single values of a preset can be replaced") {
  const test::World nothing;
  const auto preset = FromPreset(
      "trino", "h:1", {{"params.trino_target_free_gib", "7"}, {"global.scrape_interval", "30s"}},
      nothing.Options());
  REQUIRE_MESSAGE(preset.has_value(), Failure(preset));
  const auto& params = preset->config->params;
  CHECK(std::find(params.begin(), params.end(),
                  std::pair<std::string, double>("trino_target_free_gib", 7)) != params.end());
  CHECK(preset->config->global.scrape_interval == std::chrono::seconds(30));
  CHECK(Failure(FromPreset("trino", "h:1", {{"params.nope", "7"}})) ==
        "the preset has no value \"params.nope\"");
  CHECK(Failure(FromPreset("trino", "h:1", {{"params", "7"}})) ==
        "\"params\" of the preset is not a single plain value");
  CHECK(Failure(FromPreset("trino", "h:1", {{"params.trino_target_free_gib", "7\nx: y"}})) ==
        "\"7\\nx: y\" cannot stand in a preset, expected a plain word or number");
}

TEST_CASE("an unknown engine or a bad target is an error") {
  CHECK(Failure(FromPreset("trinoo", "h:1"))
            .starts_with("there is no preset for engine \"trinoo\", did you mean 'trino'?"));
  for (const char* target : {"", "http://h:1", "a b", "h:1\"", "h\n", "-x"}) {
    CHECK_FALSE(FromPreset("trino", target).has_value());
  }
  CHECK(Failure(FromPreset("trino", "http://h:1")) ==
        "\"http://h:1\" is not a target, expected HOST:PORT");
}
