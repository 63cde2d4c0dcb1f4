// SPDX-License-Identifier: Apache-2.0
//
// Query, label, store, mark. See ruler/detail/rule_run.h.
#include "ruler/detail/rule_run.h"

#include <algorithm>

#include "base/format.h"
#include "promql/print.h"

namespace plimsoll::ruler::detail {

namespace {

base::Error Failed(std::string message) {
  return {base::Error::Kind::kExecution, std::move(message)};
}

// The words of Prometheus's storage.
std::string_view RefusalText(store::Outcome outcome) {
  switch (outcome) {
    case store::Outcome::kAppended:
    case store::Outcome::kSameSample:
      return "";
    case store::Outcome::kDuplicate:
      return "duplicate sample for timestamp";
    case store::Outcome::kOutOfOrder:
      return "out of order sample";
    case store::Outcome::kTooOld:
      return "too old sample";
    case store::Outcome::kTooFarAhead:
      return "out of bounds";
    case store::Outcome::kUnknownSeries:
      return "unknown series";
  }
  return "";
}

bool Stored(store::Outcome outcome) {
  return outcome == store::Outcome::kAppended || outcome == store::Outcome::kSameSample;
}

}  // namespace

RuleRun::RuleRun(const Group& group, const Rule& rule)
    : record_(rule.record),
      labels_(MergedLabels(group, rule.labels)),
      identity_(rule.record),
      prepared_(promql::Clone(*rule.expr), rule.text) {
  for (const auto& [name, value] : labels_) identity_ += '\xff' + name + '\xff' + value;
}

base::Result<std::vector<eval::Element>> RuleRun::Query(const store::Queryable& storage,
                                                        const eval::Options& options, Time at) {
  const auto querier = storage.Open();
  auto answer = prepared_.Instant(*querier, at, options);
  if (!answer) return std::move(answer).error();
  // Half a result would end series that still are.
  if (querier->Broken()) return Failed("the query took so long that its samples have expired");
  if (auto* vector = std::get_if<eval::Vector>(&answer->value)) return std::move(vector->elements);
  if (const auto* scalar = std::get_if<eval::Scalar>(&answer->value)) {
    return std::vector<eval::Element>{{{}, scalar->value, scalar->source}};
  }
  return Failed("rule result is not a vector or scalar");
}

void RuleRun::SetProduced(Produced produced) {
  produced_ = std::move(produced);
  // Go on counting, so that what was produced before is not taken for the next run's.
  for (const auto& [input, recorded] : produced_) runs_ = std::max(runs_, recorded.run);
}

Recorded& RuleRun::Entry(const model::Labels& input) {
  const auto [at, is_new] = produced_.try_emplace(input);
  if (is_new) {
    model::LabelsBuilder builder(input);
    builder.Set(model::kMetricName, record_);
    for (const auto& [name, value] : labels_) builder.Set(name, value);
    at->second.labels = builder.Build();
  }
  return at->second;
}

base::Result<std::vector<store::SeriesRef>> RuleRun::Resolve(
    store::Appender& appender, const std::vector<eval::Element>& elements) {
  std::vector<store::SeriesRef> refs;
  refs.reserve(elements.size());
  for (const eval::Element& element : elements) {
    Recorded& entry = Entry(element.labels);
    if (entry.ref == 0 || !appender.Knows(entry.ref)) {
      entry.ref = appender.Resolve(entry.labels).ref;
    }
    refs.push_back(entry.ref);
  }
  std::vector<store::SeriesRef> sorted = refs;
  std::sort(sorted.begin(), sorted.end());
  const auto first = std::find_if(sorted.begin(), sorted.end(), [](auto ref) { return ref != 0; });
  if (std::adjacent_find(first, sorted.end()) != sorted.end()) {
    return Failed("vector contains metrics with the same labelset after applying rule labels");
  }
  return refs;
}

void RuleRun::MarkVanished(store::Appender& appender, Time at,
                           std::vector<store::SeriesRef> written) {
  std::sort(written.begin(), written.end());
  for (auto entry = produced_.begin(); entry != produced_.end();) {
    if (entry->second.run == runs_) {
      ++entry;
      continue;
    }
    // The same series may have come from other labels this time.
    const store::SeriesRef ref = entry->second.ref;
    if (!std::binary_search(written.begin(), written.end(), ref) && appender.Knows(ref)) {
      appender.AppendRecorded(ref, at, model::StaleNaN(), model::kNoSource);
    }
    entry = produced_.erase(entry);
  }
}

base::Result<std::size_t> RuleRun::Store(store::Appender& appender,
                                         const std::vector<eval::Element>& elements,
                                         const Run& run) {
  appender.Begin(run.now);
  auto refs = Resolve(appender, elements);
  std::optional<base::Error> failure;
  if (!refs) failure = std::move(refs).error();
  if (!failure && run.limit > 0 && elements.size() > static_cast<std::size_t>(run.limit)) {
    failure =
        Failed(base::format("exceeded limit of {} with {} series", run.limit, elements.size()));
  }
  if (failure) {
    appender.Rollback();
    std::erase_if(produced_, [](const auto& entry) { return entry.second.run == 0; });
    return *std::move(failure);
  }

  ++runs_;
  std::size_t stored = 0;
  std::string_view refusal;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const eval::Element& element = elements[i];
    if ((*refs)[i] == 0) {
      refusal = "the store refused a new series";
      continue;
    }
    // Refused or not, the series is this rule's: it is marked stale when it is produced no more.
    produced_.find(element.labels)->second.run = runs_;
    const auto outcome = appender.AppendRecorded((*refs)[i], run.at, element.value, element.source);
    if (!Stored(outcome)) {
      refusal = RefusalText(outcome);
      continue;
    }
    ++stored;
  }
  MarkVanished(appender, run.at, *std::move(refs));
  appender.Commit();
  if (!refusal.empty()) return Failed(std::string(refusal));
  return stored;
}

}  // namespace plimsoll::ruler::detail
