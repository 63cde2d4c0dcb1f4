// SPDX-License-Identifier: Apache-2.0
//
// Reads that another adapter of the API group answers: KEDA, prometheus-adapter, another hub.
//
// A cluster has one owner of external.metrics.k8s.io, so the owner passes on what it does not know.
// The peer's answer comes back as it is, body and code. It has less than a second, so many requests
// at a time, and connections and a thread of its own; one that keeps failing is left alone for a
// while. So a dead peer costs its own readers an error and nobody else anything. A request that was
// forwarded once is never forwarded again.
//
// Threads: every member may be called from any thread.
// Bounds:  ForwardingLimits; outcomes are counted by adapter in plimsoll_forwarded_reads_total.
// See:     docs/hub.md
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/published.h"
#include "config/config.h"
#include "http/client.h"
#include "http/message.h"
#include "serve/label_selector.h"
#include "telemetry/telemetry.h"

namespace plimsoll::serve {

// Put on every forwarded request; its presence on one says that we are not the first.
inline constexpr std::string_view kForwardedHeader = "X-Plimsoll-Forwarded";

struct ForwardingLimits {
  std::size_t in_flight = 64;  // of one adapter
  std::size_t answer_bytes = 1 << 20;
  int failures = 5;  // in a row, after which an adapter is left alone
  std::chrono::milliseconds first_pause = std::chrono::seconds(1);
  std::chrono::milliseconds longest_pause = std::chrono::seconds(15);
};

class Forwarding {
 public:
  // How requests leave: the HTTP client, or a test's answers.
  using Start = std::function<void(http::FetchRequest, http::FetchCallback)>;

  // `clock` and `telemetry` (which may be null) must outlive it and what it started.
  Forwarding(std::shared_ptr<const config::Config> config, Start start, const base::Clock& clock,
             telemetry::Telemetry* telemetry, ForwardingLimits limits = {});
  ~Forwarding();

  // A reload. Adapters of the same name and URL keep what is known of them.
  void Use(std::shared_ptr<const config::Config> config);

  struct Peer;
  // Returns: the adapter to which a selector belongs by one of its labels; null when to none.
  std::shared_ptr<Peer> BySelector(const LabelSelector& selector) const;
  // Returns: the adapter that is asked about unknown metrics; null when there is none.
  std::shared_ptr<Peer> Otherwise() const;

  // Returns: an answer that comes later, except to a request that was forwarded already.
  // Requires: the request was authorized.
  http::Response Forward(const std::shared_ptr<Peer>& peer, const http::Request& request) const;

 private:
  using Peers = std::vector<std::shared_ptr<Peer>>;
  const Start start_;
  const base::Clock& clock_;
  telemetry::Telemetry* const telemetry_;
  const ForwardingLimits limits_;
  base::Published<Peers> peers_;
};

}  // namespace plimsoll::serve
