// SPDX-License-Identifier: Apache-2.0
//
// Messages that come in pieces.
#include "http/detail/http_parser.h"

#include <doctest/doctest.h>

namespace plimsoll::http::detail {
namespace {

// Offers what comes in pieces, and with each piece what was not used before.
struct Wire {
  void Send(std::string_view piece) {
    unread += piece;
    unread.erase(0, parser.Feed(unread));
  }
  std::string unread;
  std::string body;
  ResponseParser parser{1000, false, [this](std::string_view piece) {
                          body += piece;
                          return true;
                        }};
};

constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST_CASE("the last bytes of a chunk are there as soon as they come, however few") {
  Wire wire;
  wire.Send(kHead);
  wire.Send("6\r\n123");
  CHECK(wire.body == "123");
  wire.Send("4");
  CHECK(wire.body == "1234");
  wire.Send("56");
  CHECK(wire.body == "123456");
  wire.Send("\r\n1\r\n7\r\n");
  CHECK(wire.body == "1234567");
  wire.Send("0\r\n\r\n");
  CHECK(wire.parser.done());
  CHECK(wire.unread.empty());
}

TEST_CASE("an answer in chunks is the same byte by byte") {
  Wire wire;
  for (const char& byte : std::string(kHead) + "3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nA: b\r\n\r\n")
    wire.Send({&byte, 1});
  CHECK(wire.body == "abcdefgh");
  CHECK(wire.parser.done());
  CHECK_FALSE(wire.parser.failed());
}

TEST_CASE("a request in chunks is the same byte by byte") {
  RequestParser parser({.header_bytes = 1000, .url_bytes = 100, .body_bytes = 100});
  std::string unread;
  for (const char& byte : std::string("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                                      "\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) {
    unread += byte;
    unread.erase(0, parser.Feed(unread));
  }
  CHECK(parser.state() == RequestParser::State::kDone);
  CHECK(parser.request().body == "abcde");
  CHECK(unread.empty());
}

}  // namespace
}  // namespace plimsoll::http::detail
