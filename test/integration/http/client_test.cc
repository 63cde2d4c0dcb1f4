// SPDX-License-Identifier: Apache-2.0
//
// The client against our own servers and against servers that misbehave. Short time-outs appear
// only where the deadline is what is tested.
#include "http/client.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <future>

#include "config/config.h"
#include "http/detail/gzip.h"
#include "http/server_fixture.h"
#include "support/error_text.h"
#include "support/raw_server.h"

using namespace plimsoll;
using namespace plimsoll::test;
using namespace std::chrono_literals;
using base::Error;
using http::Client;
using http::FetchRequest;
using http::FetchResponse;
using http::Request;
using http::Response;

namespace {

Response Hello(const Request& request) {
  Response response{.content_type = "text/plain",
                    .body = request.method + " " + request.path + " " + request.body};
  if (request.path == "/large") response.body.assign(100000, 'l');
  if (request.path == "/credentials") response.body = request.Header("authorization");
  if (request.path == "/secret") response.body = request.Header("x-secret");
  if (request.path == "/certificate")
    response.body = request.certificate ? request.certificate->common_name : "none";
  if (request.path == "/404") response.status = 404;
  if (request.path == "/401") response.status = 401;
  http::CompressIfAccepted(request, response);
  return response;
}

std::string UrlOf(TestServer& server, const std::string& path, const std::string& scheme = "http") {
  return scheme + "://127.0.0.1:" + std::to_string(server->port()) + path;
}

std::string Answer(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
         "\r\n" + body;
}

std::string Message(const base::Result<FetchResponse>& result) {
  return result ? "no error" : result.error().message;
}

std::shared_ptr<config::HttpClientConfig> Config() {
  return std::make_shared<config::HttpClientConfig>();
}

}  // namespace

TEST_CASE("every server answers the client, over one kept connection") {
  for (const ServerKind kind : kEveryServer) {
    TestServer server(kind, Hello);
    auto config = Config();
    config->tls.ca = ServerCa().pem();
    const std::string scheme = kind == ServerKind::kTls ? "https" : "http";
    Client client;
    const auto get = client.Fetch({.url = UrlOf(server, "/a?b", scheme), .config = config});
    REQUIRE_MESSAGE(get.has_value(), ErrorText(get));
    CHECK(get->StatusText() == "200 OK");
    CHECK(get->body == "GET /a ");
    CHECK(get->Header("content-type") == "text/plain");
    const auto post = client.Fetch(
        {.method = "POST", .url = UrlOf(server, "/p", scheme), .body = "data", .config = config});
    REQUIRE_MESSAGE(post.has_value(), ErrorText(post));
    CHECK(post->body == "POST /p data");
    const auto large = client.Fetch({.url = UrlOf(server, "/large", scheme), .config = config});
    REQUIRE_MESSAGE(large.has_value(), ErrorText(large));
    CHECK(large->Header("Content-Encoding") == "gzip");
    CHECK(large->body == std::string(100000, 'l'));
    CHECK(client.Fetch({.method = "HEAD", .url = UrlOf(server, "/h", scheme), .config = config})
              ->body == "");
    CHECK(client.Fetch({.url = UrlOf(server, "/404", scheme), .config = config})->StatusText() ==
          "404 Not Found");
  }
}

TEST_CASE("a kept connection is used again, and replaced when the server closed it") {
  RawServer server([](RawPeer& peer) {
    peer.Head();
    peer.Send(Answer("one"));
    if (peer.Head().find("/second") != std::string::npos) peer.Send(Answer("two"));
  });
  Client client;
  CHECK(client.Fetch({.url = server.Url("/first")})->body == "one");
  CHECK(client.Fetch({.url = server.Url("/second")})->body == "two");
  CHECK(server.connections() == 1);
  CHECK(client.Fetch({.url = server.Url("/third")})->body == "one");
  CHECK(server.connections() == 2);
}

TEST_CASE("the buffer of the last answer is used for the next") {
  TestServer server(ServerKind::kBeast, Hello);
  Client client;
  auto first = client.Fetch({.url = UrlOf(server, "/large")});
  REQUIRE(first.has_value());
  const char* memory = first->body.data();
  const auto second =
      client.Fetch({.url = UrlOf(server, "/large"), .buffer = std::move(first->body)});
  REQUIRE(second.has_value());
  CHECK(second->body.data() == memory);
}

