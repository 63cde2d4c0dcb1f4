// SPDX-License-Identifier: Apache-2.0
//
// All targets of one scrape configuration: who is due when, and what came back.
//
// The targets of a job share one slot: the interval's multiples, moved by a hash of the job's name
// and the external labels, so that many sidecars do not scrape at the same moment and one job's
// samples carry one timestamp. Fetches run side by side; their pages wait in a queue for the
// writer.
//
// Threads: everything but Targets belongs to the store's writer; Targets may be called from any
// thread. Lives as long as: fetcher and store must outlive it; a fetch that ends later is ignored.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/published.h"
#include "config/config.h"
#include "discovery/targets.h"
#include "scrape/fetcher.h"
#include "scrape/target_scraper.h"
#include "store/appender.h"
#include "telemetry/telemetry.h"

namespace plimsoll::scrape {

// A target for the API and for error messages.
struct TargetInfo {
  std::string url;
  model::Labels labels;
  model::Labels discovered;
  std::chrono::milliseconds interval{0};
  std::chrono::milliseconds timeout{0};
  TargetStatus status;
};
struct JobInfo {
  std::string job_name;
  std::vector<TargetInfo> active;
  std::vector<model::Labels> dropped;  // their discovered labels, at most keep_dropped_targets
  std::size_t dropped_count = 0;
  std::string discovery_error;
  std::vector<std::string> unheard;  // namespaces ("*": all) of which discovery may not know all
  std::shared_ptr<const MetadataMap> metadata;  // never null
};

class JobScraper {
 public:
  struct Options {
    std::shared_ptr<const config::ScrapeConfig> config;
    model::Labels external_labels;
    std::string user_agent = "plimsoll";
    std::vector<std::shared_ptr<discovery::TargetSource>> sources = {};
  };
  // A page that has been appended.
  struct Done {
    Time slot = 0;
    bool up = false;
  };

  // `wake` is called, from a thread of the fetcher's, when a page has arrived.
  JobScraper(Options options, Fetcher& fetcher, telemetry::Telemetry* telemetry,
             std::function<void()> wake);
  ~JobScraper();

  // Takes over the targets of the job before a reload, with what they know, where their labels and
  // the way their pages are read are the same; the others end at `at`.
  void TakeOver(JobScraper& before, Time at, store::Appender& appender);
  // The job is gone: all its series end at `at`.
  void End(Time at, store::Appender& appender);

  // Returns: the first slot after `after`.
  Time NextSlot(Time after) const;
  // Looks for targets, then starts one fetch for each; a target whose last fetch has not ended is
  // left out. Returns: how many were started.
  std::size_t Begin(Time slot, Time now, store::Appender& appender);
  // Appends the pages that have arrived. Returns: one entry for each.
  std::vector<Done> AppendArrived(Time now, store::Appender& appender);

  const config::ScrapeConfig& config() const { return *options_.config; }
  std::size_t in_flight() const { return in_flight_; }
  std::size_t target_count() const { return targets_.size(); }
  // Returns: what was true after the last Begin or AppendArrived.
  std::shared_ptr<const JobInfo> Info() const { return info_.Get(); }

 private:
  struct Target {
    std::shared_ptr<TargetScraper> scraper;
    bool fetching = false;
    bool inherited = false;  // by a reload, and not found again since
  };
  struct Arrival {
    std::shared_ptr<TargetScraper> scraper;
    Time slot = 0;
    Fetched fetched;
  };
  struct Queue;

  // Makes targets_ what discovery found; what is gone ends at `at`.
  void MatchTargets(Time at, store::Appender& appender);
  TargetScraper::Options OptionsOf(const discovery::Target& target) const;
  void PublishInfo();

  Options options_;
  Fetcher& fetcher_;
  telemetry::Telemetry* telemetry_;
  discovery::Targets discovery_;
  std::vector<Target> targets_;
  std::shared_ptr<Queue> queue_;  // outlives this while a fetch is under way
  std::size_t in_flight_ = 0;
  bool looked_ = false;  // for targets, at least once
  MetadataTable metadata_;
  std::uint64_t published_metadata_ = 0;
  std::shared_ptr<const MetadataMap> metadata_copy_ = std::make_shared<const MetadataMap>();
  base::Published<JobInfo> info_;
};

// Whether pages are read alike: if not, what a target knows about its series is worth nothing.
bool ReadsAlike(const config::ScrapeConfig& a, const config::ScrapeConfig& b);

}  // namespace plimsoll::scrape
