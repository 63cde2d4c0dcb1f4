// SPDX-License-Identifier: Apache-2.0
//
// A collector reads an engine that has no exposition page: it asks the engine's API, answer by
// answer, and writes what it learnt as a page, which is then read like any other.
//
// It never touches the network. Whoever runs it fetches what it asks for and hands the answers back
// one at a time, in any order, so that a test needs no socket and an answer that never comes costs
// only itself. Limits, stale markers and report series are those of every scraped page.
//
// Threads: one caller at a time.
// Bounds:  RoundLimits for what a round may ask; each collector bounds what it remembers and
// writes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace plimsoll::engines {

// The same path may be asked again once it was answered, but not twice at a time.
struct Ask {
  std::string path;                    // below the target's address, with its query
  std::chrono::milliseconds delay{0};  // before it is asked
  std::string accept = "application/json";
};

struct Answer {
  int status = 0;
  std::string status_text = {};  // "404 Not Found"
  std::string content_type = {};
  std::string body = {};
};

struct RoundLimits {
  std::size_t requests = 1000;          // a round asks no more
  std::size_t parallel = 4;             // at a time: the engine has other things to do
  std::size_t answer_bytes = 8U << 20;  // an answer of that size is none
};

// What a round leaves.
struct Collected {
  // A page, or what failed the scrape as a whole: an answer with another status than 200, an error.
  base::Result<Answer> page;
  // What did not fit or could not be read, by reason.
  std::vector<std::pair<std::string_view, std::uint64_t>> refused = {};
};

class Collector {
 public:
  // `params` of the scrape configuration, of which labels __param_NAME may have replaced some.
  using Params = std::vector<std::pair<std::string, std::string>>;

  virtual ~Collector() = default;
  // Before each round. They are no part of what is asked unless the collector makes them so.
  virtual void SetParams(const Params& params);
  // Starts a round; what is left of the one before is forgotten. Returns: what to ask first.
  virtual std::vector<Ask> Begin(base::Time now) = 0;
  // Takes the answer to something that was asked in this round. Returns: what to ask beside it.
  virtual std::vector<Ask> Take(const Ask& ask, base::Result<Answer> answer) = 0;
  // Everything was answered, or time or budget are up. Requires: once a round.
  virtual Collected End() = 0;
};

// Returns: a collector of that name, as `collector:` of a scrape configuration has it; nullptr when
// there is none.
std::unique_ptr<Collector> MakeCollector(std::string_view name);
std::vector<std::string_view> CollectorNames();

}  // namespace plimsoll::engines
