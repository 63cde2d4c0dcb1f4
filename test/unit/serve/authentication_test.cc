// SPDX-License-Identifier: Apache-2.0
//
// Who a request is from: one sentence per identity that was recorded on a real control plane.
#include "serve/authentication.h"

#include <doctest/doctest.h>

namespace plimsoll::serve {
namespace {

const AuthenticationOptions kOptions{.allowed_names = {"front-proxy-client"}};

http::Request Asked(std::string name, std::vector<std::string> trusted_by, http::Pairs headers,
                    std::vector<std::string> organizations = {}) {
  http::Request request;
  request.headers = std::move(headers);
  request.certificate = std::make_shared<http::ClientCertificate>(
      http::ClientCertificate{.common_name = std::move(name),
                              .organizations = std::move(organizations),
                              .trusted_by = std::move(trusted_by)});
  return request;
}

// "user[group,group]", "token T", or "401".
std::string Who(const http::Request& request) {
  const Identity identity = Identify(kOptions, request);
  switch (identity.kind) {
    case Identity::Kind::kRefused:
      return "401";
    case Identity::Kind::kToken:
      return "token " + std::string(identity.token);
    case Identity::Kind::kUser:
      break;
  }
  std::string text = identity.user.name + "[";
  for (const auto& group : identity.user.groups) text += (text.back() == '[' ? "" : ",") + group;
  return text + "]";
}

http::Request Bearing(std::string value) {
  http::Request request;
  request.headers = {{"Authorization", std::move(value)}};
  return request;
}

bool MayAccess(const AccessRule& rule, const User& user, const Access& access) {
  return Rule(rule, {.kind = Identity::Kind::kUser, .user = user}, access, false) ==
         Ruling::kAllowed;
}

TEST_CASE("a front proxy speaks for the user it names") {
  CHECK(Who(Asked("front-proxy-client", {"requestheader"},
                  {{"X-Remote-User", "joe"}, {"X-Remote-Group", "a"}, {"x-remote-group", "b"}})) ==
        "joe[a,b,system:authenticated]");
}

TEST_CASE("the aggregator comes without groups") {
  CHECK(Who(Asked("front-proxy-client", {"requestheader"},
                  {{"X-Remote-User", "system:kube-aggregator"}})) ==
        "system:kube-aggregator[system:authenticated]");
}

TEST_CASE("extras are lower-cased and percent-decoded, and empty groups are none") {
  const Identity identity = Identify(
      kOptions, Asked("front-proxy-client", {"requestheader"},
                      {{"X-Remote-User", " joe "},
                       {"X-Remote-Group", ""},
                       {"X-Remote-Extra-Authentication.kubernetes.io%2fcredential-Id", "X"}}));
  CHECK(identity.forwarded);
  CHECK(identity.user == User{.name = "joe",
                              .groups = {"system:authenticated"},
                              .extra = {{"authentication.kubernetes.io/credential-id", "X"}}});
}

TEST_CASE("a uid is read from the headers that are named for it, and from no other") {
  const auto asked = Asked("front-proxy-client", {"requestheader"},
                           {{"X-Remote-User", "joe"}, {"X-Remote-Uid", "7"}});
  CHECK(Identify(kOptions, asked).user.uid.empty());
  CHECK(Identify({.uid_headers = {"X-Other", "X-Remote-Uid"}}, asked).user.uid == "7");
}

TEST_CASE("a front proxy that names no user is 401") {
  CHECK(Who(Asked("front-proxy-client", {"requestheader"}, {})) == "401");
}

TEST_CASE("the right CA with a name that is not allowed is 401") {
  CHECK(Who(Asked("somebody", {"requestheader"}, {{"X-Remote-User", "joe"}})) == "401");
}

TEST_CASE("a certificate that nobody trusts is 401, whatever it claims") {
  CHECK(Who(Asked("front-proxy-client", {},
                  {{"X-Remote-User", "joe"}, {"X-Remote-Group", "system:masters"}})) == "401");
}

TEST_CASE("without allowed names every certificate of the request-header CA may forward") {
  const Identity identity =
      Identify({}, Asked("anything", {"requestheader"}, {{"X-Remote-User", "joe"}}));
  CHECK(identity.user.name == "joe");
}

TEST_CASE("a client certificate is its own user, and its X-Remote headers are nothing") {
  CHECK(Who(Asked("admin", {"client"}, {{"X-Remote-User", "joe"}}, {"system:masters"})) ==
        "admin[system:masters,system:authenticated]");
  CHECK(Who(Asked("", {"client"}, {})) == "401");
}

TEST_CASE("no certificate is anonymous, and its X-Remote headers are nothing") {
  http::Request request;
  request.headers = {{"X-Remote-User", "joe"}, {"X-Remote-Group", "system:masters"}};
  CHECK(Who(request) == "system:anonymous[system:unauthenticated]");
}

TEST_CASE("a bearer token is whoever it is, and other schemes are nobody") {
  CHECK(Who(Bearing("Bearer abc")) == "token abc");
  CHECK(Who(Bearing("  bearer abc def")) == "token abc");
  for (const char* other : {"Basic abc", "Bearer", "Bearer ", "Bearerabc", "abc"}) {
    CAPTURE(other);
    CHECK(Who(Bearing(other)) == "system:anonymous[system:unauthenticated]");
  }
}

TEST_CASE("a certificate comes before a token, and a token speaks for one that nobody trusts") {
  auto request = Asked("front-proxy-client", {"requestheader"},
                       {{"X-Remote-User", "joe"}, {"Authorization", "Bearer t"}});
  CHECK(Who(request) == "joe[system:authenticated]");
  request = Asked("admin", {"client"}, {{"Authorization", "Bearer t"}});
  CHECK(Who(request) == "admin[system:authenticated]");
  request = Asked("admin", {}, {{"Authorization", "Bearer t"}});
  CHECK(Who(request) == "token t");
}

TEST_CASE("every user whose token was reviewed is authenticated") {
  CHECK(Reviewed({.name = "joe", .groups = {"a"}}).groups ==
        std::vector<std::string>{"a", "system:authenticated"});
}

TEST_CASE("anonymous may ask for health alone") {
  const User nobody{.name = "system:anonymous", .groups = {"system:unauthenticated"}};
  CHECK(MayAccess({}, nobody, {.path = "/healthz"}));
  CHECK(MayAccess({}, nobody, {.path = "/readyz"}));
  CHECK_FALSE(MayAccess({}, nobody, {.path = "/apis"}));
  CHECK_FALSE(MayAccess({}, nobody, {.verb = "list", .name_space = "a", .metric = "m"}));
}

TEST_CASE("an authenticated user may discover and read, unless readers are named") {
  const User joe{.name = "joe", .groups = {"system:authenticated"}};
  CHECK(MayAccess({}, joe, {.path = "/apis"}));
  CHECK(MayAccess({}, joe, {.verb = "list", .name_space = "a", .metric = "m"}));
  const AccessRule strict{.reader_groups = {"hpa-readers"}};
  CHECK_FALSE(MayAccess(strict, joe, {.verb = "list", .name_space = "a", .metric = "m"}));
  CHECK(MayAccess(strict, {.name = "x", .groups = {"hpa-readers"}},
                  {.verb = "list", .name_space = "a", .metric = "m"}));
  CHECK(MayAccess(strict, {.name = "x", .groups = {"system:masters"}},
                  {.verb = "list", .name_space = "a", .metric = "m"}));
}

TEST_CASE("the aggregator may discover without any group") {
  CHECK(MayAccess({}, {.name = "system:aggregator"}, {.path = "/openapi/v2"}));
  CHECK(MayAccess({}, {.name = "system:kube-aggregator"},
                  {.path = "/apis/external.metrics.k8s.io/v1beta1"}));
  CHECK_FALSE(MayAccess({}, {.name = "system:kube-aggregator"},
                        {.verb = "list", .name_space = "a", .metric = "m"}));
}

TEST_CASE("where an API server can be asked it is, except for what is open or was authorised") {
  const auto rule = [](const User& user, bool forwarded, const Access& access) {
    return Rule({}, {.kind = Identity::Kind::kUser, .user = user, .forwarded = forwarded}, access,
                true);
  };
  const User joe{.name = "joe", .groups = {"system:authenticated"}};
  const User admin{.name = "root", .groups = {"system:masters"}};
  const User nobody{.name = "system:anonymous", .groups = {"system:unauthenticated"}};
  const Access metric{.verb = "list", .name_space = "a", .metric = "m"};
  CHECK(rule(joe, true, metric) == Ruling::kAsk);
  CHECK(rule(joe, false, metric) == Ruling::kAsk);
  CHECK(rule(admin, true, metric) == Ruling::kAllowed);
  CHECK(rule(nobody, false, metric) == Ruling::kDenied);
  CHECK(rule(nobody, false, {.path = "/livez"}) == Ruling::kAllowed);
  CHECK(rule(nobody, false, {.path = "/apis"}) == Ruling::kDenied);
  CHECK(rule(joe, false, {.path = "/readyz"}) == Ruling::kAllowed);
  for (const char* path : {"/apis", "/apis/external.metrics.k8s.io",
                           "/apis/external.metrics.k8s.io/v1beta1", "/openapi/v2"}) {
    CHECK(rule(joe, true, {.path = path}) == Ruling::kAllowed);
    CHECK(rule(joe, false, {.path = path}) == Ruling::kAsk);
  }
  CHECK(rule(joe, true, {.path = "/metrics"}) == Ruling::kAsk);
}

TEST_CASE("an open path may end in an asterisk") {
  const User nobody{.name = "system:anonymous", .groups = {"system:unauthenticated"}};
  const AccessRule rule{.open_paths = {"/open/*", "one"}};
  CHECK(MayAccess(rule, nobody, {.path = "/open/"}));
  CHECK(MayAccess(rule, nobody, {.path = "/open/a/b"}));
  CHECK(MayAccess(rule, nobody, {.path = "/one"}));
  CHECK_FALSE(MayAccess(rule, nobody, {.path = "/one/more"}));
  CHECK_FALSE(MayAccess(rule, nobody, {.path = "/open"}));
  CHECK_FALSE(MayAccess(rule, nobody, {.path = "/healthz"}));
}

}  // namespace
}  // namespace plimsoll::serve
