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

// "user[group,group]", or "401".
std::string Who(const http::Request& request) {
  const auto user = Authenticate(kOptions, request);
  if (!user) return "401";
  std::string text = user->name + "[";
  for (const auto& group : user->groups) text += (text.back() == '[' ? "" : ",") + group;
  return text + "]";
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

TEST_CASE("extras are lower-cased and percent-decoded") {
  const auto user = Authenticate(
      kOptions, Asked("front-proxy-client", {"requestheader"},
                      {{"X-Remote-User", "joe"},
                       {"X-Remote-Extra-Authentication.kubernetes.io%2fcredential-Id", "X"}}));
  REQUIRE(user);
  REQUIRE(user->extra.size() == 1);
  CHECK(user->extra[0].first == "authentication.kubernetes.io/credential-id");
  CHECK(user->extra[0].second == "X");
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
  const auto user =
      Authenticate({}, Asked("anything", {"requestheader"}, {{"X-Remote-User", "joe"}}));
  REQUIRE(user);
  CHECK(user->name == "joe");
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

TEST_CASE("a bearer token cannot be reviewed here and is 401") {
  http::Request request;
  request.headers = {{"Authorization", "Bearer garbage"}};
  CHECK(Who(request) == "401");
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

}  // namespace
}  // namespace plimsoll::serve
