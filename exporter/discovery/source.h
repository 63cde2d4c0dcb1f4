// SPDX-License-Identifier: Apache-2.0
//
// Where targets come from when not from the configuration or a file: what a source knows now.
//
// A source has its own threads and keeps its last good state; whoever scrapes looks at it before
// each round and takes it as it is.
//
// Threads: a Found is immutable; TargetSource::Get may be called from any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace plimsoll::discovery {

using LabelPairs = std::vector<std::pair<std::string, std::string>>;

// Targets with common labels.
struct TargetGroup {
  std::string source;  // for error messages: "0", "/etc/sd/a.yml:1", "pod/analytics/trino-0"
  std::vector<std::string> targets;
  LabelPairs labels;
  // Of the target at the same place; they win over the group's. Empty: no target has any.
  std::vector<LabelPairs> own;
  std::size_t left_out = 0;  // targets beyond a bound on those of one object
  bool operator==(const TargetGroup&) const = default;
};

struct Found {
  std::vector<TargetGroup> groups;
  std::string problem;  // what is wrong now; the groups are then the last good ones
  // Namespaces ("*": all) of which nothing was heard yet: what is not found may be there.
  std::vector<std::string> unheard = {};
  // Namespaces ("*": all) of which a limit left something out; `problem` says which.
  std::vector<std::string> incomplete = {};
  bool operator==(const Found&) const = default;
};

class TargetSource {
 public:
  virtual ~TargetSource() = default;
  // Returns: never null; the same pointer for as long as nothing has changed.
  virtual std::shared_ptr<const Found> Get() = 0;
};

}  // namespace plimsoll::discovery
