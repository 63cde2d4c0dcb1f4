// SPDX-License-Identifier: Apache-2.0
//
// Parameters of the query API: what Prometheus reads, and how it refuses.
#include "serve/detail/api_parameters.h"

#include <doctest/doctest.h>

namespace plimsoll::serve {
namespace {

std::string TimeText(std::string_view text) {
  const auto time = ParseApiTime(text);
  return time ? std::to_string(*time) : time.error().message;
}
std::string DurationText(std::string_view text) {
  const auto duration = ParseApiDuration(text);
  return duration ? std::to_string(duration->count()) : duration.error().message;
}

TEST_CASE("a form body comes before the query") {
  http::Request request{.method = "POST", .raw_query = "query=b&time=1"};
  request.body = "query=a%2Bb";
  CHECK(ApiParameters(request).All("query") == std::vector<std::string_view>{"b"});
  request.headers = {{"Content-Type", "Application/x-www-form-urlencoded; charset=utf-8"}};
  CHECK(ApiParameters(request).All("query") == std::vector<std::string_view>{"a+b", "b"});
  CHECK(ApiParameters(request).First("time") == "1");
  request.method = "GET";
  CHECK(ApiParameters(request).First("query") == "b");
}

TEST_CASE("times are float seconds or RFC 3339") {
  CHECK(TimeText("1435781451.781") == "1435781451781");
  CHECK(TimeText("4") == "4000");
  CHECK(TimeText("0.0004") == "0");
  CHECK(TimeText("0.0006") == "1");
  CHECK(TimeText("-1.5") == "-1500");
  CHECK(TimeText("1e3") == "1000000");
  CHECK(TimeText("2015-07-01T20:10:51.781Z") == "1435781451781");
  CHECK(TimeText("2015-07-01T22:10:51+02:00") == "1435781451000");
  CHECK(TimeText("x") == "cannot parse \"x\" to a valid timestamp");
  CHECK(TimeText("") == "cannot parse \"\" to a valid timestamp");
  CHECK(TimeText("NaN") == "cannot parse \"NaN\" to a valid timestamp");
}

TEST_CASE("a time beyond all times is the first or the last") {
  CHECK(TimeText("1e300") == std::to_string(kMaxTime));
  CHECK(TimeText("-1e300") == std::to_string(kMinTime));
}

TEST_CASE("durations are float seconds or Prometheus durations") {
  CHECK(DurationText("15") == "15000000000");
  CHECK(DurationText("0.25") == "250000000");
  CHECK(DurationText("1m30s") == "90000000000");
  CHECK(DurationText("-5") == "-5000000000");
  CHECK(DurationText("1e10") == "cannot parse \"1e10\" to a valid duration. It overflows int64");
  CHECK(DurationText("x") == "cannot parse \"x\" to a valid duration");
}

TEST_CASE("integers are refused in Go's words") {
  CHECK(*Atoi("12") == 12);
  CHECK(*Atoi("+12") == 12);
  CHECK(*Atoi("-1") == -1);
  CHECK(Atoi("x").error().message == "strconv.Atoi: parsing \"x\": invalid syntax");
  CHECK(Atoi("1x").error().message == "strconv.Atoi: parsing \"1x\": invalid syntax");
  CHECK(Atoi("99999999999999999999").error().message ==
        "strconv.Atoi: parsing \"99999999999999999999\": value out of range");
}

TEST_CASE("a form's body comes before its query") {
  const ApiParameters parameters(
      http::Request{.method = "POST",
                    .raw_query = "limit=1&x=query",
                    .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                    .body = "x=body&match[]=a&match[]=b"});
  CHECK(parameters.First("x") == "body");
  CHECK(parameters.First("limit") == "1");
  CHECK(parameters.All("match[]") == std::vector<std::string_view>{"a", "b"});
  CHECK(parameters.First("absent").empty());
}

}  // namespace
}  // namespace plimsoll::serve
