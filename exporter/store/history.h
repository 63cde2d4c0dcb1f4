// SPDX-License-Identifier: Apache-2.0
//
// Recorded history as files: what `plimsoll eval --data` reads.
//
// Two forms, told apart by their first byte: OpenMetrics text with timestamps, or JSON lines
// {"metric":{...},"values":[[unix_seconds,"1.5"],...]}, an element of a Prometheus matrix. The
// value "stale" is a staleness marker, which OpenMetrics text cannot carry. Of two samples of a
// series at one time the first stays; the samples of one series need not be in order between lines.
// A line may say that its samples are results of a rule, and of what time the newest one's source
// is: "source":seconds, or null for no source. Lines of a window file that hold no samples
// (window_file.h) are passed over.
//
// Threads: the appender's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "store/appender.h"

namespace plimsoll::store {

struct HistoryStats {
  std::uint64_t series = 0;
  std::uint64_t samples = 0;
  std::uint64_t duplicates = 0;
  model::Time first = INT64_MAX;
  model::Time last = INT64_MIN;
};

// Files are read one after the other, then appended together, so that their order does not matter.
class HistoryLoader {
 public:
  HistoryLoader();
  ~HistoryLoader();
  // `file`: for error places. Fails with: kBadInput (file:line: what); nothing of a text that fails
  // stays. A blank text is a history of nothing.
  base::Result<void> Add(std::string_view text, std::string_view file);
  // Appends every sample as one batch and forgets it. Fails with: kLimit (the store is full).
  // Samples too far after `now` are left out, and counted by the store.
  base::Result<HistoryStats> AppendTo(Appender& appender, model::Time now = Appender::kNoBound);

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
};

}  // namespace plimsoll::store
