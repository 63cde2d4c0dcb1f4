// SPDX-License-Identifier: Apache-2.0
//
// The lines of a watch: bytes to lines, a line to an event.
//
// Threads: plain values.
// Bounds:  a line that grows past the limit fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "document/json.h"

namespace plimsoll::kube::detail {

struct WatchEvent {
  enum class Kind { kAdded, kModified, kDeleted, kBookmark, kError };
  Kind kind = Kind::kError;
  document::Json object = {};
  std::string version = {};  // resourceVersion of the object; "" for an error
  // Of an error.
  std::int64_t code = 0;
  std::string message = {};
};

// Fails with: kBadInput when the line is no event.
base::Result<WatchEvent> ParseWatchEvent(std::string_view line);

// One page of a list.
struct ListedObjects {
  std::vector<document::Json> objects = {};
  std::string version = {};  // of the list: where a watch goes on
  std::string rest = {};     // asks for the next page; "" on the last one
};
// Fails with: kBadInput when it is no list with a version.
base::Result<ListedObjects> ReadList(document::Json list);

class LineBuffer {
 public:
  explicit LineBuffer(std::size_t line_bytes) : limit_(line_bytes) {}
  // Calls `take` for each whole line that is not blank, until it returns false.
  // Returns: false when it did, or when a line is too long (see overflown).
  bool Add(std::string_view piece, const std::function<bool(std::string_view line)>& take);
  bool overflown() const { return overflown_; }

 private:
  const std::size_t limit_;
  std::string begun_;
  bool overflown_ = false;
};

}  // namespace plimsoll::kube::detail
