// SPDX-License-Identifier: Apache-2.0
//
// One target: what to ask for, and how its page becomes samples.
//
// A page counts as a whole. If anything about it is wrong (status, type, grammar, a limit) nothing
// of it is kept: every series of the page before gets a stale marker and `up` is 0. Source of the
// rules: prometheus/prometheus scrape/scrape.go; docs/differences.md lists what differs.
//
// Threads: Request and Append belong to the store's writer.
// Bounds:  config::ScrapeLimits; what is refused is counted by reason in
// plimsoll_scrape_failures_total and
//          plimsoll_scrape_samples_dropped_total.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "engines/collector.h"
#include "exposition/page_parser.h"
#include "model/family.h"
#include "model/labels.h"
#include "scrape/fetcher.h"
#include "scrape/series_cache.h"
#include "store/appender.h"
#include "telemetry/telemetry.h"

namespace plimsoll::scrape {

using model::Time;

enum class Health { kUnknown, kUp, kDown };

// By a family's number: whether a target has shown a series of it that was kept.
using FamilySet = std::vector<bool>;

// What the last scrape was like; a copy may be handed to other threads.
struct TargetStatus {
  Health health = Health::kUnknown;
  std::string last_error;
  Time last_scrape = 0;  // slot of the last scrape; zero: none yet
  std::chrono::nanoseconds last_duration{0};
  std::optional<Time> last_success;
  std::optional<Time> failing_since;  // slot of the first failure in a row
  std::uint64_t samples = 0;          // on the last good page, before relabelling
  std::uint64_t refused_series = 0;   // of the last page, for which the store had no room
  std::shared_ptr<const FamilySet> families = std::make_shared<const FamilySet>();  // never null
};

// Metadata of metrics that were kept, by family name; found by a view, so that a steady page
// allocates nothing. One table for all targets of a job, which mostly show the same.
struct FamilyMetadata {
  model::Metadata text;
  std::size_t number = 0;  // of the family, in a FamilySet
};
struct ViewHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return model::HashBytes(text); }
};
using MetadataMap = std::unordered_map<std::string, FamilyMetadata, ViewHash, std::equal_to<>>;
struct MetadataTable {
  MetadataMap families;
  std::uint64_t version = 0;  // counts changes, so that a copy is made only after one
};

class TargetScraper {
 public:
  struct Options {
    std::shared_ptr<const config::ScrapeConfig> config;
    std::string url;
    model::Labels labels;      // after relabelling, without __*
    model::Labels discovered;  // before
    std::chrono::milliseconds interval{0};
    std::chrono::milliseconds timeout{0};
    std::string user_agent;
  };

  TargetScraper(Options options, telemetry::Telemetry* telemetry);

  // Takes the buffer of the page before along, so that a steady target allocates nothing for its
  // body.
  PageRequest Request();
  // Appends what the fetch gave as one batch at `slot`, report series included. `now` bounds
  // timestamps.
  void Append(Fetched fetched, Time slot, Time now, store::Appender& appender,
              MetadataTable& metadata);
  // The target is gone: every series it had, report series included, ends at `at`.
  void MarkGone(Time at, store::Appender& appender);

  // Returns: what asks this target's engine; null when its page is asked for itself.
  const std::shared_ptr<engines::Collector>& collector() const { return collector_; }
  const Options& options() const { return options_; }
  const TargetStatus& status() const { return status_; }
  // Takes over what may change without starting anew (docs/configuration.md, Reload).
  void SetOptions(Options options);
  std::size_t MemoryBytes() const { return cache_.MemoryBytes(); }

 private:
  struct Counts {
    std::uint64_t scraped = 0;
    std::uint64_t after_relabelling = 0;
    std::uint64_t series_added = 0;
  };
  enum class Report {
    kUp,
    kDuration,
    kScraped,
    kAfterRelabelling,
    kAdded,
    kTimeout,
    kSampleLimit,
    kBodySize
  };

  base::Result<void> AppendPage(const Page& page, Time slot, Time now, store::Appender& appender,
                                MetadataTable& metadata, Counts& counts);
  base::Result<void> AppendSamples(exposition::PageParser& parser, Time slot,
                                   store::Appender& appender, MetadataTable& metadata,
                                   Counts& counts);
  base::Result<store::Outcome> AppendSample(const exposition::PageParser& parser,
                                            SeriesCache::Entry& entry, Time slot,
                                            store::Appender& appender, MetadataTable& metadata,
                                            Counts& counts);
  // Decides what a series of the page is called in the store. Leaves entry.ref zero when the store
  // refuses it.
  base::Result<void> Resolve(const exposition::PageParser& parser, SeriesCache::Entry& entry,
                             store::Appender& appender, MetadataTable& metadata);
  void NoteFamily(const exposition::PageParser& parser, MetadataTable& metadata);
  base::Result<void> CheckLabels() const;
  void MarkVanished(Time slot, store::Appender& appender);
  void MarkAll(Time slot, store::Appender& appender);
  void AppendReports(bool up, std::chrono::nanoseconds duration, const Counts& counts,
                     double body_bytes, Time slot, store::Appender& appender);
  void CountFailure(std::string_view reason);
  void CountDropped(std::string_view reason, std::uint64_t count);

  Options options_;
  telemetry::Telemetry* telemetry_;
  std::string accept_;
  std::shared_ptr<engines::Collector> collector_;
  SeriesCache cache_;
  std::vector<store::SeriesRef> reports_;
  TargetStatus status_;
  std::shared_ptr<FamilySet> families_;  // status_.families, as long as nobody else has seen it
  std::string body_;
  std::string_view family_;  // of the last TYPE line of the page that is being read
  // What a page says about a family before its first series does: kept until the series comes.
  struct Pending {
    std::string family;
    std::string text;
  };
  Pending help_, unit_;
  model::LabelsBuilder builder_;
  std::uint64_t dropped_[8] = {};
};

}  // namespace plimsoll::scrape
