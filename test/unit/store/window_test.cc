// SPDX-License-Identifier: Apache-2.0
//
// What the window forgets, and what an open Querier keeps.
#include "store_fixture.h"

namespace plimsoll::store {
namespace {

MemoryStore& Fill(MemoryStore& store, int from, int to) {
  for (int i = from; i < to; ++i) Put(store, Named("a"), i * 1000, i * 0.37);
  return store;
}

TEST_CASE("before the first expiry nothing has been lost") {
  const MemoryStore store;
  CHECK(store.Open()->OldestComplete() == INT64_MIN);
}

TEST_CASE("samples before the window are not read, whatever chunk they lie in") {
  MemoryStore store;
  store.SetWindow(milliseconds(10000));
  Fill(store, 0, 100);
  store.Expire(99000);
  const auto samples = Samples(store, Named("a"));
  REQUIRE(samples.size() == 11);
  CHECK(samples.front() == Sample{89000, 89 * 0.37});
  CHECK(store.Open()->OldestComplete() == 89000);
}

TEST_CASE("a running series needs memory for its window only") {
  MemoryStore store;
  store.SetWindow(milliseconds(60000));
  std::uint64_t after_warm_up = 0;
  for (int i = 0; i < 3000; ++i) {
    Put(store, Named("a"), i * 1000, i);
    store.Expire(i * 1000);
    if (i == 1500) after_warm_up = store.GetStats().bytes;
  }
  CHECK(store.GetStats().bytes <= after_warm_up + 2 * 64);
  CHECK(store.GetStats().pinned_bytes == 0);
}

TEST_CASE("a series without a sample in the window disappears and changes the table") {
  MemoryStore store;
  store.SetWindow(milliseconds(10000));
  Put(store, Named("gone"), 1000, 1);
  Put(store, Named("stays"), 5000, 1);
  store.Expire(11000);
  const std::uint64_t version = store.Open()->TableVersion();
  CHECK(store.Open()->Select({}, kMin, kMax).size() == 2);
  store.Expire(11001);
  CHECK(store.Open()->TableVersion() != version);
  CHECK(store.Open()->Select({}, kMin, kMax).size() == 1);
  CHECK(store.GetStats().series == 1);
}

TEST_CASE("the table version stays while series only get samples") {
  MemoryStore store;
  Fill(store, 0, 2);
  const std::uint64_t version = store.Open()->TableVersion();
  Fill(store, 2, 50);
  CHECK(store.Open()->TableVersion() == version);
  Put(store, Named("b"), 50000, 1);
  CHECK(store.Open()->TableVersion() != version);
}

TEST_CASE("a series that disappeared can come back under its ref or its labels") {
  MemoryStore store;
  store.SetWindow(milliseconds(1000));
  Put(store, Named("a"), 1000, 1);
  Appender& appender = store.appender();
  const SeriesRef ref = appender.Find(Named("a"));
  store.Expire(5000);
  CHECK(Samples(store, Named("a")).empty());
  const std::uint64_t version = store.Open()->TableVersion();
  appender.Begin(6000);
  CHECK(appender.Append(ref, 6000, 2) == Outcome::kAppended);
  appender.Commit();
  CHECK(store.Open()->TableVersion() != version);
  CHECK(Samples(store, Named("a")) == std::vector<Sample>{{6000, 2}});
  store.Expire(9000);
  Put(store, Named("a"), 9000, 3);
  CHECK(Samples(store, Named("a")) == std::vector<Sample>{{9000, 3}});
  CHECK(store.GetStats().series == 1);
}

TEST_CASE("a rolled back return leaves the series gone") {
  MemoryStore store;
  store.SetWindow(milliseconds(1000));
  Put(store, Named("a"), 1000, 1);
  Appender& appender = store.appender();
  const SeriesRef ref = appender.Find(Named("a"));
  store.Expire(5000);
  appender.Begin(6000);
  CHECK(appender.Append(ref, 6000, 2) == Outcome::kAppended);
  appender.Rollback();
  CHECK(store.Open()->Select({}, kMin, kMax).empty());
  CHECK(store.GetStats().series == 0);
}

TEST_CASE("many vanished series leave the index and their refs are unknown") {
  MemoryStore store;
  store.SetWindow(milliseconds(1000));
  Appender& appender = store.appender();
  std::vector<SeriesRef> refs;
  appender.Begin(1000);
  for (int i = 0; i < 1000; ++i) {
    refs.push_back(appender.Resolve(Named(Numbered("m", i))).ref);
    appender.Append(refs.back(), 1000, 1);
  }
  appender.Commit();
  Put(store, Named("stays"), 2000, 1);
  const std::uint64_t full = store.GetStats().bytes;
  store.Expire(2001);
  CHECK_FALSE(appender.Knows(refs[0]));
  CHECK(appender.Knows(appender.Find(Named("stays"))));
  CHECK(store.GetStats().series == 1);
  CHECK(store.GetStats().bytes < full);
  appender.Begin(2001);
  CHECK(appender.Append(refs[0], 2001, 1) == Outcome::kUnknownSeries);
  CHECK(appender.Resolve(Named("m0")).created);
  appender.Rollback();
}

TEST_CASE("an open querier keeps what has expired since, and pinned bytes say so") {
  MemoryStore store;
  store.SetWindow(milliseconds(10000));
  Fill(store, 0, 11);
  Put(store, Named("dead"), 0, 1);
  store.Expire(10000);
  auto querier = store.Open();
  const auto of_a = Samples(*querier, Named("a"));
  CHECK(of_a.size() == 11);
  for (int i = 11; i < 100; ++i) {
    Fill(store, i, i + 1);
    store.Expire(i * 1000);
  }
  CHECK(store.GetStats().pinned_bytes > 0);
  CHECK(Samples(*querier, Named("a")) == of_a);
  CHECK(Samples(*querier, Named("dead")) == std::vector<Sample>{{0, 1}});
  CHECK(Samples(store, Named("a")).size() == 11);
  CHECK(Samples(store, Named("dead")).empty());
  const std::uint64_t pinned = store.GetStats().bytes;
  querier.reset();
  store.Expire(99000);
  store.Expire(99000);
  CHECK(store.GetStats().pinned_bytes == 0);
  CHECK(store.GetStats().bytes < pinned);
  CHECK(Samples(store, Named("a")).size() == 11);
}

TEST_CASE("labels of a series that left the index live as long as the querier") {
  MemoryStore store;
  store.SetWindow(milliseconds(1000));
  Appender& appender = store.appender();
  appender.Begin(1000);
  for (int i = 0; i < 500; ++i) {
    appender.Append(appender.Resolve(Named(Numbered("m", i))).ref, 1000, i);
  }
  appender.Commit();
  const auto querier = store.Open();
  const auto selected = querier->Select({}, kMin, kMax);
  REQUIRE(selected.size() == 500);
  for (int tick = 5; tick < 10; ++tick) {
    store.Expire(tick * 1000);
    Put(store, Named(Numbered("new", tick)), tick * 1000, 1);
  }
  CHECK(selected[0].labels->MetricName() == "m0");
  CHECK(ReadAll(*querier, selected[1].ref) == std::vector<Sample>{{1000, 1}});
}

TEST_CASE("a querier that is open for too long is broken and holds nothing") {
  Limits limits;
  limits.max_pin = milliseconds(5000);
  MemoryStore store(limits);
  store.SetWindow(milliseconds(10000));
  Fill(store, 0, 100);
  store.Expire(99000);
  const auto querier = store.Open();
  const SeriesRef ref = store.appender().Find(Named("a"));
  store.Expire(104000);
  CHECK_FALSE(querier->Broken());
  CHECK_FALSE(ReadAll(*querier, ref).empty());
  store.Expire(104001);
  CHECK(querier->Broken());
  CHECK(ReadAll(*querier, ref).empty());
  CHECK(querier->Select({}, kMin, kMax).empty());
  CHECK(store.GetStats().broken_queriers == 1);
  CHECK(store.GetStats().pinned_bytes == 0);
  CHECK_FALSE(store.Open()->Broken());
}

TEST_CASE("a larger window keeps more from now on and brings nothing back") {
  MemoryStore store;
  store.SetWindow(milliseconds(1000));
  Fill(store, 0, 11);
  store.Expire(10000);
  store.SetWindow(milliseconds(5000));
  store.Expire(10000);
  CHECK(store.Open()->OldestComplete() == 9000);
  Fill(store, 11, 15);
  store.Expire(14000);
  CHECK(store.Open()->OldestComplete() == 9000);
  store.Expire(14500);
  CHECK(store.Open()->OldestComplete() == 9500);
}

}  // namespace
}  // namespace plimsoll::store