TEST_CASE("chunked bodies and bodies that end with the connection are read whole") {
  RawServer chunked([](RawPeer& peer) {
    peer.Head();
    peer.Send(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nab");
    peer.Send("c\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n");
    peer.WaitForClose();
  });
  RawServer until_close([](RawPeer& peer) {
    peer.Head();
    peer.Send("HTTP/1.0 200 OK\r\n\r\nall of it");
  });
  Client client;
  CHECK(client.Fetch({.url = chunked.Url()})->body == "abcde");
  CHECK(client.Fetch({.url = until_close.Url()})->body == "all of it");
}

TEST_CASE("an answer that ends too early is an unexpected EOF") {
  for (const char* answer : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                             "HTTP/1.1 200 OK\r\nContent-"}) {
    RawServer server([&](RawPeer& peer) {
      peer.Head();
      peer.Send(answer);
    });
    Client client;
    CHECK(Message(client.Fetch({.url = server.Url()})).ends_with(": unexpected EOF"));
  }
  RawServer silent([](RawPeer& peer) { peer.Head(); });
  Client client;
  CHECK(Message(client.Fetch({.url = silent.Url()})) ==
        "Get \"" + silent.Url() + "\": wait for the answer: EOF");
}

TEST_CASE("what is not HTTP is an error that names the target") {
  RawServer server([](RawPeer& peer) {
    peer.Head();
    peer.Send("SSH-2.0-OpenSSH\r\n\r\n");
  });
  Client client;
  CHECK(Message(client.Fetch({.url = server.Url()}))
            .starts_with("Get \"" + server.Url() +
                         "\": wait for the answer: malformed HTTP response"));
}

TEST_CASE("a body that reaches the limit fails, one byte less does not") {
  RawServer server([](RawPeer& peer) {
    while (!peer.Head().empty()) peer.Send(Answer(std::string(1000, 'x')));
  });
  Client client;
  CHECK(client.Fetch({.url = server.Url(), .body_limit = 1001}).has_value());
  const auto refused = client.Fetch({.url = server.Url(), .body_limit = 1000});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Error::Kind::kLimit);
  CHECK(refused.error().message ==
        "Get \"" + server.Url() + "\": read the body: body size limit exceeded");
}

TEST_CASE("a gzip bomb stops at the limit") {
  const std::string bomb = http::detail::Gzip(std::string(20000000, 'a'));
  RawServer server([&](RawPeer& peer) {
    peer.Head();
    peer.Send(Answer(bomb, "Content-Encoding: gzip\r\n"));
  });
  Client client;
  CHECK(Message(client.Fetch({.url = server.Url(), .body_limit = 1000000}))
            .ends_with("body size limit exceeded"));
}

TEST_CASE("a truncated or corrupt gzip body is an error") {
  const std::string good = http::detail::Gzip("some text of a page");
  std::string body = good.substr(0, good.size() - 4);
  RawServer server([&](RawPeer& peer) {
    peer.Head();
    peer.Send(Answer(body, "Content-Encoding: gzip\r\n"));
  });
  Client client;
  CHECK(Message(client.Fetch({.url = server.Url()}))
            .ends_with("read the body: gzip: unexpected end of the stream"));
  body = "no gzip";
  CHECK(Message(client.Fetch({.url = server.Url()}))
            .ends_with("read the body: gzip: incorrect header check"));
}

TEST_CASE("one deadline covers a server that accepts and says nothing, and one that never ends") {
  RawServer silent([](RawPeer& peer) { peer.WaitForClose(); });
  RawServer endless([](RawPeer& peer) {
    peer.Head();
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.Send("1\r\nx\r\n")) {
    }
  });
  Client client;
  const auto waiting = client.Fetch({.url = silent.Url(), .timeout = 500ms});
  CHECK(Message(waiting) ==
        "Get \"" + silent.Url() + "\": wait for the answer: context deadline exceeded");
  CHECK(waiting.error().kind == Error::Kind::kTimeout);
  CHECK(Message(client.Fetch({.url = endless.Url(), .timeout = 500ms})) ==
        "Get \"" + endless.Url() + "\": read the body: context deadline exceeded");
}

TEST_CASE("a deadline covers the handshake") {
  RawServer mute([](RawPeer& peer) { peer.WaitForClose(); });
  Client client;
  CHECK(Message(client.Fetch(
                    {.url = "https://127.0.0.1:" + std::to_string(mute.port()), .timeout = 500ms}))
            .ends_with("tls: context deadline exceeded"));
}

