// SPDX-License-Identifier: Apache-2.0
//
// The window on disk, so that a restart continues every rule, hold and last good value.
//
// The file is a history (history.h: `plimsoll eval --data` reads it) of batches: what was committed
// since the batch before, and one line of whatever the caller wants to have back. It is written
// over when it has grown to twice the window. Losing the disk loses the file, never the process:
// a Save that fails is counted, and the next one writes what is still missing.
//
// Threads: Open and Restore on the writer's thread of the store; Save on one thread, which reads
//          through a view of its own and never makes the store's writer wait.
// Bounds:  Options::max_bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "store/detail/batch_file.h"
#include "store/memory_store.h"

namespace plimsoll::store {

class WindowFile {
 public:
  struct Options {
    std::string path;
    std::uint64_t max_bytes = 256ULL << 20;
    detail::BatchFile::Write write = {};  // for tests of a full disk
  };
  struct Restored {
    std::uint64_t series = 0;
    std::uint64_t samples = 0;
    model::Time last = INT64_MIN;     // of the newest sample
    std::string note = {};            // the caller's newest
    std::uint64_t dropped_bytes = 0;  // behind the last whole batch
    std::string why_dropped = {};
  };

  // Fails with: kBadInput, kLimit, kUnavailable (see batch_file.h).
  static base::Result<std::unique_ptr<WindowFile>> Open(Options options);

  // Appends what the file held when it was opened, as one batch of samples up to `now`. Once.
  // Fails with: kBadInput (FILE:line: what), kLimit (the store is full); nothing is then appended.
  base::Result<Restored> Restore(Appender& appender, model::Time now);

  // Writes what `store` has committed and the file does not have yet. `note` is JSON on one line,
  // or empty.
  // Fails with: kUnavailable, kLimit; the file is then as it was.
  base::Result<void> Save(const Queryable& store, std::string_view note);

  std::uint64_t size() const { return file_->size(); }
  std::uint64_t rewrites() const { return rewrites_; }

 private:
  struct Known {
    std::string head;  // {"metric":{...},"values":[
    model::Time written = INT64_MIN;
  };
  WindowFile(Options options, std::unique_ptr<detail::BatchFile> file,
             detail::BatchFile::Contents contents);
  base::Result<void> Rewrite(std::string_view lines);
  void Follow(Querier& querier);
  std::string Lines(Querier& querier, bool all, std::string_view note);

  const Options options_;
  std::unique_ptr<detail::BatchFile> file_;
  detail::BatchFile::Contents contents_;  // until Restore
  std::unordered_map<SeriesRef, Known> known_;
  std::uint64_t table_version_ = 0;
  std::uint64_t rewritten_size_ = 0;  // of the file after the last rewrite
  std::uint64_t rewrites_ = 0;
  std::string note_;
  SampleColumns columns_;
};

}  // namespace plimsoll::store
