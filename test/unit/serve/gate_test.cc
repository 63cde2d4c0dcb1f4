// SPDX-License-Identifier: Apache-2.0
//
// The external metrics face before an API server that a test plays: who is asked about, and what
// each of its answers makes of a read. The identities are those recorded on a real control plane.
#include "serve/gate.h"

#include <doctest/doctest.h>

#include "document/json.h"
#include "serve/external_metrics.h"
#include "support/fake_api.h"
#include "support/fake_clock.h"

namespace plimsoll::serve {
namespace {

using namespace std::chrono_literals;

constexpr const char* kRead =
    "/apis/external.metrics.k8s.io/v1beta1/namespaces/analytics/trino-queued";
constexpr const char* kAllowed = R"({"kind":"SubjectAccessReview","status":{"allowed":true}})";
constexpr const char* kDenied = R"({"kind":"SubjectAccessReview","status":{"allowed":false}})";
constexpr const char* kHpa = "system:serviceaccount:kube-system:horizontal-pod-autoscaler";

std::string TokenOf(const std::string& user) {
  return R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":")" + user +
         R"("}}})";
}

struct Face {
  test::FakeClock clock{1'767'225'600'000};
  test::FakeApi server;
  base::Published<signals::Snapshot> snapshot;
  base::Published<AuthenticationOptions> trust{std::make_shared<const AuthenticationOptions>(
      AuthenticationOptions{.allowed_names = {"front-proxy-client"}})};
  kube::Reviews reviews{server.Client(), server.Client(), clock, nullptr};
  ExternalMetricsApi api{snapshot, clock, nullptr, {.trust = &trust, .reviews = &reviews}};
  http::Request request;
  std::vector<http::Response> answers;  // in the order in which they came

  // Asks as `user` through the front proxy; "" without a certificate.
  void As(const std::string& user, std::vector<std::string> groups = {}) {
    request.headers.clear();
    request.certificate = nullptr;
    if (user.empty()) return;
    request.certificate = std::make_shared<http::ClientCertificate>(http::ClientCertificate{
        .common_name = "front-proxy-client", .trusted_by = {"requestheader"}});
    request.headers.emplace_back("X-Remote-User", user);
    for (std::string& group : groups) request.headers.emplace_back("X-Remote-Group", group);
  }
  void Bearing(const std::string& token) {
    As("");
    request.headers.emplace_back("Authorization", "Bearer " + token);
  }
  void Get(const std::string& path) {
    request.raw_path = path;
    request.path = path;
    http::Response response = api.Handle(request);
    if (!response.later) return answers.push_back(std::move(response));
    response.later([this](http::Response then) { answers.push_back(std::move(then)); });
  }
  // The statuses so far; nothing is remembered.
  std::string Statuses() {
    std::string all;
    for (const auto& answer : std::exchange(answers, {}))
      all += (all.empty() ? "" : " ") + std::to_string(answer.status);
    return all;
  }
  std::string Message() {
    REQUIRE(answers.size() == 1);
    const auto json = document::ParseJson(std::exchange(answers, {}).front().body);
    return std::string(json->String("message").value_or(""));
  }
};

// There is no snapshot, so whoever may read is told that there is no such metric.
constexpr const char* kAnswered = "404";

TEST_CASE("an HPA's read asks once and is then answered at once for ten seconds") {
  Face face;
  face.As(kHpa, {"system:serviceaccounts", "system:serviceaccounts:kube-system"});
  face.Get(kRead);
  CHECK(face.Statuses().empty());
  CHECK(
      face.server.Front().body ==
      R"({"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{"resourceAttributes":)"
      R"({"namespace":"analytics","verb":"list","group":"external.metrics.k8s.io","version":"v1beta1",)"
      R"("resource":"trino-queued"},"user":"system:serviceaccount:kube-system:horizontal-pod-autoscaler",)"
      R"("groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"]}})");
  face.server.Answer(201, kAllowed);
  CHECK(face.Statuses() == kAnswered);
  face.clock.Advance(9999ms);
  face.Get(kRead);
  CHECK(face.Statuses() == kAnswered);
  CHECK(face.server.total == 1);
  face.clock.Advance(1ms);
  face.Get(kRead);
  CHECK(face.Statuses().empty());
  CHECK(face.server.total == 2);
}

TEST_CASE("reads that come together ask once") {
  Face face;
  face.As(kHpa);
  for (int i = 0; i < 5; ++i) face.Get(kRead);
  CHECK(face.server.total == 1);
  face.server.Answer(201, kDenied);
  CHECK(face.Statuses() == "403 403 403 403 403");
}

TEST_CASE("who may not read is told so in the API server's words") {
  Face face;
  face.As("joe");
  face.Get(kRead);
  face.server.Answer(201, kDenied);
  REQUIRE(face.answers.size() == 1);
  CHECK(
      face.answers[0].body ==
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)"
      R"("trino-queued.external.metrics.k8s.io is forbidden: User \"joe\" cannot list resource )"
      R"(\"trino-queued\" in API group \"external.metrics.k8s.io\" in the namespace \"analytics\"",)"
      R"("reason":"Forbidden","details":{"group":"external.metrics.k8s.io","kind":"trino-queued"},"code":403})");
  face.Statuses();
  face.Get("/metrics");
  face.server.Answer(201, R"({"kind":"SubjectAccessReview","status":{"reason":"because"}})");
  CHECK(face.Message() == "forbidden: User \"joe\" cannot get path \"/metrics\": because");
}

