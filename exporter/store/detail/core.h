// SPDX-License-Identifier: Apache-2.0
//
// The writer's side of the store: series by labels, the open batch, the window, what waits to be
// freed.
//
// Threads: the writer, except Open.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/published.h"
#include "store/detail/chunk_pool.h"
#include "store/detail/pins.h"
#include "store/detail/series.h"
#include "store/detail/slots.h"
#include "store/detail/view.h"
#include "store/memory_store.h"
#include "telemetry/telemetry.h"

namespace plimsoll::store {

class Core {
 public:
  Core(Limits limits, telemetry::Telemetry* telemetry);
  ~Core();

  std::unique_ptr<Querier> Open() const { return OpenQuerier(pins_, views_); }

  void Begin(model::Time now);
  Resolved Resolve(const model::Labels& labels);
  SeriesRef Find(const model::Labels& labels) const;
  bool Knows(SeriesRef ref) const;
  const model::Labels& LabelsOf(SeriesRef ref) const { return ColdOf(pages_, IndexOf(ref)).labels; }
  Outcome Append(SeriesRef ref, model::Time time, double value, std::int64_t lag);
  void Commit();
  void Rollback();
  bool batch_open() const { return batch_open_; }

  void SetWindow(std::chrono::milliseconds window) { window_ = window; }
  std::chrono::milliseconds window() const { return window_; }
  void SetLimits(Limits limits) { limits_ = limits; }
  void Expire(model::Time now);
  Stats GetStats() const;

 private:
  // Something taken out of the store that readers may still look at.
  struct Retired {
    std::vector<Pins::Holder> holders;  // who was reading when it was taken out
    std::vector<Chunk*> chunks;
    std::vector<std::uint32_t> series;  // places to free
  };

  // core.cc: appending
  Outcome Refuse(Outcome outcome);
  void NewChunk(HotSeries& hot, ChunkKind kind, const ChunkSample& sample);
  void Trim(Chunk& newest);
  void FreeChunk(Chunk* chunk);
  // core_series.cc: the table of series
  std::uint32_t TakeIndex();
  void FreeSeries(std::uint32_t index);
  std::size_t Probe(const model::Labels& labels, std::uint32_t hash) const;
  void Insert(std::uint32_t index);
  void Erase(std::uint32_t index);
  void Grow();
  void PublishTable();
  void AddSegment();
  bool Compact();
  // core_window.cc: rollback and expiry
  void RestoreSeries(HotSeries& hot);
  void RetireFrom(Chunk* newest);
  bool Sweep();
  std::uint64_t CountPinned() const;
  void FreeRetired();
  void Publish();
  std::uint64_t Bytes() const;
  void ReportGauges();

  Limits limits_;
  std::chrono::milliseconds window_{std::chrono::minutes(15)};
  mutable Pins pins_;
  base::Published<View> views_;

  // Series
  PageDirectory pages_;
  std::vector<std::unique_ptr<SeriesPage>> owned_pages_;
  std::vector<std::uint32_t> free_;  // places
  std::vector<std::uint32_t> hash_;  // open addressing; index plus one, zero: empty
  std::uint32_t used_ = 0;           // entries of hash_
  std::uint64_t live_ = 0;           // series that are not tombstones
  enum class State : std::uint8_t {
    kFree,       // the place can be taken
    kNew,        // created by the open batch
    kLive,       // in the index
    kTombstone,  // in the index, without samples: comes back to life when it gets one
    kRetired,    // out of the index, but readers may still look at its labels
  };
  std::vector<State> states_;  // by index
  std::uint64_t tombstones_ = 0;
  std::uint64_t label_bytes_ = 0;
  std::vector<std::shared_ptr<const Segment>> segments_;
  std::shared_ptr<const Table> table_;
  bool table_changed_ = false;

  // Samples
  ChunkPool pool_;
  SlotTable slots_;
  model::Time now_ = INT64_MIN;       // of the last Expire
  model::Time oldest_ = INT64_MIN;    // of the window
  model::Time unpinned_ = INT64_MIN;  // no reader reaches before it

  // The open batch
  bool batch_open_ = false;
  model::Time latest_allowed_ = INT64_MAX;
  std::vector<std::uint32_t> touched_;  // series with a new sample
  std::vector<std::uint32_t> created_;
  std::vector<std::uint32_t> revived_;  // tombstones with a new sample

  // Waiting to be freed
  std::vector<Chunk*> retiring_;
  std::vector<std::uint32_t> retiring_series_;
  std::vector<Retired> retired_;
  std::uint64_t broken_ = 0;
  bool was_pinned_ = false;  // the last Expire left chunks for the sake of a reader
  std::uint64_t pinned_bytes_ = 0;

  // Telemetry
  telemetry::Gauge series_gauge_, bytes_gauge_, pinned_gauge_;
  std::array<telemetry::Counter, 7> outcome_counters_;
  std::array<std::uint64_t, 7> outcomes_{};
  std::array<telemetry::Counter, 3> refusal_counters_;
  telemetry::Counter broken_counter_;
};

}  // namespace plimsoll::store
