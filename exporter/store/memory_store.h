// SPDX-License-Identifier: Apache-2.0
//
// A bounded window of recent samples in memory: one writer, many readers, no database.
//
// A sidecar asks about minutes, so every series is a short list of compressed chunks whose oldest
// one makes room. Readers pin a view (Open) and walk chunks that are only ever appended to; what
// has expired is freed when the last Querier that could still read it is gone.
//
// Threads: Open from any thread; the rest from the writer's thread (see appender.h).
// Bounds:  Limits; window (SetWindow); Limits::max_pin for how long a Querier may hold expired
// samples. See:     docs/adr/0003-store-layout.md
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "store/appender.h"
#include "store/querier.h"

namespace plimsoll::telemetry {
class Telemetry;
}

namespace plimsoll::store {

struct Limits {
  std::uint64_t max_series = 200000;
  std::uint64_t max_bytes = 256ULL << 20;
  // A sample may be this far after the writer's now (Prometheus: ten minutes).
  std::chrono::milliseconds max_ahead = std::chrono::minutes(10);
  // A Querier open for longer may be broken: from then on it selects and reads nothing and says
  // Broken().
  std::chrono::milliseconds max_pin = std::chrono::minutes(5);
  // A chunk is full at the latest with so many samples. A small number spreads a short history over
  // many chunks, for tests.
  unsigned chunk_samples = 255;
};

struct Stats {
  std::uint64_t series = 0;        // with a sample in the window
  std::uint64_t bytes = 0;         // chunks, series, labels and index
  std::uint64_t pinned_bytes = 0;  // of these: expired, kept for open Queriers
  std::uint64_t open_queriers = 0;
  std::uint64_t broken_queriers = 0;  // since the start
};

class MemoryStore final : public Queryable {
 public:
  // `telemetry` may be null.
  explicit MemoryStore(Limits limits = {}, telemetry::Telemetry* telemetry = nullptr);
  ~MemoryStore() override;  // Requires: every Querier is closed.
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  std::unique_ptr<Querier> Open() const override;
  Appender& appender();

  // How much time before Expire's `now` is kept. Growing it brings nothing back.
  void SetWindow(std::chrono::milliseconds window);
  std::chrono::milliseconds Window() const;
  // Once per tick, between batches: forgets samples before now - window, then series without any;
  // breaks Queriers that are older than Limits::max_pin; updates the metrics.
  void Expire(model::Time now);
  // Takes the limits of a reload; series beyond a smaller maximum stay.
  void SetLimits(Limits limits);

  Stats GetStats() const;

 private:
  std::unique_ptr<Core> core_;
  Appender appender_;
};

}  // namespace plimsoll::store
