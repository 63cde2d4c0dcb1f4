// SPDX-License-Identifier: Apache-2.0
//
// Kubeconfig files as kubectl writes them, and each mistake with its place.
#include "kube/client_config.h"

#include <doctest/doctest.h>

#include "support/error_text.h"

namespace plimsoll::kube {
namespace {

// A kubeconfig whose cluster and user have these lines.
std::string Written(const std::string& cluster, const std::string& user,
                    const std::string& context = "cluster: c, user: u") {
  return "apiVersion: v1\nkind: Config\ncurrent-context: x\n"
         "contexts:\n- {name: x, context: {" +
         context + "}}\nclusters:\n- name: c\n  cluster: {" + cluster +
         "}\nusers:\n- name: u\n  user: {" + user + "}\n";
}

constexpr const char* kServer = "server: 'https://127.0.0.1:6443/'";

std::string Problem(const std::string& text) {
  const auto config = ParseKubeconfig(text, "/etc/k/config");
  return config ? "none" : config.error().ToString();
}

TEST_CASE("server, CA and client certificate come from files beside the kubeconfig") {
  const auto config = ParseKubeconfig(
      Written("server: 'https://api:6443/', certificate-authority: ca.crt, tls-server-name: n",
              "client-certificate: ../pki/u.crt, client-key: /abs/u.key",
              "cluster: c, user: u, namespace: ns"),
      "/etc/k/config");
  REQUIRE_MESSAGE(config.has_value(), test::ErrorText(config));
  CHECK(config->server == "https://api:6443");
  CHECK(config->name_space == "ns");
  CHECK(config->http->tls.ca_file == "/etc/k/ca.crt");
  CHECK(config->http->tls.cert_file == "/etc/pki/u.crt");
  CHECK(config->http->tls.key_file == "/abs/u.key");
  CHECK(config->http->tls.server_name == "n");
  CHECK_FALSE(config->http->tls.insecure_skip_verify);
  CHECK_FALSE(config->http->follow_redirects);
}

TEST_CASE("data in the file wins over a file that is named") {
  const auto config = ParseKubeconfig(
      Written("server: 'https://a', certificate-authority: x, certificate-authority-data: Q0E=",
              "client-certificate-data: Q1JU, client-key-data: S0VZ"),
      "config");
  REQUIRE_MESSAGE(config.has_value(), test::ErrorText(config));
  CHECK(config->http->tls.ca == "CA");
  CHECK(config->http->tls.ca_file.empty());
  CHECK(config->http->tls.cert == "CRT");
  CHECK(config->http->tls.key.value == "KEY");
}

TEST_CASE("a token comes from its file, which is read at each use, or stands there") {
  auto config = ParseKubeconfig(Written(kServer, "token: t, tokenFile: tok"), "/etc/k/config");
  REQUIRE_MESSAGE(config.has_value(), test::ErrorText(config));
  CHECK(config->http->authorization->credentials.file == "/etc/k/tok");
  CHECK(config->http->authorization->credentials.value.empty());
  config = ParseKubeconfig(Written(kServer, "token: t"), "/etc/k/config");
  REQUIRE(config);
  CHECK(config->http->authorization->type == "Bearer");
  CHECK(config->http->authorization->credentials.value == "t");
  config = ParseKubeconfig(Written(kServer, "username: joe, password: secret"), "");
  REQUIRE(config);
  CHECK(config->http->basic_auth->username == "joe");
  CHECK(config->http->basic_auth->password.value == "secret");
}

TEST_CASE("TLS may be left unchecked only by name") {
  const auto config =
      ParseKubeconfig(Written("server: 'https://a', insecure-skip-tls-verify: true", ""), "");
  REQUIRE(config);
  CHECK(config->http->tls.insecure_skip_verify);
  CHECK(Problem(Written("server: 'https://a', insecure-skip-tls-verify: maybe", ""))
            .find("/etc/k/config:8:") == 0);
}

TEST_CASE("what would start a program or be another user is refused by name") {
  CHECK(Problem(Written(kServer, "exec: {command: aws}")) ==
        "/etc/k/config:11:16: user: 'exec' is not supported: expected a client certificate, token "
        "or tokenFile");
  CHECK(Problem(Written(kServer, "auth-provider: {name: gcp}")) ==
        "/etc/k/config:11:25: user: 'auth-provider' is not supported: expected a client "
        "certificate, token or tokenFile");
  CHECK(Problem(Written(kServer, "token: t, as: admin")) ==
        "/etc/k/config:11:24: user: 'as' is not supported: impersonation would be of every caller");
  CHECK(Problem(Written("server: 'https://a', proxy-url: 'http://p'", "")) ==
        "/etc/k/config:8:45: cluster: 'proxy-url' is not supported: name the API server itself");
}

TEST_CASE("each mistake has a place") {
  CHECK(Problem("") == "/etc/k/config:1:1: expected a kubeconfig, found nothing");
  CHECK(Problem("[1]") == "/etc/k/config:1:1: expected a kubeconfig, found a list");
  CHECK(Problem("kind: Config\n") == "/etc/k/config:1:1: expected a current-context");
  CHECK(Problem("current-context: x\n") == "/etc/k/config:1:18: there is no context named \"x\"");
  CHECK(Problem("contexts: 5\ncurrent-context: x\n") ==
        "/etc/k/config:1:11: expected a list of contexts, found the number 5");
  CHECK(Problem("contexts: [3, {name: x}]\ncurrent-context: x\n") ==
        "/etc/k/config:1:15: context \"x\": expected a mapping under 'context'");
  CHECK(Problem(Written(kServer, "", "user: u")) ==
        "/etc/k/config:5:22: context \"x\": expected a cluster");
  CHECK(Problem(Written(kServer, "", "cluster: c, user: v")) ==
        "/etc/k/config:5:41: there is no user named \"v\"");
  CHECK(Problem(Written("server: 'ftp://a'", "")) ==
        "/etc/k/config:8:21: cluster: expected 'server' such as https://host:6443, found "
        "\"ftp://a\"");
  CHECK(Problem(Written("certificate-authority: a", "")) ==
        "/etc/k/config:8:12: cluster: expected 'server' such as https://host:6443, found \"\"");
  CHECK(Problem(Written("server: 'https://a', certificate-authority-data: '!'", "")) ==
        "/etc/k/config:8:62: certificate-authority-data: expected base64");
  CHECK(Problem(Written(kServer, "client-key-data: S0VZ")) ==
        "/etc/k/config:11:9: user: client-certificate and client-key need each other");
  CHECK(Problem(Written(kServer, "token: t, username: u, password: p")) ==
        "/etc/k/config:11:9: user: expected a token or a username, found both");
  CHECK(Problem("a: [").find("/etc/k/config:") == 0);
}

TEST_CASE("a kubeconfig at the limit is read, one byte more is not") {
  std::string text = Written(kServer, "token: t");
  text += "#" + std::string(kKubeconfigBytes - text.size() - 1, 'x');
  CHECK(Problem(text) == "none");
  CHECK(Problem(text + "x") != "none");
}

TEST_CASE("outside of a pod there is no service account") {
  const auto config = InClusterConfig({.host = "10.0.0.1", .port = "443", .folder = "/nowhere"});
  REQUIRE_FALSE(config);
  CHECK(config.error().message ==
        "not in a pod with a service account: expected $KUBERNETES_SERVICE_HOST, "
        "$KUBERNETES_SERVICE_PORT and /nowhere/token");
}

}  // namespace
}  // namespace plimsoll::kube
