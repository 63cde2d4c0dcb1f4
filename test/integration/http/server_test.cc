// SPDX-License-Identifier: Apache-2.0
//
// What the servers do besides routing: bounds, time-outs, abusive and vanishing clients, shutdown.
// Short time-outs appear only where a time-out is what is tested.
#include "http/server.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "http/server_fixture.h"
#include "support/error_text.h"

using namespace plimsoll;
using namespace plimsoll::test;
using namespace std::chrono_literals;
using http::Request;
using http::Response;

namespace {

constexpr ServerKind kBeastServers[] = {ServerKind::kBeast, ServerKind::kTls};

Response Path(const Request& request) {
  return {.content_type = "text/plain", .body = request.path + request.body};
}

std::string Get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"; }

bool IsSlow(const Request& request) { return request.path.starts_with("/slow"); }

}  // namespace

TEST_CASE("a connection serves one request after another, also when they come at once") {
  for (const ServerKind kind : kEveryServer) {
    TestServer server(kind, Path);
    const auto client = server.Connect();
    CHECK(client->Ask(Get("/1")).body == "/1");
    CHECK(client->Ask(Get("/2")).body == "/2");
    client->Send(Get("/3") + Get("/4") +
                 "POST /5 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n!" + Get("/6"));
    for (const char* body : {"/3", "/4", "/5!", "/6"}) CHECK(client->Receive().body == body);
  }
}

TEST_CASE("a large answer is sent piece by piece, to who can tell where it ends") {
  const auto pieces = [](const Request&) {
    Response response{.content_type = "text/plain", .body = "first "};
    response.rest = [left = 3](std::string& out) mutable {
      if (left != 2) out += std::string(70000, static_cast<char>('a' + left));
      return --left > 0;
    };
    return response;
  };
  const std::string whole = "first " + std::string(70000, 'd') + std::string(70000, 'b');
  for (const ServerKind kind : kEveryServer) {
    TestServer server(kind, pieces);
    const auto client = server.Connect();
    const RawAnswer answer = client->Ask(Get("/1"));
    CHECK((answer.body == whole));
    CHECK((answer.Header("Transfer-Encoding") == "chunked") == (kind == ServerKind::kCivet));
    CHECK((client->Ask(Get("/2")).body == whole));
    CHECK(client->Ask("HEAD /3 HTTP/1.1\r\nHost: h\r\n\r\n").status == 200);
    CHECK((client->Ask(Get("/4")).body == whole));
    CHECK((server.Ask("GET /5 HTTP/1.0\r\n\r\n").body == whole));
  }
}

TEST_CASE("an answer that breaks off is not taken for a whole one") {
  TestServer server(ServerKind::kCivet, [](const Request&) {
    Response response{.content_type = "text/plain"};
    response.rest = [](std::string&) -> bool { throw std::runtime_error("no more"); };
    response.body = "begun";
    return response;
  });
  const auto client = server.Connect();
  CHECK(client->Ask(Get("/")).body == "begun");
  CHECK(client->Closed());
}

TEST_CASE("a request may arrive byte by byte") {
  for (const ServerKind kind : kEveryServer) {
    TestServer server(kind, Path);
    const auto client = server.Connect();
    for (const char byte :
         std::string("POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"))
      client->Send({&byte, 1});
    CHECK(client->Receive().body == "/slowabc");
  }
}

TEST_CASE("connections end when the client or the protocol says so") {
  for (const ServerKind kind : kEveryServer) {
    TestServer server(kind, Path);
    auto client = server.Connect();
    CHECK(client->Ask("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
              .Header("Connection") == "close");
    CHECK(client->Closed());
    client = server.Connect();
    CHECK(client->Ask("GET /a HTTP/1.0\r\n\r\n").body == "/a");
    CHECK(client->Closed());
  }
}

TEST_CASE("large bodies and bodies shared with a snapshot arrive whole") {
  const auto shared = std::make_shared<const std::string>(5000000, 's');
  for (const ServerKind kind : kEveryServer) {
    TestServer server(kind, [&](const Request&) {
      return Response{.content_type = "text/plain", .shared_body = shared};
    });
    const auto client = server.Connect();
    CHECK(client->Ask(Get("/")).body == *shared);
    const RawAnswer head = client->Ask("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(head.Header("Content-Length") == "5000000");
    CHECK(client->Ask(Get("/")).body == *shared);
  }
}

TEST_CASE("a header value cannot start a line of its own") {
  for (const ServerKind kind : kEveryServer) {
    TestServer server(kind, [](const Request&) {
      return Response{
          .content_type = "text/plain", .headers = {{"X-Echo", "a\r\nX-Evil: b"}}, .body = "x"};
    });
    const RawAnswer answer = server.Ask(Get("/"));
    CHECK(answer.Header("X-Echo") == "a  X-Evil: b");
    CHECK(answer.Header("X-Evil") == "");
  }
}

TEST_CASE("a client that waits for permission to send its body gets it") {
  for (const ServerKind kind : kBeastServers) {
    TestServer server(kind, Path);
    const auto client = server.Connect();
    client->Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client->Receive().status == 100);
    client->Send("ok");
    CHECK(client->Receive().body == "/ok");
  }
}

TEST_CASE("a chunked body is refused as soon as it is too large") {
  for (const ServerKind kind : kEveryServer) {
    http::ServerOptions options;
    options.limits.body_bytes = 1000;
    TestServer server(kind, Path, options);
    const std::string chunk = "258\r\n" + std::string(600, 'x') + "\r\n";
    CHECK(server
              .Ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk +
                   chunk + "0\r\n\r\n")
              .status == 413);
    CHECK(server.Refused("body_bytes") == 1);
  }
}

