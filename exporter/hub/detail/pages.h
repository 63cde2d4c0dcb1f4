// SPDX-License-Identifier: Apache-2.0
//
// What each sidecar's newest page says, read back from the store.
//
// A page is scraped, relabelled and stored like any other; a series belongs to the sidecar whose
// target labels it carries, and of several such to the one that has most of them. Which series
// there are changes seldom, so what they mean is worked out once and each tick only reads their
// newest samples. A page says how many series a metric has: a metric of which some did not come (a
// limit, a full store) has none, rather than a sum of what came or a zero.
//
// Threads: the store's writer.
// Bounds:  config::Hub; what is left out is counted by the caller.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/sidecar.h"
#include "hub/travel.h"
#include "signals/snapshot.h"
#include "store/querier.h"

namespace plimsoll::hub::detail {

struct PageMetric {
  Policy policy;
  std::optional<signals::Moment> evaluated = {};
  std::optional<signals::Reason> reason = {};
  std::string error = {};
  std::vector<signals::Entry> entries = {};  // sorted by labels, without the label `engine`
  // Why `entries` are not all that the page has, so that none is believed; "": they are.
  std::string lost = {};
};

struct Page {
  bool heard = false;                    // the newest scrape gave one
  signals::Moment at = {};               // of that scrape
  std::vector<PageMetric> metrics = {};  // sorted by name, then by namespaces
  std::size_t bad_metrics = 0;           // whose policy cannot be used
  std::size_t extra_metrics = 0;         // beyond the limits
  std::size_t extra_series = 0;
};

class Pages {
 public:
  struct Limits {
    std::size_t metrics = 0;
    std::size_t series = 0;  // of one sidecar
  };
  Pages(Limits limits, std::chrono::milliseconds lookback);
  ~Pages();

  // Returns: a page for each of the sidecars, in their order. `at`: the tick's slot time.
  std::vector<Page> Read(const std::vector<Sidecar>& sidecars, store::Querier& querier,
                         model::Time at, signals::Moment now);

 private:
  enum class What;
  struct Slot;
  struct Plan;
  class Reader;
  static Slot SlotOf(const store::SelectedSeries& series, What what);
  void Prepare(const std::vector<Sidecar>& sidecars, store::Querier& querier);

  const Limits limits_;
  const std::chrono::milliseconds lookback_;
  std::uint64_t table_version_ = 0;
  bool prepared_ = false;
  std::vector<model::Labels> prepared_for_;  // the target labels of the sidecars
  std::vector<Plan> plans_;                  // one for each of them
};

}  // namespace plimsoll::hub::detail
