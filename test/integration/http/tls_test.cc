// SPDX-License-Identifier: Apache-2.0
//
// The TLS listener: versions, ALPN, what it thinks of client certificates, credentials that change.
#include <doctest/doctest.h>

#include "http/server_fixture.h"
#include "support/error_text.h"

using namespace plimsoll;
using namespace plimsoll::test;
using http::Request;
using http::Response;

namespace {

// "CN|O,O|trusted by|problem", or "none".
Response Judge(const Request& request) {
  Response response{.content_type = "text/plain", .body = "none"};
  if (const auto& certificate = request.certificate) {
    const auto join = [](const std::vector<std::string>& parts) {
      std::string joined;
      for (const std::string& part : parts) joined += (joined.empty() ? "" : ",") + part;
      return joined;
    };
    response.body = certificate->common_name + "|" + join(certificate->organizations) + "|" +
                    join(certificate->trusted_by) + "|" + certificate->problem;
  }
  return response;
}

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

struct Pki {
  TestCa front_proxy{"front-proxy-ca"};
  TestCa client{"client-ca"};
  http::TlsCredentials Credentials() const {
    auto credentials = ServerCredentials();
    credentials.trust_pools = {{"requestheader", front_proxy.pem()},
                               {"client", client.pem() + front_proxy.pem()}};
    return credentials;
  }
};

std::string Ask(TestServer& server, const CertificateAndKey* own) {
  RawClient client(server->port());
  if (!client.StartTls(ServerCa().pem(), own)) return "no handshake";
  return client.Ask(kGet).body;
}

}  // namespace

TEST_CASE("a client certificate is judged against every trust pool") {
  const Pki pki;
  TestServer server(ServerKind::kTls, Judge, {}, pki.Credentials());
  REQUIRE_MESSAGE(server.started.has_value(), ErrorText(server.started));
  const auto proxy =
      pki.front_proxy.Issue({.common_name = "front-proxy", .extended_key_usage = "clientAuth"});
  const auto user = pki.client.Issue(
      {.common_name = "jane", .organizations = {"dev", "ops"}, .extended_key_usage = "clientAuth"});
  const auto plain = pki.client.Issue({.common_name = "no-usage"});
  CHECK(Ask(server, &proxy) == "front-proxy||requestheader,client|");
  CHECK(Ask(server, &user) == "jane|dev,ops|client|");
  CHECK(Ask(server, &plain) == "no-usage||client|");
  CHECK(Ask(server, nullptr) == "none");
}

TEST_CASE(
    "a certificate that is expired, early, of another authority or for servers only is explained") {
  const Pki pki;
  TestServer server(ServerKind::kTls, Judge, {}, pki.Credentials());
  const auto expired = pki.client.Issue({.common_name = "a",
                                         .extended_key_usage = "clientAuth",
                                         .valid_from = -200,
                                         .valid_until = -100});
  const auto early = pki.client.Issue({.common_name = "b",
                                       .extended_key_usage = "clientAuth",
                                       .valid_from = 100,
                                       .valid_until = 200});
  const auto server_only =
      pki.client.Issue({.common_name = "c", .extended_key_usage = "serverAuth"});
  const TestCa impostor("client-ca");
  const auto foreign =
      TestCa("other-ca").Issue({.common_name = "d", .extended_key_usage = "clientAuth"});
  const auto forged = impostor.Issue({.common_name = "e", .extended_key_usage = "clientAuth"});
  CHECK(Ask(server, &expired) == "a|||certificate has expired");
  CHECK(Ask(server, &early) == "b|||certificate is not yet valid");
  CHECK(Ask(server, &server_only) == "c|||unsuitable certificate purpose");
  CHECK(Ask(server, &foreign) == "d|||unable to get local issuer certificate");
  CHECK(Ask(server, &forged).starts_with("e|||"));
}

TEST_CASE("the judgement lasts for the connection") {
  const Pki pki;
  TestServer server(ServerKind::kTls, Judge, {}, pki.Credentials());
  const auto user = pki.client.Issue({.common_name = "jane", .extended_key_usage = "clientAuth"});
  RawClient client(server->port());
  REQUIRE(client.StartTls(ServerCa().pem(), &user));
  CHECK(client.Ask(kGet).body == "jane||client|");
  CHECK(client.Ask(kGet).body == "jane||client|");
}

TEST_CASE("the server names the authorities that it knows, each once") {
  const Pki pki;
  TestServer server(ServerKind::kTls, Judge, {}, pki.Credentials());
  RawClient client(server->port());
  REQUIRE(client.StartTls(ServerCa().pem()));
  CHECK(sk_X509_NAME_num(SSL_get0_peer_CA_list(client.ssl())) == 2);
}

