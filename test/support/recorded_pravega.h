// SPDX-License-Identifier: Apache-2.0
//
// A Pravega controller that answers from recorded states (test/fixtures/pravega-*).
//
// What was recorded of a stream is all its scaling events; of them it gives those that the real one
// gives for the times asked for: the ones between them, and the last one before.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "scrape/fetcher.h"

namespace plimsoll::test {

class RecordedPravega {
 public:
  // What it answers from now on; `folder` is below test/fixtures. "": it is not there.
  void Show(const std::string& folder);
  std::set<std::string> broken;    // a path that contains one of these is answered by 500
  std::vector<std::string> asked;  // paths, with their queries

  scrape::Fetched Answer(const scrape::PageRequest& request);

 private:
  std::optional<std::string> BodyOf(const std::string& path) const;

  std::map<std::string, std::string> files_;  // by name
};

}  // namespace plimsoll::test
