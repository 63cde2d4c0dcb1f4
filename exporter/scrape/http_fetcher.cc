// SPDX-License-Identifier: Apache-2.0
//
// PageRequest to http::FetchRequest, FetchResponse to Page.
#include "scrape/http_fetcher.h"

#include <chrono>
#include <utility>

#include "http/client.h"

namespace plimsoll::scrape {

void HttpFetcher::Start(PageRequest request, std::function<void(Fetched)> done) {
  http::FetchRequest fetch;
  fetch.url = std::move(request.url);
  fetch.headers = std::move(request.headers);
  fetch.timeout = request.timeout;
  fetch.delay = request.delay;
  fetch.body_limit = static_cast<std::size_t>(request.body_limit);
  if (request.config) {
    fetch.accept_gzip = request.config->enable_compression;
    fetch.config =
        std::shared_ptr<const config::HttpClientConfig>(request.config, &request.config->http);
  }
  fetch.buffer = std::move(request.body_buffer);
  const auto start = std::chrono::steady_clock::now();
  client_.Start(std::move(fetch),
                [done = std::move(done), start](base::Result<http::FetchResponse> response) {
                  const auto duration = std::chrono::steady_clock::now() - start;
                  if (!response) return done({std::move(response).error(), duration});
                  Page page{.status = response->status,
                            .status_text = response->StatusText(),
                            .content_type = std::string(response->Header("Content-Type")),
                            .body = std::move(response->body)};
                  done({std::move(page), duration});
                });
}

}  // namespace plimsoll::scrape
