// SPDX-License-Identifier: Apache-2.0
//
// A target that is a sidecar, and who it is: its namespace, its engine, and whose pod.
//
// All of it comes from discovery and from the hub's own configuration. Nothing on a page can change
// it, because a page is written by whoever can write into that pod.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/labels.h"
#include "signals/snapshot.h"

namespace plimsoll::hub {

// As scraping sees it.
struct Sidecar {
  std::string job;
  std::string url;
  model::Labels labels;        // of its series
  model::Labels discovered;    // before relabelling
  bool any_namespace = false;  // the configuration lets it name namespaces
  bool tried = false;          // was asked at least once
  std::optional<signals::Moment> last_success = {};
  std::optional<signals::Moment> failing_since = {};
  std::string last_error = {};
  std::uint64_t refused = 0;  // series of its newest page that the hub's store had no room for
};

struct Identity {
  std::string name_space;  // "": discovery does not say; nothing is taken from it
  std::string engine;      // the label `engine` of its target, else its owner's name
  std::string owner;       // "Deployment trino"; pods of one owner replace each other
  std::string pod;
  std::string created;  // RFC 3339, so that it sorts as text
  bool ready = true;
  bool operator==(const Identity&) const = default;
};

Identity IdentityOf(const Sidecar& sidecar);

// Whether `a` speaks for their owner rather than `b`: who answers, then who is ready, then the
// newer pod.
bool SpeaksBefore(const Identity& a, bool a_heard, const Identity& b, bool b_heard);

}  // namespace plimsoll::hub