TEST_CASE(
    "a head that does not arrive in time is answered with 408, and the time is counted from its "
    "first byte") {
  for (const ServerKind kind : kBeastServers) {
    http::ServerOptions options;
    options.limits.header_timeout = 3s;
    TestServer server(kind, Path, options);
    const auto client = server.Connect();
    client->Send("GET / HTTP/1.1\r\nHo");
    const RawAnswer answer = client->Receive();
    CHECK(answer.status == 408);
    CHECK(answer.body == "408 Request Timeout: the request head did not arrive in time\n");
    CHECK(client->Closed());
    CHECK(server.Refused("header_timeout") == 1);
  }
}

TEST_CASE("dripping bytes does not buy time") {
  for (const ServerKind kind : kEveryServer) {
    http::ServerOptions options;
    options.limits.header_timeout = 1s;
    TestServer server(kind, Path, options);
    const auto client = server.Connect();
    const auto give_up = std::chrono::steady_clock::now() + 60s;
    client->Send("GET / HTTP/1.1\r\n");
    // Ends when the server resets the connection: a drip is the behaviour under test.
    while (client->Send("X: y\r\n") && std::chrono::steady_clock::now() < give_up)
      std::this_thread::yield();
    CHECK(std::chrono::steady_clock::now() < give_up);
  }
}

TEST_CASE("a body that does not arrive in time is answered with 408") {
  for (const ServerKind kind : kEveryServer) {
    http::ServerOptions options;
    options.limits.header_timeout = options.limits.body_timeout = 1s;
    TestServer server(kind, Path, options);
    const auto client = server.Connect();
    client->Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    CHECK(client->Receive().status == 408);
    CHECK(server.Refused("body_timeout") == 1);
  }
}

TEST_CASE("idle connections and silent newcomers are closed without a word") {
  for (const ServerKind kind : kEveryServer) {
    http::ServerOptions options;
    options.limits.idle_timeout = options.limits.header_timeout = 3s;
    TestServer server(kind, Path, options);
    const auto used = server.Connect();
    CHECK(used->Ask(Get("/")).status == 200);
    CHECK(used->Closed());
    RawClient silent(server->port());
    CHECK(silent.Closed());
  }
}

TEST_CASE("a client that does not read its answer is cut off") {
  for (const ServerKind kind : kBeastServers) {
    http::ServerOptions options;
    options.limits.write_timeout = 1s;
    const auto shared = std::make_shared<const std::string>(50000000, 's');
    TestServer server(
        kind,
        [&](const Request&) {
          return Response{.content_type = "text/plain", .shared_body = shared};
        },
        options);
    const auto client = server.Connect();
    client->Send(Get("/"));
    const auto give_up = std::chrono::steady_clock::now() + 60s;
    while (server.Refused("write_timeout") == 0 && std::chrono::steady_clock::now() < give_up)
      std::this_thread::yield();
    CHECK(server.Refused("write_timeout") == 1);
    CHECK(client->Receive().body.size() < shared->size());
  }
}

