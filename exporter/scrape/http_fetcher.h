// SPDX-License-Identifier: Apache-2.0
//
// Pages over HTTP: joins scraping to the client of the room http.
//
// Threads: see fetcher.h; callbacks run on the client's io thread.
// Lives as long as: the client must outlive it.
#pragma once

#include "scrape/fetcher.h"

namespace plimsoll::http {
class Client;
}

namespace plimsoll::scrape {

class HttpFetcher final : public Fetcher {
 public:
  explicit HttpFetcher(http::Client& client) : client_(client) {}
  void Start(PageRequest request, std::function<void(Fetched)> done) override;

 private:
  http::Client& client_;
};

}  // namespace plimsoll::scrape
