// SPDX-License-Identifier: Apache-2.0
//
// What is known, what is under way, and one call for what is neither.
#include "kube/reviews.h"

#include <utility>

#include "base/guarded.h"
#include "kube/detail/review_cache.h"
#include "telemetry/telemetry.h"

namespace plimsoll::kube {
namespace {

using base::Error;
using base::Result;
using telemetry::Counter;
using telemetry::MetricId;

// The text that tells questions apart; the body says everything that is asked.
std::string KeyOf(const AccessQuestion& question) { return AccessReviewBody(question); }

template <typename Verdict>
struct Kind {
  using Cache = detail::ReviewCache<Verdict>;
  Kind(std::shared_ptr<const Api> server, const ReviewLimits& limits, std::string_view name,
       telemetry::Telemetry* telemetry)
      : api(std::move(server)),
        cache(Cache(limits.remembered, limits.remembered_bytes, limits.in_flight, limits.waiters)) {
    if (telemetry == nullptr) return;
    remembered = telemetry->CounterOf(MetricId::kKubeReviews, {name, "remembered"});
    joined = telemetry->CounterOf(MetricId::kKubeReviews, {name, "joined"});
    asked = telemetry->CounterOf(MetricId::kKubeReviews, {name, "asked"});
  }
  const std::shared_ptr<const Api> api;
  base::Guarded<Cache> cache;
  Counter remembered, joined, asked;
};

}  // namespace

struct Reviews::Impl : std::enable_shared_from_this<Reviews::Impl> {
  Impl(std::shared_ptr<const Api> token_api, std::shared_ptr<const Api> access_api,
       const base::Clock& given_clock, telemetry::Telemetry* counters, ReviewOptions given)
      : clock(given_clock),
        telemetry(counters),
        options(given),
        tokens(std::move(token_api), given.limits, "token", counters),
        access(std::move(access_api), given.limits, "access", counters) {}

  Error Refuse(std::string_view reason, std::string message) const {
    if (telemetry != nullptr) telemetry->CounterOf(MetricId::kKubeRefused, {reason}).Add();
    return {Error::Kind::kLimit, std::move(message)};
  }

  template <typename Verdict>
  std::optional<Verdict> Known(Kind<Verdict>& kind, const std::string& key) const {
    auto verdict = kind.cache.With([&](auto& cache) {
      const Verdict* found = cache.Find(key, clock.SteadyNow());
      return found == nullptr ? std::optional<Verdict>() : std::optional<Verdict>(*found);
    });
    if (verdict) kind.remembered.Add();
    return verdict;
  }

  // `call` is asked only when nobody else asks it already.
  template <typename Verdict, typename Done, typename Read, typename Ttl>
  void Ask(Kind<Verdict>& kind, const std::string& key, Call call, Done done, Read read, Ttl ttl) {
    using Join = typename detail::ReviewCache<Verdict>::Join;
    std::optional<Verdict> known;
    Join join = Join::kFirst;
    kind.cache.With([&](auto& cache) {
      // It may have been answered since the caller looked.
      if (const Verdict* found = cache.Find(key, clock.SteadyNow())) {
        known = *found;
      } else {
        join = cache.Wait(key, done);
      }
    });
    if (known) {
      kind.remembered.Add();
      return done(*std::move(known));
    }
    switch (join) {
      case Join::kJoined:
        return kind.joined.Add();
      case Join::kTooManyQuestions:
        return done(Refuse("questions", "too many reviews are under way"));
      case Join::kTooManyWaiters:
        return done(Refuse("waiters", "too many requests wait for reviews"));
      case Join::kFirst:
        kind.asked.Add();
        return Send(kind, key, std::move(call), read, ttl, options.limits.attempts);
    }
  }

