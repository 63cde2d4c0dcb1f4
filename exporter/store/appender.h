// SPDX-License-Identifier: Apache-2.0
//
// The one way into the store: batches of samples that become visible as a whole or not at all.
//
// A batch is what one scrape, one rule or one loaded file adds. Its samples are written to their
// place at once, but no Querier sees them before Commit, and Rollback leaves nothing of them. A
// series is resolved once and then named by its ref: that is what makes an append cost nanoseconds.
//
// Threads: one thread, the store's writer. Queriers may be open meanwhile; they never make it wait.
// Bounds:  Limits of memory_store.h: new series are refused and counted, existing ones never are.
// Lives as long as: the MemoryStore that owns it.
#pragma once

#include <string_view>

#include "model/labels.h"
#include "model/sample.h"
#include "store/querier.h"

namespace plimsoll::store {

// What became of a sample. Everything but the first two is counted in plimsoll_store_refused_total.
enum class Outcome {
  kAppended,
  kSameSample,     // the same time and the same bits once more: nothing to do
  kDuplicate,      // the same time, another value: the first one stays
  kOutOfOrder,     // older than the newest sample of its series
  kTooOld,         // older than the window
  kTooFarAhead,    // further after Begin's `now` than the store allows
  kUnknownSeries,  // the series has gone since it was resolved: resolve it again
};
constexpr Outcome kOutcomes[] = {
    Outcome::kAppended, Outcome::kSameSample,  Outcome::kDuplicate,    Outcome::kOutOfOrder,
    Outcome::kTooOld,   Outcome::kTooFarAhead, Outcome::kUnknownSeries};
// Returns: the reason as the metric has it ("out_of_order").
std::string_view OutcomeName(Outcome outcome);

// Why a new series was not created.
enum class Refusal { kNone, kMaxSeries, kMaxBytes };
std::string_view RefusalName(Refusal refusal);

struct Resolved {
  SeriesRef ref = 0;  // zero: refused
  bool created = false;
  Refusal refusal = Refusal::kNone;
};

class Core;

class Appender {
 public:
  // Starts a batch. `now` is what "too far ahead" is measured against; kNoBound switches that check
  // off. Requires: no batch is open.
  void Begin(model::Time now);
  static constexpr model::Time kNoBound = INT64_MAX;

  // Returns: the series with exactly these labels, created if there is none and the limits allow
  // it. A created series is visible from Commit on, and only with a sample; Rollback removes it.
  Resolved Resolve(const model::Labels& labels);
  // Returns: zero if there is no such series.
  SeriesRef Find(const model::Labels& labels) const;
  // Returns: whether the ref still names a series.
  bool Knows(SeriesRef ref) const;
  // Requires: Knows(ref). Lives as long as: the series.
  const model::Labels& LabelsOf(SeriesRef ref) const;

  // A scraped sample: it is its own source.
  Outcome Append(SeriesRef ref, model::Time time, double value);
  // The result of a rule: `source` is the time of the scraped sample behind it, or
  // model::kNoSource.
  Outcome AppendRecorded(SeriesRef ref, model::Time time, double value, model::Time source);

  // Publishes the batch as a whole. Requires: a batch is open.
  void Commit();
  // Undoes everything since Begin, created series included. Requires: a batch is open.
  void Rollback();

 private:
  friend class MemoryStore;
  explicit Appender(Core& core) : core_(core) {}
  Core& core_;
};

}  // namespace plimsoll::store
