// SPDX-License-Identifier: Apache-2.0
//
// What --web.config.file asks of every request to the ops listener, whatever its path: a user, a
// rate, and headers on every answer.
//
// Threads: every member may be called from any thread.
// Bounds:  http::BasicAuthLimits; what is refused is counted by reason (telemetry WebRefused).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/published.h"
#include "http/basic_auth.h"
#include "http/message.h"
#include "telemetry/telemetry.h"

namespace plimsoll::serve {

class WebGuard {
 public:
  struct Settings {
    http::Pairs headers = {};
    std::shared_ptr<http::BasicAuth> users = {};  // null: everybody may
    std::chrono::milliseconds interval{0};        // between two requests; zero: no limit
    std::int64_t burst = 0;
  };

  // `fresh` is called before each request and each IsSlow, so that new settings count at once; it
  // may be empty.
  // `clock` and `telemetry` (which may be null) must outlive it.
  WebGuard(const base::Clock& clock, telemetry::Telemetry* telemetry,
           std::function<void()> fresh = {});

  void Use(Settings settings);
  std::shared_ptr<const Settings> settings() const { return settings_.Get(); }
  // Whether a password has to be computed, which the io thread of a server must not do: one of
  // which this said no is not computed on it, whatever has changed since.
  bool IsSlow(const http::Request& request) const;
  // Lives as long as: this.
  http::Handler Around(http::Handler handler);

 private:
  // Tokens of a bucket that holds `burst` of them and gets one each interval.
  struct Bucket {
    double tokens = -1;  // negative: full
    base::Steady filled{};
  };
  std::optional<http::Response> Refuse(const Settings& settings, const http::Request& request);
  bool TakeToken(const Settings& settings);
  void Count(std::string_view reason);

  const base::Clock& clock_;
  telemetry::Telemetry* const telemetry_;
  const std::function<void()> fresh_;
  base::Published<Settings> settings_;
  base::Guarded<Bucket> bucket_;
};

}  // namespace plimsoll::serve
