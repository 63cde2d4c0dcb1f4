// SPDX-License-Identifier: Apache-2.0
//
// The writer's door. See appender.h.
#include "store/appender.h"

#include "store/detail/core.h"

namespace plimsoll::store {

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAppended:
      return "appended";
    case Outcome::kSameSample:
      return "same_sample";
    case Outcome::kDuplicate:
      return "duplicate";
    case Outcome::kOutOfOrder:
      return "out_of_order";
    case Outcome::kTooOld:
      return "too_old";
    case Outcome::kTooFarAhead:
      return "too_far_ahead";
    case Outcome::kUnknownSeries:
      return "unknown_series";
  }
  return "";
}

std::string_view RefusalName(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone:
      return "none";
    case Refusal::kMaxSeries:
      return "max_series";
    case Refusal::kMaxBytes:
      return "max_bytes";
  }
  return "";
}

void Appender::Begin(model::Time now) { core_.Begin(now); }
Resolved Appender::Resolve(const model::Labels& labels) { return core_.Resolve(labels); }
SeriesRef Appender::Find(const model::Labels& labels) const { return core_.Find(labels); }
bool Appender::Knows(SeriesRef ref) const { return core_.Knows(ref); }
const model::Labels& Appender::LabelsOf(SeriesRef ref) const { return core_.LabelsOf(ref); }
void Appender::Commit() { core_.Commit(); }
void Appender::Rollback() { core_.Rollback(); }

Outcome Appender::Append(SeriesRef ref, model::Time time, double value) {
  return core_.Append(ref, time, value, HotSeries::kScraped);
}

Outcome Appender::AppendRecorded(SeriesRef ref, model::Time time, double value,
                                 model::Time source) {
  const std::int64_t lag = source == model::kNoSource ? HotSeries::kNoSourceLag : time - source;
  return core_.Append(ref, time, value, lag);
}

}  // namespace plimsoll::store