TEST_CASE("strangers that say nothing cannot keep newcomers out, and proven clients stay") {
  for (const ServerKind kind : kBeastServers) {
    http::ServerOptions options;
    options.limits.connections = 4;
    const TestCa ca("client-ca");  // on a TLS listener that is what proves a client
    auto credentials = ServerCredentials();
    credentials.trust_pools = {{"client", ca.pem()}};
    TestServer server(kind, Path, options, credentials);
    const auto own = ca.Issue({.common_name = "jane", .extended_key_usage = "clientAuth"});
    const auto proven = std::make_unique<RawClient>(server->port());
    if (kind == ServerKind::kTls) REQUIRE(proven->StartTls(ServerCa().pem(), &own));
    CHECK(proven->Ask(Get("/1")).status == 200);
    std::vector<std::unique_ptr<RawClient>> strangers;
    for (int i = 0; i < 20; ++i) strangers.push_back(std::make_unique<RawClient>(server->port()));
    CHECK(server.Ask(Get("/2")).status == 200);
    CHECK(proven->Ask(Get("/3")).status == 200);
    CHECK(server.Refused("evicted") >= 17);
  }
}

TEST_CASE("who has had an answer and no certificate makes room between two requests") {
  http::ServerOptions options;
  options.limits.connections = 3;
  const TestCa ca("client-ca");
  auto credentials = ServerCredentials();
  credentials.trust_pools = {{"client", ca.pem()}};
  TestServer server(ServerKind::kTls, Path, options, credentials);
  const auto own = ca.Issue({.common_name = "jane", .extended_key_usage = "clientAuth"});
  RawClient trusted(server->port());
  REQUIRE(trusted.StartTls(ServerCa().pem(), &own));
  CHECK(trusted.Ask(Get("/1")).status == 200);
  std::vector<std::unique_ptr<RawClient>> strangers;
  for (int i = 0; i < 6; ++i) {
    strangers.push_back(server.Connect());
    CHECK(strangers.back()->Ask(Get("/2")).status == 200);
  }
  CHECK(trusted.Ask(Get("/3")).status == 200);
  CHECK(server.Refused("evicted") == 4);
  CHECK(server.Refused("connections") == 0);
}

TEST_CASE("a crowd that says nothing, or half of something, costs no thread for long") {
  http::ServerOptions options;
  options.limits.threads = 2;
  options.limits.header_timeout = 600s;
  options.limits.body_timeout = 60s;
  for (const std::string& begun :
       {std::string(), std::string("GET / HTTP/1.1\r\nHost:"),
        std::string("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf")}) {
    CAPTURE(begun);
    TestServer server(ServerKind::kCivet, Path, options);
    std::vector<std::unique_ptr<RawClient>> crowd;
    for (int i = 0; i < 12; ++i) {
      crowd.push_back(std::make_unique<RawClient>(server->port()));
      if (!begun.empty()) CHECK(crowd.back()->Send(begun));
    }
    CHECK(server.Ask(Get("/good")).body ==
          "/good");  // the client waits for seconds, not for minutes
    const auto give_up = std::chrono::steady_clock::now() + 60s;
    while (server.Refused("evicted") == 0 && std::chrono::steady_clock::now() < give_up)
      std::this_thread::yield();  // it is counted after it was done
    CHECK(server.Refused("evicted") >= 1);
  }
}

TEST_CASE("more connections than allowed are refused while all are in use") {
  for (const ServerKind kind : {ServerKind::kBeast}) {
    http::ServerOptions options;
    options.limits.connections = 2;
    TestServer server(kind, Path, options);
    const auto one = server.Connect();
    const auto two = server.Connect();
    CHECK(one->Ask(Get("/1")).status == 200);
    CHECK(two->Ask(Get("/2")).status == 200);
    RawClient three(server->port());
    CHECK(three.Closed());
    CHECK(server.Refused("connections") == 1);
    CHECK(one->Ask(Get("/3")).status == 200);
  }
}

TEST_CASE("a slow handler does not hold up the others") {
  for (const ServerKind kind : kBeastServers) {
    std::promise<void> release;
    auto released = release.get_future().share();
    http::ServerOptions options;
    options.slow = IsSlow;
    options.limits.slow_threads = 1;
    options.limits.slow_queue = 1;
    std::promise<void> entered;
    TestServer server(
        kind,
        [&](const Request& request) {
          if (request.path == "/slow1") entered.set_value();
          if (IsSlow(request)) released.wait();
          return Path(request);
        },
        options);
    const auto first = server.Connect();
    const auto second = server.Connect();
    first->Send(Get("/slow1"));
    entered.get_future().wait();
    second->Send(Get("/slow2"));
    CHECK(server.Ask(Get("/fast")).body == "/fast");
    // The queue holds one; whichever request finds it full is refused.
    while (server.Refused("slow_queue") == 0) CHECK(server.Connect()->Send(Get("/slow3")));
    release.set_value();
    CHECK(first->Receive().body == "/slow1");
    CHECK(first->Ask(Get("/fast")).body == "/fast");
  }
}

