// SPDX-License-Identifier: Apache-2.0
//
// Reviews: what is asked, what is remembered for how long, who waits, and every limit.
#include "kube/reviews.h"

#include <doctest/doctest.h>

#include "support/fake_api.h"
#include "support/fake_clock.h"

namespace plimsoll::kube {
namespace {

using namespace std::chrono_literals;
using base::Error;

constexpr const char* kJoe =
    R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"joe"}}})";
constexpr const char* kNobody = R"({"kind":"TokenReview","status":{}})";
constexpr const char* kAllowed = R"({"kind":"SubjectAccessReview","status":{"allowed":true}})";
constexpr const char* kDenied =
    R"({"kind":"SubjectAccessReview","status":{"allowed":false,"reason":"no"}})";

struct Desk {
  explicit Desk(ReviewOptions options = {})
      : reviews(server.Client(&telemetry), server.Client(&telemetry), clock, &telemetry, options) {}

  // Asks; what is told goes to `told`, one word each.
  void Token(const std::string& token) {
    reviews.Ask(token, [this](const base::Result<TokenVerdict>& verdict) {
      told.push_back(!verdict                 ? verdict.error().message
                     : verdict->authenticated ? verdict->user.name
                                              : "nobody");
    });
  }
  void Access(const std::string& user) {
    reviews.Ask(Question(user), [this](const base::Result<AccessVerdict>& verdict) {
      told.push_back(!verdict ? verdict.error().message : verdict->allowed ? "yes" : "no");
    });
  }
  static AccessQuestion Question(const std::string& user) {
    return {.user = {.name = user}, .verb = "get", .path = "/apis"};
  }
  double Refused(std::string_view reason) {
    return telemetry.CounterOf(telemetry::MetricId::kKubeRefused, {reason}).Value();
  }
  double Counted(std::string_view kind, std::string_view how) {
    return telemetry.CounterOf(telemetry::MetricId::kKubeReviews, {kind, how}).Value();
  }
  std::vector<std::string> Told() { return std::exchange(told, {}); }
  using Words = std::vector<std::string>;

  test::FakeClock clock;
  telemetry::Telemetry telemetry;
  test::FakeApi server;
  std::vector<std::string> told;
  Reviews reviews;
};
using Words = Desk::Words;

TEST_CASE("a token is posted to the API server with the deadline of a review") {
  Desk desk;
  desk.Token("t");
  CHECK(desk.server.Front().method == "POST");
  CHECK(desk.server.Front().url == "https://api/apis/authentication.k8s.io/v1/tokenreviews");
  CHECK(desk.server.Front().body == TokenReviewBody("t"));
  CHECK(desk.server.Front().timeout == ReviewLimits{}.deadline);
  CHECK(http::FindHeader(desk.server.Front().headers, "Content-Type") == "application/json");
  desk.server.Answer(201, kJoe);
  CHECK(desk.Told() == Words{"joe"});
}

TEST_CASE("access is posted to the API server") {
  Desk desk;
  desk.Access("joe");
  CHECK(desk.server.Front().url == "https://api/apis/authorization.k8s.io/v1/subjectaccessreviews");
  CHECK(desk.server.Front().body == AccessReviewBody(Desk::Question("joe")));
  desk.server.Answer(201, kDenied);
  CHECK(desk.Told() == Words{"no"});
}

TEST_CASE("an answer is known for its time, and not a moment longer") {
  Desk desk({.token_ttl = 10s, .allowed_ttl = 20s, .denied_ttl = 5s});
  CHECK_FALSE(desk.reviews.Known("t"));
  desk.Token("t");
  desk.server.Answer(201, kJoe);
  desk.Access("a");
  desk.server.Answer(201, kAllowed);
  desk.Access("d");
  desk.server.Answer(201, kDenied);
  const auto known = [&] {
    return std::string(desk.reviews.Known("t") ? "t" : "") +
           (desk.reviews.Known(Desk::Question("a")) ? "a" : "") +
           (desk.reviews.Known(Desk::Question("d")) ? "d" : "");
  };
  CHECK(known() == "tad");
  desk.clock.Advance(4999ms);
  CHECK(known() == "tad");
  desk.clock.Advance(1ms);
  CHECK(known() == "ta");
  desk.clock.Advance(5s);
  CHECK(known() == "a");
  desk.clock.Advance(10s);
  CHECK(known().empty());
}

