// SPDX-License-Identifier: Apache-2.0
//
// How a page is asked for and what came back, as values: the seam between scraping and the network.
//
// The real one is http_fetcher.h; tests and replays hand out pages of their own.
//
// Threads: Start may be called from any thread; `done` is called once, on a thread of the
// fetcher's.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace plimsoll::scrape {

struct PageRequest {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::chrono::milliseconds timeout{0};  // over everything, from name resolution to the last byte
  std::uint64_t body_limit = 0;          // uncompressed bytes; zero: none
  std::shared_ptr<const config::ScrapeConfig> config;  // credentials, TLS, redirects, compression
  std::string body_buffer = {};                        // its memory is used for the answer's body
  std::chrono::milliseconds delay{0};                  // before it begins; not part of the timeout
};

struct Page {
  int status = 0;
  std::string status_text;  // "404 Not Found"
  std::string content_type;
  std::string body;  // uncompressed
};

struct Fetched {
  base::Result<Page> page;
  std::chrono::nanoseconds duration{0};
};

class Fetcher {
 public:
  virtual ~Fetcher() = default;
  // Requires: `done` does not block.
  virtual void Start(PageRequest request, std::function<void(Fetched)> done) = 0;
};

}  // namespace plimsoll::scrape
