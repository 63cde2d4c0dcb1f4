// SPDX-License-Identifier: Apache-2.0
//
// Three questions: what the Secret lacks, what the APIService lacks, what is to be served.
#include "kube/rotation.h"

#include <algorithm>

namespace plimsoll::kube {
namespace {

using std::chrono::milliseconds;
using Service = ApiServiceView::State;
using Serve = Decision::Serve;
using Write = Decision::Write;

constexpr milliseconds kLongestSettling = std::chrono::seconds(30);
constexpr milliseconds kLongestOverlap = std::chrono::hours(1);
constexpr milliseconds kLongestBackdating = std::chrono::hours(1);
constexpr int kBackdatingShare = 10;  // of the lifetime

// Whether a pair of the signer would be believed. `lost`: nobody has anything better.
bool MaySign(const RotationState& state, const RotationPolicy& policy, bool lost) {
  switch (state.service.state) {
    case Service::kUnknown:
      return lost;
    case Service::kMissing:
    case Service::kForeign:
      return true;
    case Service::kOurs:
      return state.service.trusted.contains(state.secret.signer) &&
             (lost || state.signer_trusted_for >= Settling(policy));
  }
  return false;
}

Write WriteOf(const RotationState& state, const RotationPolicy& policy, base::Time now) {
  const SecretView& secret = state.secret;
  if (secret.empty()) {
    const AuthorityView* kept = state.remembered ? state.remembered->Signer() : nullptr;
    return kept != nullptr && !IsDue(kept->valid, now) ? Write::kRestore : Write::kNewAuthority;
  }
  const AuthorityView* signer = secret.Signer();
  if (signer == nullptr || IsExpired(signer->valid, now)) return Write::kNewAuthority;
  const std::optional<PairView>& pair = secret.pair;
  const bool lost = !pair || IsExpired(pair->valid, now);
  if (lost || !pair->names || pair->issuer != signer->id || IsDue(pair->valid, now)) {
    // Also by a signer that is due itself: it is believed, and its successor is not yet.
    if (MaySign(state, policy, lost)) return Write::kNewPair;
    if (!IsDue(signer->valid, now)) return Write::kNone;
  }
  if (IsDue(signer->valid, now)) return Write::kNewAuthority;
  const bool alone = secret.authorities.size() == 1;
  const base::Time taken = IssuedAt(secret.pair->valid) + Overlap(policy).count();
  return !alone && now >= taken ? Write::kDropAuthorities : Write::kNone;
}

// Whether whoever believed what is served now believes this authority, or believes neither.
bool MaySwitch(const RotationState& state, const std::string& issuer) {
  switch (state.service.state) {
    case Service::kUnknown:
      return false;
    case Service::kMissing:
    case Service::kForeign:
      return true;
    case Service::kOurs:
      return state.service.trusted.contains(issuer) ||
             !state.service.trusted.contains(state.served->issuer);
  }
  return false;
}

Serve ServeOf(const RotationState& state, base::Time now) {
  const bool readable = state.secret.state == SecretView::State::kPresent && !state.secret.empty();
  const SecretView* source = readable           ? &state.secret
                             : state.remembered ? &*state.remembered
                                                : nullptr;
  if (source == nullptr) return Serve::kKeep;
  const AuthorityView* signer = source->Signer();
  const bool can_sign = signer != nullptr && !IsExpired(signer->valid, now);
  const std::optional<PairView>& pair = source->pair;
  if (!state.served) {
    if (pair && !IsExpired(pair->valid, now)) return Serve::kSecret;
    if (can_sign) return Serve::kOwn;
    return pair ? Serve::kSecret : Serve::kKeep;
  }
  const PairView& served = *state.served;
  const bool over = IsExpired(served.valid, now);
  if (pair && pair->id != served.id && pair->names && !IsPressing(pair->valid, now))
    return over || MaySwitch(state, pair->issuer) ? Serve::kSecret : Serve::kKeep;
  if (!IsPressing(served.valid, now) || !can_sign) return Serve::kKeep;
  return over || MaySwitch(state, signer->id) ? Serve::kOwn : Serve::kKeep;
}

}  // namespace

milliseconds Settling(const RotationPolicy& policy) {
  return std::min(kLongestSettling, policy.serving_lifetime / 20);
}

milliseconds Overlap(const RotationPolicy& policy) {
  return std::min(kLongestOverlap, policy.serving_lifetime / 10);
}

http::Validity ValidFrom(base::Time now, milliseconds lifetime) {
  return {now - std::min(kLongestBackdating, lifetime / kBackdatingShare).count(),
          now + lifetime.count()};
}

base::Time IssuedAt(const http::Validity& valid) {
  const base::Time length = valid.until - valid.from;
  return valid.from + std::min(kLongestBackdating.count(), length / (kBackdatingShare + 1));
}

bool IsDue(const http::Validity& valid, base::Time now) {
  return now >= valid.until - (valid.until - valid.from) / 3;
}

bool IsPressing(const http::Validity& valid, base::Time now) {
  return now >= valid.until - (valid.until - valid.from) / 10;
}

bool IsExpired(const http::Validity& valid, base::Time now) { return now >= valid.until; }

const AuthorityView* SecretView::Signer() const {
  const auto found = std::find_if(authorities.begin(), authorities.end(),
                                  [&](const AuthorityView& each) { return each.id == signer; });
  return signer.empty() || found == authorities.end() ? nullptr : &*found;
}

Decision Decide(const RotationState& state, const RotationPolicy& policy, base::Time now) {
  Decision decision{.serve = ServeOf(state, now)};
  if (state.secret.state != SecretView::State::kPresent) return decision;
  decision.write = WriteOf(state, policy, now);
  if (state.service.state == Service::kOurs && !state.secret.authorities.empty()) {
    std::set<std::string> wanted;
    for (const AuthorityView& each : state.secret.authorities) wanted.insert(each.id);
    decision.publish = state.service.garbage || state.service.trusted != wanted;
  }
  return decision;
}

std::string_view WordOf(Decision::Write write) {
  switch (write) {
    case Write::kNone:
      return "";
    case Write::kRestore:
      return "restore";
    case Write::kNewAuthority:
      return "authority";
    case Write::kNewPair:
      return "pair";
    case Write::kDropAuthorities:
      return "drop";
  }
  return "";
}

}  // namespace plimsoll::kube
