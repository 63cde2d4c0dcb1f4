// SPDX-License-Identifier: Apache-2.0
#include "store/appender.h"

#include "store_fixture.h"
#include "telemetry/telemetry.h"

namespace plimsoll::store {
namespace {

TEST_CASE("a sample is not visible before its batch is committed") {
  MemoryStore store;
  Appender& appender = store.appender();
  appender.Begin(1000);
  const SeriesRef ref = appender.Resolve(Named("a")).ref;
  CHECK(appender.Append(ref, 1000, 1) == Outcome::kAppended);
  CHECK(Samples(store, Named("a")).empty());
  const auto before = store.Open();
  appender.Commit();
  CHECK(Samples(store, Named("a")) == std::vector<Sample>{{1000, 1}});
  CHECK(ReadAll(*before, ref).empty());
  CHECK_FALSE(before->ReadLatest(ref, kMin, kMax).has_value());
}

TEST_CASE("a view does not see later batches of a series that it knows") {
  MemoryStore store;
  Put(store, Named("a"), 1000, 1);
  const auto querier = store.Open();
  const SeriesRef ref = store.appender().Find(Named("a"));
  for (int i = 2; i < 200; ++i) {
    Put(store, Named("a"), i * 1000, i * 1.1);
    CHECK(ReadAll(*querier, ref) == std::vector<Sample>{{1000, 1}});
    CHECK(querier->ReadLatest(ref, kMin, kMax)->sample == Sample{1000, 1});
  }
}

TEST_CASE("the same sample twice is nothing, another value at its time is a duplicate") {
  MemoryStore store;
  CHECK(Put(store, Named("a"), 1000, 1) == Outcome::kAppended);
  CHECK(Put(store, Named("a"), 1000, 1) == Outcome::kSameSample);
  CHECK(Put(store, Named("a"), 1000, 2) == Outcome::kDuplicate);
  CHECK(Samples(store, Named("a")) == std::vector<Sample>{{1000, 1}});
}

TEST_CASE("bits decide whether two samples are the same") {
  MemoryStore store;
  CHECK(Put(store, Named("a"), 1000, model::StaleNaN()) == Outcome::kAppended);
  CHECK(Put(store, Named("a"), 1000, model::StaleNaN()) == Outcome::kSameSample);
  CHECK(Put(store, Named("a"), 1000, model::NormalNaN()) == Outcome::kDuplicate);
  CHECK(Put(store, Named("b"), 1000, 0.0) == Outcome::kAppended);
  CHECK(Put(store, Named("b"), 1000, -0.0) == Outcome::kDuplicate);
}

TEST_CASE("a duplicate is found within a batch") {
  MemoryStore store;
  Appender& appender = store.appender();
  appender.Begin(1000);
  const SeriesRef ref = appender.Resolve(Named("a")).ref;
  CHECK(appender.Append(ref, 1000, 1) == Outcome::kAppended);
  CHECK(appender.Append(ref, 1000, 2) == Outcome::kDuplicate);
  CHECK(appender.Append(ref, 999, 2) == Outcome::kOutOfOrder);
  CHECK(appender.Append(ref, 1001, 2) == Outcome::kAppended);
  appender.Commit();
  CHECK(Samples(store, Named("a")) == std::vector<Sample>{{1000, 1}, {1001, 2}});
}

TEST_CASE("an older sample is out of order") {
  MemoryStore store;
  Put(store, Named("a"), 1000, 1);
  CHECK(Put(store, Named("a"), 999, 1) == Outcome::kOutOfOrder);
}

TEST_CASE("a sample before the window is too old, one at its edge is not") {
  MemoryStore store;
  store.SetWindow(milliseconds(5000));
  store.Expire(10000);
  CHECK(Put(store, Named("a"), 4999, 1) == Outcome::kTooOld);
  CHECK(Put(store, Named("a"), 5000, 1) == Outcome::kAppended);
}

TEST_CASE("a sample too far after now is refused, one at the limit is not") {
  MemoryStore store;
  Appender& appender = store.appender();
  appender.Begin(1000);
  const SeriesRef ref = appender.Resolve(Named("a")).ref;
  const model::Time limit = 1000 + Limits().max_ahead.count();
  CHECK(appender.Append(ref, limit + 1, 1) == Outcome::kTooFarAhead);
  CHECK(appender.Append(ref, limit, 1) == Outcome::kAppended);
  appender.Commit();
}

TEST_CASE("a ref of nowhere is an unknown series") {
  MemoryStore store;
  Appender& appender = store.appender();
  appender.Begin(1000);
  CHECK(appender.Append(0, 1000, 1) == Outcome::kUnknownSeries);
  CHECK(appender.Append(0x100000fffULL, 1000, 1) == Outcome::kUnknownSeries);
  CHECK_FALSE(appender.Knows(0));
  appender.Commit();
}

TEST_CASE("series are refused at the limit, existing ones never") {
  telemetry::Telemetry telemetry;
  Limits limits;
  limits.max_series = 3;
  MemoryStore store(limits, &telemetry);
  Appender& appender = store.appender();
  appender.Begin(1000);
  for (const char* name : {"a", "b", "c"}) CHECK(appender.Resolve(Named(name)).created);
  const Resolved refused = appender.Resolve(Named("d"));
  CHECK(refused.ref == 0);
  CHECK(refused.refusal == Refusal::kMaxSeries);
  const Resolved again = appender.Resolve(Named("c"));
  CHECK(again.ref != 0);
  CHECK_FALSE(again.created);
  CHECK(appender.Append(again.ref, 1000, 1) == Outcome::kAppended);
  appender.Commit();
  CHECK(telemetry.CounterOf(telemetry::MetricId::kStoreRefused, {"max_series"}).Value() == 1);
  CHECK(telemetry.GaugeOf(telemetry::MetricId::kStoreSeries).Value() == 3);
}

TEST_CASE("series are refused when memory is full, existing ones go on") {
  Limits limits;
  limits.max_bytes = 1 << 20;
  MemoryStore store(limits);
  Appender& appender = store.appender();
  appender.Begin(1000);
  std::vector<SeriesRef> refs;
  for (;;) {
    const Resolved resolved = appender.Resolve(Named(Numbered("m", static_cast<int>(refs.size()))));
    if (resolved.ref == 0) {
      CHECK(resolved.refusal == Refusal::kMaxBytes);
      break;
    }
    refs.push_back(resolved.ref);
    appender.Append(resolved.ref, 1000, 1);
  }
  appender.Commit();
  CHECK(refs.size() > 100);
  CHECK(store.GetStats().bytes < limits.max_bytes * 9 / 8);
  for (int round = 2; round < 20; ++round) {
    appender.Begin(round * 1000);
    for (const SeriesRef ref : refs) {
      REQUIRE(appender.Append(ref, round * 1000, round * 0.1) == Outcome::kAppended);
    }
    appender.Commit();
  }
}

TEST_CASE("refused samples are counted by reason when the batch ends") {
  telemetry::Telemetry telemetry;
  MemoryStore store({}, &telemetry);
  Put(store, Named("a"), 1000, 1);
  Put(store, Named("a"), 1000, 1);
  Put(store, Named("a"), 1000, 2);
  Put(store, Named("a"), 1, 2);
  const auto count = [&](std::string_view reason) {
    return telemetry.CounterOf(telemetry::MetricId::kStoreRefused, {reason}).Value();
  };
  CHECK(count("duplicate") == 1);
  CHECK(count("out_of_order") == 1);
  CHECK(count("too_old") == 0);
}

TEST_CASE("rollback leaves nothing: no sample, no series") {
  MemoryStore store;
  Put(store, Named("a"), 1000, 1.5);
  Appender& appender = store.appender();
  const std::uint64_t version = store.Open()->TableVersion();
  appender.Begin(2000);
  const SeriesRef a = appender.Resolve(Named("a")).ref;
  const SeriesRef b = appender.Resolve(Named("b")).ref;
  appender.Append(a, 2000, 2.5);
  appender.Append(b, 2000, 2.5);
  appender.Rollback();
  CHECK(Samples(store, Named("a")) == std::vector<Sample>{{1000, 1.5}});
  CHECK(appender.Find(Named("b")) == 0);
  CHECK_FALSE(appender.Knows(b));
  CHECK(store.Open()->TableVersion() == version);
  CHECK(store.GetStats().series == 1);
  // The time that was rolled back is free again.
  CHECK(Put(store, Named("a"), 2000, 9) == Outcome::kAppended);
  CHECK(Samples(store, Named("a")) == std::vector<Sample>{{1000, 1.5}, {2000, 9}});
}

TEST_CASE("rollback undoes a batch that filled several chunks of one series") {
  MemoryStore store;
  Appender& appender = store.appender();
  std::vector<Sample> expected;
  for (int i = 1; i <= 10; ++i) {
    Put(store, Named("a"), i, i * 0.3);
    expected.push_back({i, i * 0.3});
  }
  for (int round = 0; round < 3; ++round) {
    appender.Begin(1000);
    const SeriesRef ref = appender.Find(Named("a"));
    for (int i = 11; i < 200; ++i) {
      REQUIRE(appender.Append(ref, i, i * 0.7 + round) == Outcome::kAppended);
    }
    appender.Rollback();
    CHECK(Samples(store, Named("a")) == expected);
  }
  for (int i = 11; i <= 100; ++i) {
    Put(store, Named("a"), i, i * 0.3);
    expected.push_back({i, i * 0.3});
  }
  CHECK(Samples(store, Named("a")) == expected);
}

TEST_CASE("a recorded series keeps the source of each newest sample") {
  MemoryStore store;
  Appender& appender = store.appender();
  const auto record = [&](model::Time time, model::Time source) {
    appender.Begin(time);
    const SeriesRef ref = appender.Resolve(Named("r")).ref;
    CHECK(appender.AppendRecorded(ref, time, 1, source) == Outcome::kAppended);
    appender.Commit();
    return ref;
  };
  const SeriesRef ref = record(1000, 900);
  const auto first = store.Open();
  CHECK(first->IsRecorded(ref));
  CHECK(first->RecordedSource(ref) == 900);
  record(2000, 1500);
  record(3000, model::kNoSource);
  CHECK(first->RecordedSource(ref) == 900);
  const auto last = store.Open();
  CHECK(last->IsRecorded(ref));
  CHECK(last->RecordedSource(ref) == model::kNoSource);
  CHECK(last->ReadLatest(ref, kMin, 2999)->source == 1500);
  CHECK(last->ReadLatest(ref, kMin, kMax)->source == model::kNoSource);
}

TEST_CASE("a marker that ends a recorded series keeps the source of the sample before it") {
  MemoryStore store;
  Appender& appender = store.appender();
  const auto record = [&](model::Time time, double value, model::Time source) {
    appender.Begin(time);
    const SeriesRef ref = appender.Resolve(Named("r")).ref;
    CHECK(appender.AppendRecorded(ref, time, value, source) == Outcome::kAppended);
    appender.Commit();
    return ref;
  };
  const SeriesRef ref = record(1000, 1, 900);
  record(2000, model::StaleNaN(), model::kNoSource);
  CHECK(store.Open()->RecordedSource(ref) == 900);
  record(3000, model::StaleNaN(), model::kNoSource);
  CHECK(store.Open()->RecordedSource(ref) == 900);
  record(4000, 1, model::kNoSource);
  record(5000, model::StaleNaN(), model::kNoSource);
  CHECK(store.Open()->RecordedSource(ref) == model::kNoSource);
}

TEST_CASE("a scraped sample is its own source") {
  MemoryStore store;
  Put(store, Named("a"), 1000, 1);
  const auto querier = store.Open();
  const SeriesRef ref = store.appender().Find(Named("a"));
  CHECK_FALSE(querier->IsRecorded(ref));
  CHECK(querier->RecordedSource(ref) == model::kNoSource);
  CHECK(querier->ReadLatest(ref, kMin, kMax)->source == 1000);
}

TEST_CASE("a series may be scraped first and recorded later") {
  MemoryStore store;
  Put(store, Named("a"), 1000, 1);
  Appender& appender = store.appender();
  appender.Begin(2000);
  const SeriesRef ref = appender.Find(Named("a"));
  CHECK(appender.AppendRecorded(ref, 2000, 2, 1000) == Outcome::kAppended);
  appender.Commit();
  Put(store, Named("a"), 3000, 3);
  CHECK(Samples(store, Named("a")) == std::vector<Sample>{{1000, 1}, {2000, 2}, {3000, 3}});
  CHECK(store.Open()->ReadLatest(ref, kMin, 2000)->source == 1000);
}

TEST_CASE("one batch may carry many times, also unsorted between series") {
  MemoryStore store;
  Appender& appender = store.appender();
  appender.Begin(Appender::kNoBound);
  const SeriesRef a = appender.Resolve(Named("a")).ref;
  const SeriesRef b = appender.Resolve(Named("b")).ref;
  std::vector<Sample> of_a, of_b;
  for (int i = 0; i < 3000; ++i) {
    of_a.push_back({i * 10, i * 1.0});
    REQUIRE(appender.Append(a, i * 10, i) == Outcome::kAppended);
  }
  for (int i = 0; i < 3000; ++i) {
    of_b.push_back({i * 15 + 5, -i * 1.0});
    REQUIRE(appender.Append(b, i * 15 + 5, -i) == Outcome::kAppended);
  }
  appender.Commit();
  CHECK(Samples(store, Named("a")) == of_a);
  CHECK(Samples(store, Named("b")) == of_b);
  const auto querier = store.Open();
  CHECK(ReadAll(*querier, a, 100, 120) == std::vector<Sample>{{100, 10}, {110, 11}, {120, 12}});
  CHECK(querier->ReadLatest(b, kMin, 34)->sample == Sample{20, -1});
  CHECK_FALSE(querier->ReadLatest(b, 21, 34).has_value());
}

}  // namespace
}  // namespace plimsoll::store
