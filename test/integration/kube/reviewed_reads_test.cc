// SPDX-License-Identifier: Apache-2.0
//
// Reads of the external metrics face over TLS, before an API server over TLS: reviews, a watched
// ConfigMap, and certificate authorities that change while connections stay open.
#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/guarded.h"
#include "http/server_fixture.h"
#include "kube/client_config.h"
#include "kube/reviews.h"
#include "kube/watch.h"
#include "serve/external_metrics.h"
#include "serve/trust.h"
#include "support/error_text.h"
#include "support/fake_clock.h"

using namespace plimsoll;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* kRead =
    "GET /apis/external.metrics.k8s.io/v1beta1/namespaces/n/m HTTP/1.1\r\nHost: h\r\n";

// One ConfigMap, and a yes to every access but those of "joe". A watch ends with its first event.
class ControlPlane {
 public:
  struct State {
    int version = 1;
    std::string data = "{}";
    bool hold = false;                    // access reviews are not answered
    std::vector<std::string> asked = {};  // "METHOD PATH AUTHORIZATION"
    std::vector<std::function<void(http::Response)>> watches = {}, held = {};
  };

  explicit ControlPlane(const std::string& data) : folder_(MakeFolder()) {
    state.With([&](State& now) { now.data = data; });
    WriteFile("token", "first\n");
    WriteFile("ca.crt", ServerCa().pem());
    WriteFile("namespace", "own\n");
  }
  ~ControlPlane() { std::filesystem::remove_all(folder_); }

  void WriteFile(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }
  kube::PodEnvironment Pod() {
    return {.host = "127.0.0.1", .port = std::to_string(server->port()), .folder = folder_};
  }
  // Changes the ConfigMap and tells whoever watches.
  void Change(const std::string& data) {
    std::vector<std::function<void(http::Response)>> watches;
    std::string event;
    state.Change([&](State& now) {
      ++now.version;
      now.data = data;
      watches.swap(now.watches);
      event = R"({"type":"MODIFIED","object":)" + Object(now) + "}\n";
    });
    for (const auto& reply : watches) reply({.content_type = "application/json", .body = event});
  }
  void Wait(const std::function<bool(const State&)>& until) {
    CHECK(state.WaitFor({}, 20s, until));
  }
  void AnswerHeld() {
    std::vector<std::function<void(http::Response)>> replies;
    state.With([&](State& now) { replies.swap(now.held); });
    for (const auto& reply : replies) reply(Review("true"));
  }

  base::Guarded<State> state;
  TestServer server{ServerKind::kTls, [this](const http::Request& r) { return Answer(r); }};

 private:
  static std::string MakeFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "plimsoll-kube-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    return name;
  }
  static std::string Object(const State& now) {
    return R"({"kind":"ConfigMap","metadata":{"name":"extension-apiserver-authentication","namespace":)"
           R"("kube-system","resourceVersion":")" +
           std::to_string(now.version) + R"("},"data":)" + now.data + "}";
  }
  static http::Response Review(const std::string& allowed) {
    return {.status = 201,
            .content_type = "application/json",
            .body = R"({"kind":"SubjectAccessReview","status":{"allowed":)" + allowed + "}}"};
  }
  http::Response Answer(const http::Request& request) {
    http::Response response{.content_type = "application/json"};
    state.Change([&](State& now) {
      now.asked.push_back(request.method + " " + request.path + " " +
                          std::string(request.Header("Authorization")));
      if (request.path == "/apis/authorization.k8s.io/v1/subjectaccessreviews") {
        if (now.hold) {
          response.later = [this](std::function<void(http::Response)> reply) {
            state.Change([&](State& then) { then.held.push_back(std::move(reply)); });
          };
        } else {
          response = Review(request.body.find("\"joe\"") == std::string::npos ? "true" : "false");
        }
      } else if (request.raw_query.find("watch=1") == std::string::npos) {
        response.body = R"({"metadata":{"resourceVersion":")" + std::to_string(now.version) +
                        R"("},"items":[)" + Object(now) + "]}";
      } else {
        response.later = [this](std::function<void(http::Response)> reply) {
          state.Change([&](State& then) { then.watches.push_back(std::move(reply)); });
        };
      }
    });
    return response;
  }

  const std::string folder_;
};

