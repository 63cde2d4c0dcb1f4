// SPDX-License-Identifier: Apache-2.0
//
// A storage made of vectors, for tests of the evaluator.
//
// Threads: belongs to one thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "store/querier.h"

namespace plimsoll::test {

class MemoryStorage final : public store::Queryable {
 public:
  struct Series {
    model::Labels labels;
    store::SampleColumns samples;
    bool recorded = false;
    model::Time source = model::kNoSource;  // of a recorded series
  };

  // The series with these labels; made when there is none.
  Series& At(const model::Labels& labels) {
    auto [at, fresh] = series_.try_emplace(labels);
    if (fresh) {
      at->second = std::make_unique<Series>();
      at->second->labels = labels;
      ++version_;
    }
    return *at->second;
  }
  // A sample at a time the series already has, or before its last one, is dropped.
  void Add(const model::Labels& labels, model::Time time, double value) {
    Series& series = At(labels);
    if (!series.samples.times.empty() && series.samples.times.back() >= time) return;
    series.samples.times.push_back(time);
    series.samples.values.push_back(value);
  }
  void Clear() {
    series_.clear();
    ++version_;
  }
  void SetOldestComplete(model::Time time) { oldest_ = time; }
  int selects() const { return selects_; }
  // From now on open views say that their samples were taken away (they still give them).
  void BreakViews() { broken_ = true; }

  std::unique_ptr<store::Querier> Open() const override { return std::make_unique<View>(*this); }

 private:
  class View final : public store::Querier {
   public:
    explicit View(const MemoryStorage& storage) : storage_(storage) {}

    std::vector<store::SelectedSeries> Select(const model::Matchers& matchers, model::Time,
                                              model::Time) override {
      ++storage_.selects_;
      std::vector<store::SelectedSeries> found;
      for (const auto& [labels, series] : storage_.series_) {
        if (model::MatchesAll(matchers, labels)) {
          found.push_back({reinterpret_cast<store::SeriesRef>(series.get()), &series->labels});
        }
      }
      return found;
    }
    void Read(store::SeriesRef ref, model::Time mint, model::Time maxt,
              store::SampleColumns& out) override {
      const auto [from, to] = Between(ref, mint, maxt);
      const store::SampleColumns& samples = Get(ref).samples;
      const bool alone = out.size() == 0;
      out.times.insert(out.times.end(), samples.times.begin() + from, samples.times.begin() + to);
      out.values.insert(out.values.end(), samples.values.begin() + from,
                        samples.values.begin() + to);
      if (out.times != named_) ++name_;
      named_ = out.times;
      out.times_name = alone ? name_ : 0;
      out.numbers = std::none_of(out.values.begin(), out.values.end(),
                                 [](double value) { return std::isnan(value); });
      out.rising = alone && out.numbers && std::is_sorted(out.values.begin(), out.values.end());
    }
    std::optional<store::Latest> ReadLatest(store::SeriesRef ref, model::Time mint,
                                            model::Time maxt) override {
      const auto [from, to] = Between(ref, mint, maxt);
      if (from == to) return std::nullopt;
      const Series& series = Get(ref);
      const model::Sample sample{series.samples.times[static_cast<std::size_t>(to - 1)],
                                 series.samples.values[static_cast<std::size_t>(to - 1)]};
      return store::Latest{sample, series.recorded ? series.source : sample.time};
    }
    bool IsRecorded(store::SeriesRef ref) const override { return Get(ref).recorded; }
    model::Time RecordedSource(store::SeriesRef ref) const override { return Get(ref).source; }
    model::Time OldestComplete() const override { return storage_.oldest_; }
    std::uint64_t TableVersion() const override { return storage_.version_; }
    bool Broken() const override { return storage_.broken_; }

   private:
    static const Series& Get(store::SeriesRef ref) { return *reinterpret_cast<const Series*>(ref); }
    static std::pair<std::ptrdiff_t, std::ptrdiff_t> Between(store::SeriesRef ref, model::Time mint,
                                                             model::Time maxt) {
      const std::vector<model::Time>& times = Get(ref).samples.times;
      const auto from = std::lower_bound(times.begin(), times.end(), mint);
      const auto to = std::upper_bound(from, times.end(), maxt);
      return {from - times.begin(), to - times.begin()};
    }
    const MemoryStorage& storage_;
    std::vector<model::Time> named_;
    std::uint64_t name_ = 0;
  };

  std::map<model::Labels, std::unique_ptr<Series>> series_;
  model::Time oldest_ = INT64_MIN;
  std::uint64_t version_ = 1;
  bool broken_ = false;
  mutable int selects_ = 0;
};

}  // namespace plimsoll::test
