// SPDX-License-Identifier: Apache-2.0
//
// Whether a request to the external metrics face may be answered: authentication, then
// authorization.
//
// Most requests are decided at once: by certificate, rule, and reviews of the last seconds. The
// others are decided after the API server has answered; no thread waits for that. A review that
// fails is an error that says so, never a yes.
//
// Threads: every member may be called from any thread.
// Bounds:  kube::ReviewLimits.
// See:     docs/adr/0006-reviews-without-waiting.md
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>

#include "base/published.h"
#include "http/message.h"
#include "kube/reviews.h"
#include "serve/authentication.h"

namespace plimsoll::serve {

class Gate {
 public:
  struct Verdict {
    enum class Kind { kAllowed, kRefused, kUnknown };
    Kind kind = Kind::kUnknown;
    http::Response refusal = {};  // 401, 403, 500, 503
  };

  // `trust` (whose value may be replaced at any time) and `reviews` must outlive the gate. Without
  // reviews tokens are refused and the rule decides.
  Gate(const base::Published<AuthenticationOptions>& trust, AccessRule rule,
       kube::Reviews* reviews);

  // What is known at once. A kUnknown goes to Review.
  Verdict Ask(const http::Request& request, const Access& access) const;
  // Calls back exactly once, with no kUnknown, before it returns or from another thread. Both
  // arguments must live until then.
  void Review(const http::Request& request, const Access& access,
              std::function<void(Verdict)> done) const;

 private:
  Verdict Judge(const Identity& identity, const Access& access) const;
  void ReviewAccess(const Identity& identity, const Access& access,
                    std::function<void(Verdict)> done) const;
  Verdict Failed(const base::Error& error, std::string_view question) const;
  void Recovered() const;

  const base::Published<AuthenticationOptions>& trust_;
  const AccessRule rule_;
  kube::Reviews* const reviews_;
  mutable std::atomic<bool> in_trouble_ = false;  // so that it is logged once
};

}  // namespace plimsoll::serve
