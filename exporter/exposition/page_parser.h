// SPDX-License-Identifier: Apache-2.0
//
// A cursor over one exposition page: Next, then look at what it stands on.
//
// A scrape sees the same series again and again, so a sample gives the bytes of its name and labels
// as they stand on the page, to be looked up in the caller's cache; labels are decoded only for a
// series that is not there. Two lanes: a quick one for lines as nearly all exporters write them,
// and a careful one (detail/entry_reader.h), which is the grammar. Both accept the same language.
// The page is never written to, and nothing is allocated for a sample.
//
// Accepts and refuses what Prometheus 3 does. Exemplars are checked and dropped. `_created` series
// are ordinary series.
//
// Threads: one thread at a time.
// Lives as long as: page and filter must outlive the parser; views point into the page.
// See: README.md of this folder for the differences from Prometheus
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "exposition/format.h"
#include "exposition/name_filter.h"
#include "model/family.h"
#include "model/labels.h"

namespace plimsoll::exposition {

class PageParser {
 public:
  enum class Entry { kSample, kType, kHelp, kUnit, kEnd, kError };

  // With a filter, entries that it does not need are not reported, and their lines are not checked:
  // such a line ends at the next line break. The end mark of OpenMetrics is demanded all the same.
  PageParser(std::string_view page, Format format, const NameFilter* keep = nullptr);

  // kEnd and kError are final.
  [[nodiscard]] Entry Next();

  // After kSample. The bytes do not include blanks before the name.
  std::string_view SeriesBytes() const { return series_; }
  double Value() const { return value_; }  // a NaN is model::NormalNaN()
  std::optional<base::Time> Timestamp() const {
    return has_time_ ? std::optional(time_) : std::nullopt;
  }
  // Resets `out` and sets name and labels; `le` and `quantile` in the canonical spelling when the
  // TYPE in force makes them numbers. Does not judge whether names are valid. Fails with: kBadInput
  // when a name is given twice.
  base::Result<void> DecodeLabels(model::LabelsBuilder& out) const;

  // After kSample too. On the page's spelling: without quotes, escapes kept.
  std::string_view Name() const { return name_; }
  // After kType: of this family. After kSample: of the last TYPE line, whichever family it named.
  model::MetricType Type() const;
  // After kHelp and kUnit: the text, unescaped.
  std::string Text() const;

  // After kError: Prometheus's text, with line and column.
  const base::Error& error() const { return *error_; }

 private:
  enum class Lane { kSample, kType, kHelp, kUnit, kNothing, kCareful };

  template <Format kFormat>
  Lane Quick();
  template <Format kFormat>
  Lane QuickMetadata(const char* at);
  template <Format kFormat>
  Lane QuickValue(const char* at);
  template <Format kFormat>
  const char* SkipLabels(const char* at) const;
  template <Format kFormat>
  const char* SkipQuoted(const char* at) const;
  Lane Careful();
  // Returns: the start of the next line that may be needed; sets `needed_` when it is known to be.
  const char* SkipUnneeded(const char* at);
  const char* NearLineBreak(const char* at) const;
  bool IsNeeded(Lane lane) const;

  const char* begin_;
  const char* end_;
  const char* lines_end_;  // behind the last line break: up to here a line break stops every scan
  const char* at_;
  Format format_;
  const NameFilter* keep_;
  bool needed_ = false;
  bool ended_ = false;

  std::string_view series_;
  std::string_view name_;
  std::string_view text_;
  double value_ = 0;
  bool has_time_ = false;
  base::Time time_ = 0;
  model::MetricType type_ = model::MetricType::kUnknown;
  const char* skipped_type_ = nullptr;  // a TYPE line after the one that gave type_
  std::optional<base::Error> error_;
};

}  // namespace plimsoll::exposition
