// SPDX-License-Identifier: Apache-2.0
//
// One rule at work: its prepared query, and the series that its last good run produced.
//
// Threads: belongs to the store's writer thread, except Query, which one other thread may run: it
//          shares nothing with the rest.
// Bounds:  the series that are remembered are those of one result.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "eval/engine.h"
#include "model/labels.h"
#include "model/sample.h"
#include "ruler/rule_file.h"
#include "store/memory_store.h"

namespace plimsoll::ruler::detail {

using model::Time;

// A recorded series, and where it lies in the store.
struct Recorded {
  model::Labels labels;
  store::SeriesRef ref = 0;
  std::uint64_t run = 0;  // the run that produced it last
};

// By the labels of the element before the rule's name and labels are put on it.
using Produced = std::unordered_map<model::Labels, Recorded>;

struct Run {
  Time at = 0;   // when the query looks and the result is stored: the slot minus the offset
  Time now = 0;  // what "too far ahead" is measured against
  std::int64_t limit = 0;
};

class RuleRun {
 public:
  RuleRun(const Group& group, const Rule& rule);

  // Evaluates, over a view of its own. Fails with: what the query failed with, or kExecution for
  // a result that is neither a vector nor a scalar.
  base::Result<std::vector<eval::Element>> Query(const store::Queryable& storage,
                                                 const eval::Options& options, Time at);
  // Stores the result and marks what has vanished, in one batch. Returns: how many samples were
  // stored. Fails with: kExecution in Prometheus's words; then nothing was stored, except that
  // samples which the store refuses one by one leave the others.
  base::Result<std::size_t> Store(store::Appender& appender,
                                  const std::vector<eval::Element>& elements, const Run& run);

  // Name and labels: what makes a rule after a reload the one before it.
  const std::string& identity() const { return identity_; }
  Produced TakeProduced() { return std::move(produced_); }
  void SetProduced(Produced produced);
  const Produced& produced() const { return produced_; }

 private:
  // Resolves every element to a series of its own. Requires: a batch is open.
  base::Result<std::vector<store::SeriesRef>> Resolve(store::Appender& appender,
                                                      const std::vector<eval::Element>& elements);
  Recorded& Entry(const model::Labels& input);
  void MarkVanished(store::Appender& appender, Time at, std::vector<store::SeriesRef> written);

  std::string record_;
  RuleLabels labels_;
  std::string identity_;
  eval::Prepared prepared_;
  Produced produced_;
  std::uint64_t runs_ = 0;
};

}  // namespace plimsoll::ruler::detail
