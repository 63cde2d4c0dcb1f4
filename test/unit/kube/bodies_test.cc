// SPDX-License-Identifier: Apache-2.0
//
// What is sent to review a token and access, and what the answers may say.
#include <doctest/doctest.h>

#include "kube/api.h"
#include "kube/detail/base64.h"
#include "support/error_text.h"
#include "support/fake_api.h"

namespace plimsoll::kube {
namespace {

document::Json Json(std::string_view text) { return *document::ParseJson(text); }

TEST_CASE("a TokenReview carries the token alone") {
  CHECK(
      TokenReviewBody("a\"b") ==
      R"({"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","spec":{"token":"a\"b"}})");
}

TEST_CASE("a reviewed token names its user with uid, groups and extra") {
  const auto verdict = ReadTokenReview(Json(
      R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"system:serviceaccount:a:b",)"
      R"("uid":"u-1","groups":["g1","g2"],"extra":{"k":["x","y"]}}}})"));
  REQUIRE_MESSAGE(verdict.has_value(), test::ErrorText(verdict));
  CHECK(verdict->authenticated);
  CHECK(verdict->user == UserInfo{.name = "system:serviceaccount:a:b",
                                  .uid = "u-1",
                                  .groups = {"g1", "g2"},
                                  .extra = {{"k", "x"}, {"k", "y"}}});
}

TEST_CASE("a token that is not authenticated is nobody, and says why") {
  const auto verdict =
      ReadTokenReview(Json(R"({"kind":"TokenReview","status":{"error":"token has expired"}})"));
  REQUIRE(verdict);
  CHECK_FALSE(verdict->authenticated);
  CHECK(verdict->error == "token has expired");
}

TEST_CASE("an answer that is no review is an error, never a user") {
  for (
      const char* answer :
      {"{}", R"({"kind":"TokenReview"})", R"({"kind":"Status","status":{"authenticated":true}})",
       R"({"kind":"TokenReview","status":{"authenticated":true}})",
       R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":""}}})",
       R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"a","groups":[1]}}})",
       R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"a","groups":{}}}})",
       R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"a","extra":[]}}})",
       R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"a","extra":{"k":"v"}}}})",
       R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"a","extra":{"k":[1]}}}})"}) {
    CAPTURE(answer);
    CHECK_FALSE(ReadTokenReview(Json(answer)).has_value());
  }
}

TEST_CASE("the access to a metric is asked as a resource of its group") {
  const AccessQuestion question{.user = {.name = "joe",
                                         .uid = "7",
                                         .groups = {"a", "b"},
                                         .extra = {{"z", "1"}, {"k", "2"}, {"z", "3"}}},
                                .verb = "list",
                                .name_space = "analytics",
                                .group = "external.metrics.k8s.io",
                                .version = "v1beta1",
                                .resource = "trino-queued"};
  CHECK(
      AccessReviewBody(question) ==
      R"({"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{"resourceAttributes":)"
      R"({"namespace":"analytics","verb":"list","group":"external.metrics.k8s.io","version":"v1beta1",)"
      R"("resource":"trino-queued"},"user":"joe","groups":["a","b"],"extra":{"k":["2"],"z":["1","3"]},)"
      R"("uid":"7"}})");
}

TEST_CASE("the access to a path is asked as no resource") {
  CHECK(
      AccessReviewBody({.user = {.name = "joe"}, .verb = "get", .path = "/openapi/v2"}) ==
      R"({"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{"nonResourceAttributes":)"
      R"({"path":"/openapi/v2","verb":"get"},"user":"joe"}})");
}

TEST_CASE("access is allowed only by an answer that says so") {
  const auto read = [](std::string_view status) {
    return ReadAccessReview(
        Json(R"({"kind":"SubjectAccessReview","status":)" + std::string(status) + "}"));
  };
  CHECK(read(R"({"allowed":true,"reason":"RBAC: allowed"})")->allowed);
  CHECK_FALSE(read(R"({"allowed":false})")->allowed);
  CHECK_FALSE(read(R"({})")->allowed);
  CHECK_FALSE(read(R"({"allowed":"true"})")->allowed);
  CHECK(read(R"({"denied":true,"reason":"no"})")->reason == "no");
  CHECK(read(R"({"allowed":true,"denied":true})").error().message ==
        "SubjectAccessReview: the answer is both allowed and denied");
  CHECK_FALSE(read("null").has_value());
  CHECK_FALSE(ReadAccessReview(Json(R"({"kind":"Status","status":"Failure"})")).has_value());
}

