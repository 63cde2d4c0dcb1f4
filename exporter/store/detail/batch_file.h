// SPDX-License-Identifier: Apache-2.0
//
// A text file of batches that survives being killed at any byte.
//
// Behind each batch of lines stands a seal with its checksum. Reading takes the sealed batches and
// drops what a crash left behind the last seal; the next batch is written over it. Replace writes a
// new file beside the old one and renames it, so that there is one whole file at every moment.
//
// Threads: one thread. Bounds: the caller's `max_bytes` for reading.
// Lives as long as: the lock, which keeps a second process from the file, is held until the end.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace plimsoll::store::detail {

class BatchFile {
 public:
  // What is sealed in the file, without the seals.
  struct Contents {
    std::string lines;
    std::uint64_t batches = 0;
    std::uint64_t dropped_bytes = 0;  // behind the last seal
    std::string why_dropped = {};     // "cut off", "the checksum does not match"
  };
  // Stands in for pwrite in tests of a full disk.
  using Write = std::function<ssize_t(int fd, const void* bytes, std::size_t size, off_t at)>;

  // Opens or creates. `header` is the first line of every such file.
  // Fails with: kUnavailable (the system's text), kLimit (it is larger than `max_bytes`),
  // kBadInput: it is not ours to overwrite, because it begins otherwise or another process has it.
  static base::Result<std::unique_ptr<BatchFile>> Open(const std::string& path,
                                                       std::string_view header,
                                                       std::uint64_t max_bytes, Contents& contents,
                                                       Write write = {});
  ~BatchFile();
  BatchFile(const BatchFile&) = delete;
  BatchFile& operator=(const BatchFile&) = delete;

  // Adds one batch and sees it to the disk. `lines` end with a line break.
  // Fails with: kUnavailable; the file is then as it was, kNotFound: somebody took it away.
  base::Result<void> Append(std::string_view lines);
  // The file holds the header and this batch from now on. Fails with: kUnavailable; the old file
  // stays.
  base::Result<void> Replace(std::string_view lines);

  std::uint64_t size() const { return size_; }

 private:
  BatchFile(std::string path, std::string header, Write write);
  base::Result<void> Lock();
  base::Result<void> WriteAt(int fd, const std::string& path, std::string_view bytes,
                             std::uint64_t at) const;

  const std::string path_, header_;
  const Write write_;
  int lock_ = -1;
  int fd_ = -1;
  std::uint64_t size_ = 0;  // up to the last seal
};

}  // namespace plimsoll::store::detail