std::shared_ptr<const kube::Api> ApiOf(ControlPlane& plane, http::Client& client) {
  auto config = kube::InClusterConfig(plane.Pod());
  REQUIRE_MESSAGE(config.has_value(), ErrorText(config));
  CHECK(config->name_space == "own");
  return std::make_shared<kube::Api>(*config, kube::Over(client), nullptr);
}

std::string DataOf(const TestCa& proxy_ca) {
  std::string pem;
  for (const char c : proxy_ca.pem()) pem += c == '\n' ? std::string("\\n") : std::string(1, c);
  return R"({"requestheader-client-ca-file":")" + pem +
         R"(","requestheader-allowed-names":"[\"front-proxy-client\"]"})";
}

// The face on a TLS listener, its trust taken from the ConfigMap as it changes.
struct Adapter {
  explicit Adapter(ControlPlane& plane)
      : api(ApiOf(plane, *client)),
        reviews(api, api, clock, nullptr, {.limits = {.deadline = 60s}}) {
    kube::ObjectWatch::Options options;
    options.collection = "/api/v1/namespaces/kube-system/configmaps";
    options.name = std::string(serve::kTrustName);
    options.changed = [this](const document::Json* object) {
      const auto trust = serve::ReadClusterTrust(*kube::ReadConfigMap(*object));
      names.Publish(std::make_shared<const serve::AuthenticationOptions>(trust->options));
      auto credentials = own;
      credentials.trust_pools = {{"requestheader", trust->requestheader_ca}};
      const auto set = (*server).SetCredentials(credentials);
      loads.Change([&](int& count) { count += set ? 1 : 1000; });
    };
    watch = std::make_unique<kube::ObjectWatch>(api, nullptr, options);
    watch->Start();
  }
  // The client goes first: its last callbacks reach the face.
  ~Adapter() {
    watch.reset();
    client.reset();
  }
  void WaitForLoads(int count) {
    CHECK(loads.WaitFor({}, 20s, [&](int done) { return done == count; }));
  }

  test::FakeClock clock{1'767'225'600'000};
  base::Published<signals::Snapshot> snapshot;
  base::Published<serve::AuthenticationOptions> names{
      std::make_shared<const serve::AuthenticationOptions>()};
  std::unique_ptr<http::Client> client = std::make_unique<http::Client>();
  std::shared_ptr<const kube::Api> api;
  kube::Reviews reviews;
  serve::ExternalMetricsApi face{snapshot, clock, nullptr, {.trust = &names, .reviews = &reviews}};
  http::TlsCredentials own = ServerCredentials();
  base::Guarded<int> loads;
  TestServer server_{
      ServerKind::kTls, [this](const http::Request& r) { return face.Handle(r); }, {}, own};
  TestServer& server = server_;
  std::unique_ptr<kube::ObjectWatch> watch;
};

std::string As(const std::string& user) {
  return std::string(kRead) + "X-Remote-User: " + user + "\r\n\r\n";
}

CertificateAndKey ProxyOf(const TestCa& ca) {
  return ca.Issue({.common_name = "front-proxy-client", .extended_key_usage = "clientAuth"});
}

}  // namespace

TEST_CASE("reads through the front proxy are reviewed, and what was reviewed is remembered") {
  const TestCa proxy_ca("proxy-ca");
  ControlPlane plane(DataOf(proxy_ca));
  Adapter adapter(plane);
  adapter.WaitForLoads(1);
  const auto own = ProxyOf(proxy_ca);
  RawClient client(adapter.server->port());
  REQUIRE(client.StartTls(ServerCa().pem(), &own));
  for (int i = 0; i < 3; ++i) {
    CHECK(client.Ask(As("hpa")).status == 404);  // allowed; there is no such metric
    CHECK(client.Ask(As("joe")).status == 403);
  }
  plane.state.With([](const ControlPlane::State& now) {
    int reviews = 0;
    for (const std::string& asked : now.asked) reviews += asked.starts_with("POST ") ? 1 : 0;
    CHECK(reviews == 2);
    CHECK(now.asked.front() == "GET /api/v1/namespaces/kube-system/configmaps Bearer first");
  });
}

