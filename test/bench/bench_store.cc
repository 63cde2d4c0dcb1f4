// SPDX-License-Identifier: Apache-2.0
//
// Question: how should the window hold its samples? Plain arrays, or XOR chunks with shared slots?
//
// Append: one scrape of N series, all values changing, commit included; read: all samples of a
// series. `bytes` is what one series takes with a full window of sixty samples, labels and index
// included. Plain is what a ring of time and value per series would cost, with the same series
// table.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "store/memory_store.h"

namespace plimsoll::store {
namespace {

constexpr model::Time kInterval = 15000;
constexpr int kWindowSamples = 60;

enum Shape { kCounter, kNoisyCounter, kFloat };

std::string Text(std::string text, std::size_t number, std::string_view rest = {}) {
  text += std::to_string(number);
  text += rest;
  return text;
}

model::Labels LabelsOf(std::size_t i) {
  return model::Labels{{"__name__", Text("load_counter_", i % 6, "_total")},
                       {"catalog", Text("catalog_", i / 6 % 8)},
                       {"instance", "127.0.0.1:40000"},
                       {"job", "load"},
                       {"node", Text("node-", i / 60, ".example")},
                       {"op", Text("operation_", i / 6 % 10)}};
}

class Values {
 public:
  Values(std::size_t count, Shape shape) : shape_(shape), now_(count) {
    for (std::size_t i = 0; i < count; ++i) now_[i] = 100000000.0 + static_cast<double>(i * 131);
  }
  void Advance() {
    for (std::size_t i = 0; i < now_.size(); ++i) {
      switch (shape_) {
        case kCounter:
          now_[i] += static_cast<double>(1 + i % 97);
          break;
        case kNoisyCounter:
          now_[i] += static_cast<double>(900 + random_() % 200);
          break;
        case kFloat:
          now_[i] = static_cast<double>(random_() >> 11) * 0x1p-53;
          break;
      }
    }
  }
  double operator[](std::size_t i) const { return now_[i]; }

 private:
  Shape shape_;
  std::vector<double> now_;
  std::mt19937_64 random_{1};
};

struct Filled {
  MemoryStore store{Limits{.max_series = 1U << 20, .max_bytes = 1ULL << 34}};
  std::vector<SeriesRef> refs;
  Values values;
  model::Time now = 0;

  Filled(std::size_t count, Shape shape) : values(count, shape) {
    store.appender().Begin(0);
    for (std::size_t i = 0; i < count; ++i) {
      refs.push_back(store.appender().Resolve(LabelsOf(i)).ref);
      store.appender().Append(refs.back(), 0, values[i]);
    }
    store.appender().Commit();
    for (int i = 0; i < 2 * kWindowSamples; ++i) {
      values.Advance();
      Scrape();
    }
  }
  void Scrape() {
    now += kInterval;
    store.Expire(now);
    Appender& appender = store.appender();
    appender.Begin(now);
    for (std::size_t i = 0; i < refs.size(); ++i) appender.Append(refs[i], now, values[i]);
    appender.Commit();
  }
};

void Report(benchmark::State& state, const Filled& filled) {
  const auto count = static_cast<double>(filled.refs.size());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
  state.counters["bytes"] = static_cast<double>(filled.store.GetStats().bytes) / count;
}

void Append(benchmark::State& state) {
  Filled filled(static_cast<std::size_t>(state.range(0)), static_cast<Shape>(state.range(1)));
  for (auto _ : state) {
    state.PauseTiming();
    filled.values.Advance();
    state.ResumeTiming();
    filled.Scrape();
  }
  Report(state, filled);
}

void Read(benchmark::State& state) {
  Filled filled(static_cast<std::size_t>(state.range(0)), static_cast<Shape>(state.range(1)));
  const auto querier = filled.store.Open();
  SampleColumns columns;
  std::int64_t samples = 0;
  for (auto _ : state) {
    for (const SeriesRef ref : filled.refs) {
      columns.Clear();
      querier->Read(ref, INT64_MIN, INT64_MAX, columns);
      samples += static_cast<std::int64_t>(columns.size());
      benchmark::DoNotOptimize(columns.values.data());
    }
  }
  state.SetItemsProcessed(samples);
}

void ReadLatest(benchmark::State& state) {
  Filled filled(static_cast<std::size_t>(state.range(0)), kCounter);
  const auto querier = filled.store.Open();
  for (auto _ : state) {
    for (const SeriesRef ref : filled.refs) {
      benchmark::DoNotOptimize(querier->ReadLatest(ref, filled.now - 300000, filled.now));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(filled.refs.size()));
}

void Select(benchmark::State& state) {
  Filled filled(static_cast<std::size_t>(state.range(0)), kCounter);
  const model::Matchers matchers = {model::Matcher::Equal("__name__", "load_counter_3_total"),
                                    model::Matcher::Equal("catalog", "catalog_2")};
  std::int64_t selected = 0;
  for (auto _ : state) {
    const auto querier = filled.store.Open();
    selected += static_cast<std::int64_t>(querier->Select(matchers, 0, filled.now).size());
  }
  state.SetItemsProcessed(selected);
}

void CreateSeries(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<model::Labels> labels;
  for (std::size_t i = 0; i < count; ++i) labels.push_back(LabelsOf(i));
  for (auto _ : state) {
    MemoryStore store;
    store.appender().Begin(0);
    for (const auto& one : labels) {
      store.appender().Append(store.appender().Resolve(one).ref, 0, 1);
    }
    store.appender().Commit();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// The rival: a ring of sixteen-byte samples per series.
struct Ring {
  std::uint32_t at = 0;
  struct {
    model::Time time;
    double value;
  } samples[kWindowSamples];
};

void PlainAppend(benchmark::State& state) {
  std::vector<Ring> rings(static_cast<std::size_t>(state.range(0)));
  Values values(rings.size(), static_cast<Shape>(state.range(1)));
  model::Time now = 0;
  for (auto _ : state) {
    state.PauseTiming();
    values.Advance();
    state.ResumeTiming();
    now += kInterval;
    for (std::size_t i = 0; i < rings.size(); ++i) {
      rings[i].samples[rings[i].at] = {now, values[i]};
      rings[i].at = rings[i].at + 1 == kWindowSamples ? 0 : rings[i].at + 1;
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["bytes"] = sizeof(Ring);
}

void PlainRead(benchmark::State& state) {
  std::vector<Ring> rings(static_cast<std::size_t>(state.range(0)));
  SampleColumns columns;
  for (auto _ : state) {
    for (const Ring& ring : rings) {
      columns.Clear();
      for (const auto& sample : ring.samples) {
        columns.times.push_back(sample.time);
        columns.values.push_back(sample.value);
      }
      benchmark::DoNotOptimize(columns.values.data());
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * kWindowSamples);
}

BENCHMARK(Append)->ArgsProduct({{6000, 100000}, {kCounter, kNoisyCounter, kFloat}});
BENCHMARK(PlainAppend)->ArgsProduct({{6000, 100000}, {kCounter}});
BENCHMARK(Read)->ArgsProduct({{6000, 100000}, {kCounter, kNoisyCounter, kFloat}});
BENCHMARK(PlainRead)->ArgsProduct({{6000, 100000}});
BENCHMARK(ReadLatest)->Arg(6000)->Arg(100000);
BENCHMARK(Select)->Arg(6000)->Arg(100000);
BENCHMARK(CreateSeries)->Arg(6000)->Arg(100000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace plimsoll::store

BENCHMARK_MAIN();
