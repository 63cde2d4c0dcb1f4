// SPDX-License-Identifier: Apache-2.0
//
// One table of requests over every server: what a handler sees and a client gets must not depend on
// which of them carries it.
#include <doctest/doctest.h>

#include <stdexcept>

#include "http/server_fixture.h"
#include "support/error_text.h"

using namespace plimsoll;
using namespace plimsoll::test;
using http::Request;
using http::Response;

namespace {

// Says what it was asked.
Response Echo(const Request& request) {
  if (request.path == "/empty") return {.status = 204};
  if (request.path == "/throw") throw std::runtime_error("secret detail");
  if (request.path == "/missing")
    return {.status = 404, .content_type = "text/plain", .body = "no such thing\n"};
  if (request.path == "/big") {
    static const auto big = std::make_shared<const std::string>(3000000, 'b');
    return {.content_type = "text/plain", .shared_body = big};
  }
  if (request.path == "/zip") {
    Response response{.content_type = "text/plain", .body = std::string(5000, 'z')};
    http::CompressIfAccepted(request, response);
    return response;
  }
  if (request.path == "/inject")
    return {.content_type = "text/plain", .headers = {{"X-Echo", request.body}}};
  Response response{.content_type = "text/plain"};
  response.body = request.method + " " + request.raw_path + " " + request.path + " ?" +
                  request.raw_query + " " + std::string(request.Header("x-test")) + "[" +
                  request.body + "]";
  return response;
}

std::string Get(std::string_view target, std::string_view more = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(more) + "\r\n";
}

http::ServerOptions SmallLimits() {
  http::ServerOptions options;
  options.limits.header_bytes = 4096;
  options.limits.url_bytes = 1000;
  options.limits.body_bytes = 10000;
  return options;
}

struct Row {
  std::string what;
  std::string request;
  int status;
  std::string body;  // "*": not compared
};

const Row kTable[] = {
    {"a plain GET", Get("/a"), 200, "GET /a /a ? []"},
    {"a query is not decoded", Get("/a?x=%41+1"), 200, "GET /a /a ?x=%41+1 []"},
    {"the path is decoded once", Get("/a%2Fb%2520c+d"), 200, "GET /a%2Fb%2520c+d /a/b%20c+d ? []"},
    {"dot segments are left alone", Get("/a/../b//c"), 200, "GET /a/../b//c /a/../b//c ? []"},
    {"headers arrive", Get("/h", "X-Test: value\r\n"), 200, "GET /h /h ? value[]"},
    {"a form",
     "POST /f HTTP/1.1\r\nHost: h\r\nContent-Type: "
     "application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nquery=up!",
     200, "POST /f /f ? [query=up!]"},
    {"a chunked body",
     "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
     "chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
     200, "POST /c /c ? [abcdefg]"},
    {"an empty body", "POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 200,
     "POST /e /e ? []"},
    {"HEAD has a head", "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", 200, ""},
    {"a status without a body", Get("/empty"), 204, ""},
    {"a handler's own error", Get("/missing"), 404, "no such thing\n"},
    {"a handler that throws", Get("/throw"), 500, "500 Internal Server Error: internal error\n"},
    {"no HTTP", "HELLO\r\n\r\n", 400, "*"},
    {"a bad version", "GET / HTTP/9.9\r\nHost: h\r\n\r\n", -1, "*"},
    {"a bad length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", -1, "*"},
    {"a body that is announced too large",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10001\r\n\r\n", 413,
     "413 Content Too Large: the request body is too large\n"},
    {"a body as large as allowed",
     "POST /n HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n" + std::string(10000, 'x'), 200,
     "POST /n /n ? [" + std::string(10000, 'x') + "]"},
    {"a URL that is too long", Get("/" + std::string(1000, 'u')), 414,
     "414 URI Too Long: the URL is too long\n"},
    {"a URL as long as allowed", Get("/" + std::string(999, 'u')), 200, "*"},
    {"a head that is too large", Get("/", "X-Test: " + std::string(5000, 'h') + "\r\n"), 431,
     "431 Request Header Fields Too Large: the request head is too large\n"},
};

}  // namespace

TEST_CASE("every server answers every row of the table alike") {
  for (const ServerKind kind : kEveryServer) {
    TestServer server(kind, Echo, SmallLimits());
    REQUIRE_MESSAGE(server.started.has_value(), ErrorText(server.started));
    for (const Row& row : kTable) {
      CAPTURE(static_cast<int>(kind));
      CAPTURE(row.what);
      const RawAnswer answer = server.Ask(row.request);
      if (row.status > 0) CHECK(answer.status == row.status);
      if (row.status < 0) CHECK(answer.status >= 400);
      if (row.body != "*") CHECK(answer.body == row.body);
      if (answer.status != 204) CHECK(answer.Header("Content-Type").starts_with("text/plain"));
      CHECK(answer.Header("Retry-After") == "");
      CHECK(answer.Header("Date").size() == 29);
    }
  }
}

TEST_CASE("the Beast server understands a target with scheme and host, and chunk extensions") {
  TestServer server(ServerKind::kBeast, Echo);
  CHECK(server.Ask("GET http://host:1/p?q HTTP/1.1\r\nHost: h\r\n\r\n").body == "GET /p /p ?q []");
  CHECK(server.Ask("GET https://host HTTP/1.1\r\nHost: h\r\n\r\n").body == "GET / / ? []");
  CHECK(server
            .Ask("POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n")
            .body == "POST /c /c ? [abc]");
}
