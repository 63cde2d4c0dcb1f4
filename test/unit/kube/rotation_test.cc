// SPDX-License-Identifier: Apache-2.0
//
// What is done next with a managed certificate, as a table; and a cluster of replicas that lag,
// fail and restart, in which nobody may ever be served what is not believed.
#include "kube/rotation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace plimsoll::kube {
namespace {

using namespace std::chrono_literals;
using base::Time;
using http::Validity;
using Service = ApiServiceView::State;
using Serve = Decision::Serve;
using Write = Decision::Write;

constexpr Time kDay = 86'400'000;
constexpr Time kHour = 3'600'000;
constexpr Time kNow = 20'000 * kDay;
const RotationPolicy kPolicy;  // authority 365 days, serving 30 days

// One authority A, a pair P of it, both trusted and in use, made at `now`.
RotationState Settled(Time now = kNow) {
  RotationState state;
  state.secret = {.state = SecretView::State::kPresent,
                  .authorities = {{"A", ValidFrom(now, kPolicy.authority_lifetime)}},
                  .signer = "A",
                  .pair = PairView{"P", "A", ValidFrom(now, kPolicy.serving_lifetime)}};
  state.remembered = state.secret;
  state.service = {.state = Service::kOurs, .trusted = {"A"}};
  state.served = state.secret.pair;
  state.signer_trusted_for = 1h;
  return state;
}

// "authority publish own", in that order; "" for nothing.
std::string Do(const RotationState& state, Time now = kNow) {
  const Decision decision = Decide(state, kPolicy, now);
  std::string words(WordOf(decision.write));
  const auto add = [&](const char* word) {
    words += (words.empty() ? "" : " ") + std::string(word);
  };
  if (decision.publish) add("publish");
  if (decision.serve == Serve::kSecret) add("serve");
  if (decision.serve == Serve::kOwn) add("own");
  return words;
}

TEST_CASE("lives are halved by nothing but time: due with a third left, pressing with a tenth") {
  const Validity valid = ValidFrom(kNow, 30 * 24h);
  CHECK(valid == Validity{kNow - kHour, kNow + 30 * kDay});
  CHECK(IssuedAt(valid) == kNow);
  CHECK_FALSE(IsDue(valid, kNow + 19 * kDay));
  CHECK(IsDue(valid, kNow + 20 * kDay));
  CHECK_FALSE(IsPressing(valid, kNow + 26 * kDay));
  CHECK(IsPressing(valid, kNow + 27 * kDay));
  CHECK_FALSE(IsExpired(valid, kNow + 30 * kDay - 1));
  CHECK(IsExpired(valid, kNow + 30 * kDay));
  const Validity brief = ValidFrom(kNow, 20s);
  CHECK(brief == Validity{kNow - 2000, kNow + 20000});
  CHECK(IssuedAt(brief) == kNow);
}

TEST_CASE("nothing is done while nothing is due") {
  CHECK(Do(Settled()) == "");
  CHECK(Do(Settled(), kNow + 19 * kDay) == "");
}

TEST_CASE("nothing is done about a Secret that was not read, is missing or is somebody else's") {
  RotationState state;
  CHECK(Do(state) == "");
  for (const auto which : {SecretView::State::kMissing, SecretView::State::kForeign}) {
    state.secret.state = which;
    CHECK(Do(state) == "");
  }
}

TEST_CASE("an empty Secret gets an authority and a pair") {
  RotationState state;
  state.secret.state = SecretView::State::kPresent;
  CHECK(Do(state) == "authority");
}

TEST_CASE("garbage is replaced, and what is served stays meanwhile") {
  RotationState state = Settled();
  state.secret = {.state = SecretView::State::kPresent, .garbage = true};
  CHECK(Do(state) == "authority");
}

TEST_CASE("a Secret that was emptied gets back what was remembered, unless that is old") {
  RotationState state = Settled();
  state.secret = {.state = SecretView::State::kPresent};
  CHECK(Do(state) == "restore");
  CHECK(Do(state, kNow + 300 * kDay).starts_with("authority"));
}

TEST_CASE("a pair that is due is renewed by the same authority and served at once") {
  RotationState state = Settled();
  const Time later = kNow + 21 * kDay;
  CHECK(Do(state, later) == "pair");
  state.secret.pair = PairView{"P2", "A", ValidFrom(later, kPolicy.serving_lifetime)};
  CHECK(Do(state, later) == "serve");
  state.served = state.secret.pair;
  CHECK(Do(state, later) == "");
}

TEST_CASE("a pair without the names that are needed is renewed") {
  RotationState state = Settled();
  state.secret.pair->names = false;
  CHECK(Do(state) == "pair");
}

TEST_CASE("an authority that is due is followed by another in the safe order") {
  RotationState state = Settled();
  const Time later = kNow + 250 * kDay;
  state.secret.pair->valid = ValidFrom(later, kPolicy.serving_lifetime);
  state.served = state.secret.pair;
  CHECK(Do(state, later) == "authority");

  // Beside the old one; the pair stays the old one's. First everybody must believe both.
  const Validity fresh = ValidFrom(later, kPolicy.authority_lifetime);
  state.secret.authorities.insert(state.secret.authorities.begin(), {"B", fresh});
  state.secret.signer = "B";
  state.signer_trusted_for = 0ms;
  CHECK(Do(state, later) == "publish");

  // Published, seen, but not for long enough.
  state.service.trusted = {"A", "B"};
  CHECK(Do(state, later) == "");
  state.signer_trusted_for = Settling(kPolicy) - 1ms;
  CHECK(Do(state, later) == "");
  state.signer_trusted_for = Settling(kPolicy);
  CHECK(Do(state, later) == "pair");

  state.secret.pair = PairView{"Q", "B", ValidFrom(later, kPolicy.serving_lifetime)};
  CHECK(Do(state, later) == "serve");
  state.served = state.secret.pair;
  CHECK(Do(state, later) == "");
  CHECK(Do(state, later + Overlap(kPolicy).count() - 1) == "");
  CHECK(Do(state, later + Overlap(kPolicy).count()) == "drop");

  state.secret.authorities = {{"B", fresh}};
  CHECK(Do(state, later + kHour) == "publish");
  state.service.trusted = {"B"};
  CHECK(Do(state, later + kHour) == "");
}

TEST_CASE("a pair whose authority was not seen in the caBundle is not served") {
  RotationState state = Settled();
  state.secret.pair = PairView{"Q", "B", ValidFrom(kNow, kPolicy.serving_lifetime)};
  state.secret.authorities.insert(state.secret.authorities.begin(),
                                  {"B", ValidFrom(kNow, kPolicy.authority_lifetime)});
  state.secret.signer = "B";
  CHECK(Do(state) == "publish");
  state.service.state = Service::kUnknown;  // or when it cannot be seen
  CHECK(Do(state) == "");
  state.service = {.state = Service::kOurs, .trusted = {"A", "B"}};
  CHECK(Do(state) == "serve");
}

TEST_CASE("who believes neither the old nor the new is no reason to keep the old") {
  RotationState state = Settled();
  state.secret.pair = PairView{"Q", "B", ValidFrom(kNow, kPolicy.serving_lifetime)};
  state.service.trusted = {"somebody"};
  CHECK(Do(state) == "publish serve");
}

TEST_CASE("somebody's own object is put right, and left alone when it is not ours") {
  RotationState state = Settled();
  for (const auto& put_back : std::vector<std::set<std::string>>{{}, {"X"}, {"A", "X"}}) {
    state.service.trusted = put_back;
    CHECK(Do(state) == "publish");
  }
  state.service.trusted = {"A"};
  state.service.garbage = true;
  CHECK(Do(state) == "publish");
  state.service = {.state = Service::kForeign};
  CHECK(Do(state) == "");
}

TEST_CASE("without an APIService of ours nobody has to be waited for") {
  for (const auto which : {Service::kMissing, Service::kForeign}) {
    RotationState state = Settled();
    state.service = {.state = which};
    state.signer_trusted_for = 0ms;
    CHECK(Do(state, kNow + 21 * kDay) == "pair");
  }
}

TEST_CASE(
    "when the Secret cannot be written, a pair of our own is served before the last expires") {
  RotationState state = Settled();
  CHECK(Do(state, kNow + 26 * kDay) == "pair");
  CHECK(Do(state, kNow + 28 * kDay) == "pair own");
  const Time later = kNow + 28 * kDay;
  state.served = PairView{"own", "A", ValidFrom(later, kPolicy.serving_lifetime)};
  CHECK(Do(state, later) == "pair");  // and not back to the one that is about to expire
  state.secret.pair = PairView{"P2", "A", ValidFrom(later + kDay, kPolicy.serving_lifetime)};
  CHECK(Do(state, later + kDay) == "serve");
}

TEST_CASE("a Secret that went away while the pair expires is no reason to stop") {
  RotationState state = Settled();
  state.secret = {.state = SecretView::State::kMissing};
  CHECK(Do(state, kNow + 26 * kDay) == "");
  CHECK(Do(state, kNow + 28 * kDay) == "own");
  CHECK(Do(state, kNow + 366 * kDay) == "");  // then there is nothing to sign with
}

TEST_CASE("a start with what has expired serves a pair of its own at once") {
  RotationState state = Settled();
  state.served = {};
  CHECK(Do(state) == "serve");
  CHECK(Do(state, kNow + 31 * kDay) == "pair own");
}

TEST_CASE("a clock that jumps back does nothing; one that jumps ahead would renew, not break") {
  const RotationState state = Settled();
  CHECK(Do(state, kNow - 400 * kDay) == "");
  CHECK(Do(state, kNow + 3650 * kDay) == "authority");  // the keeper asks the API server's clock
}

// A cluster as facts: what is in the Secret and the caBundle, and replicas that know it late.
class Cluster {
 public:
  explicit Cluster(unsigned seed, int replicas) : random_(seed) {
    policy_.authority_lifetime = 10h;
    policy_.serving_lifetime = 2h;
    secret_.state = SecretView::State::kPresent;
    for (int i = 0; i < replicas; ++i) replicas_.emplace_back();
  }