TEST_CASE("a refused connection names the address") {
  std::uint16_t port = 0;
  {
    port = RawServer([](RawPeer&) {}).port();
  }
  Client client;
  const auto refused =
      client.Fetch({.url = "http://localhost:" + std::to_string(port) + "/metrics"});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Error::Kind::kUnavailable);
  CHECK(refused.error().message.find(": connect: dial tcp 127.0.0.1:" + std::to_string(port) +
                                     ": connect: Connection refused") != std::string::npos);
}

TEST_CASE("a name that does not exist fails in the phase of its resolution") {
  Client client;
  const auto unknown = client.Fetch({.url = "http://no-such-host.invalid/"});
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().message.starts_with("Get \"http://no-such-host.invalid/\": resolve: "));
}

TEST_CASE("URLs that cannot be fetched are refused before anything is sent") {
  Client client;
  CHECK(Message(client.Fetch({.url = "ftp://h/"})) ==
        "Get \"ftp://h/\": prepare: URL \"ftp://h/\": expected http:// or https://");
  CHECK(client.Fetch({.url = "http://h/a b"}).error().kind == Error::Kind::kBadInput);
  CHECK(client.Fetch({.url = "http://h:0/"}).error().kind == Error::Kind::kBadInput);
  CHECK(
      client.Fetch({.url = "http://127.0.0.1:1/", .headers = {{"X", "a\r\nY: b"}}}).error().kind ==
      Error::Kind::kBadInput);
}

TEST_CASE("redirects are followed, and a loop is named") {
  RawServer server([](RawPeer& peer) {
    for (std::string head = peer.Head(); !head.empty(); head = peer.Head()) {
      const std::string path = head.substr(4, head.find(' ', 4) - 4);
      const auto to = [&](const std::string& where) {
        peer.Send("HTTP/1.1 302 Found\r\nLocation: " + where + "\r\nContent-Length: 4\r\n\r\ngone");
      };
      if (path == "/a/start")
        to("../b?x=1");
      else if (path == "/loop")
        to("/pool");
      else if (path == "/pool")
        to("/loop");
      else if (path.starts_with("/n"))
        to("/n" + path.substr(1));
      else
        peer.Send(Answer("at " + path));
    }
  });
  Client client;
  const auto followed = client.Fetch({.url = server.Url("/a/start")});
  REQUIRE_MESSAGE(followed.has_value(), ErrorText(followed));
  CHECK(followed->body == "at /b?x=1");
  CHECK(followed->url == server.Url("/b?x=1"));
  CHECK(server.connections() == 1);
  CHECK(Message(client.Fetch({.url = server.Url("/loop")}))
            .ends_with("redirect loop: " + server.Url("/loop") + " -> " + server.Url("/pool") +
                       " -> " + server.Url("/loop")));
  CHECK(Message(client.Fetch({.url = server.Url("/n")})).find("stopped after 10 redirects: ") !=
        std::string::npos);
  auto config = Config();
  config->follow_redirects = false;
  CHECK(client.Fetch({.url = server.Url("/a/start"), .config = config})->StatusText() ==
        "302 Found");
}

TEST_CASE("credentials stay with the host that they are for") {
  std::vector<std::string> heads;
  std::promise<void> served;
  RawServer other([&](RawPeer& peer) {
    heads.push_back(peer.Head());
    peer.Send(Answer("other"));
    peer.WaitForClose();
  });
  RawServer server([&](RawPeer& peer) {
    heads.push_back(peer.Head());
    peer.Send(
        "HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nLocation: http://localhost:" +
        std::to_string(other.port()) + "/\r\n\r\n");
    peer.WaitForClose();
  });
  auto config = Config();
  config->authorization = {.credentials = {.value = "token"}};
  config->http_headers = {{.name = "X-Secret", .secrets = {"hush"}},
                          {.name = "X-Plain", .values = {"open"}}};
  {
    Client client;
    const auto fetched =
        client.Fetch({.url = server.Url(), .headers = {{"Cookie", "c"}}, .config = config});
    REQUIRE_MESSAGE(fetched.has_value(), ErrorText(fetched));
    CHECK(fetched->body == "other");
  }
  REQUIRE(heads.size() == 2);
  for (const char* secret : {"Authorization: Bearer token", "X-Secret: hush", "Cookie: c"}) {
    CHECK(heads[0].find(secret) != std::string::npos);
    CHECK(heads[1].find(secret) == std::string::npos);
  }
  CHECK(heads[1].find("X-Plain: open") != std::string::npos);
}

