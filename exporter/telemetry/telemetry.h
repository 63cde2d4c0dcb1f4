// SPDX-License-Identifier: Apache-2.0
//
// plimsoll's own metrics, kept by prometheus-cpp behind handles that cost one atomic operation.
//
// Ask for a handle once (it locks and may allocate), keep it, use it on the hot path.
//
// Threads: every member may be called from any thread.
// Lives as long as: handles live as long as the Telemetry that gave them.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/family.h"
#include "telemetry/catalogue.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace plimsoll::telemetry {

// A default-constructed handle does nothing: parts can be used without telemetry in tests.
class Counter {
 public:
  Counter() = default;
  explicit Counter(prometheus::Counter* counter) : counter_(counter) {}
  void Add(double by = 1);
  double Value() const;

 private:
  prometheus::Counter* counter_ = nullptr;
};

class Gauge {
 public:
  Gauge() = default;
  explicit Gauge(prometheus::Gauge* gauge) : gauge_(gauge) {}
  void Set(double value);
  void Add(double by);
  double Value() const;

 private:
  prometheus::Gauge* gauge_ = nullptr;
};

class Histogram {
 public:
  Histogram() = default;
  explicit Histogram(prometheus::Histogram* histogram) : histogram_(histogram) {}
  void Observe(double value);

 private:
  prometheus::Histogram* histogram_ = nullptr;
};

class Telemetry {
 public:
  Telemetry();
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

  // `values`: one per label name of the row, in its order.
  // Requires: the row's kind is the one asked for (assert).
  Counter CounterOf(MetricId id, std::initializer_list<std::string_view> values = {});
  Gauge GaugeOf(MetricId id, std::initializer_list<std::string_view> values = {});
  Histogram HistogramOf(MetricId id, std::initializer_list<std::string_view> values = {});

  // Takes one counter or gauge off the pages. Requires: no handle to it is used again, except one
  // that is asked for afterwards.
  void Forget(MetricId id, std::initializer_list<std::string_view> values);

  // Returns: every metric that has at least one value, sorted by name, ready to write.
  std::vector<model::Family> Collect() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::telemetry
