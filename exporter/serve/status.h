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
#include <string>
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

struct RuleStatus {
  std::string name;
  std::string query;
  model::Labels labels;
  std::string health = "unknown";  // or "ok", "err"
  std::string last_error;
  double evaluation_time = 0;      // seconds
  base::Time last_evaluation = 0;  // zero: never
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

class StatusSource {
 public:
  virtual ~StatusSource() = default;
  virtual TargetsStatus Targets() const = 0;
  virtual std::vector<RuleGroupStatus> RuleGroups() const = 0;
  // What the scraped pages say about each family; several when targets disagree.
  virtual std::map<std::string, std::vector<model::Metadata>> Metadata() const = 0;
};

}  // namespace plimsoll::serve