TEST_CASE("secrets come inline or from files that are read at each use") {
  TestServer server(ServerKind::kBeast, Hello);
  const std::string file = "client_test_secret." + std::to_string(server->port());
  const auto write = [&](const char* text) { std::ofstream(file) << text; };
  write("first\n");
  Client client;
  auto basic = Config();
  basic->basic_auth = {.username = "me", .password = {.file = file}};
  CHECK(client.Fetch({.url = UrlOf(server, "/credentials"), .config = basic})->body ==
        "Basic bWU6Zmlyc3Q=");
  auto bearer = Config();
  bearer->authorization = {.credentials = {.file = file}};
  bearer->http_headers = {{.name = "X-Secret", .files = {file}}};
  CHECK(client.Fetch({.url = UrlOf(server, "/credentials"), .config = bearer})->body ==
        "Bearer first");
  write("second\n");
  CHECK(client.Fetch({.url = UrlOf(server, "/credentials"), .config = bearer})->body ==
        "Bearer second");
  CHECK(client.Fetch({.url = UrlOf(server, "/secret"), .config = bearer})->body == "second");
  std::remove(file.c_str());
  CHECK(Message(client.Fetch({.url = UrlOf(server, "/credentials"), .config = bearer}))
            .ends_with("read " + file + ": No such file or directory"));
}

TEST_CASE("TLS checks authority and name, unless told not to") {
  TestServer server(ServerKind::kTls, Hello);
  const std::string url = UrlOf(server, "/", "https");
  Client client;
  auto trusting = Config();
  trusting->tls.ca = ServerCa().pem();
  CHECK(client.Fetch({.url = url, .config = trusting}).has_value());
  CHECK(Message(client.Fetch({.url = url})).find("tls: certificate: ") != std::string::npos);
  auto misnamed = Config();
  *misnamed = *trusting;
  misnamed->tls.server_name = "other.example";
  CHECK(Message(client.Fetch({.url = url, .config = misnamed}))
            .ends_with("tls: certificate: hostname mismatch"));
  auto renamed = Config();
  *renamed = *trusting;
  renamed->tls.server_name = "localhost";
  CHECK(client.Fetch({.url = url, .config = renamed}).has_value());
  auto careless = Config();
  careless->tls.insecure_skip_verify = true;
  CHECK(client.Fetch({.url = url, .config = careless}).has_value());
  auto old = Config();
  *old = *trusting;
  old->tls.min_version = "TLS10";
  old->tls.max_version = "TLS11";
  CHECK_FALSE(client.Fetch({.url = url, .config = old}).has_value());
}

TEST_CASE("the client presents its certificate, and a new one once the file has changed") {
  const TestCa ca("client-ca");
  auto credentials = ServerCredentials();
  credentials.trust_pools = {{"client", ca.pem()}};
  TestServer server(ServerKind::kTls, Hello, {}, credentials);
  const auto first = ca.Issue({.common_name = "first", .extended_key_usage = "clientAuth"});
  const auto second = ca.Issue({.common_name = "second", .extended_key_usage = "clientAuth"});
  const std::string file = "client_test_certificate." + std::to_string(server->port());
  const auto write = [&](const CertificateAndKey& made) {
    std::ofstream(file) << made.certificate_pem << made.key_pem;
  };
  auto config = Config();
  config->tls.ca = ServerCa().pem();
  config->tls.cert_file = config->tls.key_file = file;
  Client client;
  const std::string url = UrlOf(server, "/certificate", "https");
  write(first);
  CHECK(client.Fetch({.url = url, .config = config})->body == "first");
  CHECK(client.Fetch({.url = url, .config = config})->body == "first");
  write(second);
  CHECK(client.Fetch({.url = url, .config = config})->body == "second");
  std::remove(file.c_str());
}

TEST_CASE("a fetch can be canceled, and the end of the client cancels what is left") {
  RawServer silent([](RawPeer& peer) { peer.WaitForClose(); });
  std::promise<Error::Kind> canceled;
  std::promise<Error::Kind> stopped;
  {
    Client client;
    const auto id = client.Start({.url = silent.Url()}, [&](base::Result<FetchResponse> result) {
      canceled.set_value(result.error().kind);
    });
    client.Cancel(id);
    client.Cancel(id);
    CHECK(canceled.get_future().get() == Error::Kind::kCanceled);
    client.Start({.url = silent.Url()}, [&](base::Result<FetchResponse> result) {
      stopped.set_value(result.error().kind);
    });
  }
  CHECK(stopped.get_future().get() == Error::Kind::kCanceled);
}

