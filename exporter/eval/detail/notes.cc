// SPDX-License-Identifier: Apache-2.0
//
// The texts, word for word, of prometheus/prometheus util/annotations/annotations.go.
#include "eval/detail/notes.h"

#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/parser.h"

namespace plimsoll::eval {
namespace {

std::string ForMetric(std::string_view metric) {
  return metric.empty() ? std::string()
                        : base::format(" for metric name {}", base::GoQuote(metric));
}

// Go's %g.
std::string G(double value) { return base::ShortestG(value); }

// Go's %.2g.
std::string TwoDigits(double value) {
  std::string text = base::format("{:.2g}", value);
  return text;
}

std::string SecondsText(Time time) {
  Time seconds = time / 1000;
  return base::FormatRfc3339(seconds * 1000);
}

}  // namespace

void Notes::Add(bool warning, std::string text, promql::PosRange pos) {
  for (Note& note : notes_) {
    if (note.warning == warning && note.text == text) {
      note.pos = pos;
      return;
    }
  }
  notes_.push_back({warning, std::move(text), pos, false, {}});
}

void Notes::InformOfRepair(std::string_view metric, promql::PosRange pos, const Repair& repair) {
  std::string text =
      "input to histogram_quantile needed to be fixed for monotonicity (see "
      "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)" +
      ForMetric(metric);
  for (Note& note : notes_) {
    if (!note.has_repair || note.text != text) continue;
    Repair& all = note.repair;
    all.first = std::min(all.first, repair.first);
    all.last = std::max(all.last, repair.last);
    all.lowest_bound = std::min(all.lowest_bound, repair.lowest_bound);
    all.highest_bound = std::max(all.highest_bound, repair.highest_bound);
    all.largest_difference = std::max(all.largest_difference, repair.largest_difference);
    all.further += repair.further + 1;
    return;
  }
  notes_.push_back({false, std::move(text), pos, true, repair});
}

void Notes::WarnOfQuantile(double quantile, promql::PosRange pos) {
  Warn("quantile value should be between 0 and 1, got " + G(quantile), pos);
}

void Notes::WarnOfRatio(double ratio, double cap, promql::PosRange pos) {
  Warn(base::format("ratio value should be between -1 and 1, got {}, capping to {}", G(ratio),
                    G(cap)),
       pos);
}

void Notes::WarnOfBucket(std::string_view metric, std::string_view bound, promql::PosRange pos) {
  Warn(base::format("bucket label \"le\" is missing or has a malformed value of {}{}",
                    base::GoQuote(bound), ForMetric(metric)),
       pos);
}

void Notes::InformOfNonCounter(std::string_view metric, promql::PosRange pos) {
  Inform(base::format(
             "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
             base::GoQuote(metric)),
         pos);
}

Annotations Notes::Finish(std::string_view query) const {
  Annotations out;
  for (const Note& note : notes_) {
    std::string text = (note.warning ? "PromQL warning: " : "PromQL info: ") + note.text;
    if (note.has_repair) {
      const Repair& repair = note.repair;
      text += base::format(
          ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
          G(repair.lowest_bound), G(repair.highest_bound), TwoDigits(repair.largest_difference),
          static_cast<std::int64_t>(repair.further + 1), SecondsText(repair.first),
          SecondsText(repair.last));
    }
    text += base::format(" ({})", promql::PositionText(query, note.pos.start));
    (note.warning ? out.warnings : out.infos).push_back(std::move(text));
  }
  return out;
}

}  // namespace plimsoll::eval