TEST_CASE("a service account's token is read again at each use") {
  const TestCa proxy_ca("proxy-ca");
  ControlPlane plane(DataOf(proxy_ca));
  Adapter adapter(plane);
  adapter.WaitForLoads(1);
  plane.WriteFile("token", "second\n");
  const auto own = ProxyOf(proxy_ca);
  RawClient client(adapter.server->port());
  REQUIRE(client.StartTls(ServerCa().pem(), &own));
  CHECK(client.Ask(As("hpa")).status == 404);
  plane.state.With([](const ControlPlane::State& now) {
    CHECK(now.asked.back() ==
          "POST /apis/authorization.k8s.io/v1/subjectaccessreviews Bearer second");
  });
}

TEST_CASE("while the API server is silent, what needs no review is answered at once") {
  const TestCa proxy_ca("proxy-ca");
  ControlPlane plane(DataOf(proxy_ca));
  Adapter adapter(plane);
  adapter.WaitForLoads(1);
  plane.state.With([](ControlPlane::State& now) { now.hold = true; });
  const auto own = ProxyOf(proxy_ca);
  std::vector<std::unique_ptr<RawClient>> waiting;
  for (int i = 0; i < 30; ++i) {
    waiting.push_back(std::make_unique<RawClient>(adapter.server->port()));
    REQUIRE(waiting.back()->StartTls(ServerCa().pem(), &own));
    waiting.back()->Send(As("hpa"));
  }
  plane.Wait([](const auto& now) { return now.held.size() == 1; });
  RawClient other(adapter.server->port());
  REQUIRE(other.StartTls(ServerCa().pem(), &own));
  const std::string admin =
      std::string(kRead) + "X-Remote-User: root\r\nX-Remote-Group: system:masters\r\n\r\n";
  CHECK(other.Ask(admin).status == 404);
  plane.AnswerHeld();
  for (const auto& client : waiting) CHECK(client->Receive().status == 404);
}

TEST_CASE("a rotated front-proxy authority loses no read and no connection, and the old one ends") {
  const TestCa first_ca("proxy-ca"), second_ca("proxy-ca");
  ControlPlane plane(DataOf(first_ca));
  Adapter adapter(plane);
  adapter.WaitForLoads(1);
  const auto first = ProxyOf(first_ca);
  const auto second = ProxyOf(second_ca);
  RawClient old_client(adapter.server->port());
  REQUIRE(old_client.StartTls(ServerCa().pem(), &first));
  CHECK(old_client.Ask(As("hpa")).status == 404);

  const auto watched = [](const auto& now) { return now.watches.size() == 1; };
  plane.Wait(watched);
  std::string both = DataOf(first_ca);
  const std::string second_pem = DataOf(second_ca);
  const std::size_t start = second_pem.find("-----BEGIN");
  both.insert(both.find("-----BEGIN"), second_pem.substr(start, second_pem.find("\",\"") - start));
  plane.Change(both);
  adapter.WaitForLoads(2);
  CHECK(old_client.Ask(As("hpa")).status == 404);
  RawClient new_client(adapter.server->port());
  REQUIRE(new_client.StartTls(ServerCa().pem(), &second));
  CHECK(new_client.Ask(As("hpa")).status == 404);

  plane.Wait(watched);
  plane.Change(second_pem);
  adapter.WaitForLoads(3);
  CHECK(new_client.Ask(As("hpa")).status == 404);
  CHECK(old_client.Ask(As("hpa")).status == 401);
}

TEST_CASE("what waits for the API server when all ends is let go at once") {
  const TestCa proxy_ca("proxy-ca");
  ControlPlane plane(DataOf(proxy_ca));
  const auto own = ProxyOf(proxy_ca);
  auto adapter = std::make_unique<Adapter>(plane);
  adapter->WaitForLoads(1);
  plane.state.With([](ControlPlane::State& now) { now.hold = true; });
  RawClient client(adapter->server->port());
  REQUIRE(client.StartTls(ServerCa().pem(), &own));
  client.Send(As("hpa"));
  plane.Wait([](const auto& now) { return now.held.size() == 1; });
  const auto start = std::chrono::steady_clock::now();
  adapter->server->Stop(0ms);
  adapter.reset();
  CHECK(std::chrono::steady_clock::now() - start < 20s);
}
