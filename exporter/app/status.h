// SPDX-License-Identifier: Apache-2.0
//
// What the query API shows about targets and rules, copied from scraping and ruling, which it never
// sees.
//
// Threads: Use from the loop's thread; the rest from any.
#pragma once

#include <memory>
#include <vector>

#include "base/published.h"
#include "config/config.h"
#include "ruler/ruler.h"
#include "scrape/job_scraper.h"
#include "serve/status.h"

namespace plimsoll::app {

class Status final : public serve::StatusSource {
 public:
  void Use(std::shared_ptr<const config::Config> config,
           std::vector<std::shared_ptr<scrape::JobScraper>> jobs,
           std::shared_ptr<ruler::Ruler> ruler);

  serve::TargetsStatus Targets() const override;
  std::vector<serve::RuleGroupStatus> RuleGroups() const override;
  std::map<std::string, std::vector<model::Metadata>> Metadata() const override;

 private:
  struct Sources {
    std::shared_ptr<const config::Config> config;
    std::vector<std::shared_ptr<scrape::JobScraper>> jobs;
    std::shared_ptr<ruler::Ruler> ruler;
  };
  base::Published<Sources> sources_;
};

}  // namespace plimsoll::app
