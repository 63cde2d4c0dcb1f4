// SPDX-License-Identifier: Apache-2.0
#include "http/detail/url.h"

#include <doctest/doctest.h>

#include "http/detail/answer.h"

using namespace plimsoll;
using http::detail::HttpDate;
using http::detail::ParseAddress;
using http::detail::ParseUrl;
using http::detail::Resolve;

namespace {

std::string Again(std::string_view url) {
  const auto parsed = ParseUrl(url);
  return parsed ? parsed->ToString() : parsed.error().message;
}

std::string Follow(std::string_view from, std::string_view location) {
  const auto base = ParseUrl(from);
  const auto next = Resolve(*base, location);
  return next ? next->ToString() : next.error().message;
}

}  // namespace

TEST_CASE("a URL is normalised: scheme and host in lower case, default port and fragment dropped") {
  CHECK(Again("HTTP://Host.Example:80/a?b#c") == "http://host.example/a?b");
  CHECK(Again("https://h:443") == "https://h/");
  CHECK(Again("https://h:80?x") == "https://h:80/?x");
  CHECK(Again("http://[::1]:8080/m") == "http://[::1]:8080/m");
}

TEST_CASE("what is wrong with a URL is said") {
  CHECK(Again("h:80/") == "URL \"h:80/\": expected http:// or https://");
  CHECK(Again("http:///x") == "URL \"http:///x\": expected a host");
  CHECK(Again("http://h:99999/") == "URL \"http://h:99999/\": expected a port from 1 to 65535");
  CHECK(Again("http://[::1/") ==
        "URL \"http://[::1/\": expected a closing bracket after the address");
  CHECK(Again("http://u:p@h/") == "URL \"http://u:p@h/\": credentials do not belong into the URL");
}

TEST_CASE("a location may be absolute, a path, relative, a query or empty") {
  const char* from = "http://h:81/a/b?q";
  CHECK(Follow(from, "https://other/x") == "https://other/x");
  CHECK(Follow(from, "//other/x") == "http://other/x");
  CHECK(Follow(from, "/x?u=http://y") == "http://h:81/x?u=http://y");
  CHECK(Follow(from, "x") == "http://h:81/a/x");
  CHECK(Follow(from, "../x") == "http://h:81/x");
  CHECK(Follow(from, "../../../x/./y/..") == "http://h:81/x/");
  CHECK(Follow(from, "?r") == "http://h:81/a/b?r");
  CHECK(Follow(from, "#f") == "http://h:81/a/b?q");
}

TEST_CASE("a listen address is a host and a port") {
  CHECK(ParseAddress(":9464")->host == "");
  CHECK(ParseAddress("localhost:0")->host == "127.0.0.1");
  CHECK(ParseAddress("[::1]:80")->host == "::1");
  CHECK(ParseAddress("[::1]:80")->port == 80);
  CHECK_FALSE(ParseAddress("127.0.0.1:").has_value());
  CHECK_FALSE(ParseAddress("127.0.0.1:80x").has_value());
}

TEST_CASE("a date has the form of HTTP") {
  CHECK(HttpDate(784111777000) == "Sun, 06 Nov 1994 08:49:37 GMT");
}
