// SPDX-License-Identifier: Apache-2.0
//
// The external metrics face: whole bodies, byte for byte.
#include "serve/external_metrics.h"

#include <doctest/doctest.h>

#include "support/fake_clock.h"
#include "two_queues.h"

namespace plimsoll::serve {
namespace {

using namespace std::chrono_literals;
constexpr base::Time kStart = 1'767'225'600'000;  // 2026-01-01T00:00:00Z
constexpr const char* kBase = "/apis/external.metrics.k8s.io/v1beta1";

// A server with one metric of two series and one that is empty.
struct Face {
  test::FakeClock clock{kStart};
  base::Published<signals::Snapshot> snapshot;
  telemetry::Telemetry telemetry;
  ExternalMetricsApi api{snapshot, clock, &telemetry, {.version = "1.2.3"}};
  http::Request request;

  Face() {
    request.certificate = std::make_shared<http::ClientCertificate>(http::ClientCertificate{
        .common_name = "front-proxy-client", .trusted_by = {"requestheader"}});
    request.headers = {
        {"X-Remote-User", "system:serviceaccount:kube-system:horizontal-pod-autoscaler"},
        {"Accept", "application/vnd.kubernetes.protobuf, */*"}};
    auto next = TwoQueues(clock, {});
    next->metrics.front().window = 60s;
    snapshot.Publish(next);
  }

  http::Response Get(std::string target) {
    const std::size_t question = target.find('?');
    request.raw_path = target.substr(0, question);
    request.path = http::PercentDecode(request.raw_path, false);
    request.raw_query = question == std::string::npos ? "" : target.substr(question + 1);
    http::Response response = api.Handle(request);
    CHECK_FALSE(response.content_type.empty());
    for (const auto& [name, value] : response.headers) CHECK(name != "Retry-After");
    return response;
  }
  http::Response Metric(const std::string& rest) {
    return Get(std::string(kBase) + "/namespaces/" + rest);
  }
};

std::string HeaderOf(const http::Response& response, std::string_view wanted) {
  for (const auto& [name, value] : response.headers) {
    if (name == wanted) return value;
  }
  return "";
}

TEST_CASE("a metric read is one item with source time, window and quantity") {
  Face face;
  const auto response = face.Metric("analytics/trino-queued?labelSelector=cluster%3Da");
  CHECK(response.status == 200);
  CHECK(response.content_type == "application/json");
  CHECK(
      response.body ==
      R"({"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","metadata":{},"items":[)"
      R"({"metricName":"trino-queued","metricLabels":{"cluster":"a"},"timestamp":"2026-01-01T00:00:00Z",)"
      R"("window":60,"value":"1500m"}]})"
      "\n");
}

TEST_CASE("the selector of an HPA comes with plus signs and percents") {
  Face face;
  const auto response =
      face.Metric("analytics/trino-queued?labelSelector=cluster+in+%28b%2Cc%29%2C%21legacy");
  CHECK(response.status == 200);
  CHECK(response.body.find(R"("value":"17")") != std::string::npos);
}

TEST_CASE("names are matched in lower case, and one trailing slash is nothing") {
  Face face;
  CHECK(face.Metric("analytics/Trino-Queued?labelSelector=cluster%3Da").status == 200);
  CHECK(face.Metric("analytics/trino-queued/?labelSelector=cluster%3Da").status == 200);
}

TEST_CASE("a known metric without a value is 503 and says why") {
  Face face;
  const auto response = face.Metric("default/trino-blocked");
  CHECK(response.status == 503);
  CHECK(
      response.body ==
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"external metric )"
      R"(trino-blocked in namespace default has no value (empty): its query gives no series","reason":)"
      R"("ServiceUnavailable","details":{"name":"trino-blocked","group":"external.metrics.k8s.io",)"
      R"("causes":[{"reason":"empty"}]},"code":503})");
  CHECK(face.Metric("analytics/trino-queued").status == 503);  // two series, and none was asked for
}

TEST_CASE("errors are counted by reason") {
  Face face;
  face.Metric("default/trino-blocked");
  CHECK(face.telemetry.CounterOf(telemetry::MetricId::kExternalMetricErrors, {"empty"}).Value() ==
        1);
  CHECK(face.telemetry.CounterOf(telemetry::MetricId::kExternalMetricErrors, {"several"}).Value() ==
        0);
}

TEST_CASE("a value grows old while nothing new is published") {
  Face face;
  face.clock.Advance(90s);
  CHECK(face.Metric("analytics/trino-queued?labelSelector=cluster%3Da").status == 200);
  face.clock.Advance(1ms);
  CHECK(face.Metric("analytics/trino-queued?labelSelector=cluster%3Da").status == 503);
}

TEST_CASE("before the first snapshot nothing is known") {
  Face face;
  face.snapshot.Publish(nullptr);
  CHECK(face.Metric("analytics/trino-queued").status == 404);
  CHECK(face.Get(kBase).status == 200);
}

TEST_CASE("an unknown metric is 404, with a hint") {
  Face face;
  const auto response = face.Metric("analytics/trino-queud");
  CHECK(response.status == 404);
  CHECK(
      response.body ==
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the server could not find )"
      R"(the metric trino-queud in the namespace analytics; did you mean trino-queued?","reason":"NotFound",)"
      R"("details":{"name":"trino-queud","group":"external.metrics.k8s.io"},"code":404})");
  CHECK(face.Metric("other/trino-queued?labelSelector=cluster%3Da").status == 404);
  CHECK(face.Metric("other/trino-queud").body.find("did you mean") == std::string::npos);
}

