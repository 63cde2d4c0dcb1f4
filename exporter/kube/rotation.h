// SPDX-License-Identifier: Apache-2.0
//
// What to do next with a managed certificate: a pure function of what the Secret and the APIService
// hold, what is served, and the time.
//
// The Secret is the truth, the APIService's caBundle follows it, and what is served follows both: a
// pair is served only when its authority has been seen in the caBundle. A new authority is
// therefore written beside the old one, published, seen for a while, then used for a pair, and the
// old one leaves when every replica has had time to take that pair. Nobody leads: every replica
// decides the same from the same facts, and of two writers one gets a conflict and looks again.
//
// Threads: pure functions.
// See:     docs/adr/0008-managed-certificates.md
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/certificates.h"

namespace plimsoll::kube {

struct RotationPolicy {
  std::chrono::milliseconds authority_lifetime = std::chrono::hours(24 * 365);
  std::chrono::milliseconds serving_lifetime = std::chrono::hours(24 * 30);
};

// How long a bundle must have been seen before a pair of its new authority is written: every
// kube-apiserver of the cluster has to see it, too.
std::chrono::milliseconds Settling(const RotationPolicy& policy);
// How long an authority stays after a pair of its successor was written.
std::chrono::milliseconds Overlap(const RotationPolicy& policy);
// From a little before `now`, for clocks that are behind.
http::Validity ValidFrom(base::Time now, std::chrono::milliseconds lifetime);
// When a certificate of ValidFrom was made.
base::Time IssuedAt(const http::Validity& valid);
// A third of its life is left, a tenth, nothing.
bool IsDue(const http::Validity& valid, base::Time now);
bool IsPressing(const http::Validity& valid, base::Time now);
bool IsExpired(const http::Validity& valid, base::Time now);

struct AuthorityView {
  std::string id = {};
  http::Validity valid = {};
};

struct PairView {
  std::string id = {};
  std::string issuer = {};  // id of the authority in the Secret that signed it; "": none of them
  http::Validity valid = {};
  bool names = true;  // whether it has the names that we need
};

struct SecretView {
  enum class State {
    kUnknown,  // not read yet
    kMissing,
    kForeign,  // holds a certificate that is not ours to replace
    kPresent
  };
  State state = State::kUnknown;
  std::vector<AuthorityView> authorities = {};  // newest first
  std::string signer = {};                      // id of the authority whose key is there; "": none
  std::optional<PairView> pair = {};            // nothing when there is none that can be served
  bool garbage = false;                         // something in it could not be read

  const AuthorityView* Signer() const;  // null when there is none
  bool empty() const { return authorities.empty() && signer.empty() && !pair && !garbage; }
};

struct ApiServiceView {
  enum class State { kUnknown, kMissing, kForeign, kOurs };
  State state = State::kUnknown;
  std::set<std::string> trusted = {};  // ids of its caBundle
  bool garbage = false;                // it holds something that could not be read
};

struct RotationState {
  SecretView secret = {};
  ApiServiceView service = {};
  std::optional<PairView> served = {};
  // The last state of the Secret that had a signer and a pair; nothing before there was one.
  std::optional<SecretView> remembered = {};
  // How long the caBundle has been seen to hold the Secret's signer without a break.
  std::chrono::milliseconds signer_trusted_for{0};
};

struct Decision {
  // Each is one write of the Secret.
  enum class Write {
    kNone,
    kRestore,          // what was remembered, into a Secret that was emptied
    kNewAuthority,     // beside those that count still; with a pair when there is none to serve
    kNewPair,          // of the signer
    kDropAuthorities,  // all but the signer
  };
  enum class Serve {
    kKeep,
    kSecret,  // the Secret's pair
    kOwn,     // one of the signer, made for ourselves, because the Secret's is about to expire
  };
  Write write = Write::kNone;
  bool publish = false;  // the caBundle is not what the Secret says
  Serve serve = Serve::kKeep;
};

Decision Decide(const RotationState& state, const RotationPolicy& policy, base::Time now);

// For telemetry and the log: "restore", "authority", "pair", "drop"; "" for kNone.
std::string_view WordOf(Decision::Write write);

}  // namespace plimsoll::kube
