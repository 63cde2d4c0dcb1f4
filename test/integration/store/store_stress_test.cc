// SPDX-License-Identifier: Apache-2.0
//
// One writer and several readers at once: a view is whole, whatever happens meanwhile.
//
// Every batch gives all series of a group the same value, its number. The writer rolls back some
// batches, lets groups vanish and come back, and expires; the readers check what they see.
#include <doctest/doctest.h>

#include <atomic>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "store/memory_store.h"

namespace plimsoll::store {
namespace {

constexpr int kSeries = 24;  // of a group
constexpr int kGroups = 4;
constexpr model::Time kWindow = 400;

// What a reader found wrong, instead of doctest's assertions, which are not for threads.
struct Verdict {
  std::atomic<int> wrong{0};
  std::atomic<std::uint64_t> views{0};
};

void CheckView(const MemoryStore& store, Verdict& verdict) {
  const auto querier = store.Open();
  SampleColumns first, columns;
  for (int group = 0; group < kGroups; ++group) {
    const auto selected = querier->Select({model::Matcher::Equal("group", std::to_string(group))},
                                          INT64_MIN, INT64_MAX);
    bool have_first = false;
    for (std::size_t index = 0; index < selected.size(); ++index) {
      const SelectedSeries& series = selected[index];
      columns.Clear();
      querier->Expect(std::span(selected).subspan(index + 1));
      querier->Read(series.ref, INT64_MIN, INT64_MAX, columns);
      for (std::size_t i = 0; i < columns.size(); ++i) {
        // The value is the time, and times of rolled-back batches are odd.
        if (columns.values[i] != static_cast<double>(columns.times[i])) ++verdict.wrong;
        if (columns.times[i] % 2 != 0) ++verdict.wrong;
        if (i > 0 && columns.times[i] <= columns.times[i - 1]) ++verdict.wrong;
      }
      if (columns.size() == 0) continue;
      const auto latest = querier->ReadLatest(series.ref, INT64_MIN, INT64_MAX);
      if (!latest || latest->sample.time != columns.times.back()) ++verdict.wrong;
      if (!have_first) {
        std::swap(first, columns);
        have_first = true;
      } else if (columns.times != first.times) {
        ++verdict.wrong;  // half a scrape
      }
    }
    if (have_first && selected.size() != kSeries) ++verdict.wrong;
  }
  if (querier->Broken()) ++verdict.wrong;
  ++verdict.views;
}

void Write(MemoryStore& store, int rounds) {
  Appender& appender = store.appender();
  for (int round = 1; round <= rounds; ++round) {
    for (int group = 0; group < kGroups; ++group) {
      // The last group comes and goes.
      if (group == kGroups - 1 && round / 500 % 2 != 0) continue;
      for (const bool keep : {round % 7 != 0, true}) {
        const model::Time time = round * 2 - (keep ? 0 : 1);
        if (!keep && group == 0) continue;
        appender.Begin(time);
        for (int i = 0; i < kSeries; ++i) {
          const model::Labels labels{{"__name__", std::string(1, static_cast<char>('a' + i))},
                                     {"group", std::to_string(group)}};
          const SeriesRef ref = appender.Resolve(labels).ref;
          appender.Append(ref, time, static_cast<double>(time));
        }
        if (keep) {
          appender.Commit();
          break;
        }
        appender.Rollback();
      }
    }
    if (round % 3 == 0) store.Expire(round * 2);
  }
}

TEST_CASE("readers see whole batches while the writer appends, rolls back and expires") {
  Limits limits;
  limits.max_pin = std::chrono::hours(1);
  MemoryStore store(limits);
  store.SetWindow(std::chrono::milliseconds(kWindow));
  Verdict verdict;
  std::atomic<bool> done{false};
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        while (!done) CheckView(store, verdict);
      });
    }
    Write(store, 3000);
    done = true;
  }
  CHECK(verdict.wrong == 0);
  CHECK(verdict.views > 3);
  store.Expire(6000);
  store.Expire(6000);
  CHECK(store.GetStats().pinned_bytes == 0);
  CHECK(store.GetStats().open_queriers == 0);
}

TEST_CASE("breaking old queriers is safe while they read") {
  Limits limits;
  limits.max_pin = std::chrono::milliseconds(10);
  MemoryStore store(limits);
  store.SetWindow(std::chrono::milliseconds(kWindow));
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        SampleColumns columns;
        while (!done) {
          const auto querier = store.Open();
          const auto selected = querier->Select({}, INT64_MIN, INT64_MAX);
          while (!querier->Broken() && !done) {
            for (const SelectedSeries& series : selected) {
              columns.Clear();
              querier->Read(series.ref, INT64_MIN, INT64_MAX, columns);
              for (std::size_t k = 0; k < columns.size(); ++k) {
                if (columns.values[k] != static_cast<double>(columns.times[k])) ++wrong;
              }
            }
          }
        }
      });
    }
    Write(store, 2000);
    done = true;
  }
  CHECK(wrong == 0);
  CHECK(store.GetStats().open_queriers == 0);
}

}  // namespace
}  // namespace plimsoll::store