TEST_CASE("TLS 1.2 and later are spoken, earlier versions are not") {
  TestServer server(ServerKind::kTls, Judge);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    RawClient client(server->port());
    REQUIRE(client.StartTls(ServerCa().pem(), nullptr, version));
    CHECK(SSL_version(client.ssl()) == version);
    CHECK(client.Ask(kGet).body == "none");
  }
  RawClient old(server->port());
  CHECK_FALSE(old.StartTls(ServerCa().pem(), nullptr, TLS1_1_VERSION));
}

TEST_CASE("HTTP/1.1 is agreed on by ALPN") {
  TestServer server(ServerKind::kTls, Judge);
  RawClient client(server->port());
  REQUIRE(client.StartTls(ServerCa().pem()));
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client.ssl(), &protocol, &size);
  CHECK(std::string(reinterpret_cast<const char*>(protocol), size) == "http/1.1");
}

TEST_CASE("plain HTTP on a TLS port ends the connection and is counted") {
  TestServer server(ServerKind::kTls, Judge);
  RawClient client(server->port());
  client.Send(kGet);
  CHECK(client.Receive().status == 0);
  server->Stop({});
  CHECK(server.Refused("tls_handshake") == 1);
}

TEST_CASE(
    "new connections use the new certificate, open ones stay and are judged by the new pools") {
  const Pki pki;
  TestServer server(ServerKind::kTls, Judge, {}, pki.Credentials());
  const auto user = pki.client.Issue({.common_name = "jane", .extended_key_usage = "clientAuth"});
  RawClient before(server->port());
  REQUIRE(before.StartTls(ServerCa().pem(), &user));
  CHECK(before.Ask(kGet).body == "jane||client|");

  const TestCa next_ca("next-server-ca");
  const auto next =
      next_ca.Issue({.common_name = "next", .subject_alternative_names = "DNS:localhost"});
  REQUIRE(server->SetCredentials({.certificate_pem = next.certificate_pem, .key_pem = next.key_pem})
              .has_value());
  CHECK(before.Ask(kGet).body == "jane|||no trust pool is configured");
  RawClient after(server->port());
  REQUIRE(after.StartTls(next_ca.pem(), &user));
  CHECK(after.Ask(kGet).body == "jane|||no trust pool is configured");
}

TEST_CASE("credentials that cannot be used are refused by name, and the old ones stay") {
  const Pki pki;
  TestServer server(ServerKind::kTls, Judge, {}, pki.Credentials());
  const auto good = ServerCredentials();
  const auto message = [&](const http::TlsCredentials& credentials) {
    const auto set = server->SetCredentials(credentials);
    return set ? std::string("accepted") : set.error().message;
  };
  CHECK(message({}) == "TLS certificate: no PEM certificate found");
  CHECK(message({.certificate_pem = good.certificate_pem})
            .starts_with("TLS key: no usable PEM private key found"));
  CHECK(message({.certificate_pem = good.certificate_pem, .key_pem = ServerCredentials().key_pem})
            .starts_with("TLS key: it does not belong to the certificate"));
  auto broken = good;
  broken.trust_pools = {{"client", "not PEM"}};
  CHECK(message(broken) == "trust pool \"client\": no PEM certificate found");
  CHECK(Ask(server, nullptr) == "none");

  TestServer plain(ServerKind::kBeast, Judge);
  CHECK(plain->SetCredentials(good).error().message == "the listener \"test\" serves plain HTTP");
}

TEST_CASE("a rotated client authority is obeyed on a connection that stays open") {
  const Pki pki;
  TestServer server(ServerKind::kTls, Judge, {}, pki.Credentials());
  const TestCa next_ca("client-ca");
  const auto old_user =
      pki.client.Issue({.common_name = "old", .extended_key_usage = "clientAuth"});
  const auto new_user = next_ca.Issue({.common_name = "new", .extended_key_usage = "clientAuth"});
  RawClient old_client(server->port()), new_client(server->port());
  REQUIRE(old_client.StartTls(ServerCa().pem(), &old_user));
  REQUIRE(new_client.StartTls(ServerCa().pem(), &new_user));
  CHECK(old_client.Ask(kGet).body == "old||client|");
  CHECK(new_client.Ask(kGet).body.starts_with("new|||"));
  auto credentials = pki.Credentials();
  credentials.trust_pools[1].pem = pki.client.pem() + next_ca.pem();
  REQUIRE(server->SetCredentials(credentials).has_value());
  CHECK(old_client.Ask(kGet).body == "old||client|");
  CHECK(new_client.Ask(kGet).body == "new||client|");
  credentials.trust_pools[1].pem = next_ca.pem();
  REQUIRE(server->SetCredentials(credentials).has_value());
  CHECK(old_client.Ask(kGet).body.starts_with("old|||"));
  CHECK(new_client.Ask(kGet).body == "new||client|");
}

