// SPDX-License-Identifier: Apache-2.0
//
// Reads target files when they change, and builds the list of targets from all groups of a job.
#include "discovery/targets.h"

#include <sys/stat.h>

#include <algorithm>
#include <unordered_set>

#include "base/format.h"
#include "base/number_text.h"
#include "discovery/detail/target_group.h"
#include "telemetry/telemetry.h"

namespace plimsoll::discovery {

namespace {

constexpr std::string_view kNamespace = "__meta_kubernetes_namespace";

// As Prometheus's PopulateDiscoveredLabels: a target's own labels win over its group's, and both
// over the job's.
model::Labels DiscoveredLabels(const config::ScrapeConfig& config, const TargetGroup& group,
                               std::size_t place) {
  model::LabelsBuilder labels;
  for (const auto& [name, value] : group.labels) labels.Set(name, value);
  if (place < group.own.size()) {
    for (const auto& [name, value] : group.own[place]) labels.Set(name, value);
  }
  labels.Set("__address__", group.targets[place]);
  const auto fill = [&](std::string_view name, std::string_view value) {
    if (labels.Get(name).empty()) labels.Set(name, value);
  };
  fill("job", config.job_name);
  fill("__scrape_interval__", base::FormatDuration(config.scrape_interval));
  fill("__scrape_timeout__", base::FormatDuration(config.scrape_timeout));
  fill("__metrics_path__", config.metrics_path);
  fill("__scheme__", config.scheme);
  // Switches of histograms that Prometheus has as labels; rules may read them, they change nothing
  // here.
  for (const char* name :
       {"__convert_classic_histograms_to_nhcb__", "__always_scrape_classic_histograms__",
        "__scrape_native_histograms__"}) {
    fill(name, "false");
  }
  for (const auto& [name, values] : config.params) {
    if (!values.empty()) fill("__param_" + name, values.front());
  }
  return labels.Build();
}

std::string SystemStamp(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return "";
  return fmt::format("{}.{:09}/{}/{}", status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                     status.st_size, status.st_ino);
}

}  // namespace

FileAccess SystemFileAccess() { return {config::SystemFiles(), SystemStamp}; }

// The groups of every source: static ones, those of each file with the stamp they were read at, and
// what others have found.
struct Targets::Reader {
  struct File {
    std::string stamp;
    std::vector<TargetGroup> groups;  // of the last good version
    std::string problem;              // of the newest version
    bool seen = false;
  };
  FileAccess access;
  std::vector<TargetGroup> fixed;
  std::vector<std::shared_ptr<TargetSource>> sources;
  std::vector<std::shared_ptr<const Found>> found;  // by each of the sources
  std::map<std::string, File> files;
  std::vector<base::Time> read_at;  // of each file_sd_config
  std::string problem;              // too many files

