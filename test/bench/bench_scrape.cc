// SPDX-License-Identifier: Apache-2.0
//
// Question: what does a sample cost from the bytes of its page to the committed window?
//
// A page whose every value changes: parse, look-up, append, commit, expiry; without the network.
// `bytes` is what a series takes in the store and in the scrape's cache, once the window is full.
#include <benchmark/benchmark.h>

#include <memory>

#include "scrape/target_scraper.h"
#include "store/memory_store.h"
#include "support/load_page.h"

namespace plimsoll::scrape {
namespace {

constexpr model::Time kInterval = 15000;
constexpr int kWindowSamples = 60;

struct Scrape {
  explicit Scrape(std::size_t samples)
      : page(samples),
        store(store::Limits{.max_series = 1U << 20, .max_bytes = 1ULL << 34}),
        scraper({.config = Config(),
                 .url = "http://127.0.0.1:40000/metrics",
                 .labels = {{"instance", "127.0.0.1:40000"}, {"job", "load"}}},
                nullptr) {}

  static std::shared_ptr<const config::ScrapeConfig> Config() {
    auto config = std::make_shared<config::ScrapeConfig>();
    config->job_name = "load";
    return config;
  }
  Fetched Fetch() {
    page.Next();
    return {Page{200, "200 OK", "text/plain; version=0.0.4", page.text()},
            std::chrono::milliseconds(3)};
  }
  void Append(Fetched fetched) {
    now += kInterval;
    scraper.Append(std::move(fetched), now, now, store.appender(), metadata);
    store.Expire(now);
  }

  test::LoadPage page;
  store::MemoryStore store;
  MetadataTable metadata;
  TargetScraper scraper;
  model::Time now = 0;
};

void ScrapePage(benchmark::State& state) {
  Scrape scrape(static_cast<std::size_t>(state.range(0)));
  for (int i = 0; i < kWindowSamples * 2; ++i) scrape.Append(scrape.Fetch());
  for (auto _ : state) {
    state.PauseTiming();
    Fetched fetched = scrape.Fetch();
    state.ResumeTiming();
    scrape.Append(std::move(fetched));
  }
  const auto samples = static_cast<double>(scrape.page.samples());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(samples));
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(scrape.page.text().size()));
  state.counters["store_bytes"] = static_cast<double>(scrape.store.GetStats().bytes) / samples;
  state.counters["cache_bytes"] = static_cast<double>(scrape.scraper.MemoryBytes()) / samples;
}
BENCHMARK(ScrapePage)->Arg(1000)->Arg(10000)->Arg(100000);

void FirstScrape(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto scrape = std::make_unique<Scrape>(static_cast<std::size_t>(state.range(0)));
    Fetched fetched = scrape->Fetch();
    state.ResumeTiming();
    scrape->Append(std::move(fetched));
    state.PauseTiming();
    scrape.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(FirstScrape)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace plimsoll::scrape

BENCHMARK_MAIN();