  template <typename Verdict, typename Read, typename Ttl>
  void Send(Kind<Verdict>& kind, const std::string& key, Call call, Read read, Ttl ttl, int left) {
    call.method = "POST";
    call.timeout = options.limits.deadline;
    Call again = call;
    kind.api->Start(std::move(call), [self = shared_from_this(), &kind, key, again, read, ttl,
                                      left](Result<Answer> answer) mutable {
      // A review changes nothing, so it may be asked twice.
      const bool broken = !answer && answer.error().kind == Error::Kind::kUnavailable;
      if (broken && left > 1) return self->Send(kind, key, std::move(again), read, ttl, left - 1);
      self->Land(kind, key, Verdicted(std::move(answer), read), ttl);
    });
  }

  template <typename Read>
  static auto Verdicted(Result<Answer> answer, Read read) -> decltype(read(document::Json())) {
    auto document = Succeeded(std::move(answer));
    if (!document) return std::move(document).error();
    return read(*document);
  }

  template <typename Verdict, typename Ttl>
  void Land(Kind<Verdict>& kind, const std::string& key, const Result<Verdict>& verdict, Ttl ttl) {
    bool evicted = false;
    auto waiting = kind.cache.With([&](auto& cache) {
      if (verdict) {
        const base::Steady now = clock.SteadyNow();
        evicted = cache.Remember(key, *verdict, now, now + ttl(*verdict));
      }
      return cache.Land(key);
    });
    if (evicted && telemetry != nullptr)
      telemetry->CounterOf(MetricId::kKubeRefused, {"remembered"}).Add();
    for (const auto& done : waiting) done(verdict);
  }

  const base::Clock& clock;
  telemetry::Telemetry* const telemetry;
  const ReviewOptions options;
  Kind<TokenVerdict> tokens;
  Kind<AccessVerdict> access;
};

Reviews::Reviews(std::shared_ptr<const Api> tokens, std::shared_ptr<const Api> access,
                 const base::Clock& clock, telemetry::Telemetry* telemetry, ReviewOptions options)
    : impl_(std::make_shared<Impl>(std::move(tokens), std::move(access), clock, telemetry,
                                   options)) {}

Reviews::~Reviews() = default;

bool Reviews::can_review_tokens() const { return impl_->tokens.api != nullptr; }
bool Reviews::can_review_access() const { return impl_->access.api != nullptr; }

std::optional<TokenVerdict> Reviews::Known(std::string_view token) const {
  return impl_->Known(impl_->tokens, std::string(token));
}

std::optional<AccessVerdict> Reviews::Known(const AccessQuestion& question) const {
  return impl_->Known(impl_->access, KeyOf(question));
}

void Reviews::Ask(std::string_view token, TokenDone done) {
  if (!can_review_tokens())
    return done(Error{Error::Kind::kExecution, "there is no API server to review tokens"});
  if (token.size() > impl_->options.limits.token_bytes)
    return done(impl_->Refuse("token_bytes", "the token is too long"));
  Call call{.name = "tokenreview",
            .path = "/apis/authentication.k8s.io/v1/tokenreviews",
            .body = TokenReviewBody(token)};
  impl_->Ask(impl_->tokens, std::string(token), std::move(call), std::move(done), &ReadTokenReview,
             [ttl = impl_->options.token_ttl](const TokenVerdict&) { return ttl; });
}

void Reviews::Ask(const AccessQuestion& question, AccessDone done) {
  if (!can_review_access())
    return done(Error{Error::Kind::kExecution, "there is no API server to review access"});
  const std::string key = KeyOf(question);
  const ReviewOptions& options = impl_->options;
  const bool forget = key.size() > options.limits.key_bytes;
  if (forget) (void)impl_->Refuse("key_bytes", "");
  Call call{.name = "subjectaccessreview",
            .path = "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            .body = key};
  impl_->Ask(impl_->access, key, std::move(call), std::move(done), &ReadAccessReview,
             [&options, forget](const AccessVerdict& verdict) {
               if (forget) return std::chrono::milliseconds(0);
               return verdict.allowed ? options.allowed_ttl : options.denied_ttl;
             });
}

}  // namespace plimsoll::kube
