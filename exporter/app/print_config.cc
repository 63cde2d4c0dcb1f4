// SPDX-License-Identifier: Apache-2.0
//
// plimsoll config: the effective configuration as YAML, secrets hidden; of an engine, its preset to
// be kept.
#include <cstdio>

#include "app/load_config.h"
#include "app/verbs.h"
#include "base/format.h"
#include "config/print.h"

namespace plimsoll::app {

int Do(const PrintConfigOptions& options) {
  const auto loaded = LoadConfig(options.config);
  if (!loaded) return Fail(loaded.error());
  fmt::print("{}",
             loaded->preset_text.empty() ? config::Print(*loaded->config) : loaded->preset_text);
  return kGood;
}

}  // namespace plimsoll::app
