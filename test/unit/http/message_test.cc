// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include <doctest/doctest.h>

using namespace plimsoll::http;

TEST_CASE("a query is decoded pair by pair, in order") {
  CHECK(ParseQuery("a=1&b=x%20y+z&a=2") == Pairs{{"a", "1"}, {"b", "x y z"}, {"a", "2"}});
  CHECK(ParseQuery("match%5B%5D=up%7Bjob%3D%22a%26b%22%7D") ==
        Pairs{{"match[]", "up{job=\"a&b\"}"}});
  CHECK(ParseQuery("flag&&=v&a=b=c") == Pairs{{"flag", ""}, {"", "v"}, {"a", "b=c"}});
  CHECK(ParseQuery("").empty());
}

TEST_CASE("a malformed escape is kept as it is") {
  CHECK(PercentDecode("%", true) == "%");
  CHECK(PercentDecode("%2", true) == "%2");
  CHECK(PercentDecode("%zz%41", true) == "%zzA");
  CHECK(PercentDecode("100%25", false) == "100%");
}

TEST_CASE("a plus is a space only in a query") {
  CHECK(PercentDecode("a+b", true) == "a b");
  CHECK(PercentDecode("a+b", false) == "a+b");
}

TEST_CASE("every byte survives encoding and decoding") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  CHECK(PercentDecode(PercentEncode(all), true) == all);
  CHECK(PercentDecode(PercentEncode(all), false) == all);
  CHECK(PercentEncode("a-b_c.d~e/f g\xff") == "a-b_c.d~e%2Ff%20g%FF");
}

TEST_CASE("header names compare without case and the first wins") {
  const Request request{.headers = {{"X-Remote-User", "a"}, {"x-remote-user", "b"}}};
  CHECK(request.Header("x-REMOTE-user") == "a");
  CHECK(request.Header("x-remote") == "");
}

TEST_CASE("a coding is accepted unless its weight is zero") {
  CHECK(AcceptsEncoding("gzip", "gzip"));
  CHECK(AcceptsEncoding("deflate, GZIP;q=0.5", "gzip"));
  CHECK(AcceptsEncoding("gzip ; q=0.001", "gzip"));
  CHECK_FALSE(AcceptsEncoding("gzip;q=0", "gzip"));
  CHECK_FALSE(AcceptsEncoding("gzip; Q=0.000", "gzip"));
  CHECK_FALSE(AcceptsEncoding("xgzip, br", "gzip"));
  CHECK_FALSE(AcceptsEncoding("", "gzip"));
}

TEST_CASE("a star speaks for the codings that are not named") {
  CHECK(AcceptsEncoding("*", "gzip"));
  CHECK_FALSE(AcceptsEncoding("*;q=0", "gzip"));
  CHECK(AcceptsEncoding("*;q=0, gzip", "gzip"));
  CHECK_FALSE(AcceptsEncoding("gzip;q=0, *", "gzip"));
}

TEST_CASE("identity is accepted unless it is refused") {
  CHECK(AcceptsEncoding("", "identity"));
  CHECK(AcceptsEncoding("gzip", "identity"));
  CHECK_FALSE(AcceptsEncoding("identity;q=0", "identity"));
  CHECK_FALSE(AcceptsEncoding("*;q=0", "identity"));
}
