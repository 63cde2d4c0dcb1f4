// SPDX-License-Identifier: Apache-2.0
//
// The store against a map of vectors: random batches, rollbacks, expiry and open queriers.
#include <algorithm>
#include <deque>
#include <map>
#include <random>

#include "store_fixture.h"

namespace plimsoll::store {
namespace {

using Content = std::map<std::string, std::vector<Sample>>;

struct OpenView {
  std::unique_ptr<Querier> querier;
  Content content;
  model::Time oldest;
};

std::vector<Sample> Within(const std::vector<Sample>& samples, model::Time mint, model::Time maxt) {
  std::vector<Sample> within;
  for (const Sample& sample : samples) {
    if (sample.time >= mint && sample.time <= maxt) within.push_back(sample);
  }
  return within;
}

void Compare(const OpenView& view, model::Time mint, model::Time maxt) {
  const auto selected = view.querier->Select({}, mint, maxt);
  std::map<std::string, SeriesRef> refs;
  for (const auto& series : selected) refs[series.labels->ToString()] = series.ref;
  for (const auto& [name, samples] : view.content) {
    const auto expected = Within(samples, std::max(mint, view.oldest), maxt);
    if (!refs.contains(name)) {
      REQUIRE_MESSAGE(expected.empty(), name);
      continue;
    }
    REQUIRE(ReadAll(*view.querier, refs[name], mint, maxt) == expected);
    const auto latest = view.querier->ReadLatest(refs[name], mint, maxt);
    REQUIRE(latest.has_value() == !expected.empty());
    if (latest) REQUIRE(latest->sample == expected.back());
  }
}

void TryRandomBatches(unsigned chunk_samples, int steps) {
  std::mt19937_64 random(7);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  Limits limits;
  limits.chunk_samples = chunk_samples;
  MemoryStore store(limits);
  const model::Time window = 20000;
  store.SetWindow(milliseconds(window));
  Appender& appender = store.appender();
  Content content;
  std::deque<OpenView> views;
  model::Time now = 100000, oldest = INT64_MIN;
  for (int step = 0; step < steps; ++step) {
    now += 500 + pick(500);
    Content next = content;
    appender.Begin(now);
    // Some series live for a while only, so that they vanish, and their places are taken again.
    const int first = step / 20;
    for (int i = pick(30); i > 0; --i) {
      const Labels labels = Named(Numbered("m", first + pick(20)));
      const SeriesRef ref = appender.Resolve(labels).ref;
      const model::Time time = now - pick(3) * 100;
      const double value = pick(4) == 0 ? pick(100) * 0.1 : pick(10);
      std::vector<Sample>& samples = next[labels.ToString()];
      Outcome expected = Outcome::kAppended;
      const auto newest = Within(samples, oldest, INT64_MAX);
      if (!newest.empty() && time < newest.back().time) expected = Outcome::kOutOfOrder;
      if (!newest.empty() && time == newest.back().time) {
        expected = value == newest.back().value ? Outcome::kSameSample : Outcome::kDuplicate;
      }
      REQUIRE(appender.Append(ref, time, value) == expected);
      if (expected == Outcome::kAppended) samples.push_back({time, value});
    }
    if (pick(5) == 0) {
      appender.Rollback();
    } else {
      appender.Commit();
      content = std::move(next);
    }
    if (pick(3) == 0) {
      store.Expire(now);
      oldest = now - window;
    }
    if (pick(10) == 0) views.push_back({store.Open(), content, oldest});
    if (views.size() > 5) views.erase(views.begin() + pick(5));
    const model::Time mint = now - pick(30000);
    const model::Time maxt = mint + pick(30000);
    Compare({store.Open(), content, oldest}, mint, maxt);
    for (const OpenView& view : views) Compare(view, mint - pick(20000), maxt);
  }
  views.clear();
  store.Expire(now + window + 1);
  store.Expire(now + window + 1);
  CHECK(store.GetStats().series == 0);
  CHECK(store.GetStats().pinned_bytes == 0);
}

TEST_CASE("random batches, rollbacks, expiry and readers agree with a map of vectors") {
  TryRandomBatches(Limits().chunk_samples, 600);
}

TEST_CASE("they do when a chunk holds a sample or three, and every series is a long list") {
  TryRandomBatches(1, 150);
  TryRandomBatches(3, 150);
}

}  // namespace
}  // namespace plimsoll::store