TEST_CASE("a ConfigMap is its texts") {
  const auto map = ReadConfigMap(Json(
      R"({"kind":"ConfigMap","metadata":{"name":"n","namespace":"s","resourceVersion":"5"},"data":{"a":"1"}})"));
  REQUIRE_MESSAGE(map.has_value(), test::ErrorText(map));
  CHECK(map->name == "n");
  CHECK(map->name_space == "s");
  CHECK(map->resource_version == "5");
  CHECK(map->data.at("a") == "1");
  CHECK(ReadConfigMap(Json(R"({"metadata":{}})"))->data.empty());
  CHECK(ReadConfigMap(Json(R"({"metadata":{},"data":{"a":1}})")).error().message ==
        "ConfigMap: data.a: expected a text, found the number 1");
  CHECK(ReadConfigMap(Json(R"({"kind":"Secret","metadata":{}})")).error().message ==
        "expected a ConfigMap, found kind Secret");
  CHECK_FALSE(ReadConfigMap(Json(R"({"metadata":{},"data":[]})")).has_value());
  CHECK_FALSE(ReadConfigMap(Json("[]")).has_value());
}

TEST_CASE("a refusal of the API server is told in its words") {
  using Kind = base::Error::Kind;
  const auto told = [](int status, const char* body) {
    return Succeeded(Answer{.status = status, .body = Json(body)});
  };
  CHECK(told(200, "{}").has_value());
  CHECK(told(403, R"({"kind":"Status","message":"cannot"})").error() ==
        base::Error{Kind::kExecution, "the API server answered 403: cannot"});
  CHECK(told(404, "{}").error() == base::Error{Kind::kNotFound, "the API server answered 404"});
  CHECK(told(503, "{}").error().kind == Kind::kUnavailable);
  CHECK(told(429, "{}").error().kind == Kind::kUnavailable);
}

TEST_CASE("a call is counted by name and status, and a success must be JSON") {
  test::FakeApi server;
  telemetry::Telemetry telemetry;
  const auto api = server.Client(&telemetry);
  std::string told;
  const auto tell = [&](base::Result<Answer> answer) {
    told = answer ? std::to_string(answer->status) : answer.error().message;
  };
  api->Start({.name = "get", .path = "/a", .query = "b=c"}, tell);
  CHECK(server.Front().url == "https://api/a?b=c");
  CHECK(server.Front().method == "GET");
  server.Answer(200, "{}");
  CHECK(told == "200");
  api->Start({.name = "get", .path = "/a"}, tell);
  server.Answer(200, "<html>");
  CHECK(told.find("url: answer:1:1: ") == 0);
  api->Start({.name = "get", .path = "/a"}, tell);
  server.Answer(502, "<html>");
  CHECK(told == "502");
  api->Start({.name = "get", .path = "/a"}, tell);
  server.Fail(base::Error::Kind::kTimeout, "late");
  CHECK(told == "late");
  const auto count = [&](std::string_view code) {
    return telemetry.CounterOf(telemetry::MetricId::kKubeRequests, {"get", code}).Value();
  };
  CHECK(count("200") == 2);
  CHECK(count("502") == 1);
  CHECK(count("none") == 1);
}

TEST_CASE("base64 is Go's: padded, line breaks skipped, nothing else") {
  using detail::DecodeBase64;
  CHECK(DecodeBase64("") == "");
  CHECK(DecodeBase64("YQ==") == "a");
  CHECK(DecodeBase64("YWI=") == "ab");
  CHECK(DecodeBase64("YW\nJj\r\n") == "abc");
  CHECK(DecodeBase64("YWJj/+8=") == "abc\xFF\xEF");
  for (const char* bad : {"Y", "YQ", "YQ=", "YQ===", "YWJj=", "Y Q=", "YQ==YQ==", "Y-=="})
    CHECK_FALSE(DecodeBase64(bad).has_value());
}

}  // namespace
}  // namespace plimsoll::kube