TEST_CASE("a handler knows whether others wait on its thread") {
  for (const ServerKind kind : kEveryServer) {
    http::ServerOptions options;
    options.slow = IsSlow;
    TestServer server(
        kind,
        [](const Request& request) {
          return Response{.content_type = "text/plain",
                          .body = request.must_be_quick ? "quick" : "at ease"};
        },
        options);
    const auto client = server.Connect();
    const std::string fast = kind == ServerKind::kCivet ? "at ease" : "quick";
    CHECK(client->Ask(Get("/fast")).body == fast);
    CHECK(client->Ask(Get("/slow")).body == "at ease");
    CHECK(client->Ask(Get("/fast")).body == fast);
  }
}

TEST_CASE("a refusal can have the form of the API behind it") {
  for (const ServerKind kind : kEveryServer) {
    http::ServerOptions options;
    options.limits.url_bytes = 10;
    options.refusal = [](int status, std::string_view message) {
      return Response{.status = status,
                      .content_type = "application/json",
                      .body = "{\"message\":\"" + std::string(message) + "\"}"};
    };
    TestServer server(kind, Path, options);
    const RawAnswer answer = server.Ask(Get("/0123456789"));
    CHECK(answer.status == 414);
    CHECK(answer.Header("Content-Type") == "application/json");
    CHECK(answer.body == R"({"message":"the URL is too long"})");
  }
}

TEST_CASE("a handler learns that its client went away") {
  for (const ServerKind kind : kEveryServer) {
    std::promise<void> entered, noticed;
    http::ServerOptions options;
    options.slow = IsSlow;
    TestServer server(
        kind,
        [&](const Request& request) {
          entered.set_value();
          while (!request.gone()) std::this_thread::yield();
          noticed.set_value();
          return Path(request);
        },
        options);
    auto client = server.Connect();
    client->Send(Get("/slow"));
    entered.get_future().wait();
    client.reset();
    noticed.get_future().wait();
  }
}

