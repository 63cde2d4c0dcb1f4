// SPDX-License-Identifier: Apache-2.0
//
// Values of scrape/, ruler/ and config/ as values of serve/.
#include "app/status.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <thread>

#include "base/number_text.h"
#include "config/print.h"

namespace plimsoll::app {
namespace {

serve::TargetStatus::Health HealthOf(scrape::Health health) {
  switch (health) {
    case scrape::Health::kUnknown:
      return serve::TargetStatus::Health::kUnknown;
    case scrape::Health::kUp:
      return serve::TargetStatus::Health::kUp;
    case scrape::Health::kDown:
      return serve::TargetStatus::Health::kDown;
  }
  return serve::TargetStatus::Health::kUnknown;
}

double Seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

// One entry per thread in the process's own folder.
int Threads() {
  std::error_code error;
  int threads = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", error))
    threads += entry.path().empty() ? 0 : 1;
  return threads;
}

serve::TargetStatus StatusOf(const scrape::JobInfo& job, const scrape::TargetInfo& target) {
  return {.discovered_labels = target.discovered,
          .labels = target.labels,
          .scrape_pool = job.job_name,
          .scrape_url = target.url,
          .last_error = target.status.last_error,
          .last_scrape = target.status.last_scrape,
          .last_scrape_duration = Seconds(target.status.last_duration),
          .health = HealthOf(target.status.health),
          .scrape_interval = base::FormatDuration(target.interval),
          .scrape_timeout = base::FormatDuration(target.timeout)};
}

}  // namespace

void Status::Use(std::shared_ptr<const config::Config> config,
                 std::vector<std::shared_ptr<scrape::JobScraper>> jobs,
                 std::shared_ptr<ruler::Ruler> ruler, std::chrono::milliseconds window) {
  sources_.Publish(std::make_shared<const Sources>(
      Sources{std::move(config), std::move(jobs), std::move(ruler), window}));
}

serve::TargetsStatus Status::Targets() const {
  serve::TargetsStatus all;
  const auto sources = sources_.Get();
  if (!sources) return all;
  for (const auto& job : sources->jobs) {
    const auto info = job->Info();
    for (const scrape::TargetInfo& target : info->active)
      all.active.push_back(StatusOf(*info, target));
    for (const model::Labels& labels : info->dropped)
      all.dropped.push_back({labels, info->job_name});
    all.dropped_counts[info->job_name] = info->dropped_count;
  }
  std::stable_sort(all.active.begin(), all.active.end(),
                   [](const auto& a, const auto& b) { return a.scrape_pool < b.scrape_pool; });
  std::stable_sort(all.dropped.begin(), all.dropped.end(),
                   [](const auto& a, const auto& b) { return a.scrape_pool < b.scrape_pool; });
  return all;
}

std::vector<serve::RuleGroupStatus> Status::RuleGroups() const {
  std::vector<serve::RuleGroupStatus> groups;
  const auto sources = sources_.Get();
  if (!sources || !sources->ruler) return groups;
  std::chrono::milliseconds tick = sources->config->global.scrape_interval;
  for (const config::ScrapeConfig& job : sources->config->scrape_configs)
    tick = std::min(tick, job.scrape_interval);
  for (const ruler::GroupStatus& group : sources->ruler->Status()) {
    serve::RuleGroupStatus status{.name = group.name,
                                  .file = group.file,
                                  .interval = Seconds(group.interval.value_or(tick)),
                                  .limit = static_cast<int>(group.limit),
                                  .evaluation_time = Seconds(group.duration),
                                  .last_evaluation = group.last_evaluation.value_or(0)};
    for (const ruler::RuleStatus& rule : group.rules) {
      status.rules.push_back({.name = rule.name,
                              .query = rule.query,
                              .labels = model::Labels::FromPairs(rule.labels),
                              .health = std::string(ruler::HealthText(rule.health)),
                              .last_error = rule.last_error,
                              .evaluation_time = Seconds(rule.duration),
                              .last_evaluation = rule.last_evaluation.value_or(0)});
    }
    for (const ruler::AlertStatus& alert : group.alerts) {
      status.rules.push_back({.type = serve::RuleStatus::Type::kAlerting,
                              .name = alert.name,
                              .query = alert.query,
                              .labels = model::Labels::FromPairs(alert.labels),
                              .last_error = std::string(ruler::kAlertsUnsupported),
                              .annotations = model::Labels::FromPairs(alert.annotations),
                              .duration = Seconds(alert.hold),
                              .keep_firing_for = Seconds(alert.keep_firing)});
      // Where the rule stands in the file: a rule's number tells.
      const auto before =
          std::count_if(group.rules.begin(), group.rules.end(),
                        [&](const ruler::RuleStatus& rule) { return rule.number < alert.number; });
      const auto earlier = std::count_if(
          group.alerts.begin(), group.alerts.end(),
          [&](const ruler::AlertStatus& other) { return other.number < alert.number; });
      std::rotate(status.rules.begin() + before + earlier, status.rules.end() - 1,
                  status.rules.end());
    }
    groups.push_back(std::move(status));
  }
  return groups;
}

std::map<std::string, serve::PoolMetadata> Status::Metadata() const {
  std::map<std::string, serve::PoolMetadata> all;
  const auto sources = sources_.Get();
  if (!sources) return all;
  for (const auto& job : sources->jobs) {
    const auto info = job->Info();
    serve::PoolMetadata& pool = all[info->job_name];
    for (const auto& [name, family] : *info->metadata) pool.emplace(name, family.text);
  }
  return all;
}

std::vector<serve::TargetMetadata> Status::MetadataOfTargets() const {
  std::vector<serve::TargetMetadata> all;
  const auto sources = sources_.Get();
  if (!sources) return all;
  for (const auto& job : sources->jobs) {
    const auto info = job->Info();
    for (const scrape::TargetInfo& target : info->active) {
      serve::TargetMetadata& shown =
          all.emplace_back(target.labels, info->job_name, info->metadata);
      const scrape::FamilySet& families = *target.status.families;
      for (const auto& [name, family] : *info->metadata) {
        if (family.number < families.size() && families[family.number])
          shown.families.emplace(name, &family.text);
      }
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.scrape_pool < b.scrape_pool; });
  return all;
}

serve::ProcessStatus Status::Process() const {
  serve::ProcessStatus status{
      .start_time = options_.start_time,
      .last_reload_successful = options_.reload_successful.Value() != 0,
      .last_config_time = static_cast<base::Time>(options_.reload_time.Value()) * 1000,
      .threads = Threads(),
      .processors = static_cast<int>(std::thread::hardware_concurrency())};
  std::error_code error;
  status.working_directory = std::filesystem::current_path(error).string();
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) == 0) status.hostname = name;
  if (const auto sources = sources_.Get())
    status.storage_retention = base::FormatDuration(sources->window);
  return status;
}

std::string Status::ConfigYaml() const {
  const auto sources = sources_.Get();
  return sources ? config::Print(*sources->config) : "";
}

std::optional<std::string> Status::PoolYaml(std::string_view pool) const {
  const auto sources = sources_.Get();
  if (!sources) return std::nullopt;
  for (const config::ScrapeConfig& scrape : sources->config->scrape_configs) {
    if (scrape.job_name == pool) return config::Print(scrape);
  }
  return std::nullopt;
}

model::Labels Status::ExternalLabels() const {
  const auto sources = sources_.Get();
  return sources ? sources->config->global.external_labels : model::Labels();
}

}  // namespace plimsoll::app
