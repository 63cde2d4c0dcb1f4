// SPDX-License-Identifier: Apache-2.0
//
// A JobManager that answers from recorded states (test/fixtures/flink-*).
//
// Metrics are picked from what was recorded as the real one does: one unknown name and the answer
// is empty. A name that was listed but whose value was not recorded is left out. The configuration
// pages were not recorded; they are made here.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "document/json.h"
#include "scrape/fetcher.h"

namespace plimsoll::test {

class RecordedFlink {
 public:
  // What it answers from now on; `folder` is below test/fixtures.
  void Show(const std::string& folder);
  // The tasks' metrics come from another state: an execution before, or nothing ("").
  void ShowMetricsOf(const std::string& folder);
  // The clock of the bodies of jobs, and of their last checkpoint (five seconds before); by default
  // they say what was recorded.
  std::function<std::int64_t()> clock;
  bool reactive = true;
  int slots = 1;
  std::set<std::string> broken;    // a path that contains one of these is answered by 500
  std::vector<std::string> asked;  // paths, with their queries

  scrape::Fetched Answer(const scrape::PageRequest& request);

 private:
  struct State {
    std::map<std::string, std::string> files;  // by name
    std::vector<std::string> jobs;             // ids, by their number in the files' names
    std::map<std::string, std::vector<std::string>> vertices;
  };
  static State Load(const std::string& folder);
  std::optional<std::string> BodyOf(const std::string& path) const;
  std::string JobBody(const std::string& text) const;
  std::string Pick(const std::string& file, const std::string& query) const;

  State state_;
  std::optional<State> metrics_;
};

}  // namespace plimsoll::test
