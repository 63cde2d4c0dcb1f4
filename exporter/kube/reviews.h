// SPDX-License-Identifier: Apache-2.0
//
// Who a token is and who may do what, asked of a Kubernetes API server and remembered for seconds.
//
// Nothing waits here: what is known is returned at once; what is not is asked, once for all who
// want to know the same, and told to each of them. A failure is told and not remembered, and is
// never taken for an answer.
//
// Threads: every member may be called from any thread. A Done runs on the HTTP client's io thread,
//          or before the call returns, and must not block.
// Bounds:  ReviewLimits; what is refused is counted by reason (telemetry KubeRefused).
// See:     docs/adr/0006-reviews-without-waiting.md
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "kube/api.h"

namespace plimsoll::kube {

struct ReviewLimits {
  std::size_t remembered = 4096;  // answers of each kind; the oldest goes
  std::size_t remembered_bytes =
      2 << 20;                       // of their questions; so that strangers' tokens fill little
  std::size_t key_bytes = 10'000;    // a longer question is asked each time
  std::size_t token_bytes = 16'384;  // a longer token is refused
  std::size_t in_flight = 64;        // different questions of each kind at once
  std::size_t waiters = 512;         // callers who wait for them
  std::chrono::milliseconds deadline = std::chrono::seconds(3);  // of one call
  int attempts = 2;  // a kept connection may have died; each has a deadline of its own
};

struct ReviewOptions {
  std::chrono::milliseconds token_ttl = std::chrono::seconds(10);
  std::chrono::milliseconds allowed_ttl = std::chrono::seconds(10);
  std::chrono::milliseconds denied_ttl = std::chrono::seconds(10);
  ReviewLimits limits = {};
};

class Reviews {
 public:
  using TokenDone = std::function<void(const base::Result<TokenVerdict>&)>;
  using AccessDone = std::function<void(const base::Result<AccessVerdict>&)>;

  // Each may be null: then nothing of that kind can be asked. `clock` and `telemetry` (which may be
  // null) must outlive it; it must outlive the client's callbacks.
  Reviews(std::shared_ptr<const Api> tokens, std::shared_ptr<const Api> access,
          const base::Clock& clock, telemetry::Telemetry* telemetry, ReviewOptions options = {});
  ~Reviews();
  Reviews(const Reviews&) = delete;
  Reviews& operator=(const Reviews&) = delete;

  bool can_review_tokens() const;
  bool can_review_access() const;

  // Returns: nothing when it has to be asked.
  std::optional<TokenVerdict> Known(std::string_view token) const;
  std::optional<AccessVerdict> Known(const AccessQuestion& question) const;

  // Calls back exactly once. Fails with: kTimeout, kUnavailable, kExecution (the server refused to
  // review), kLimit.
  void Ask(std::string_view token, TokenDone done);
  void Ask(const AccessQuestion& question, AccessDone done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace plimsoll::kube
