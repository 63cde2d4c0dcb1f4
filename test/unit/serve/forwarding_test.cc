// SPDX-License-Identifier: Apache-2.0
//
// Reads that another adapter answers, with the adapter played by the test.
#include "serve/forwarding.h"

#include <doctest/doctest.h>

#include <deque>

#include "config/load.h"
#include "serve/external_metrics.h"
#include "support/fake_clock.h"

namespace plimsoll::serve {
namespace {

using namespace std::chrono_literals;

const std::string kPeers =
    "hub:\n"
    "  forward:\n"
    "  - {name: keda, url: 'https://keda:443', selector_labels: [scaledobject.keda.sh/name]}\n"
    "  - {name: prom, url: 'https://prom:6443', timeout: 300ms}\n";

std::shared_ptr<const config::Config> ConfigOf(const std::string& text) {
  auto config = config::LoadText(text, "f");
  REQUIRE(config.has_value());
  return *std::move(config);
}

// A face that knows `known`, and whose peers do what the test says.
struct Face {
  struct Asked {
    http::FetchRequest request;
    http::FetchCallback done;
  };
  test::FakeClock clock{1'767'225'600'000};
  telemetry::Telemetry telemetry;
  std::deque<Asked> asked;
  Forwarding forwarding;
  base::Published<signals::Snapshot> snapshot;
  ExternalMetricsApi api;
  std::optional<http::Response> answer;

