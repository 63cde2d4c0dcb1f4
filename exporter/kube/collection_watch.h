// SPDX-License-Identifier: Apache-2.0
//
// A collection of objects, from now on: its present state, and every change as soon as the server
// says so.
//
// List, page by page, then watch from the list's version; after a watch that ended in order, watch
// on; after 410 Gone or an answer that makes no sense, list again. Each failure in a row waits
// longer, with jitter, so that a control plane that comes back is not trampled down. A watch is
// asked to end after a while and given up shortly after that, so that a connection that died in
// silence is found out. Whoever keeps the objects keeps the last state while the server is away.
//
// Threads: callbacks run on the HTTP client's io thread, one at a time, and must not block or
//          destroy the watch. Start once; the destructor from any other thread.
// Bounds:  WatchLimits; what is refused is counted by reason (telemetry KubeRefused).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "document/json.h"
#include "kube/api.h"

namespace plimsoll::kube {

struct WatchLimits {
  std::size_t line_bytes = 4 << 20;                             // of one event
  std::chrono::milliseconds window = std::chrono::seconds(60);  // of one watch, up to twice that
  std::chrono::milliseconds grace = std::chrono::seconds(15);   // after the window it is given up
  std::chrono::milliseconds first_backoff = std::chrono::milliseconds(800);
  std::chrono::milliseconds longest_backoff = std::chrono::seconds(30);  // before jitter
};

class CollectionWatch {
 public:
  struct Options {
    std::string collection = {};  // "/api/v1/namespaces/kube-system/configmaps"
    std::string query = {};       // selectors, encoded: "labelSelector=a%3Db"
    // Objects of one answer to a list, half as many after one that was too large; zero: all in one.
    std::size_t page = 0;
    // One page of the whole state. What was known before and is on no page is gone.
    std::function<void(std::vector<document::Json> objects, bool first, bool last)> listed = {};
    // One object is there or has changed, or is gone (with its last state).
    std::function<void(const document::Json& object, bool gone)> changed = {};
    // Each failure, and nullptr when the server answers again after some: a list, or a watch that
    // has begun.
    std::function<void(const base::Error* error)> trouble = {};
    // In [0, 1); default: a generator of its own.
    std::function<double()> random = {};
    const base::Clock* clock = &base::SystemClock();
    WatchLimits limits = {};
  };
  // Requires: `listed` and `changed` are there.
  CollectionWatch(std::shared_ptr<const Api> api, telemetry::Telemetry* telemetry, Options options);
  // No callback runs afterwards.
  ~CollectionWatch();
  CollectionWatch(const CollectionWatch&) = delete;
  CollectionWatch& operator=(const CollectionWatch&) = delete;

  void Start();

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace plimsoll::kube