TEST_CASE("clients that vanish at any moment are not errors") {
  for (const ServerKind kind : kEveryServer) {
    TestServer server(kind, [](const Request&) {
      return Response{.content_type = "text/plain", .body = std::string(300000, 'x')};
    });
    for (const char* sent : {"", "G", "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
                             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"}) {
      for (int i = 0; i < 5; ++i) server.Connect()->Send(sent);
    }
    CHECK(server.Ask(Get("/")).status == 200);
    CHECK(server.Answered("500") == 0);
  }
}

TEST_CASE("stopping lets a running request end") {
  for (const ServerKind kind : kEveryServer) {
    std::promise<void> entered, release;
    auto released = release.get_future().share();
    http::ServerOptions options;
    options.slow = IsSlow;
    TestServer server(
        kind,
        [&](const Request& request) {
          entered.set_value();
          released.wait();
          return Path(request);
        },
        options);
    const auto idle = server.Connect();
    const auto client = server.Connect();
    client->Send(Get("/slow"));
    entered.get_future().wait();
    std::thread stopper([&] { server->Stop(10s); });
    release.set_value();
    CHECK(client->Receive().body == "/slow");
    stopper.join();
    CHECK(idle->Closed());
    CHECK_FALSE(RawClient(server->port()).connected());
  }
}

TEST_CASE("stopping cuts off what does not end, promptly, with many clients connected") {
  for (const ServerKind kind : kEveryServer) {
    std::atomic<bool> entered = false;
    http::ServerOptions options;
    options.slow = IsSlow;
    TestServer server(
        kind,
        [&](const Request& request) {
          entered = true;
          while (!request.gone()) std::this_thread::yield();
          return Path(request);
        },
        options);
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(std::make_unique<RawClient>(server->port()));
    clients.push_back(server.Connect());
    clients.back()->Send(Get("/slow"));
    while (!entered) std::this_thread::yield();
    const auto start = std::chrono::steady_clock::now();
    server->Stop(50ms);
    CHECK(std::chrono::steady_clock::now() - start < 5s);
  }
}

TEST_CASE("several io threads serve alike") {
  http::ServerOptions options;
  options.limits.io_threads = 3;
  TestServer server(ServerKind::kTls, Path, options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 9; ++i) clients.push_back(server.Connect());
  for (const auto& client : clients) CHECK(client->Ask(Get("/x")).body == "/x");
  CHECK(server.Answered("200") == 9);
}

TEST_CASE("an address that cannot be used is named with the reason") {
  TestServer first(ServerKind::kBeast, Path);
  const std::string taken = "127.0.0.1:" + std::to_string(first->port());
  for (const ServerKind kind : kEveryServer) {
    const auto error = [&](const std::string& address) {
      http::ServerOptions options;
      options.address = address;
      TestServer server(kind, Path, options);
      return server.started ? std::string("started") : server.started.error().message;
    };
    CHECK(error(taken).starts_with("cannot listen on " + taken + ": "));
    const std::string why = error(taken);
    CAPTURE(why);
    CHECK(why.find("Address already in use") != std::string::npos);
    CHECK(error("127.0.0.1") == "listen address \"127.0.0.1\": expected host:port");
    CHECK(
        error("127.0.0.1:70000") ==
        "listen address \"127.0.0.1:70000\": expected a port from 0 to 65535 after the last colon");
    CHECK(error("::1:80") == "listen address \"::1:80\": an IPv6 address is written in brackets");
    if (kind != ServerKind::kCivet)
      CHECK(error("host:80") == "listen address \"host:80\": expected an IP address");
  }
}

namespace {

// Keeps the replies that are owed; a test gives them when it likes.
struct Owed {
  using Reply = std::function<void(Response)>;
  base::Guarded<std::vector<Reply>> replies;

  Response operator()(const Request& request) {
    if (request.path != "/later") return {.content_type = "text/plain", .body = "now"};
    Response response;
    response.later = [this](Reply reply) {
      replies.Change([&](auto& all) { all.push_back(std::move(reply)); });
    };
    return response;
  }
  std::vector<Reply> Take(std::size_t count) {
    std::vector<Reply> taken;
    CHECK(replies.WaitFor({}, 10s, [&](const auto& all) { return all.size() == count; }));
    replies.With([&](auto& all) { taken.swap(all); });
    return taken;
  }
};

constexpr const char* kLater = "GET /later HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr const char* kNow = "GET /now HTTP/1.1\r\nHost: h\r\n\r\n";

}  // namespace

TEST_CASE("an answer may come later, from another thread, and the connection goes on") {
  for (const ServerKind kind : kEveryServer) {
    Owed owed;
    TestServer server(kind, [&](const Request& request) { return owed(request); });
    const auto client = server.Connect();
    for (int i = 0; i < 2; ++i) {
      client->Send(kLater);
      owed.Take(1).front()({.status = 203, .content_type = "text/plain", .body = "then"});
      const auto answer = client->Receive();
      CHECK(answer.status == 203);
      CHECK(answer.body == "then");
    }
    CHECK(client->Ask(kNow).body == "now");
    CHECK(server.Answered("203") == 2);
  }
}

TEST_CASE("answers that are owed keep nobody else waiting") {
  Owed owed;
  TestServer server(ServerKind::kTls, [&](const Request& request) { return owed(request); });
  std::vector<std::unique_ptr<RawClient>> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(server.Connect());
    waiting.back()->Send(kLater);
  }
  const auto replies = owed.Take(20);
  CHECK(server.Ask(kNow).body == "now");
  for (const auto& reply : replies) reply({.content_type = "text/plain", .body = "then"});
  for (const auto& client : waiting) CHECK(client->Receive().body == "then");
}

TEST_CASE(
    "a reply to a client that is gone, a second one, and one to a server that is gone are lost") {
  for (const ServerKind kind : {ServerKind::kBeast, ServerKind::kTls}) {
    Owed owed;
    Owed::Reply last;
    {
      TestServer server(kind, [&](const Request& request) { return owed(request); });
      auto client = server.Connect();
      client->Send(kLater);
      const auto gone = owed.Take(1).front();
      client.reset();
      gone({.body = "for nobody"});
      client = server.Connect();
      client->Send(kLater);
      const auto twice = owed.Take(1).front();
      twice({.content_type = "text/plain", .body = "one"});
      twice({.content_type = "text/plain", .body = "two"});
      CHECK(client->Receive().body == "one");
      CHECK(client->Ask(kNow).body == "now");
      client->Send(kLater);
      last = owed.Take(1).front();
      server->Stop({});
    }
    last({.body = "for nobody"});
  }
}

TEST_CASE("an answer that never comes ends the connection in time") {
  Owed owed;
  http::ServerOptions options;
  options.limits.write_timeout = 50ms;
  TestServer server(
      ServerKind::kBeast, [&](const Request& request) { return owed(request); }, options);
  const auto client = server.Connect();
  client->Send(kLater);
  CHECK(client->Closed());
  CHECK(server.Refused("reply_timeout") == 1);
}