  explicit Face(ForwardingLimits limits = {}, const std::string& config = kPeers)
      : forwarding(
            ConfigOf(config),
            [this](http::FetchRequest request, http::FetchCallback done) {
              asked.push_back({std::move(request), std::move(done)});
            },
            clock, &telemetry, limits),
        api(snapshot, clock, nullptr, {.forwarding = &forwarding}) {
    auto next = std::make_shared<signals::Snapshot>();
    const signals::Moment now = signals::Moment::Of(clock);
    signals::Metric known;
    known.policy =
        std::make_shared<config::ExternalMetric>(config::ExternalMetric{.name = "known"});
    known.namespaces = {"a"};
    known.evaluated = now;
    known.entries = {{.present = true, .value = 1, .source = now, .seen = now}};
    next->metrics = {known};
    next->pending = {{"waiting", "a sidecar"}};
    next->BuildIndex();
    snapshot.Publish(next);
  }
  // Asks; the answer is in `answer` once it is there.
  Face& Get(const std::string& rest, http::Pairs headers = {}) {
    http::Request request;
    request.certificate = std::make_shared<http::ClientCertificate>(
        http::ClientCertificate{.common_name = "proxy", .trusted_by = {"requestheader"}});
    request.headers = std::move(headers);
    request.headers.emplace_back("X-Remote-User", "hpa");
    const std::string target = "/apis/external.metrics.k8s.io/v1beta1/namespaces/" + rest;
    request.raw_path = target.substr(0, target.find('?'));
    request.path = request.raw_path;
    if (target.find('?') != std::string::npos)
      request.raw_query = target.substr(target.find('?') + 1);
    answer.reset();
    http::Response response = api.Handle(request);
    if (response.later) {
      response.later([this](http::Response later) { answer = std::move(later); });
    } else {
      answer = std::move(response);
    }
    return *this;
  }
  void Answer(int status, std::string body,
              http::Pairs headers = {{"Content-Type", "application/json"}}) {
    auto next = std::move(asked.front());
    asked.pop_front();
    next.done(http::FetchResponse{
        .status = status, .headers = std::move(headers), .body = std::move(body)});
  }
  void Fail(base::Error::Kind kind, std::string message) {
    auto next = std::move(asked.front());
    asked.pop_front();
    next.done(base::Error{kind, std::move(message)});
  }
  double Count(std::string_view adapter, std::string_view outcome) {
    return telemetry.CounterOf(telemetry::MetricId::kForwardedReads, {adapter, outcome}).Value();
  }
};

const std::string kStatus =
    R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":"no such thing","code":404})";

TEST_CASE("an unknown metric goes to the adapter, as it was asked for") {
  Face face;
  face.Get("b/other?labelSelector=x%3Dy", {{"Accept", "application/json, */*"}});
  REQUIRE(face.asked.size() == 1);
  const http::FetchRequest& request = face.asked.front().request;
  CHECK(request.method == "GET");
  CHECK(request.url ==
        "https://prom:6443/apis/external.metrics.k8s.io/v1beta1/namespaces/b/"
        "other?labelSelector=x%3Dy");
  CHECK(request.timeout == 300ms);
  CHECK(request.headers ==
        http::Pairs{{"Accept", "application/json, */*"}, {"X-Plimsoll-Forwarded", "1"}});
  CHECK_FALSE(request.config->follow_redirects);
}

TEST_CASE("the peer's answer comes back unchanged, but for a word that would make callers wait") {
  Face face;
  face.Get("b/other").Answer(404, kStatus,
                             {{"Content-Type", "application/json"}, {"Retry-After", "1"}});
  REQUIRE(face.answer);
  CHECK(face.answer->status == 404);
  CHECK(face.answer->body == kStatus);
  CHECK(face.answer->content_type == "application/json");
  CHECK(http::FindHeader(face.answer->headers, "Retry-After").empty());
  CHECK(face.Count("prom", "404") == 1);
  face.Get("b/other").Answer(200, "{\"items\":[]}");
  CHECK(face.answer->status == 200);
  CHECK(face.answer->body == "{\"items\":[]}");
}

TEST_CASE("a selector with an adapter's label goes to it, even for a known metric") {
  Face face;
  face.Get("a/known?labelSelector=scaledobject.keda.sh%2Fname%3Dx");
  REQUIRE(face.asked.size() == 1);
  CHECK(face.asked.front().request.url.starts_with("https://keda:443/apis/"));
  CHECK(face.asked.front().request.timeout == 900ms);
}

TEST_CASE("what is known is never forwarded, nor what a sidecar may turn out to export") {
  Face face;
  CHECK(face.Get("a/known").answer->status == 200);
  CHECK(face.Get("a/known?labelSelector=x%3Dy").answer->status == 503);
  CHECK(face.Get("waiting/other").answer->status == 503);
  CHECK(face.Get("a/other?labelSelector=%3D").answer->status == 400);
  CHECK(face.asked.empty());
}

TEST_CASE("without an adapter for it an unknown metric is 404") {
  Face face({}, "hub: {forward: [{name: keda, url: 'https://keda', selector_labels: [l]}]}\n");
  CHECK(face.Get("b/other").answer->status == 404);
  Face alone({}, "");
  CHECK(alone.Get("b/other").answer->status == 404);
}

TEST_CASE("who may not read is told so, and nobody is asked") {
  Face face;
  http::Request request;
  request.raw_path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/b/other";
  request.path = request.raw_path;
  CHECK(face.api.Handle(request).status == 403);
  CHECK(face.asked.empty());
}

TEST_CASE("a request that was forwarded to us goes no further") {
  Face face;
  CHECK(face.Get("b/other", {{"x-plimsoll-forwarded", "1"}}).answer->status == 404);
  CHECK(face.answer->body.find("this request was forwarded to us already") != std::string::npos);
  CHECK(face.asked.empty());
  CHECK(face.Count("prom", "loop") == 1);
  CHECK(face.Get("a/known", {{"X-Plimsoll-Forwarded", "1"}}).answer->status == 200);
}

TEST_CASE("a peer that is late or away is an error that names it") {
  Face face;
  face.Get("b/other").Fail(base::Error::Kind::kTimeout, "context deadline exceeded");
  CHECK(face.answer->status == 504);
  CHECK(face.answer->body.find("the metric is not known here, and the adapter prom "
                               "(https://prom:6443) did not answer: context deadline exceeded") !=
        std::string::npos);
  face.Get("b/other").Fail(base::Error::Kind::kUnavailable, "connection refused");
  CHECK(face.answer->status == 503);
  face.Get("b/other").Answer(302, "elsewhere");
  CHECK(face.answer->status == 503);
  CHECK(face.Count("prom", "timeout") == 1);
  CHECK(face.Count("prom", "failed") == 2);
}

TEST_CASE("a peer that keeps failing is left alone, then asked once, then trusted again") {
  Face face({.failures = 2, .first_pause = 1s, .longest_pause = 2s});
  for (int i = 0; i < 2; ++i) face.Get("b/other").Fail(base::Error::Kind::kTimeout, "late");
  CHECK(face.Get("b/other").answer->status == 503);
  CHECK(face.asked.empty());
  CHECK(face.Count("prom", "open") == 1);
  face.clock.Advance(1s);
  face.Get("b/other");
  CHECK(face.asked.size() == 1);
  face.Get("b/other");  // one at a time finds out
  CHECK(face.asked.size() == 1);
  face.Fail(base::Error::Kind::kTimeout, "late");
  face.clock.Advance(1s);
  CHECK(face.Get("b/other").answer->status == 503);
  face.clock.Advance(1s);
  face.Get("b/other").Answer(200, "{}");
  CHECK(face.answer->status == 200);
  face.Get("b/other");
  face.Get("b/other");
  CHECK(face.asked.size() == 2);
}

TEST_CASE("a peer has so many requests at a time, and another peer has its own") {
  Face face({.in_flight = 2});
  face.Get("b/other").Get("b/other");
  CHECK(face.asked.size() == 2);
  CHECK(face.Get("b/other").answer->status == 503);
  CHECK(face.Count("prom", "busy") == 1);
  face.Get("b/x?labelSelector=scaledobject.keda.sh%2Fname%3Dx");
  CHECK(face.asked.size() == 3);
  face.Answer(200, "{}");
  face.Get("b/other");
  CHECK(face.asked.size() == 3);
}

TEST_CASE("a reload keeps what is known of a peer at the same address") {
  Face face({.failures = 1});
  face.Get("b/other").Fail(base::Error::Kind::kTimeout, "late");
  face.forwarding.Use(ConfigOf(kPeers));
  CHECK(face.Get("b/other").answer->status == 503);
  CHECK(face.asked.empty());
  face.forwarding.Use(ConfigOf("hub: {forward: [{name: prom, url: 'https://new'}]}\n"));
  face.Get("b/other");
  CHECK(face.asked.size() == 1);
}

}  // namespace
}  // namespace plimsoll::serve