  void Advance(Time by) { now_ += by; }
  void Step() {
    Advance(Chance(20'000));
    Replica& one = replicas_[static_cast<std::size_t>(Chance(static_cast<int>(replicas_.size())))];
    switch (Chance(200)) {
      case 0:
        one = {};  // a restart
        break;
      case 1:
        one.phase = Replica::Phase::kIdle;  // an answer that never came
        break;
      default:
        Go(one);
    }
    for (Replica& each : replicas_) {  // a watch lags by a minute at most
      if (reachable && now_ - each.synced > 60'000) Sync(each);
    }
    Check();
  }
  void Check() {
    for (const Replica& each : replicas_) {
      if (!each.state.served) continue;
      CHECK_FALSE(IsExpired(each.state.served->valid, now_));
      if (!trusted_.contains(each.state.served->issuer)) ++unbelieved;
    }
  }

  bool reachable = true;
  int unbelieved = 0;
  std::map<std::string, int> written;

 private:
  struct Replica {
    RotationState state = {};
    int secret_version = -1, service_version = -1;
    Time synced = 0;
    Time trusted_since = 0;
    std::string trusted = {};
    // A write under way, as it was decided; then, after the Secret was read again, as it is sent.
    enum class Phase { kIdle, kReading, kSending } phase = Phase::kIdle;
    Write pending = Write::kNone;  // kNone: publish
    int with_secret = -1, with_service = -1;
    std::set<std::string> bundle = {};
  };

  int Chance(int of) { return std::uniform_int_distribution<int>(0, of - 1)(random_); }
  std::string NewId(Validity valid) {
    lives_["#" + std::to_string(lives_.size())] = valid;
    return "#" + std::to_string(lives_.size() - 1);
  }
  PairView NewPair(const std::string& issuer) {
    Validity valid = ValidFrom(now_, policy_.serving_lifetime);
    valid.until = std::min(valid.until, lives_[issuer].until);
    return {NewId(valid), issuer, valid};
  }

  void Sync(Replica& one) {
    if (!reachable) return;
    one.synced = now_;
    one.state.secret = secret_;
    one.secret_version = secret_version_;
    if (secret_.Signer() != nullptr && secret_.pair) one.state.remembered = secret_;
    one.state.service = {.state = Service::kOurs, .trusted = trusted_};
    one.service_version = service_version_;
    See(one);
  }
  void See(Replica& one) {
    const std::string& signer = one.state.secret.signer;
    const bool trusted = !signer.empty() && one.state.service.trusted.contains(signer);
    if (!trusted || one.trusted != signer) {
      one.trusted = trusted ? signer : "";
      one.trusted_since = now_;
    }
    one.state.signer_trusted_for =
        std::chrono::milliseconds(one.trusted.empty() ? 0 : now_ - one.trusted_since);
  }

  // The Secret is read again: only what was decided from its present state is sent.
  void Read(Replica& one) {
    one.phase = Replica::Phase::kIdle;
    if (!reachable) return;
    if (one.with_secret != secret_version_ || one.secret_version != secret_version_)
      return Sync(one);
    one.bundle.clear();
    for (const auto& each : secret_.authorities) one.bundle.insert(each.id);
    one.phase = Replica::Phase::kSending;
  }

  // Others may have come between.
  void Send(Replica& one) {
    one.phase = Replica::Phase::kIdle;
    if (!reachable) return;
    if (one.pending == Write::kNone) {
      if (one.with_service != service_version_) return;
      trusted_ = one.bundle;
      ++service_version_;
      ++written["publish"];
      one.state.service.trusted = trusted_;
      one.service_version = service_version_;
      return See(one);
    }
    if (one.with_secret != secret_version_) return;
    Apply(one.pending, one);
    ++secret_version_;
    ++written[std::string(WordOf(one.pending))];
    one.state.secret = secret_;
    one.secret_version = secret_version_;
    one.state.remembered = secret_;
    See(one);
  }

  void Apply(Write write, const Replica& one) {
    switch (write) {
      case Write::kNone:
        break;
      case Write::kRestore:
        secret_ = *one.state.remembered;
        break;
      case Write::kNewAuthority: {
        std::vector<AuthorityView> kept;
        const std::string id = NewId(ValidFrom(now_, policy_.authority_lifetime));
        kept.push_back({id, lives_[id]});
        for (const auto& each : secret_.authorities) {
          if (!IsExpired(each.valid, now_) && kept.size() < 4) kept.push_back(each);
        }
        secret_.authorities = kept;
        secret_.signer = id;
        if (!secret_.pair || IsExpired(secret_.pair->valid, now_)) secret_.pair = NewPair(id);
        break;
      }
      case Write::kNewPair:
        secret_.pair = NewPair(secret_.signer);
        break;
      case Write::kDropAuthorities:
        secret_.authorities = {*secret_.Signer()};
        break;
    }
  }

  void Go(Replica& one) {
    See(one);
    if (one.phase == Replica::Phase::kReading) return Read(one);
    if (one.phase == Replica::Phase::kSending) return Send(one);
    if (Chance(3) == 0) Sync(one);
    const Decision decision = Decide(one.state, policy_, now_);
    if (decision.serve == Serve::kSecret) {
      one.state.served = (one.state.secret.empty() ? *one.state.remembered : one.state.secret).pair;
    } else if (decision.serve == Serve::kOwn) {
      one.state.served = NewPair(one.state.secret.signer);
    }
    if (!reachable || (decision.write == Write::kNone && !decision.publish)) return;
    one.phase = Replica::Phase::kReading;
    one.pending = decision.write;
    one.with_secret = one.secret_version;
    one.with_service = one.service_version;
  }

  std::mt19937 random_;
  RotationPolicy policy_;
  Time now_ = kNow;
  SecretView secret_;
  int secret_version_ = 0;
  std::set<std::string> trusted_;
  int service_version_ = 0;
  std::map<std::string, Validity> lives_;
  std::vector<Replica> replicas_;
};

TEST_CASE(
    "replicas that lag, fail, race and restart never serve what the cluster does not believe") {
  std::map<std::string, int> written;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Cluster cluster(seed, 3);
    for (int i = 0; i < 300; ++i) cluster.Step();  // the first pair comes before its caBundle
    cluster.unbelieved = 0;
    for (int i = 0; i < 10'000; ++i) cluster.Step();  // a good day
    CHECK(cluster.unbelieved == 0);
    for (const auto& [word, count] : cluster.written) written[word] += count;
  }
  CHECK(written["restore"] == 0);
  CHECK(written["authority"] > 20 * 3);
  CHECK(written["pair"] > 20 * 12);
  CHECK(written["drop"] > 20 * 2);
}

TEST_CASE("an API server that is away for longer than a pair lives costs nothing but the renewal") {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Cluster cluster(seed, 2);
    for (int i = 0; i < 300; ++i) cluster.Step();
    cluster.unbelieved = 0;
    cluster.reachable = false;
    for (int i = 0; i < 1200; ++i) cluster.Step();  // some three hours; a pair lives for two
    cluster.reachable = true;
    for (int i = 0; i < 2000; ++i) cluster.Step();
    CHECK(cluster.unbelieved == 0);
  }
}

}  // namespace
}  // namespace plimsoll::kube