TEST_CASE("more than the allowed number in flight is refused") {
  RawServer silent([](RawPeer& peer) { peer.WaitForClose(); });
  telemetry::Telemetry telemetry;
  std::promise<std::string> refused;
  {
    Client client({.in_flight = 1}, &telemetry);
    client.Start({.url = silent.Url()}, [](base::Result<FetchResponse>) {});
    client.Start({.url = silent.Url()},
                 [&](base::Result<FetchResponse> result) { refused.set_value(Message(result)); });
    CHECK(refused.get_future().get().ends_with("too many requests are in flight"));
  }
  CHECK(telemetry.CounterOf(telemetry::MetricId::kHttpClientErrors, {"prepare", "limit"}).Value() ==
        1);
}

TEST_CASE("a body is told piece by piece as it comes, and only of a success") {
  std::promise<void> told_first;
  RawServer server([&](RawPeer& peer) {
    const std::string head = peer.Head();
    if (head.find("/refused") != std::string::npos) {
      peer.Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
      return;
    }
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    told_first.get_future().wait();  // the second piece is sent only once the first was told
    peer.Send("6\r\nsecond\r\n0\r\n\r\n");
  });
  Client client;
  std::string pieces;
  const auto take = [&](std::string_view piece) {
    pieces.append(piece).append("|");
    if (piece == "first") told_first.set_value();
    return true;
  };
  const auto whole = client.Fetch({.url = server.Url("/"), .on_body = take});
  REQUIRE_MESSAGE(whole.has_value(), ErrorText(whole));
  CHECK(pieces == "first|second|");
  CHECK(whole->body.empty());
  const auto refused = client.Fetch({.url = server.Url("/refused"), .on_body = take});
  REQUIRE_MESSAGE(refused.has_value(), ErrorText(refused));
  CHECK(refused->status == 403);
  CHECK(refused->body == "no");
  CHECK(pieces == "first|second|");
}

TEST_CASE("that there is a success is told once, before its body, and of no other answer") {
  std::promise<void> told;
  RawServer server([&](RawPeer& peer) {
    const std::string head = peer.Head();
    if (head.find("/refused") != std::string::npos) {
      peer.Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    } else if (head.find("/whole") != std::string::npos) {
      peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole");
    } else {
      peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      told.get_future().wait();  // the body is sent only once its head was told
      peer.Send("4\r\nlate\r\n0\r\n\r\n");
    }
  });
  Client client;
  std::string seen;
  const auto take = [&](std::string_view piece) {
    seen.append(piece).append("|");
    return true;
  };
  const auto note = [&] { seen += "success|"; };
  CHECK(client
            .Fetch({.url = server.Url("/late"),
                    .on_body = take,
                    .on_success =
                        [&] {
                          note();
                          told.set_value();
                        }})
            .has_value());
  CHECK(
      client.Fetch({.url = server.Url("/whole"), .on_body = take, .on_success = note}).has_value());
  CHECK(client.Fetch({.url = server.Url("/refused"), .on_body = take, .on_success = note})
            .has_value());
  CHECK(seen == "success|late|success|whole|");
}

TEST_CASE("who takes the body piece by piece may end it") {
  RawServer server([](RawPeer& peer) {
    peer.Head();
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    peer.WaitForClose();
  });
  Client client;
  const auto ended =
      client.Fetch({.url = server.Url("/"), .on_body = [](std::string_view) { return false; }});
  REQUIRE_FALSE(ended.has_value());
  CHECK(ended.error().kind == Error::Kind::kCanceled);
}

TEST_CASE("a delayed fetch begins later, and its timeout with it") {
  TestServer server(ServerKind::kBeast, Hello);
  Client client;
  const auto start = std::chrono::steady_clock::now();
  const auto late = client.Fetch({.url = UrlOf(server, "/late"), .delay = 60ms, .timeout = 10s});
  CHECK(std::chrono::steady_clock::now() - start >= 60ms);
  REQUIRE_MESSAGE(late.has_value(), ErrorText(late));
  CHECK(late->body == "GET /late ");
  std::promise<base::Result<FetchResponse>> promise;
  const auto id = client.Start(
      {.url = UrlOf(server, "/never"), .delay = 1h},
      [&](base::Result<FetchResponse> result) { promise.set_value(std::move(result)); });
  client.Cancel(id);
  CHECK(promise.get_future().get().error().kind == Error::Kind::kCanceled);
}