TEST_CASE("a token that is nobody's is remembered as such") {
  Desk desk;
  desk.Token("t");
  desk.server.Answer(201, kNobody);
  REQUIRE(desk.reviews.Known("t"));
  CHECK_FALSE(desk.reviews.Known("t")->authenticated);
  desk.Token("t");
  CHECK(desk.server.total == 1);
  CHECK(desk.Told() == Words{"nobody", "nobody"});
}

TEST_CASE("who asks the same while it is asked is told the same, and it is asked once") {
  Desk desk;
  desk.Token("t");
  desk.Token("t");
  desk.Token("other");
  CHECK(desk.server.total == 2);
  desk.server.Answer(201, kJoe);
  CHECK(desk.Told() == Words{"joe", "joe"});
  desk.server.Answer(201, kNobody);
  CHECK(desk.Told() == Words{"nobody"});
  CHECK(desk.Counted("token", "asked") == 2);
  CHECK(desk.Counted("token", "joined") == 1);
}

TEST_CASE("every part of a question makes it another one") {
  const AccessQuestion one{
      .user = {.name = "u", .uid = "1", .groups = {"g"}, .extra = {{"k", "v"}}},
      .verb = "list",
      .name_space = "n",
      .group = "g",
      .version = "v1",
      .resource = "r"};
  std::vector<AccessQuestion> all(9, one);
  all[1].user.name = "w";
  all[2].user.uid = "2";
  all[3].user.groups = {"h"};
  all[4].user.extra = {{"k", "w"}};
  all[5].verb = "get";
  all[6].name_space = "m";
  all[7].group = "h";
  all[8].resource = "s";
  Desk desk;
  for (const AccessQuestion& question : all)
    desk.reviews.Ask(question, [](const base::Result<AccessVerdict>&) {});
  CHECK(desk.server.total == 9);
}

TEST_CASE("a failure is told to all who wait and is not remembered") {
  Desk desk;
  desk.Access("joe");
  desk.Access("joe");
  desk.server.Answer(403, R"({"message":"cannot create subjectaccessreviews"})");
  CHECK(desk.Told() == Words(2, "the API server answered 403: cannot create subjectaccessreviews"));
  CHECK_FALSE(desk.reviews.Known(Desk::Question("joe")));
  desk.Access("joe");
  CHECK(desk.server.total == 2);
}

TEST_CASE("a broken connection is tried once more, a timeout is not") {
  Desk desk;
  desk.Token("t");
  desk.server.Fail(Error::Kind::kUnavailable, "EOF");
  CHECK(desk.told.empty());
  CHECK(desk.server.Front().body == TokenReviewBody("t"));
  desk.server.Fail(Error::Kind::kUnavailable, "refused");
  CHECK(desk.Told() == Words{"refused"});
  desk.Token("t");
  desk.server.Fail(Error::Kind::kTimeout, "late");
  CHECK(desk.Told() == Words{"late"});
  CHECK(desk.server.asked.empty());
}

TEST_CASE("an answer that makes no sense is a failure") {
  Desk desk;
  desk.Access("joe");
  desk.server.Answer(201, "{}");
  CHECK(desk.Told() == Words{"the API server's answer is no SubjectAccessReview with a status"});
}

TEST_CASE("questions under way are limited") {
  Desk desk({.limits = {.in_flight = 2}});
  desk.Token("a");
  desk.Token("b");
  CHECK(desk.told.empty());
  desk.Token("c");
  CHECK(desk.Told() == Words{"too many reviews are under way"});
  CHECK(desk.Refused("questions") == 1);
  desk.Token("a");  // joins
  CHECK(desk.told.empty());
  desk.server.Answer(201, kJoe);
  desk.Token("c");
  CHECK(desk.Told() == Words{"joe", "joe"});
}

