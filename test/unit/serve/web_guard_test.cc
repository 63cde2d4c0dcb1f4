// SPDX-License-Identifier: Apache-2.0
//
// The guard around the ops listener: who gets through, what the others get, headers on all.
#include "serve/web_guard.h"

#include <doctest/doctest.h>

#include "support/fake_clock.h"

namespace plimsoll::serve {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
constexpr const char* kAnn = "Basic YW5uOnNlY3JldA==";  // ann:secret

struct Desk {
  http::Response Ask(const std::string& authorization = "") {
    http::Request request;
    if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
    return handler(request);
  }
  double Refused(std::string_view reason) {
    return telemetry.CounterOf(telemetry::MetricId::kWebRefused, {reason}).Value();
  }
  WebGuard::Settings WithUsers() {
    return {.users = std::make_shared<http::BasicAuth>(http::BasicAuth::Users{{"ann", kHash}})};
  }

  test::FakeClock clock;
  telemetry::Telemetry telemetry;
  int fresh = 0;
  int handled = 0;
  std::function<void()> changes;
  WebGuard guard{clock, &telemetry, [this] {
                   ++fresh;
                   if (changes) changes();
                 }};
  http::Handler handler = guard.Around([this](const http::Request&) {
    ++handled;
    return http::Response{.content_type = "text/plain", .body = "page"};
  });
};

TEST_CASE("without settings everybody gets everything, and each request asks whether that holds") {
  Desk desk;
  CHECK(desk.Ask().body == "page");
  CHECK(desk.Ask("Basic whatever").body == "page");
  CHECK(desk.fresh == 2);
}

TEST_CASE("with users only they get through; the others learn nothing else") {
  Desk desk;
  desk.guard.Use(desk.WithUsers());
  for (const char* authorization :
       {"", "Basic YW5uOndyb25n", "Bearer token", "Basic bm9ib2R5Og=="}) {
    const http::Response refused = desk.Ask(authorization);
    CHECK(refused.status == 401);
    CHECK(refused.body == "Unauthorized\n");
    CHECK(http::FindHeader(refused.headers, "WWW-Authenticate") == "Basic");
  }
  CHECK(desk.handled == 0);
  CHECK(desk.Refused("unauthorized") == 4);
  CHECK(desk.Ask(kAnn).body == "page");
}

TEST_CASE("a password that was not seen is slow, afterwards it is not") {
  Desk desk;
  desk.guard.Use(desk.WithUsers());
  http::Request request;
  CHECK_FALSE(desk.guard.IsSlow(request));
  request.headers.emplace_back("Authorization", kAnn);
  CHECK(desk.guard.IsSlow(request));
  desk.Ask(kAnn);
  CHECK_FALSE(desk.guard.IsSlow(request));
  desk.guard.Use(desk.WithUsers());  // read again, and the same
  CHECK_FALSE(desk.guard.IsSlow(request));
  auto others = desk.WithUsers();
  others.users = std::make_shared<http::BasicAuth>(http::BasicAuth::Users{{"bob", kHash}});
  desk.guard.Use(others);
  CHECK(desk.Ask(kAnn).status == 401);
}

TEST_CASE("what is slow is judged by the users of now") {
  Desk desk;
  desk.guard.Use(desk.WithUsers());
  desk.Ask(kAnn);
  http::Request request;
  request.headers.emplace_back("Authorization", kAnn);
  CHECK_FALSE(desk.guard.IsSlow(request));
  desk.changes = [&desk] {
    desk.guard.Use({.users = std::make_shared<http::BasicAuth>(
                        http::BasicAuth::Users{{"ann", kHash}, {"bob", kHash}})});
  };
  CHECK(desk.guard.IsSlow(request));
}

TEST_CASE("a thread on which others wait computes no password") {
  Desk desk;
  desk.guard.Use(desk.WithUsers());
  http::Request request;
  request.headers.emplace_back("Authorization", kAnn);
  request.must_be_quick = true;
  CHECK(desk.handler(request).status == 503);
  CHECK(desk.Refused("busy") == 1);
  CHECK(desk.guard.settings()->users->computed() == 0);
  CHECK(desk.Ask(kAnn).body == "page");
  CHECK(desk.handler(request).body == "page");
}

TEST_CASE("headers stand on every answer once, also on refusals") {
  Desk desk;
  auto settings = desk.WithUsers();
  settings.headers = {{"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "deny"}};
  desk.guard.Use(settings);
  for (const char* authorization : {"", kAnn}) {
    const http::Response response = desk.Ask(authorization);
    CHECK(http::FindHeader(response.headers, "X-Frame-Options") == "deny");
    int times = 0;
    for (const auto& [name, value] : response.headers) times += name == "X-Content-Type-Options";
    CHECK(times == 1);
  }
}

TEST_CASE("a bucket holds its burst and gets a token each interval") {
  Desk desk;
  desk.guard.Use({.interval = 1s, .burst = 2});
  CHECK(desk.Ask().status == 200);
  CHECK(desk.Ask().status == 200);
  const http::Response refused = desk.Ask();
  CHECK(refused.status == 429);
  CHECK(refused.body == "Too Many Requests\n");
  CHECK(http::FindHeader(refused.headers, "Retry-After") == "");
  desk.clock.Advance(1s);
  CHECK(desk.Ask().status == 200);
  CHECK(desk.Ask().status == 429);
  desk.clock.Advance(1h);
  CHECK(desk.Ask().status == 200);
  CHECK(desk.Ask().status == 200);
  CHECK(desk.Ask().status == 429);
  CHECK(desk.Refused("rate_limit") == 3);
}

TEST_CASE("too many who wait for a password are told so") {
  Desk desk;
  desk.guard.Use({.users = std::make_shared<http::BasicAuth>(
                      http::BasicAuth::Users{{"ann", kHash}},
                      http::BasicAuthLimits{.remembered = 1, .waiting = 0})});
  CHECK(desk.Ask(kAnn).status == 503);
  CHECK(desk.Refused("busy") == 1);
}

}  // namespace
}  // namespace plimsoll::serve
