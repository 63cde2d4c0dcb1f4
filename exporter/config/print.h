// SPDX-License-Identifier: Apache-2.0
//
// The effective configuration as YAML: defaults filled in, secrets as <secret>.
//
// What is printed loads again and prints the same; a secret is then the word <secret>. Prometheus's
// /api/v1/status/config shows its configuration in the same way.
//
// Threads: may be called from any thread.
#pragma once

#include <string>

#include "config/config.h"

namespace plimsoll::config {

std::string Print(const Config& config);
// One element of scrape_configs.
std::string Print(const ScrapeConfig& scrape);

}  // namespace plimsoll::config
