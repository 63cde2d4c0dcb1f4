// SPDX-License-Identifier: Apache-2.0
//
// A steady page must not allocate for its samples.
//
// The count does not depend on the number of samples: a scrape may allocate for its view and its
// report, a sample may not. Chunks come from slabs, which exist already once the window is full.
#include <doctest/doctest.h>

#include <memory>

#include "scrape/target_scraper.h"
#include "store/memory_store.h"
#include "support/count_allocations.h"
#include "support/load_page.h"

namespace plimsoll::scrape {
namespace {

// Returns: the most allocations of one scrape after the window is full, all values changing.
std::size_t AllocationsPerScrape(std::size_t samples) {
  auto config = std::make_shared<config::ScrapeConfig>();
  config->job_name = "load";
  test::LoadPage page(samples);
  store::MemoryStore store;
  store.SetWindow(std::chrono::milliseconds(30000));
  MetadataTable metadata;
  TargetScraper scraper({.config = config,
                         .url = "http://127.0.0.1:1/metrics",
                         .labels = {{"instance", "127.0.0.1:1"}, {"job", "load"}}},
                        nullptr);
  std::size_t most = 0;
  for (int i = 1; i <= 500; ++i) {
    page.Next();
    Fetched fetched{Page{200, "200 OK", "text/plain; version=0.0.4", page.text()},
                    std::chrono::milliseconds(1)};
    const std::size_t before = test::Allocations();
    scraper.Append(std::move(fetched), i * 1000, i * 1000, store.appender(), metadata);
    store.Expire(i * 1000);
    if (i > 400) most = std::max(most, test::Allocations() - before);
  }
  CHECK(store.GetStats().series == page.samples() + 5);
  return most;
}

TEST_CASE("a steady scrape allocates no more for many samples than for few") {
  const std::size_t few = AllocationsPerScrape(100);
  const std::size_t many = AllocationsPerScrape(1000);
  CHECK(many <= few + 2);
  CHECK(many < 20);
}

}  // namespace
}  // namespace plimsoll::scrape
