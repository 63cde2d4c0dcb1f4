// SPDX-License-Identifier: Apache-2.0
//
// What the query API shows about targets, rules, configuration and process, copied from the rooms
// that it never sees.
//
// Threads: Use from the loop's thread; the rest from any.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/published.h"
#include "config/config.h"
#include "ruler/ruler.h"
#include "scrape/job_scraper.h"
#include "serve/status.h"
#include "telemetry/telemetry.h"

namespace plimsoll::app {

class Status final : public serve::StatusSource {
 public:
  // Lives as long as: the gauges' telemetry.
  struct Options {
    std::map<std::string, std::string> flags;
    base::Time start_time = 0;
    telemetry::Gauge reload_successful = {};
    telemetry::Gauge reload_time = {};  // seconds
  };
  explicit Status(Options options) : options_(std::move(options)) {}

  void Use(std::shared_ptr<const config::Config> config,
           std::vector<std::shared_ptr<scrape::JobScraper>> jobs,
           std::shared_ptr<ruler::Ruler> ruler, std::chrono::milliseconds window);

  serve::TargetsStatus Targets() const override;
  std::vector<serve::RuleGroupStatus> RuleGroups() const override;
  std::map<std::string, serve::PoolMetadata> Metadata() const override;
  std::vector<serve::TargetMetadata> MetadataOfTargets() const override;
  serve::ProcessStatus Process() const override;
  std::string ConfigYaml() const override;
  std::optional<std::string> PoolYaml(std::string_view pool) const override;
  std::map<std::string, std::string> Flags() const override { return options_.flags; }
  model::Labels ExternalLabels() const override;

 private:
  struct Sources {
    std::shared_ptr<const config::Config> config;
    std::vector<std::shared_ptr<scrape::JobScraper>> jobs;
    std::shared_ptr<ruler::Ruler> ruler;
    std::chrono::milliseconds window{0};
  };
  const Options options_;
  base::Published<Sources> sources_;
};

}  // namespace plimsoll::app
