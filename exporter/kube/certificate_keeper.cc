// SPDX-License-Identifier: Apache-2.0
//
// Watches to views, a decision to a request, an answer to the next look. Longer than most because
// the states of one request at a time belong together: read, compare, write, take the answer.
#include "kube/certificate_keeper.h"

#include <charconv>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include "base/format.h"
#include "base/log.h"
#include "kube/detail/backoff.h"
#include "kube/detail/material.h"
#include "kube/serving_objects.h"
#include "kube/watch.h"
#include "telemetry/telemetry.h"

namespace plimsoll::kube {
namespace {

using base::Error;
using base::Result;
using detail::Material;
using document::Json;
using std::chrono::milliseconds;
using telemetry::MetricId;
using Service = ApiServiceView::State;
using Write = Decision::Write;

// Whether `version` is known to be older than `than`. API servers promise no order to those who
// cannot read their versions as numbers; then nothing is older.
bool IsOlder(std::string_view version, std::string_view than) {
  const auto read = [](std::string_view text, std::uint64_t& into) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), into);
    return failure == std::errc() && end == text.data() + text.size();
  };
  std::uint64_t left = 0, right = 0;
  return read(version, left) && read(than, right) && left < right;
}

}  // namespace

std::vector<std::string> NamesOfService(const std::string& service, const std::string& name_space) {
  const std::string full = base::format("{}.{}.svc", service, name_space);
  return {full, full + ".cluster.local", base::format("{}.{}", service, name_space), service};
}

// Callbacks of the client hold it weakly: after the keeper is gone they find nobody.
class CertificateKeeper::State : public std::enable_shared_from_this<State> {
 public:
  State(std::shared_ptr<const Api> api, const base::Clock& clock, telemetry::Telemetry* telemetry,
        Options options)
      : api_(std::move(api)),
        clock_(clock),
        telemetry_(telemetry),
        options_(std::move(options)),
        names_(NamesOfService(options_.service, options_.name_space)),
        collection_(base::format("/api/v1/namespaces/{}/secrets",
                                 http::PercentEncode(options_.name_space))),
        secret_name_(base::format("Secret {}/{}", options_.name_space, options_.secret)),
        backoff_(options_.limits.first_backoff, options_.limits.longest_backoff) {
    if (!options_.random) options_.random = detail::OwnRandom();
  }

  void Start() {
    secret_watch_ = Watch(collection_, options_.secret, "secret", &State::SecretChanged);
    service_watch_ = Watch(std::string(kApiServices), std::string(kApiServiceName), "apiservice",
                           &State::ServiceChanged);
    secret_watch_->Start();
    service_watch_->Start();
  }

