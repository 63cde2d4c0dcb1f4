// SPDX-License-Identifier: Apache-2.0
//
// What the query API and the pages show about targets and rules, as plain values.
//
// This room never sees a scrape or a tick: the application fills these from them, once per request
// that asks. Field names are those of the Prometheus HTTP API.
//
// Threads: values; a StatusSource may be asked from any thread.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/family.h"
#include "model/labels.h"

namespace plimsoll::serve {

struct TargetStatus {
  enum class Health { kUnknown, kUp, kDown };
  model::Labels discovered_labels;
  model::Labels labels;
  std::string scrape_pool;
  std::string scrape_url;
  std::string last_error;           // "" when the last scrape succeeded
  base::Time last_scrape = 0;       // zero: never
  double last_scrape_duration = 0;  // seconds
  Health health = Health::kUnknown;
  std::string scrape_interval;  // "15s"
  std::string scrape_timeout;
};

struct DroppedTargetStatus {
  model::Labels discovered_labels;
  std::string scrape_pool;
};

struct TargetsStatus {
  std::vector<TargetStatus> active;                   // sorted by pool
  std::vector<DroppedTargetStatus> dropped;           // sorted by pool
  std::map<std::string, std::size_t> dropped_counts;  // every pool
};

// An alerting rule is listed and never evaluated.
struct RuleStatus {
  enum class Type { kRecording, kAlerting };
  Type type = Type::kRecording;
  std::string name;
  std::string query;
  model::Labels labels;
  std::string health = "unknown";  // or "ok", "err"
  std::string last_error;
  double evaluation_time = 0;      // seconds
  base::Time last_evaluation = 0;  // zero: never
  // Of an alerting rule.
  model::Labels annotations;
  double duration = 0;         // seconds
  double keep_firing_for = 0;  // seconds
};

struct RuleGroupStatus {
  std::string name;
  std::string file;
  double interval = 0;  // seconds; of a group that follows the tick, the tick's
  int limit = 0;
  double evaluation_time = 0;
  base::Time last_evaluation = 0;
  std::vector<RuleStatus> rules;
};

struct ProcessStatus {
  base::Time start_time = 0;
  std::string working_directory;
  std::string hostname;
  bool last_reload_successful = true;
  base::Time last_config_time = 0;  // of the last good load
  int threads = 0;
  int processors = 0;
  std::string storage_retention;
};

// What the scraped pages of one pool say about each family.
using PoolMetadata = std::map<std::string, model::Metadata>;

// The families of which one target has shown a series.
struct TargetMetadata {
  TargetMetadata(model::Labels of, std::string pool, std::shared_ptr<const void> keep)
      : labels(std::move(of)), scrape_pool(std::move(pool)), owner(std::move(keep)) {}

  model::Labels labels;
  std::string scrape_pool;
  std::shared_ptr<const void> owner;  // keeps what `families` points at
  std::map<std::string_view, const model::Metadata*> families;
};

class StatusSource {
 public:
  virtual ~StatusSource() = default;
  virtual TargetsStatus Targets() const = 0;
  virtual std::vector<RuleGroupStatus> RuleGroups() const = 0;
  // By scrape pool; every pool is in it.
  virtual std::map<std::string, PoolMetadata> Metadata() const = 0;
  // Of the active targets, sorted by pool.
  virtual std::vector<TargetMetadata> MetadataOfTargets() const { return {}; }
  virtual ProcessStatus Process() const { return {}; }
  // The configuration in use as YAML, secrets hidden.
  virtual std::string ConfigYaml() const { return {}; }
  // The same of one scrape pool; nothing when there is none of that name.
  virtual std::optional<std::string> PoolYaml(std::string_view /*pool*/) const { return {}; }
  // Flags by name, without dashes, as they are in effect.
  virtual std::map<std::string, std::string> Flags() const { return {}; }
  virtual model::Labels ExternalLabels() const { return {}; }
};

}  // namespace plimsoll::serve
