// SPDX-License-Identifier: Apache-2.0
//
// Whether the process lives, whether it is ready, and the request to read its configuration again.
//
// Ready means that the configuration is valid and the listeners are up. A dead engine does not make
// us unready: an unready adapter makes the whole API group unavailable, which hurts every other
// metric.
//
// Threads: Answer may be called from any thread; reload runs on the caller's.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/message.h"

namespace plimsoll::serve {

class Health {
 public:
  struct Options {
    bool lifecycle = false;                           // --web.enable-lifecycle
    std::function<base::Result<void>()> reload = {};  // needed when lifecycle is on
    std::function<std::string()> not_ready = {};      // returns why; "" or no function: ready
  };
  explicit Health(Options options) : options_(std::move(options)) {}

  // /-/healthy, /-/ready, /healthz, /livez, /readyz: for both listeners.
  // Returns: nothing for other paths.
  std::optional<http::Response> Answer(const http::Request& request) const;
  // /-/reload: for the ops listener alone.
  std::optional<http::Response> AnswerLifecycle(const http::Request& request) const;

 private:
  Options options_;
};

}  // namespace plimsoll::serve