  void Stop() {
    secret_watch_.reset();
    service_watch_.reset();
    http::FetchId running = 0;
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      running = std::exchange(running_, 0);
    }
    if (running != 0) api_->Cancel(running);
  }

  void Look() {
    const std::lock_guard lock(mutex_);
    if (!stopped_) Act();
  }

  std::string NotReady() const {
    const std::lock_guard lock(mutex_);
    if (state_.served) return "";
    const std::string why = secret_name_ + " has given no serving certificate yet";
    const auto last = problems_.find(last_problem_);
    return last == problems_.end() ? why : why + ": " + last->second;
  }

 private:
  // An event of a watch may be older than what we have read since. A list is not: where it goes
  // back, so has the server, to a backup.
  enum class From { kList, kLater };
  using Changed = void (State::*)(const Json*, From);

  std::unique_ptr<ObjectWatch> Watch(std::string collection, std::string name, std::string what,
                                     Changed changed) {
    ObjectWatch::Options watched;
    watched.collection = std::move(collection);
    watched.name = std::move(name);
    watched.clock = &clock_;
    watched.random = options_.random;
    // The watch goes before this does.
    const auto take = [this, changed](From from) {
      return [this, changed, from](const Json* object) {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        (this->*changed)(object, from);
        Act();
      };
    };
    watched.listed = take(From::kList);
    watched.changed = take(From::kLater);
    watched.trouble = [this, reason = what + "_read"](const Error* error) {
      const std::lock_guard lock(mutex_);
      error != nullptr ? Problem(reason, error->ToString()) : Solved(reason);
    };
    return std::make_unique<ObjectWatch>(api_, telemetry_, std::move(watched));
  }

  // All below: under the lock.
  void SecretChanged(const Json* object, From from) {
    if (object == nullptr) return TakeSecret(nullptr);
    const auto secret = ReadSecret(*object);
    if (!secret) return Problem("secret_garbage", secret.error().ToString());
    if (from == From::kList || !IsOlder(secret->resource_version, secret_version_))
      TakeSecret(&*secret);
  }

  void TakeSecret(const Secret* secret) {
    if (secret == nullptr) {
      state_.secret = {.state = SecretView::State::kMissing};
      secret_version_.clear();
      Problem("secret_missing", secret_name_ + " does not exist: expected an empty one to fill");
      return SetGauges();
    }
    if (secret->resource_version == secret_version_) return;
    Solved("secret_");
    secret_version_ = secret->resource_version;
    material_ = detail::ReadMaterial(*secret, names_);
    state_.secret = material_.view;
    if (state_.secret.state == SecretView::State::kForeign) {
      Problem("secret_foreign",
              secret_name_ +
                  " holds a certificate that is not ours (it has no ca.key): expected "
                  "an empty Secret");
    } else if (state_.secret.garbage) {
      Problem("secret_garbage",
              secret_name_ + " holds keys or certificates that cannot be read: they are replaced");
    }
    if (!state_.secret.signer.empty() && state_.secret.pair) {
      remembered_ = material_;
      state_.remembered = material_.view;
    }
    SeeTrust();
    SetGauges();
  }

  void ServiceChanged(const Json* object, From from) {
    if (object == nullptr) {
      service_ = {};
      published_.clear();
      state_.service = {.state = Service::kMissing};
      Problem("apiservice_missing", base::format("APIService {} does not exist", kApiServiceName));
      SeeTrust();
      return SetGauges();
    }
    const auto service = ReadApiService(*object);
    if (!service) return Problem("apiservice_garbage", service.error().ToString());
    if (from == From::kList || !IsOlder(service->resource_version, service_.resource_version))
      TakeService(*service);
  }

  void TakeService(const ApiService& service) {
    Solved("apiservice_");
    service_ = service;
    published_.clear();
    const bool ours = service.service_namespace == options_.name_space &&
                      service.service_name == options_.service;
    state_.service = {.state = ours ? Service::kOurs : Service::kForeign};
    if (!ours) {
      Problem("apiservice_foreign",
              service.service_name.empty()
                  ? base::format("APIService {} names no Service", kApiServiceName)
                  : base::format("APIService {} belongs to Service {}/{}: expected {}/{}",
                                 kApiServiceName, service.service_namespace, service.service_name,
                                 options_.name_space, options_.service));
    } else if (!service.ca_bundle.empty()) {
      if (auto read = http::ReadBundle(service.ca_bundle, "spec.caBundle"); read) {
        published_ = *std::move(read);
        for (const auto& each : published_) state_.service.trusted.insert(each.id);
      } else {
        state_.service.garbage = true;
      }
    }
    SeeTrust();
    SetGauges();
  }

  // Since when the caBundle has held the Secret's signer without a break.
  void SeeTrust() {
    const std::string& signer = state_.secret.signer;
    const bool trusted = !signer.empty() && state_.service.trusted.contains(signer);
    if (!trusted || signer != trusted_signer_) {
      trusted_signer_ = trusted ? signer : "";
      trusted_since_ = clock_.SteadyNow();
    }
  }

  void Act() {
    const base::Steady steady = clock_.SteadyNow();
    state_.signer_trusted_for =
        trusted_signer_.empty() ? milliseconds(0)
                                : std::chrono::duration_cast<milliseconds>(steady - trusted_since_);
    const Decision decision = Decide(state_, options_.policy, clock_.Now());
    Serve(decision.serve);
    if (running_ != 0 || asking_ || steady < retry_at_) return;
    // The first authority stands beside what the caBundle holds, if that can be known.
    const bool unseen = state_.service.state == Service::kUnknown;
    if (decision.write == Write::kNewAuthority && unseen &&
        steady < started_ + options_.limits.patience)
      return;
    if (decision.write != Write::kNone) return ReadAgain(decision.write);
    if (!decision.publish || steady < publish_at_) return;
    if (service_.skips_verification) {
      return Problem("apiservice_insecure",
                     base::format("APIService {} has insecureSkipTLSVerify: it takes no caBundle "
                                  "until that is removed",
                                  kApiServiceName));
    }
    ReadAgain(Write::kNone);
  }

  detail::Maker MakerNow() const { return {names_, options_.policy, clock_.Now()}; }

  void Serve(Decision::Serve serve) {
    if (serve == Decision::Serve::kKeep) return;
    const bool readable =
        state_.secret.state == SecretView::State::kPresent && !state_.secret.empty();
    const Material& source = readable ? material_ : remembered_;
    http::KeyPair pair = source.pair;
    PairView view;
    if (serve == Decision::Serve::kOwn) {
      auto made = detail::OwnPair(source, MakerNow());
      if (!made) return Problem("generate", made.error().ToString());
      pair = *std::move(made);
      const auto facts = http::ReadBundle(pair.certificate_pem, "own certificate");
      if (!facts) return Problem("generate", facts.error().ToString());
      view = {.id = facts->front().id, .issuer = source.view.signer, .valid = facts->front().valid};
      Problem("own_pair", "the serving certificate of " + secret_name_ +
                              " is about to expire and was not renewed: one of our own is served");
    } else {
      view = *source.view.pair;
    }
    if (const auto used = options_.serve(pair); !used)
      return Problem("serve", used.error().ToString());
    Solved("serve");
    base::LogInfo("serving certificate {} is in use, valid for {} days", view.id.substr(0, 16),
                  (view.valid.until - clock_.Now()) / 86'400'000);
    state_.served = view;
    SetGauges();
  }

  // What is to be written is decided from what was watched; here it is held against what is. The
  // versions are those of the decision: a bundle is only published over the caBundle that was seen
  // before the Secret was read, so that a slow replica cannot put an older bundle back.
  struct Intent {
    Write write = Write::kNone;  // kNone: publish
    std::string secret_version = {};
    std::string service_version = {};
  };

  void ReadAgain(Write write) {
    asking_ = true;
    Intent intent{write, secret_version_, service_.resource_version};
    Ask({.name = "get_secret", .path = collection_ + "/" + http::PercentEncode(options_.secret)},
        [this, intent = std::move(intent)](Result<Answer> answer) {
          Read(intent, std::move(answer));
        });
  }

  void Read(const Intent& intent, Result<Answer> answer) {
    const std::optional<base::Time> date = answer ? answer->date : std::nullopt;
    auto object = Succeeded(std::move(answer));
    if (!object && object.error().kind == Error::Kind::kNotFound) {
      asking_ = false;
      return TakeSecret(nullptr);
    }
    if (!object) {
      Error error = std::move(object).error();
      error.message = base::format("{} cannot be read: {}", secret_name_, error.message);
      return Failed("secret_read", error);
    }
    const auto secret = ReadSecret(*object);
    if (!secret) return Failed("secret_garbage", secret.error());
    const bool heard_more = secret_version_ != intent.secret_version;  // while we asked
    if (secret->resource_version != intent.secret_version || heard_more) {
      asking_ = false;
      const bool older = IsOlder(secret->resource_version, secret_version_);
      if (heard_more && older) return Pause();  // who is behind is asked again, but later
      TakeSecret(&*secret);                     // older only where the server has gone back
      return Act();
    }
    const bool publish = intent.write == Write::kNone;
    const base::Time skew = date ? std::abs(*date - clock_.Now()) : 0;
    if (!publish && skew > options_.limits.clock_skew.count()) {
      return Failed("clock", {Error::Kind::kUnavailable,
                              base::format("our clock and the API server's are {} s apart: no "
                                           "certificate is made",
                                           skew / 1000)});
    }
    publish ? Publish(intent.service_version) : WriteSecret(intent.write);
  }

  void WriteSecret(Write write) {
    const auto data = detail::DataOf(
        write, material_, state_.remembered ? &remembered_ : nullptr,
        state_.service.state == Service::kOurs ? published_ : decltype(published_)(), MakerNow());
    if (!data) return Failed("generate", data.error());
    Ask({.name = "patch_secret",
         .method = "PATCH",
         .path = collection_ + "/" + http::PercentEncode(options_.secret),
         .body = SecretPatch(secret_version_, *data),
         .content_type = std::string(kMergePatch)},
        [this, write](Result<Answer> answer) {
          Written("secret_write", WordOf(write), std::move(answer),
                  [this](const Json& object) { SecretChanged(&object, From::kLater); });
        });
  }

  void Publish(const std::string& service_version) {
    publish_at_ = clock_.SteadyNow() + options_.limits.publish_pause;
    Ask({.name = "patch_apiservice",
         .method = "PATCH",
         .path = base::format("{}/{}", kApiServices, kApiServiceName),
         .body = CaBundlePatch(service_version, material_.Bundle()),
         .content_type = std::string(kMergePatch)},
        [this](Result<Answer> answer) {
          Written("apiservice_write", "publish", std::move(answer),
                  [this](const Json& object) { ServiceChanged(&object, From::kLater); });
        });
  }

  void Written(const std::string& reason, std::string_view step, Result<Answer> answer,
               const std::function<void(const Json&)>& take) {
    const int status = answer ? answer->status : 0;
    auto object = Succeeded(std::move(answer));
    if (status == 409) {
      // Somebody else was faster, which is how it is meant to be: look again.
      Count(MetricId::kCertificateFailures, "conflict");
      publish_at_ = {};
      return Pause();
    }
    if (!object) {
      Error error = std::move(object).error();
      error.message = base::format(
          "{} cannot be written: {}",
          step == "publish" ? base::format("APIService {}", kApiServiceName) : secret_name_,
          error.message);
      return Failed(status == 403 ? "forbidden" : reason, error);
    }
    asking_ = false;
    backoff_.Reset();
    retry_at_ = {};
    Count(MetricId::kCertificateSteps, step);
    base::LogInfo("managed certificate: {} was written", step);
    for (const std::string_view over : {std::string_view(reason), std::string_view("forbidden"),
                                        std::string_view("clock"), std::string_view("own_pair")})
      Solved(over);
    take(*object);
    Act();
  }

  void Failed(const std::string& reason, const Error& error) {
    Pause();
    Problem(reason, error.message);
  }

  void Pause() {
    asking_ = false;
    retry_at_ = clock_.SteadyNow() + backoff_.Next(options_.random());
  }

  // Counted each time, said when it begins.
  void Problem(const std::string& reason, const std::string& what) {
    Count(MetricId::kCertificateFailures, reason);
    const bool known = problems_.contains(reason);
    problems_.insert_or_assign(reason, what);
    last_problem_ = reason;
    if (!known) base::LogWarn("managed certificate: {}", what);
  }
  // What begins with `prefix` is over.
  void Solved(std::string_view prefix) {
    std::erase_if(problems_, [&](const auto& each) { return each.first.starts_with(prefix); });
  }

  void Count(MetricId id, std::string_view word) {
    if (telemetry_ != nullptr) telemetry_->CounterOf(id, {word}).Add();
  }

  void SetGauges() {
    if (telemetry_ == nullptr) return;
    const auto expiry = [&](std::string_view which, const http::Validity& valid) {
      telemetry_->GaugeOf(MetricId::kCertificateExpiry, {which})
          .Set(static_cast<double>(valid.until) / 1000);
    };
    if (state_.served) expiry("serving", state_.served->valid);
    if (const AuthorityView* signer = state_.secret.Signer()) expiry("ca", signer->valid);
    if (state_.service.state == Service::kUnknown) return;
    const bool ours = state_.service.state == Service::kOurs;
    telemetry_->GaugeOf(MetricId::kApiServiceOwned).Set(ours ? 1 : 0);
    std::set<std::string> wanted;
    for (const AuthorityView& each : state_.secret.authorities) wanted.insert(each.id);
    telemetry_->GaugeOf(MetricId::kApiServiceCaMatches)
        .Set(ours && !wanted.empty() && state_.service.trusted == wanted ? 1 : 0);
  }

  void Ask(Call call, std::function<void(Result<Answer>)> done) {
    running_ = api_->Start(
        std::move(call), [weak = weak_from_this(), done = std::move(done)](Result<Answer> answer) {
          const auto self = weak.lock();
          if (!self) return;
          const std::lock_guard lock(self->mutex_);
          if (self->stopped_) return;
          self->running_ = 0;
          done(std::move(answer));
        });
  }

  const std::shared_ptr<const Api> api_;
  const base::Clock& clock_;
  telemetry::Telemetry* const telemetry_;
  Options options_;
  const std::vector<std::string> names_;
  const std::string collection_;
  const std::string secret_name_;
  detail::Backoff backoff_;
  std::unique_ptr<ObjectWatch> secret_watch_;
  std::unique_ptr<ObjectWatch> service_watch_;

  mutable std::mutex mutex_;
  bool stopped_ = false;
  bool asking_ = false;  // from the reading of the Secret to the end of the write
  http::FetchId running_ = 0;
  RotationState state_;
  Material material_;
  Material remembered_;
  std::string secret_version_;
  ApiService service_;
  std::vector<http::CertificateFacts> published_;  // of a caBundle that is ours
  std::string trusted_signer_;                     // "" while the caBundle lacks the signer
  base::Steady trusted_since_{};
  const base::Steady started_ = clock_.SteadyNow();
  base::Steady retry_at_{};
  base::Steady publish_at_{};
  std::map<std::string, std::string> problems_;  // those that last, by reason
  std::string last_problem_;                     // its reason
};

CertificateKeeper::CertificateKeeper(std::shared_ptr<const Api> api, const base::Clock& clock,
                                     telemetry::Telemetry* telemetry, Options options)
    : state_(std::make_shared<State>(std::move(api), clock, telemetry, std::move(options))) {}

CertificateKeeper::~CertificateKeeper() { state_->Stop(); }

void CertificateKeeper::Start() { state_->Start(); }

void CertificateKeeper::Stop() { state_->Stop(); }

void CertificateKeeper::Look() { state_->Look(); }

std::string CertificateKeeper::NotReady() const { return state_->NotReady(); }

}  // namespace plimsoll::kube