TEST_CASE("a malformed selector is 400 in the parser's words") {
  Face face;
  const auto response = face.Metric("analytics/trino-queued?labelSelector=a%3D%3D%3Db");
  CHECK(response.status == 400);
  CHECK(
      response.body ==
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"unable to parse )"
      R"(requirement: found '=', expected: identifier","reason":"BadRequest","code":400})");
}

TEST_CASE("other paths below the group are 404") {
  Face face;
  for (const char* rest :
       {"analytics", "analytics/a/b", "analytics//trino-queued", "", "analytics/trino%2Fqueued"}) {
    CAPTURE(rest);
    CHECK(face.Metric(rest).status == 404);
  }
  CHECK(face.Get(std::string(kBase) + "/trino-queued").status == 404);
  CHECK(face.Get("/apis/external.metrics.k8s.io/v1").status == 404);
  CHECK(face.Get("/openapi/v3").status == 404);
  CHECK(
      face.Get("/nosuch").body ==
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the server could not find )"
      R"(the requested resource","reason":"NotFound","code":404})");
}

TEST_CASE("status and finalize are names like any other") {
  Face face;
  CHECK(face.Metric("analytics/status").status == 404);
  CHECK(face.Metric("analytics/status").body.find("the metric status") != std::string::npos);
}

TEST_CASE("writing and watching are 405") {
  Face face;
  for (const char* method : {"POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"}) {
    CAPTURE(method);
    face.request.method = method;
    CHECK(face.Metric("analytics/trino-queued").status == 405);
  }
  face.request.method = "GET";
  CHECK(face.Metric("analytics/trino-queued?watch=true").status == 405);
  CHECK(face.Metric("analytics/trino-queued?watch=1").status == 405);
  CHECK(face.Metric("analytics/trino-queued?labelSelector=cluster%3Da&watch=false").status == 200);
}

TEST_CASE("an Accept that JSON cannot satisfy is 406, and anything with */* is served") {
  Face face;
  face.request.headers[1].second = "text/html";
  CHECK(face.Metric("analytics/trino-queued").status == 406);
  face.request.headers[1].second = "application/vnd.kubernetes.protobuf";
  CHECK(face.Metric("analytics/trino-queued?labelSelector=cluster%3Da").status == 406);
  face.request.headers[1].second = "text/html;q=0.9, */*;q=0.1";
  CHECK(face.Metric("analytics/trino-queued?labelSelector=cluster%3Da").status == 200);
}

TEST_CASE("strangers are 401, anonymous is 403, and the message names user, verb and metric") {
  Face face;
  face.request.certificate = nullptr;
  const auto forbidden = face.Metric("analytics/trino-queued");
  CHECK(forbidden.status == 403);
  CHECK(
      forbidden.body ==
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"trino-queued.external.)"
      R"(metrics.k8s.io is forbidden: User \"system:anonymous\" cannot list resource \"trino-queued\" in API group )"
      R"(\"external.metrics.k8s.io\" in the namespace \"analytics\"","reason":"Forbidden","details":{"group":)"
      R"("external.metrics.k8s.io","kind":"trino-queued"},"code":403})");
  CHECK(
      face.Get("/apis").body ==
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"forbidden: User )"
      R"(\"system:anonymous\" cannot get path \"/apis\"","reason":"Forbidden","code":403})");
  face.request.certificate = std::make_shared<http::ClientCertificate>();
  const auto unauthorized = face.Metric("analytics/trino-queued");
  CHECK(unauthorized.status == 401);
  CHECK(
      unauthorized.body ==
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized",)"
      R"("reason":"Unauthorized","code":401})");
}

