// SPDX-License-Identifier: Apache-2.0
//
// External metrics as plain JSON: whole bodies, byte for byte.
#include "serve/external_values.h"

#include <doctest/doctest.h>

#include "support/fake_clock.h"
#include "two_queues.h"

namespace plimsoll::serve {
namespace {

using namespace std::chrono_literals;

// One metric of two series that is held for two minutes, and one that is empty.
struct Face {
  test::FakeClock clock{1'767'225'600'250};  // 2026-01-01T00:00:00.25Z
  base::Published<signals::Snapshot> snapshot;
  telemetry::Telemetry telemetry;
  ExternalValues values{snapshot, clock, &telemetry};
  http::Request request;

  Face() {
    config::ExternalMetric policy;
    policy.max_age = 90s;
    policy.hold = 2min;
    snapshot.Publish(TwoQueues(clock, policy));
  }

  http::Response Get(const std::string& rest) {
    const std::string target = "/api/v1/external/" + rest;
    const std::size_t question = target.find('?');
    request.raw_path = target.substr(0, question);
    request.path = http::PercentDecode(request.raw_path, false);
    request.raw_query = question == std::string::npos ? "" : target.substr(question + 1);
    REQUIRE(ExternalValues::Owns(request.raw_path));
    http::Response response = values.Handle(request);
    CHECK(response.content_type == "application/json");
    CHECK(response.headers.front() ==
          std::pair<std::string, std::string>("Cache-Control", "no-store"));
    return response;
  }
};

TEST_CASE("a value is a number with its source time and state") {
  Face face;
  const auto response = face.Get("analytics/trino-queued?labelSelector=cluster%3Da");
  CHECK(response.status == 200);
  CHECK(response.body ==
        R"({"namespace":"analytics","name":"trino-queued","labels":{"cluster":"a"},"value":1.5,)"
        R"("time":"2026-01-01T00:00:00.250Z","state":"fresh","reason":""})"
        "\n");
}

TEST_CASE("a held value says that it is, and why") {
  Face face;
  face.clock.Advance(91s);
  CHECK(face.Get("analytics/Trino-Queued?labelSelector=cluster+in+%28b%29").body ==
        R"({"namespace":"analytics","name":"trino-queued","labels":{"cluster":"b"},"value":17,)"
        R"("time":"2026-01-01T00:00:00.250Z","state":"held","reason":"stale"})"
        "\n");
}

TEST_CASE("without a value there is no number and no 200") {
  Face face;
  const auto response = face.Get("default/trino-blocked");
  CHECK(response.status == 503);
  CHECK(
      response.body ==
      R"({"namespace":"default","name":"trino-blocked","state":"error","reason":"empty","message":)"
      R"("external metric trino-blocked in namespace default has no value (empty): its query gives )"
      R"(no series"})"
      "\n");
  CHECK(face.Get("analytics/trino-queued").status == 503);  // several
  face.clock.Advance(211s);
  CHECK(face.Get("analytics/trino-queued?labelSelector=cluster%3Da").status == 503);  // stale
  const auto count = [&](const char* reason) {
    return face.telemetry.CounterOf(telemetry::MetricId::kExternalMetricErrors, {reason}).Value();
  };
  CHECK(count("empty") == 1);
  CHECK(count("several") == 1);
  CHECK(count("stale") == 1);
}

TEST_CASE("a metric that nobody knows is 404, with a hint") {
  Face face;
  const auto response = face.Get("analytics/trino-queud");
  CHECK(response.status == 404);
  CHECK(
      response.body ==
      R"({"namespace":"analytics","name":"trino-queud","state":"error","reason":"not_found","message":)"
      R"("the server could not find the metric trino-queud in the namespace analytics; did you mean )"
      R"(trino-queued?"})"
      "\n");
  CHECK(face.Get("other/trino-queued").status == 404);
  face.snapshot.Publish(nullptr);
  CHECK(face.Get("analytics/trino-queued").status == 404);
}

TEST_CASE("other paths are 404 and say what was expected") {
  Face face;
  for (const char* rest :
       {"", "analytics", "analytics/", "/trino-queued", "analytics/a/b", "analytics/a%2Fb"}) {
    CAPTURE(rest);
    CHECK(face.Get(rest).status == 404);
  }
  CHECK(
      face.Get("analytics").body ==
      R"({"state":"error","reason":"not_found","message":"expected /api/v1/external/{namespace}/{name}, )"
      R"(found /api/v1/external/analytics"})"
      "\n");
  CHECK_FALSE(ExternalValues::Owns("/api/v1/external"));
  CHECK_FALSE(ExternalValues::Owns("/api/v1/query"));
}

TEST_CASE("a malformed selector is 400 in the parser's words") {
  Face face;
  const auto response = face.Get("analytics/trino-queued?labelSelector=a%3D%3D%3Db");
  CHECK(response.status == 400);
  CHECK(
      response.body ==
      R"({"namespace":"analytics","name":"trino-queued","state":"error","reason":"bad_selector","message":)"
      R"("labelSelector: unable to parse requirement: found '=', expected: identifier"})"
      "\n");
}

TEST_CASE("a metric can only be read") {
  Face face;
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    CAPTURE(method);
    face.request.method = method;
    const auto response = face.Get("analytics/trino-queued");
    CHECK(response.status == 405);
    CHECK(response.headers.back() == std::pair<std::string, std::string>("Allow", "GET, HEAD"));
  }
  face.request.method = "HEAD";
  CHECK(face.Get("analytics/trino-queued?labelSelector=cluster%3Da").status == 200);
}

}  // namespace
}  // namespace plimsoll::serve