TEST_CASE("the availability probe and the discovery of a front proxy ask nobody") {
  Face face;
  face.As("system:kube-aggregator", {"system:masters"});
  face.Get("/apis/external.metrics.k8s.io/v1beta1");
  face.As("system:kube-aggregator");
  face.Get("/apis/external.metrics.k8s.io/v1beta1");
  face.Get("/apis");
  face.As("system:aggregator");
  face.Get("/openapi/v2");
  CHECK(face.Statuses() == "200 200 200 200");
  CHECK(face.server.total == 0);
}

TEST_CASE("strangers are refused without asking anybody") {
  Face face;
  face.As("");
  face.request.headers = {{"X-Remote-User", "joe"}, {"X-Remote-Group", "system:masters"}};
  face.Get(kRead);
  face.Get("/apis");
  face.Get("/metrics");
  CHECK(face.Statuses() == "403 403 403");
  face.As("joe", {"system:masters"});
  face.request.certificate = std::make_shared<http::ClientCertificate>(
      http::ClientCertificate{.common_name = "somebody-else", .trusted_by = {"requestheader"}});
  face.Get(kRead);
  face.request.certificate = std::make_shared<http::ClientCertificate>(http::ClientCertificate{
      .common_name = "front-proxy-client", .problem = "self-signed certificate"});
  face.Get(kRead);
  face.As("x");
  face.request.headers.clear();
  face.Get(kRead);
  CHECK(face.Statuses() == "401 401 401");
  CHECK(face.server.total == 0);
}

TEST_CASE("a token is reviewed, then its user, each once") {
  Face face;
  face.Bearing("t");
  face.Get(kRead);
  CHECK(face.server.Front().body == kube::TokenReviewBody("t"));
  face.server.Answer(201, TokenOf(kHpa));
  CHECK(face.server.Front().body.find(R"("groups":["system:authenticated"])") != std::string::npos);
  face.server.Answer(201, kAllowed);
  CHECK(face.Statuses() == kAnswered);
  face.Get(kRead);
  CHECK(face.Statuses() == kAnswered);
  CHECK(face.server.total == 2);
}

TEST_CASE("a token that is nobody's is 401, and again without asking") {
  Face face;
  face.Bearing("garbage");
  face.Get(kRead);
  face.server.Answer(201, R"({"kind":"TokenReview","status":{"error":"invalid bearer token"}})");
  face.Get(kRead);
  REQUIRE(face.answers.size() == 2);
  CHECK(
      face.answers[0].body ==
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized",)"
      R"("reason":"Unauthorized","code":401})");
  CHECK(face.Statuses() == "401 401");
  CHECK(face.server.total == 1);
}

TEST_CASE("a token of an administrator needs no second question") {
  Face face;
  face.Bearing("t");
  face.Get(kRead);
  face.server.Answer(
      201,
      R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"a","groups":["system:masters"]}}})");
  CHECK(face.Statuses() == kAnswered);
  CHECK(face.server.total == 1);
}

TEST_CASE("an API server that does not answer is 503, one that refuses to be asked is 500") {
  Face face;
  face.As("joe");
  face.Get(kRead);
  face.server.Fail(base::Error::Kind::kTimeout, "context deadline exceeded");
  CHECK(face.answers.at(0).status == 503);
  CHECK(face.Message() ==
        "the Kubernetes API server could not be asked whether User \"joe\" may list resource "
        "\"trino-queued\" in API group \"external.metrics.k8s.io\" in the namespace \"analytics\": "
        "context deadline exceeded");
  face.Get(kRead);
  face.server.Answer(403, R"({"message":"cannot create subjectaccessreviews"})");
  CHECK(face.Statuses() == "500");
  face.Bearing("t");
  face.Get(kRead);
  face.server.Answer(500, "{}");
  CHECK(face.answers.at(0).status == 503);
  CHECK(face.Message() ==
        "the Kubernetes API server could not be asked who the bearer of the token is: the API "
        "server answered 500");
}

TEST_CASE("a new front-proxy name counts from the next request on") {
  Face face;
  face.As("joe", {"system:masters"});
  face.Get(kRead);
  face.trust.Publish(std::make_shared<const AuthenticationOptions>(
      AuthenticationOptions{.allowed_names = {"other"}}));
  face.Get(kRead);
  CHECK(face.Statuses() == "404 401");
}

TEST_CASE("other methods are other questions") {
  Face face;
  face.As("joe");
  face.request.method = "DELETE";
  face.Get(kRead);
  CHECK(face.server.Front().body.find(R"("verb":"deletecollection")") != std::string::npos);
  face.server.Answer(201, kAllowed);
  CHECK(face.Statuses() == "405");
}

TEST_CASE("without reviews a token is 401 and the rule decides") {
  Face face;
  ExternalMetricsApi api(face.snapshot, face.clock, nullptr, {.trust = &face.trust});
  face.Bearing("t");
  face.request.raw_path = kRead;
  CHECK(api.Handle(face.request).status == 401);
  face.As("joe");
  CHECK(api.Handle(face.request).status == 404);
}

}  // namespace
}  // namespace plimsoll::serve
