// SPDX-License-Identifier: Apache-2.0
//
// Who is reading, and since when: what the writer asks before it frees anything.
//
// A reader claims a pin, then takes the newest view, then writes into the pin how far back that
// view reaches. The writer publishes a view, then looks at the pins. Both go through the lock of
// base::Published, so a pin that the writer does not see belongs to a reader that got the new view.
//
// A pin that is too old can be broken: its Querier may no longer touch chunks. The reader announces
// each visit (`busy`) and then looks at `broken`; the writer sets `broken` and then looks at
// `busy`.
//
// Threads: Claim, Release and the Visit of a pin by readers; the rest by the writer. No locks.
// Bounds:  grows to the greatest number of Queriers that were open at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "model/sample.h"

namespace plimsoll::store {

struct Pin {
  static constexpr model::Time kFree = INT64_MAX;
  static constexpr model::Time kAll = INT64_MIN;

  // How far back its view reaches. kFree: nobody's; kAll: just claimed.
  std::atomic<model::Time> reach{kFree};
  std::atomic<std::uint64_t> serial{1};    // of the claim
  std::atomic<model::Time> opened{kFree};  // the store's time when it was claimed
  std::atomic<std::uint64_t> broken{0};    // the serial of the claim that was broken
  std::atomic<bool> busy{false};
  Pin* next = nullptr;
};

class Pins {
 public:
  Pins() = default;
  ~Pins();
  Pins(const Pins&) = delete;
  Pins& operator=(const Pins&) = delete;

  Pin& Claim();
  static void Release(Pin& pin);

  // One claim, so that it can be asked later whether it has ended.
  struct Holder {
    const Pin* pin;
    std::uint64_t serial;
    bool Ended() const;
    // Ended, or broken and out of the store: it will not touch a chunk again.
    bool Harmless() const;
  };
  std::vector<Holder> Holders() const;
  // Returns: the furthest reach of all claims that still may touch chunks; `reach` if none goes
  // further.
  model::Time Furthest(model::Time reach) const;
  // Breaks claims that are older than `max_age`. Returns: how many.
  std::uint64_t Break(model::Time now, model::Time max_age);
  std::uint64_t open() const;

 private:
  std::atomic<Pin*> first_{nullptr};
};

}  // namespace plimsoll::store
