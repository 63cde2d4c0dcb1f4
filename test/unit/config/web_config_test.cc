// SPDX-License-Identifier: Apache-2.0
//
// The web configuration: the format of Prometheus's exporters, and what it says of mistakes.
#include "config/web_config.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace plimsoll::config {
namespace {

constexpr const char* kHash = "$2b$05$LoadLineForQueryEngineyP2r4h/YBnWb0iJdnAfLgBVj/5BS3eK";

// Every error, as it is printed; "good" when there is none.
std::string Errors(std::string_view text) {
  const LoadedWebConfig loaded = ParseWebConfig(text, "dir/web.yml");
  CHECK((loaded.config == nullptr) == !loaded.errors.empty());
  std::string all;
  for (const base::Error& error : loaded.errors)
    all += (all.empty() ? "" : "\n") + error.ToString();
  return all.empty() ? "good" : all;
}

TEST_CASE("an empty file asks for nothing") {
  const auto loaded = ParseWebConfig("", "web.yml");
  REQUIRE(loaded.config);
  CHECK_FALSE(loaded.config->tls.has_value());
  CHECK(loaded.config->users.empty());
  CHECK(loaded.config->headers.empty());
  CHECK(loaded.config->rate_limit.interval.count() == 0);
  CHECK_FALSE(ParseWebConfig("tls_server_config: {}", "web.yml").config->tls.has_value());
  CHECK_FALSE(
      ParseWebConfig("tls_server_config: {min_version: TLS13}", "w").config->tls.has_value());
}

TEST_CASE("every key is read") {
  const auto loaded = ParseWebConfig(std::string(R"(
tls_server_config:
  cert_file: web.crt
  key_file: /etc/web.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ../ca.crt
  client_allowed_sans: [a.example, 10.0.0.1]
  min_version: TLS11
  max_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [X25519, CurveP256]
http_server_config:
  http2: false
  headers: {X-Frame-Options: sameorigin, Strict-Transport-Security: max-age=1}
rate_limit: {interval: 1s, burst: 20}
basic_auth_users:
  ann: )") + kHash + "\n",
                                     "dir/web.yml");
  REQUIRE_MESSAGE(loaded.config, loaded.errors.front().ToString());
  CHECK(loaded.warnings.empty());
  const WebConfig::Tls& tls = *loaded.config->tls;
  CHECK(tls.cert_file == "dir/web.crt");
  CHECK(tls.key_file == "/etc/web.key");
  CHECK(tls.client_ca_file == "ca.crt");
  CHECK(tls.client_auth == WebConfig::ClientAuth::kRequireAndVerify);
  CHECK(tls.client_allowed_sans == std::vector<std::string>{"a.example", "10.0.0.1"});
  CHECK(tls.min_version == "TLS11");
  CHECK(tls.cipher_suites.size() == 2);
  CHECK(tls.curves == std::vector<std::string>{"X25519", "P-256"});
  CHECK_FALSE(tls.prefer_server_cipher_suites);
  CHECK(loaded.config->headers ==
        std::vector<std::pair<std::string, std::string>>{
            {"X-Frame-Options", "sameorigin"}, {"Strict-Transport-Security", "max-age=1"}});
  CHECK(loaded.config->rate_limit.interval == std::chrono::seconds(1));
  CHECK(loaded.config->rate_limit.burst == 20);
  CHECK(loaded.config->users.at("ann") == kHash);
}

TEST_CASE("texts are taken where there is no file, and a file counts more") {
  const auto loaded = ParseWebConfig(
      "tls_server_config: {cert: C, key: K, key_file: k, client_ca: A, "
      "client_auth_type: RequireAnyClientCert}",
      "web.yml");
  REQUIRE(loaded.config);
  CHECK(loaded.config->tls->cert == "C");
  CHECK(loaded.config->tls->key == "");
  CHECK(loaded.config->tls->key_file == "k");
  CHECK(loaded.config->tls->client_ca == "A");
  CHECK(loaded.config->tls->client_auth == WebConfig::ClientAuth::kRequireAny);
}

TEST_CASE("what is unknown is an error with its place") {
  CHECK(Errors("tls_config: {}").starts_with("dir/web.yml:1:1: "));
  CHECK(Errors("tls_server_config:\n  cert_fil: x").find("cert_fil") != std::string::npos);
  CHECK(Errors("http_server_config:\n  headers: {Server: x}") ==
        "dir/web.yml:2:13: HTTP header \"Server\" can not be configured");
  CHECK(Errors("http_server_config:\n  headers: {X-Frame-Options: no}") ==
        "dir/web.yml:2:13: invalid value for X-Frame-Options. Expected one of: \"deny\", "
        "\"sameorigin\", but got: \"no\"");
  CHECK(Errors("http_server_config:\n  headers: {X-Content-Type-Options: x}") ==
        "dir/web.yml:2:13: invalid value for X-Content-Type-Options. Expected one of: "
        "\"nosniff\", but got: \"x\"");
  CHECK(Errors("http_server_config:\n  headers: {Content-Security-Policy: \"a\\r\\nb\"}") ==
        "dir/web.yml:2:13: invalid value for Content-Security-Policy: a header is one line");
}

TEST_CASE("what does not go together is said in the toolkit's words") {
  const auto tls = [](const std::string& keys) {
    return Errors("tls_server_config: {" + keys + "}");
  };
  CHECK(tls("cert_file: c") == "dir/web.yml:1:20: missing one of key or key_file");
  CHECK(tls("key_file: k") == "dir/web.yml:1:20: missing one of cert or cert_file");
  CHECK(tls("client_auth_type: NoClientCert").find("missing one of cert or cert_file") !=
        std::string::npos);
  const std::string pair = "cert_file: c, key_file: k, ";
  CHECK(tls(pair + "client_ca_file: a") ==
        "dir/web.yml:1:20: client CA's have been configured without a Client Auth Policy");
  CHECK(tls(pair + "client_auth_type: Maybe").find("invalid ClientAuth: Maybe") !=
        std::string::npos);
  CHECK(tls(pair + "min_version: SSL3").find("unknown TLS version: SSL3") != std::string::npos);
  CHECK(tls(pair + "min_version: TLS13, max_version: TLS12")
            .find("min_version is above max_version") != std::string::npos);
  CHECK(tls(pair + "cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]")
            .find("unknown cipher: TLS_RSA_WITH_RC4_128_SHA") != std::string::npos);
  CHECK(tls(pair + "curve_preferences: [P256]").find("unknown curve: P256") != std::string::npos);
}

TEST_CASE("a hash that is none is refused by its user, and is not shown") {
  const auto user = [](const std::string& hash) {
    return Errors("basic_auth_users:\n  ann: '" + hash + "'");
  };
  CHECK(user(kHash) == "good");
  const std::string shape =
      "dir/web.yml:2:8: basic_auth_users: ann: expected a bcrypt hash: $2a$, $2b$ or $2y$, a cost "
      "and 53 characters";
  for (const std::string& hash :
       {std::string("hunter2"), std::string("$1$abc$def"), std::string(kHash).substr(1),
        std::string(kHash) + "x", "$2c" + std::string(kHash).substr(3),
        "$2b$xx" + std::string(kHash).substr(6)})
    CHECK(user(hash) == shape);
  CHECK(user("$2b$03" + std::string(kHash).substr(6)) ==
        "dir/web.yml:2:8: basic_auth_users: ann: a bcrypt cost of 3: expected one from 4 to 18");
  CHECK(user("$2b$19" + std::string(kHash).substr(6)) ==
        "dir/web.yml:2:8: basic_auth_users: ann: a bcrypt cost of 19: expected one from 4 to 18");
}

TEST_CASE("there may be so many users and no more") {
  std::string text = "basic_auth_users:\n";
  for (int i = 0; i < 3; ++i) text += "  u" + std::to_string(i) + ": '" + kHash + "'\n";
  CHECK(ParseWebConfig(text, "w", {.users = 3}).config != nullptr);
  const auto refused = ParseWebConfig(text, "w", {.users = 2});
  REQUIRE(refused.errors.size() == 1);
  CHECK(refused.errors[0].ToString() == "w:2:3: basic_auth_users: 3 users, expected at most 2");
}

TEST_CASE("HTTP/2 is not spoken, which is said") {
  const auto loaded = ParseWebConfig("http_server_config: {http2: true}", "w");
  REQUIRE(loaded.config);
  REQUIRE(loaded.warnings.size() == 1);
  CHECK(loaded.warnings[0].ToString() == "w:1:29: http2: plimsoll speaks HTTP/1.1 here");
}

}  // namespace
}  // namespace plimsoll::config
