// SPDX-License-Identifier: Apache-2.0
//
// Spark processes that answer from recorded states (test/fixtures/spark-*): an address
// http://NAME:PORT is the process whose files begin with NAME- (driver1, driver2, master, worker1).
//
// A process that has no file in the state does not answer. Of a process that has, what is not there
// is answered as the real one does: by 404 from a driver, by its web page and 200 from a master or
// a worker. Settings that were not recorded are made here.
//
// Threads: one.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "scrape/fetcher.h"

namespace plimsoll::test {

class RecordedSpark {
 public:
  // What they answer from now on; `folder` is below test/fixtures.
  void Show(const std::string& folder);
  std::map<std::string, int> most_executors = {{"driver1", 6}, {"driver2", 3}};
  // Processes that do not answer; and parts of paths that they answer by 500.
  std::set<std::string> gone, broken;
  // A driver that was started again: another application under the same name, which began then.
  std::map<std::string, base::Time> restarted;
  std::vector<std::string> asked;  // addresses without "http://"

  scrape::Fetched Answer(const scrape::PageRequest& request);

 private:
  std::optional<std::string> BodyOf(const std::string& process, const std::string& path) const;
  std::string Again(std::string body, const std::string& process) const;

  std::map<std::string, std::string> files_;  // by name
};

}  // namespace plimsoll::test