TEST_CASE("callers who wait are limited") {
  Desk desk({.limits = {.waiters = 2}});
  desk.Token("a");
  desk.Token("a");
  desk.Token("a");
  CHECK(desk.Told() == Words{"too many requests wait for reviews"});
  CHECK(desk.Refused("waiters") == 1);
  desk.server.Answer(201, kJoe);
  CHECK(desk.Told() == Words{"joe", "joe"});
}

TEST_CASE("at the limit of what is remembered the oldest goes") {
  Desk desk({.limits = {.remembered = 2}});
  for (const char* token : {"a", "b"}) {
    desk.Token(token);
    desk.server.Answer(201, kJoe);
  }
  CHECK(desk.Refused("remembered") == 0);
  desk.Token("c");
  desk.server.Answer(201, kJoe);
  CHECK_FALSE(desk.reviews.Known("a"));
  CHECK(desk.reviews.Known("b"));
  CHECK(desk.reviews.Known("c"));
  CHECK(desk.Refused("remembered") == 1);
}

TEST_CASE("at the limit of the bytes of what is remembered the oldest go") {
  Desk desk({.limits = {.remembered_bytes = 6}});
  for (const char* token : {"aa", "bb", "cc"}) {
    desk.Token(token);
    desk.server.Answer(201, kJoe);
  }
  CHECK(desk.reviews.Known("aa"));
  CHECK(desk.Refused("remembered") == 0);
  desk.Token("ddd");
  desk.server.Answer(201, kJoe);
  CHECK_FALSE(desk.reviews.Known("aa"));
  CHECK_FALSE(desk.reviews.Known("bb"));
  CHECK(desk.reviews.Known("cc"));
  CHECK(desk.reviews.Known("ddd"));
  CHECK(desk.Refused("remembered") == 1);
  desk.Token("longer7");
  desk.server.Answer(201, kJoe);
  CHECK_FALSE(desk.reviews.Known("longer7"));
  CHECK(desk.reviews.Known("ddd"));
}

TEST_CASE("what has run out makes room without being missed") {
  Desk desk({.limits = {.remembered = 1}});
  desk.Token("a");
  desk.server.Answer(201, kJoe);
  desk.clock.Advance(10s);
  desk.Token("b");
  desk.server.Answer(201, kJoe);
  CHECK(desk.Refused("remembered") == 0);
}

TEST_CASE("a token of the longest length is asked, a longer one is not") {
  Desk desk({.limits = {.token_bytes = 5}});
  desk.Token("12345");
  CHECK(desk.server.total == 1);
  desk.Token("123456");
  CHECK(desk.Told() == Words{"the token is too long"});
  CHECK(desk.Refused("token_bytes") == 1);
  CHECK(desk.server.total == 1);
}

TEST_CASE("a long question is asked each time") {
  const std::size_t size = AccessReviewBody(Desk::Question("joe")).size();
  Desk desk({.limits = {.key_bytes = size}});
  desk.Access("joe");
  desk.server.Answer(201, kAllowed);
  CHECK(desk.reviews.Known(Desk::Question("joe")));
  desk.Access("joey");
  desk.server.Answer(201, kAllowed);
  CHECK_FALSE(desk.reviews.Known(Desk::Question("joey")));
  CHECK(desk.Refused("key_bytes") == 1);
}

TEST_CASE("without a server nothing can be asked") {
  test::FakeClock clock;
  Reviews reviews(nullptr, nullptr, clock, nullptr);
  CHECK_FALSE(reviews.can_review_tokens());
  CHECK_FALSE(reviews.can_review_access());
  std::string told;
  reviews.Ask("t",
              [&](const base::Result<TokenVerdict>& verdict) { told = verdict.error().message; });
  CHECK(told == "there is no API server to review tokens");
  reviews.Ask(Desk::Question("joe"),
              [&](const base::Result<AccessVerdict>& verdict) { told = verdict.error().message; });
  CHECK(told == "there is no API server to review access");
}

}  // namespace
}  // namespace plimsoll::kube
