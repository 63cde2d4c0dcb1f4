// SPDX-License-Identifier: Apache-2.0
//
// One object, from now on: its present state, and every later one as soon as the server says so.
//
// A CollectionWatch of one name: see there for what happens after each end of a list or a watch.
//
// Threads: callbacks run on the HTTP client's io thread, one at a time, and must not block or
//          destroy the watch. Start once; the destructor from any other thread.
// Bounds:  WatchLimits; what is refused is counted by reason (telemetry KubeRefused).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "document/json.h"
#include "kube/api.h"
#include "kube/collection_watch.h"

namespace plimsoll::kube {

class ObjectWatch {
 public:
  struct Options {
    std::string collection = {};  // "/api/v1/namespaces/kube-system/configmaps"
    std::string name = {};
    // Null: it does not exist (any more).
    std::function<void(const document::Json* object)> changed = {};
    // What a list says, which is true whatever was seen before; default: `changed`.
    std::function<void(const document::Json* object)> listed = {};
    // Each failure, and nullptr when the server answers again after some.
    std::function<void(const base::Error* error)> trouble = {};
    // In [0, 1); default: a generator of its own.
    std::function<double()> random = {};
    const base::Clock* clock = &base::SystemClock();
    WatchLimits limits = {};
  };
  ObjectWatch(std::shared_ptr<const Api> api, telemetry::Telemetry* telemetry, Options options);
  // No callback runs after its end.
  void Start() { watch_.Start(); }

 private:
  CollectionWatch watch_;
};

}  // namespace plimsoll::kube
