// SPDX-License-Identifier: Apache-2.0
//
// What a commit publishes: which series there are, which samples count, and how far back.
//
// Threads: a View is immutable; its Querier belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/published.h"
#include "store/detail/pins.h"
#include "store/detail/segment.h"
#include "store/detail/series.h"
#include "store/detail/slots.h"
#include "store/querier.h"

namespace plimsoll::store {

struct Table {
  std::uint64_t version = 1;
  PageDirectory pages;
  std::vector<std::shared_ptr<const Segment>> segments;
};

struct View {
  std::shared_ptr<const Table> table;
  std::shared_ptr<const SlotDirectory> slots;
  Slot limit = 1;                  // samples of earlier slots are committed
  model::Time oldest = INT64_MIN;  // samples before it have left the window
  model::Time now = INT64_MIN;     // of the last Expire
};

// Opens a Querier on the newest view. `pins` and `views` outlive it.
std::unique_ptr<Querier> OpenQuerier(Pins& pins, const base::Published<View>& views);

}  // namespace plimsoll::store
