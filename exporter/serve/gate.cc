// SPDX-License-Identifier: Apache-2.0
//
// Who, then may they; each first from what is known, then by a review.
#include "serve/gate.h"

#include <utility>

#include "base/format.h"
#include "base/log.h"
#include "base/number_text.h"
#include "serve/detail/api_status.h"
#include "serve/detail/discovery.h"

namespace plimsoll::serve {
namespace {

using Verdict = Gate::Verdict;
using Kind = Gate::Verdict::Kind;

Verdict Unauthorized() {
  return {.kind = Kind::kRefused, .refusal = ApiStatus(401, "Unauthorized")};
}

// `User "joe" cannot list resource ...`: what an API server says of a denial.
std::string Sentence(const User& user, std::string_view can, const Access& access) {
  if (access.metric.empty()) {
    return base::format("User {} {} {} path {}", base::GoQuote(user.name), can, access.verb,
                        base::GoQuote(access.path));
  }
  return base::format("User {} {} {} resource {} in API group \"{}\" in the namespace {}",
                      base::GoQuote(user.name), can, access.verb, base::GoQuote(access.metric),
                      kExternalGroup, base::GoQuote(access.name_space));
}

Verdict Forbidden(const User& user, const Access& access, const std::string& reason = "") {
  std::string message = access.metric.empty()
                            ? "forbidden: "
                            : base::format("{}.{} is forbidden: ", access.metric, kExternalGroup);
  message += Sentence(user, "cannot", access);
  if (!reason.empty()) message += ": " + reason;
  const StatusDetails details = access.metric.empty()
                                    ? StatusDetails{}
                                    : StatusDetails{.group = kExternalGroup, .kind = access.metric};
  return {.kind = Kind::kRefused, .refusal = ApiStatus(403, message, details)};
}

kube::AccessQuestion QuestionOf(const User& user, const Access& access) {
  kube::AccessQuestion question{.user = user, .verb = std::string(access.verb)};
  if (access.metric.empty()) {
    question.path = access.path;
    return question;
  }
  question.name_space = access.name_space;
  question.group = kExternalGroup;
  question.version = "v1beta1";
  question.resource = access.metric;
  return question;
}

}  // namespace

Gate::Gate(const base::Published<AuthenticationOptions>& trust, AccessRule rule,
           kube::Reviews* reviews)
    : trust_(trust), rule_(std::move(rule)), reviews_(reviews) {}

Verdict Gate::Ask(const http::Request& request, const Access& access) const {
  const auto trust = trust_.Get();
  Identity identity = Identify(*trust, request);
  switch (identity.kind) {
    case Identity::Kind::kRefused:
      return Unauthorized();
    case Identity::Kind::kUser:
      return Judge(identity, access);
    case Identity::Kind::kToken:
      break;
  }
  if (reviews_ == nullptr || !reviews_->can_review_tokens()) return Unauthorized();
  auto known = reviews_->Known(identity.token);
  if (!known) return {};
  if (!known->authenticated) return Unauthorized();
  identity.kind = Identity::Kind::kUser;
  identity.user = Reviewed(std::move(known->user));
  return Judge(identity, access);
}

Verdict Gate::Judge(const Identity& identity, const Access& access) const {
  const bool can_ask = reviews_ != nullptr && reviews_->can_review_access();
  switch (Rule(rule_, identity, access, can_ask)) {
    case Ruling::kAllowed:
      return {.kind = Kind::kAllowed};
    case Ruling::kDenied:
      return Forbidden(identity.user, access);
    case Ruling::kAsk:
      break;
  }
  const auto known = reviews_->Known(QuestionOf(identity.user, access));
  if (!known) return {};
  if (known->allowed) return {.kind = Kind::kAllowed};
  return Forbidden(identity.user, access, known->reason);
}

void Gate::Review(const http::Request& request, const Access& access,
                  std::function<void(Verdict)> done) const {
  const auto trust = trust_.Get();
  Identity identity = Identify(*trust, request);
  switch (identity.kind) {
    case Identity::Kind::kRefused:
      return done(Unauthorized());
    case Identity::Kind::kUser:
      return ReviewAccess(identity, access, std::move(done));
    case Identity::Kind::kToken:
      break;
  }
  reviews_->Ask(identity.token, [this, &access, done = std::move(done)](
                                    const base::Result<kube::TokenVerdict>& verdict) mutable {
    if (!verdict) return done(Failed(verdict.error(), "who the bearer of the token is"));
    Recovered();
    if (!verdict->authenticated) return done(Unauthorized());
    const Identity reviewed{.kind = Identity::Kind::kUser, .user = Reviewed(verdict->user)};
    ReviewAccess(reviewed, access, std::move(done));
  });
}

void Gate::ReviewAccess(const Identity& identity, const Access& access,
                        std::function<void(Verdict)> done) const {
  if (Verdict verdict = Judge(identity, access); verdict.kind != Kind::kUnknown)
    return done(std::move(verdict));
  reviews_->Ask(
      QuestionOf(identity.user, access),
      [this, &access, user = identity.user,
       done = std::move(done)](const base::Result<kube::AccessVerdict>& verdict) {
        if (!verdict) {
          return done(Failed(verdict.error(), "whether " + Sentence(user, "may", access)));
        }
        Recovered();
        if (verdict->allowed) return done({.kind = Kind::kAllowed});
        done(Forbidden(user, access, verdict->reason));
      });
}

// Returns: 500 when the API server refuses to be asked, which only its administrator can mend; else
// 503.
Verdict Gate::Failed(const base::Error& error, std::string_view question) const {
  const bool refused = error.kind == base::Error::Kind::kExecution;
  if (!in_trouble_.exchange(true))
    base::LogError("the Kubernetes API server cannot be asked: {}", error.ToString());
  return {.kind = Kind::kRefused,
          .refusal = ApiStatus(refused ? 500 : 503,
                               base::format("the Kubernetes API server could not be asked {}: {}",
                                            question, error.message))};
}

void Gate::Recovered() const {
  if (in_trouble_.exchange(false)) base::LogInfo("the Kubernetes API server can be asked again");
}

}  // namespace plimsoll::serve
