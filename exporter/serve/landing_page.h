// SPDX-License-Identifier: Apache-2.0
//
// The page at "/": every external metric with its value or why it has none, and where else to look.
//
// One page of HTML, rendered here, without scripts or assets from elsewhere.
//
// Threads: Handle may be called from any thread.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/published.h"
#include "http/message.h"
#include "signals/snapshot.h"

namespace plimsoll::serve {

class LandingPage {
 public:
  // Lives as long as: everything it is given by reference.
  LandingPage(const base::Published<signals::Snapshot>& snapshot, const base::Clock& clock,
              std::string version)
      : snapshot_(snapshot), clock_(clock), version_(std::move(version)) {}

  http::Response Handle(const http::Request& request) const;

 private:
  const base::Published<signals::Snapshot>& snapshot_;
  const base::Clock& clock_;
  std::string version_;
};

}  // namespace plimsoll::serve