  // Returns: whether anything was read.
  bool ReadFile(const std::string& path, bool always, telemetry::Counter& refused) {
    File& file = files[path];
    file.seen = true;
    std::string stamp = access.stamp(path);
    if (!always && stamp == file.stamp) return false;
    file.stamp = std::move(stamp);
    auto text = access.files.read(path);
    auto groups = text ? detail::ReadTargetFile(path, *text)
                       : base::Result<std::vector<TargetGroup>>(std::move(text).error());
    if (groups) {
      file.groups = *std::move(groups);
      file.problem.clear();
    } else {
      refused.Add();
      file.problem = groups.error().ToString();
      if (!file.groups.empty()) file.problem += " (the targets of its last good version stay)";
    }
    return true;
  }
};

Targets::Targets(std::shared_ptr<const config::ScrapeConfig> config,
                 telemetry::Telemetry* telemetry, FileAccess access, Limits limits,
                 std::vector<std::shared_ptr<TargetSource>> sources)
    : config_(std::move(config)),
      telemetry_(telemetry),
      limits_(limits),
      reader_(std::make_unique<Reader>()) {
  reader_->access = std::move(access);
  reader_->sources = std::move(sources);
  reader_->found.resize(reader_->sources.size());
  reader_->read_at.resize(config_->file_sd_configs.size());
  for (std::size_t i = 0; i < config_->static_configs.size(); ++i) {
    const config::StaticGroup& group = config_->static_configs[i];
    TargetGroup& fixed = reader_->fixed.emplace_back();
    fixed.source = std::to_string(i);
    fixed.targets = group.targets;
    for (const model::Label& label : group.labels)
      fixed.labels.emplace_back(label.name, label.value);
  }
}

Targets::~Targets() = default;

bool Targets::Refresh(base::Time now) {
  const auto refused = [this](std::string_view reason) {
    return telemetry_ == nullptr ? telemetry::Counter()
                                 : telemetry_->CounterOf(telemetry::MetricId::kDiscoveryRefused,
                                                         {config_->job_name, reason});
  };
  bool changed = !built_;
  std::size_t count = 0;
  const std::string problem_before = std::exchange(reader_->problem, "");
  for (auto& [path, file] : reader_->files) file.seen = false;
  for (std::size_t i = 0; i < config_->file_sd_configs.size(); ++i) {
    const config::FileDiscovery& discovery = config_->file_sd_configs[i];
    base::Time& read_at = reader_->read_at[i];
    // A clock that was set back also makes everything due.
    const bool always =
        !built_ || now < read_at || now - read_at >= discovery.refresh_interval.count();
    if (always) read_at = now;
    for (const std::string& pattern : discovery.files) {
      for (const std::string& path : reader_->access.files.glob(pattern)) {
        if (++count > limits_.files) {
          reader_->problem = fmt::format("file_sd_configs name more than {} files", limits_.files);
          break;
        }
        auto counter = refused("bad_file");
        changed |= reader_->ReadFile(path, always, counter);
      }
    }
  }
  for (std::size_t i = 0; i < reader_->sources.size(); ++i) {
    auto found = reader_->sources[i]->Get();
    if (found == reader_->found[i]) continue;
    reader_->found[i] = std::move(found);
    changed = true;
  }
  changed |=
      std::erase_if(reader_->files, [](const auto& entry) { return !entry.second.seen; }) > 0;
  if (reader_->problem != problem_before) {
    changed = true;
    if (!reader_->problem.empty()) refused("file_limit").Add();
  }
  if (changed) Build();
  return changed;
}

std::vector<std::string> Targets::Unheard() const {
  std::vector<std::string> unheard;
  for (const auto& found : reader_->found) {
    if (found == nullptr) return {"*"};
    unheard.insert(unheard.end(), found->unheard.begin(), found->unheard.end());
    unheard.insert(unheard.end(), found->incomplete.begin(), found->incomplete.end());
  }
  return unheard;
}

bool Targets::MayComeBack(const model::Labels& discovered) const {
  const std::string_view name_space = discovered.Get(kNamespace);
  if (name_space.empty()) return false;  // of no cluster
  return std::any_of(
      reader_->found.begin(), reader_->found.end(), [&](const std::shared_ptr<const Found>& found) {
        if (found == nullptr) return true;
        return std::any_of(
            found->unheard.begin(), found->unheard.end(),
            [&](const std::string& unheard) { return unheard == "*" || unheard == name_space; });
      });
}

void Targets::Build() {
  built_ = true;
  active_.clear();
  dropped_.clear();
  dropped_count_ = 0;
  problems_.clear();
  limit_error_.clear();
  const auto complain = [this](std::string_view reason, std::string text) {
    problems_.push_back(std::move(text));
    if (telemetry_ == nullptr) return;
    telemetry_->CounterOf(telemetry::MetricId::kDiscoveryRefused, {config_->job_name, reason})
        .Add();
  };

  std::vector<const TargetGroup*> groups;
  for (const TargetGroup& group : reader_->fixed) groups.push_back(&group);
  if (!reader_->problem.empty()) problems_.push_back(reader_->problem);
  for (const auto& [path, file] : reader_->files) {
    if (!file.problem.empty()) problems_.push_back(file.problem);
    for (const TargetGroup& group : file.groups) groups.push_back(&group);
  }
  for (const auto& found : reader_->found) {
    if (found == nullptr) continue;
    if (!found->problem.empty()) problems_.push_back(found->problem);
    for (const TargetGroup& group : found->groups) groups.push_back(&group);
  }

  std::unordered_set<std::string> known;  // of labels and URL: a target found twice is scraped once
  std::size_t count = 0;
  for (const TargetGroup* group : groups) {
    for (std::size_t i = 0; i < group->targets.size(); ++i) {
      if (count == limits_.targets) {
        complain("targets", fmt::format("more than {} targets were found; the rest is left out",
                                        limits_.targets));
        ++count;
      }
      if (count > limits_.targets) break;
      ++count;
      const model::Labels discovered = DiscoveredLabels(*config_, *group, i);
      auto target = MakeTarget(*config_, discovered);
      if (!target) {
        complain("bad_target", fmt::format("instance {} in group {}: {}", i, group->source,
                                           target.error().message));
      } else if (!*target) {
        const std::uint64_t keep = config_->limits.keep_dropped_targets;
        if (keep == 0 || dropped_.size() < keep) dropped_.push_back(discovered);
        ++dropped_count_;
      } else if (known.insert((*target)->labels.bytes() + '\0' + (*target)->url).second) {
        active_.push_back(**std::move(target));
      }
    }
  }
  const std::uint64_t limit = config_->limits.targets;
  if (limit != 0 && active_.size() > limit) {
    limit_error_ = fmt::format("target_limit exceeded (number of targets: {}, limit: {})",
                               active_.size(), limit);
    complain("target_limit", limit_error_);
  }
}

}  // namespace plimsoll::discovery