TEST_CASE("a client that wants to negotiate again is cut off and counted") {
  TestServer server(ServerKind::kTls, Judge);
  RawClient client(server->port());
  REQUIRE(client.StartTls(ServerCa().pem(), nullptr, TLS1_2_VERSION));
  CHECK(client.Ask(kGet).body == "none");
  REQUIRE(SSL_renegotiate(client.ssl()) == 1);
  CHECK(SSL_do_handshake(client.ssl()) != 1);
  CHECK(client.Ask(kGet).status == 0);
  server->Stop({});
  CHECK(server.Refused("renegotiation") == 1);
}

TEST_CASE("rules say whose certificate is needed, and what must be in it") {
  using Clients = http::TlsRules::Clients;
  const Pki pki;
  const auto user =
      pki.client.Issue({.common_name = "jane",
                        .subject_alternative_names = "DNS:jane.example,email:jane@example,"
                                                     "IP:10.1.2.3,URI:spiffe://jane",
                        .extended_key_usage = "clientAuth"});
  const auto foreign =
      TestCa("other-ca").Issue({.common_name = "x", .extended_key_usage = "clientAuth"});
  const auto server_only =
      pki.client.Issue({.common_name = "y", .extended_key_usage = "serverAuth"});
  struct Case {
    Clients clients;
    std::string none, good, foreign, server_only;  // "yes" or "no"
  };
  const auto enters = [](TestServer& server, const CertificateAndKey* own) {
    RawClient client(server->port());
    return client.StartTls(ServerCa().pem(), own) && client.Ask(kGet).status == 200 ? "yes" : "no";
  };
  for (const Case& each : {Case{Clients::kJudge, "yes", "yes", "yes", "yes"},
                           Case{Clients::kNone, "yes", "yes", "yes", "yes"},
                           Case{Clients::kRequest, "yes", "yes", "yes", "yes"},
                           Case{Clients::kRequireAny, "no", "yes", "yes", "yes"},
                           Case{Clients::kVerifyIfGiven, "yes", "yes", "no", "no"},
                           Case{Clients::kRequireAndVerify, "no", "yes", "no", "no"}}) {
    CAPTURE(static_cast<int>(each.clients));
    auto credentials = ServerCredentials();
    credentials.rules.clients = each.clients;
    credentials.rules.client_ca_pem = pki.client.pem();
    TestServer server(ServerKind::kTls, Judge, {}, credentials);
    REQUIRE_MESSAGE(server.started.has_value(), ErrorText(server.started));
    CHECK(enters(server, nullptr) == each.none);
    CHECK(enters(server, &user) == each.good);
    CHECK(enters(server, &foreign) == each.foreign);
    CHECK(enters(server, &server_only) == each.server_only);
  }
  for (const auto& [name, allowed] :
       std::vector<std::pair<std::string, std::string>>{{"jane.example", "yes"},
                                                        {"jane@example", "yes"},
                                                        {"10.1.2.3", "yes"},
                                                        {"spiffe://jane", "yes"},
                                                        {"jane", "no"},
                                                        {"10.1.2.4", "no"}}) {
    CAPTURE(name);
    auto credentials = ServerCredentials();
    credentials.rules.clients = Clients::kRequireAndVerify;
    credentials.rules.client_ca_pem = pki.client.pem();
    credentials.rules.allowed_sans = {"somebody", name};
    TestServer server(ServerKind::kTls, Judge, {}, credentials);
    CHECK(enters(server, &user) == allowed);
  }
}

TEST_CASE("rules that cannot be used are refused by name") {
  const auto message = [](auto change) {
    auto credentials = ServerCredentials();
    change(credentials.rules);
    const auto checked = http::CheckCredentials(credentials);
    return checked ? std::string("good") : checked.error().message;
  };
  using Rules = http::TlsRules;
  CHECK(message([](Rules&) {}) == "good");
  CHECK(message([](Rules& rules) { rules.min_version = "TLS9"; }) == "unknown TLS version: TLS9");
  CHECK(message([](Rules& rules) {
          rules.clients = Rules::Clients::kRequireAndVerify;
          rules.client_ca_pem = "garbage";
        }) == "client CA: no PEM certificate found");
  CHECK(message([](Rules& rules) { rules.cipher_suites = {"TLS_AES_128_GCM_SHA256"}; }) == "good");
  CHECK(message([](Rules& rules) {
          rules.cipher_suites = {"nonsense"};
        }).starts_with("cipher_suites: none can be used"));
  CHECK(message([](Rules& rules) {
          rules.curves = {"nonsense"};
        }).starts_with("curve_preferences: none can be used"));
}
