// SPDX-License-Identifier: Apache-2.0
//
// gzip both ways, bounded: what a peer may make us inflate never exceeds a limit.
//
// Threads: an Inflater belongs to one thread at a time; Gzip may be called from any.
// Bounds:  Inflater::Add stops at the limit, whatever the ratio of the bomb.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace plimsoll::http::detail {

// Returns: `text` as one gzip member, compressed for speed.
std::string Gzip(std::string_view text);
// The same in a zlib frame: what HTTP calls deflate.
std::string Deflate(std::string_view text);

// Inflates a gzip stream piece by piece into a string that the caller owns and reuses.
class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Starts a new stream; keeps its memory.
  void Reset();
  // Appends what `piece` inflates to. `out` never grows to `limit` bytes; zero means no limit.
  // Fails with: kBadInput when the stream is corrupt; kLimit when the output reaches `limit`.
  base::Result<void> Add(std::string_view piece, std::size_t limit, std::string& out);
  // Fails with: kBadInput when the stream ended in the middle of a member.
  base::Result<void> Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::http::detail
