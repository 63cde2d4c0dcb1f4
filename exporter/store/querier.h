// SPDX-License-Identifier: Apache-2.0
//
// The seam between the evaluator and whatever holds samples.
//
// A Querier pins one committed view: it never blocks the writer and never sees half a scrape. The
// evaluator selects once per selector, then decodes a whole range per series into columns.
//
// Threads: a Querier belongs to one thread at a time.
// Lives as long as: the storage that made it; what Select returned lives as long as the Querier.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/sample.h"

namespace plimsoll::store {

// Names one series within one storage. Never zero, never reused while a view that knows it is open.
using SeriesRef = std::uint64_t;

struct SelectedSeries {
  SeriesRef ref = 0;
  const model::Labels* labels = nullptr;  // lives as long as the Querier
};

// Samples of one series as columns; reused between series so that decoding allocates nothing.
struct SampleColumns {
  std::vector<model::Time> times;
  std::vector<double> values;
  // Reads of one Querier whose times have the same name other than zero have the same times.
  std::uint64_t times_name = 0;
  // No value is NaN, and so none is a staleness marker. False when nobody looked.
  bool numbers = false;
  // No value is less than the one before it. False when nobody looked.
  bool rising = false;
  void Clear() {
    times.clear();
    values.clear();
    times_name = 0;
    numbers = false;
    rising = false;
  }
  std::size_t size() const { return times.size(); }
};

// The newest sample of an instant selector, and where it came from (model::kNoSource: from no
// scrape).
struct Latest {
  model::Sample sample;
  model::Time source = model::kNoSource;
};

class Querier {
 public:
  virtual ~Querier() = default;

  // Returns: series that match all matchers and may have samples in [mint, maxt], sorted by labels.
  virtual std::vector<SelectedSeries> Select(const model::Matchers& matchers, model::Time mint,
                                             model::Time maxt) = 0;
  // Appends the samples with mint <= t <= maxt, in time order, stale markers included.
  virtual void Read(SeriesRef ref, model::Time mint, model::Time maxt, SampleColumns& out) = 0;
  // Says whose samples Read will be asked for, in this order, after the Read that comes next, so
  // that they may be on their way by then. It changes no answer.
  virtual void Expect(std::span<const SelectedSeries> following) { (void)following; }
  // Returns: the newest sample with mint <= t <= maxt, stale marker included.
  virtual std::optional<Latest> ReadLatest(SeriesRef ref, model::Time mint, model::Time maxt) = 0;
  // Returns: whether the newest sample is the result of a rule.
  virtual bool IsRecorded(SeriesRef ref) const = 0;
  // Returns: for a recorded series, the source kept with its newest sample; for a scraped one
  // kNoSource (a scraped sample is its own source).
  virtual model::Time RecordedSource(SeriesRef ref) const = 0;

  // The oldest time that the storage still keeps completely; a query that reaches before it gets a
  // warning.
  virtual model::Time OldestComplete() const = 0;
  // Changes whenever a series appears or goes: a prepared selection is good for as long as it is
  // equal.
  virtual std::uint64_t TableVersion() const = 0;
  // Returns: true when the storage took the view's samples away because it was open for too long.
  // From then on Select and Read return nothing: who finished a long query asks before it answers.
  virtual bool Broken() const { return false; }
};

class Queryable {
 public:
  virtual ~Queryable() = default;
  // Returns: a view of everything committed so far. Threads: may be called from any thread.
  virtual std::unique_ptr<Querier> Open() const = 0;
};

}  // namespace plimsoll::store
