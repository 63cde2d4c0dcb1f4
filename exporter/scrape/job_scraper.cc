// SPDX-License-Identifier: Apache-2.0
//
// The targets of one job, slot after slot.
#include "scrape/job_scraper.h"

#include <algorithm>
#include <utility>

#include "base/md5.h"
#include "scrape/collect.h"

namespace plimsoll::scrape {

// What fetches leave their pages in. A late callback finds it alive even when the job is gone.
struct JobScraper::Queue {
  base::Guarded<std::vector<Arrival>> arrivals;
  std::function<void()> wake;
};

JobScraper::JobScraper(Options options, Fetcher& fetcher, telemetry::Telemetry* telemetry,
                       std::function<void()> wake)
    : options_(std::move(options)),
      fetcher_(fetcher),
      telemetry_(telemetry),
      discovery_(options_.config, telemetry, discovery::SystemFileAccess(),
                 discovery::Targets::Limits(), options_.sources),
      queue_(std::make_shared<Queue>()) {
  queue_->wake = std::move(wake);
  PublishInfo();
}

JobScraper::~JobScraper() = default;

Time JobScraper::NextSlot(Time after) const {
  const Time interval = std::max<Time>(1, options_.config->scrape_interval.count());
  const std::uint64_t hash =
      base::Fnv1a(options_.external_labels.bytes(), base::Fnv1a(options_.config->job_name));
  const Time phase = static_cast<Time>(hash % static_cast<std::uint64_t>(interval));
  const Time since = after - phase;
  const Time slots = since >= 0 ? since / interval : -((-since + interval - 1) / interval);
  return (slots + 1) * interval + phase;
}

TargetScraper::Options JobScraper::OptionsOf(const discovery::Target& target) const {
  return {.config = options_.config,
          .url = target.url,
          .labels = target.labels,
          .discovered = target.discovered,
          .interval = target.interval,
          .timeout = target.timeout,
          .user_agent = options_.user_agent};
}

// Targets are the same when their labels and URL are: then what they know about their series stays.
void JobScraper::MatchTargets(Time at, store::Appender& appender) {
  std::vector<Target> next;
  for (const discovery::Target& found : discovery_.Active()) {
    const auto same = std::find_if(targets_.begin(), targets_.end(), [&](const Target& target) {
      return target.scraper && target.scraper->options().url == found.url &&
             target.scraper->options().labels == found.labels;
    });
    if (same != targets_.end()) {
      same->scraper->SetOptions(OptionsOf(found));
      next.push_back(std::move(*same));
      next.back().inherited = false;
      same->scraper.reset();
    } else {
      next.push_back({std::make_shared<TargetScraper>(OptionsOf(found), telemetry_)});
    }
  }
  for (Target& gone : targets_) {
    if (!gone.scraper) continue;
    // After a reload a source may not have told of it again yet.
    if (gone.inherited && discovery_.MayComeBack(gone.scraper->options().discovered)) {
      next.push_back(std::move(gone));
    } else {
      gone.scraper->MarkGone(at, appender);
    }
  }
  targets_ = std::move(next);
}

std::size_t JobScraper::Begin(Time slot, Time now, store::Appender& appender) {
  if (discovery_.Refresh(now)) MatchTargets(slot, appender);
  looked_ = true;
  std::size_t started = 0;
  for (Target& target : targets_) {
    if (target.fetching) continue;
    if (!discovery_.LimitError().empty()) {  // every scrape of the job fails, as in Prometheus
      target.scraper->Append({base::Error{base::Error::Kind::kLimit, discovery_.LimitError()}},
                             slot, now, appender, metadata_);
      continue;
    }
    target.fetching = true;
    ++started;
    ++in_flight_;
    auto done = [queue = queue_, scraper = target.scraper, slot](Fetched fetched) {
      queue->arrivals.With([&](std::vector<Arrival>& arrivals) {
        arrivals.push_back({scraper, slot, std::move(fetched)});
      });
      if (queue->wake) queue->wake();
    };
    if (target.scraper->collector() != nullptr) {
      Collect(target.scraper->collector(), target.scraper->Request(), now, fetcher_, telemetry_,
              std::move(done));
    } else {
      fetcher_.Start(target.scraper->Request(), std::move(done));
    }
  }
  PublishInfo();
  return started;
}

std::vector<JobScraper::Done> JobScraper::AppendArrived(Time now, store::Appender& appender) {
  auto arrivals = queue_->arrivals.With(
      [](std::vector<Arrival>& waiting) { return std::exchange(waiting, {}); });
  std::vector<Done> done;
  for (Arrival& arrival : arrivals) {
    const auto target = std::find_if(targets_.begin(), targets_.end(), [&](const Target& known) {
      return known.scraper == arrival.scraper;
    });
    --in_flight_;
    // A target that went away meanwhile has its stale markers already; its page comes too late.
    if (target != targets_.end()) {
      target->fetching = false;
      arrival.scraper->Append(std::move(arrival.fetched), arrival.slot, now, appender, metadata_);
    }
    done.push_back({arrival.slot, arrival.scraper->status().health == Health::kUp});
  }
  if (!done.empty()) PublishInfo();
  return done;
}

void JobScraper::TakeOver(JobScraper& before, Time at, store::Appender& appender) {
  const bool alike = ReadsAlike(*options_.config, *before.options_.config);
  if (alike) {
    targets_ = std::move(before.targets_);
    before.targets_.clear();
    for (Target& target : targets_) target.inherited = true;
    queue_ = before.queue_;  // fetches under way end here
    in_flight_ = before.in_flight_;
    metadata_ = std::move(before.metadata_);
    discovery_.Refresh(at);
    MatchTargets(at, appender);
    looked_ = true;
  } else {
    before.End(at, appender);
  }
  PublishInfo();
}

void JobScraper::End(Time at, store::Appender& appender) {
  for (const Target& target : targets_) target.scraper->MarkGone(at, appender);
  targets_.clear();
  PublishInfo();
}

void JobScraper::PublishInfo() {
  auto info = std::make_shared<JobInfo>();
  info->job_name = options_.config->job_name;
  for (const Target& target : targets_) {
    const TargetScraper::Options& options = target.scraper->options();
    info->active.push_back({options.url, options.labels, options.discovered, options.interval,
                            options.timeout, target.scraper->status()});
  }
  info->dropped = discovery_.Dropped();
  info->dropped_count = discovery_.DroppedCount();
  info->discovery_error = discovery_.LastError();
  info->unheard = looked_ ? discovery_.Unheard() : std::vector<std::string>{"*"};
  if (published_metadata_ != metadata_.version) {
    published_metadata_ = metadata_.version;
    metadata_copy_ = std::make_shared<const MetadataMap>(metadata_.families);
  }
  info->metadata = metadata_copy_;
  info_.Publish(std::move(info));
}

bool ReadsAlike(const config::ScrapeConfig& a, const config::ScrapeConfig& b) {
  const auto same_rules = [](const std::vector<config::RelabelRule>& x,
                             const std::vector<config::RelabelRule>& y) {
    return std::equal(
        x.begin(), x.end(), y.begin(), y.end(), [](const auto& left, const auto& right) {
          return left.action == right.action && left.source_labels == right.source_labels &&
                 left.separator == right.separator &&
                 left.regex->pattern() == right.regex->pattern() && left.modulus == right.modulus &&
                 left.target_label == right.target_label && left.replacement == right.replacement;
        });
  };
  return a.job_name == b.job_name && a.collector == b.collector &&
         a.honor_labels == b.honor_labels && a.honor_timestamps == b.honor_timestamps &&
         a.names == b.names && a.limits.labels == b.limits.labels &&
         a.limits.label_name_length == b.limits.label_name_length &&
         a.limits.label_value_length == b.limits.label_value_length &&
         same_rules(a.metric_relabel_configs, b.metric_relabel_configs);
}

}  // namespace plimsoll::scrape
