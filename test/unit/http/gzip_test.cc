// SPDX-License-Identifier: Apache-2.0
#include "http/detail/gzip.h"

#include <doctest/doctest.h>

#include "http/message.h"
#include "support/error_text.h"

using namespace plimsoll;
using namespace plimsoll::http;
using base::Error;
using detail::Gzip;
using detail::Inflater;

namespace {

base::Result<std::string> Inflate(std::string_view bytes, std::size_t limit,
                                  std::size_t step = 1 << 20) {
  Inflater inflater;
  std::string out;
  while (!bytes.empty()) {
    if (auto added = inflater.Add(bytes.substr(0, step), limit, out); !added) return added.error();
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  if (auto whole = inflater.Finish(); !whole) return whole.error();
  return out;
}

}  // namespace

TEST_CASE("what is compressed inflates to itself, in pieces of any size") {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  for (const std::size_t step : {1UL, 7UL, 4096UL, 1UL << 20})
    CHECK(Inflate(Gzip(text), 0, step).value_or("") == text);
  CHECK(Inflate(Gzip(""), 0).value_or("x") == "");
}

TEST_CASE("two members are one text") {
  CHECK(Inflate(Gzip("one ") + Gzip("two"), 0).value_or("") == "one two");
}

TEST_CASE("the limit counts inflated bytes and is itself too much") {
  const std::string bomb = Gzip(std::string(1000000, 'a'));
  REQUIRE(bomb.size() < 10000);
  CHECK(Inflate(bomb, 1000001).has_value());
  const auto refused = Inflate(bomb, 1000000);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Error::Kind::kLimit);
  CHECK(refused.error().message == "body size limit exceeded");
}

TEST_CASE("a corrupt or truncated stream is an error") {
  const std::string good = Gzip("some text that is long enough");
  CHECK(Inflate("not gzip at all", 0).error().message == "gzip: incorrect header check");
  CHECK(Inflate(good.substr(0, good.size() - 1), 0).error().message ==
        "gzip: unexpected end of the stream");
  std::string flipped = good;
  flipped[flipped.size() - 6] ^= 1;
  CHECK(Inflate(flipped, 0).error().message == "gzip: incorrect data check");
}

TEST_CASE("a body is compressed when the client accepts it and it pays") {
  const Request asks{.headers = {{"Accept-Encoding", "gzip"}}};
  Response large{.body = std::string(5000, 'x')};
  CompressIfAccepted(asks, large);
  CHECK(large.headers == Pairs{{"Vary", "Accept-Encoding"}, {"Content-Encoding", "gzip"}});
  CHECK(Inflate(large.body, 0).value_or("") == std::string(5000, 'x'));

  Response deflated{.body = std::string(5000, 'x')};
  CompressIfAccepted(Request{.headers = {{"Accept-Encoding", "deflate, br"}}}, deflated);
  CHECK(deflated.headers == Pairs{{"Vary", "Accept-Encoding"}, {"Content-Encoding", "deflate"}});
  CHECK(deflated.body.size() < 100);
  CHECK(deflated.body.front() == '\x78');  // zlib's header, not gzip's

  Response small{.body = "x"};
  CompressIfAccepted(asks, small);
  CHECK(small.headers.empty());
  CHECK(small.body == "x");

  Response plain{.body = std::string(5000, 'x')};
  CompressIfAccepted(Request{}, plain);
  CHECK(plain.headers == Pairs{{"Vary", "Accept-Encoding"}});
  CHECK(plain.body == std::string(5000, 'x'));
}

TEST_CASE("a shared body is compressed into a body of its own") {
  const auto shared = std::make_shared<const std::string>(5000, 'y');
  Response response{.shared_body = shared};
  CompressIfAccepted(Request{.headers = {{"Accept-Encoding", "gzip"}}}, response);
  CHECK(response.shared_body == nullptr);
  CHECK(Inflate(response.body, 0).value_or("") == *shared);
}

TEST_CASE("an answer that comes in pieces is compressed whole, or left as it is") {
  const auto make = [] {
    Response response{.body = "x"};
    response.rest = [](std::string& out) {
      out += std::string(5000, 'x');
      return out.size() < 10001;
    };
    return response;
  };
  Response packed = make();
  CompressIfAccepted(Request{.headers = {{"Accept-Encoding", "gzip"}}}, packed);
  CHECK(!packed.rest);
  CHECK(Inflate(packed.body, 0).value_or("") == std::string(10001, 'x'));
  Response plain = make();
  CompressIfAccepted(Request{}, plain);
  CHECK(plain.body == "x");
  CHECK(plain.rest);
}