TEST_CASE("the group version lists one resource that stands for all") {
  Face face;
  const auto response = face.Get(kBase);
  CHECK(response.status == 200);
  CHECK(
      response.body ==
      R"({"kind":"APIResourceList","apiVersion":"v1","groupVersion":"external.metrics.k8s.io/v1beta1","resources":)"
      R"([{"name":"externalmetrics","singularName":"","namespaced":true,"kind":"ExternalMetricValueList",)"
      R"("verbs":["get"]}]})");
}

TEST_CASE("plain discovery is for people") {
  Face face;
  CHECK(
      face.Get("/apis").body ==
      R"({"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"external.metrics.k8s.io","versions":[)"
      R"({"groupVersion":"external.metrics.k8s.io/v1beta1","version":"v1beta1"}],"preferredVersion":{)"
      R"("groupVersion":"external.metrics.k8s.io/v1beta1","version":"v1beta1"}}]})");
  CHECK(
      face.Get("/apis/external.metrics.k8s.io").body ==
      R"({"kind":"APIGroup","apiVersion":"v1","name":"external.metrics.k8s.io","versions":[)"
      R"({"groupVersion":"external.metrics.k8s.io/v1beta1","version":"v1beta1"}],"preferredVersion":{)"
      R"("groupVersion":"external.metrics.k8s.io/v1beta1","version":"v1beta1"}})");
}

TEST_CASE("aggregated discovery is v2, or v2beta1 for older aggregators, with an ETag") {
  Face face;
  const std::string v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const std::string v2beta1 =
      "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
  face.request.headers[1].second = v2 + "," + v2beta1;
  const auto first = face.Get("/apis");
  CHECK(first.status == 200);
  CHECK(first.content_type == v2);
  CHECK(HeaderOf(first, "Vary") == "Accept");
  CHECK(
      first.body ==
      R"({"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[{"metadata":)"
      R"({"name":"external.metrics.k8s.io"},"versions":[{"version":"v1beta1","resources":[{"resource":)"
      R"("externalmetrics","responseKind":{"group":"external.metrics.k8s.io","version":"v1beta1","kind":)"
      R"("ExternalMetricValueList"},"scope":"Namespaced","singularResource":"","verbs":["get"]}],)"
      R"("freshness":"Current"}]}]})");
  const std::string etag = HeaderOf(first, "ETag");
  CHECK(etag.size() == 34);

  face.request.headers.emplace_back("If-None-Match", etag);
  const auto second = face.Get("/apis");
  CHECK(second.status == 304);
  CHECK(second.body.empty());
  CHECK(HeaderOf(second, "ETag") == etag);

  face.request.headers[1].second = v2beta1;
  const auto older = face.Get("/apis");
  CHECK(older.status == 200);
  CHECK(older.content_type == v2beta1);
  face.request.headers[1].second =
      "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList";
  CHECK(face.Get("/apis").status == 406);
}

TEST_CASE("the OpenAPI document is empty but there, with an ETag") {
  Face face;
  const auto response = face.Get("/openapi/v2");
  CHECK(response.status == 200);
  CHECK(response.body ==
        R"({"swagger":"2.0","info":{"title":"plimsoll","version":"1.2.3"},"paths":{}})");
  face.request.headers.emplace_back("If-None-Match", HeaderOf(response, "ETag"));
  CHECK(face.Get("/openapi/v2").status == 304);
}

TEST_CASE("health is open to anonymous and closed to strangers") {
  Face face;
  const auto health = [](const http::Request& request) -> std::optional<http::Response> {
    if (request.path != "/healthz") return std::nullopt;
    return http::Response{.content_type = "text/plain; charset=utf-8", .body = "ok"};
  };
  face.request.raw_path = face.request.path = "/healthz";
  face.request.certificate = nullptr;
  CHECK(face.api.Handle(face.request, health).body == "ok");
  face.request.certificate = std::make_shared<http::ClientCertificate>();
  CHECK(face.api.Handle(face.request, health).status == 401);
}

}  // namespace
}  // namespace plimsoll::serve
