// SPDX-License-Identifier: Apache-2.0
//
// A kubeconfig: current context to cluster and user, and those to what the HTTP client takes.
//
// As in client-go unknown keys are nobody's business, but what would change who we are or whom we
// trust and is not supported is an error, never silently left out.
#include <filesystem>
#include <utility>

#include "base/format.h"
#include "base/number_text.h"
#include "document/yaml.h"
#include "kube/client_config.h"
#include "kube/detail/base64.h"

namespace plimsoll::kube {
namespace {

using base::BadInput;
using base::Result;
using document::YamlNode;

bool IsNull(const YamlNode* node) { return node == nullptr || node->kind == YamlNode::Kind::kNull; }

// The text of `key`; "" when absent.
Result<std::string> TextOf(const YamlNode& map, std::string_view key) {
  const YamlNode* value = map.Find(key);
  if (IsNull(value)) return std::string();
  return document::YamlString(*value);
}

// The entry of that name in a list of {name, `what`}: clusters, users, contexts.
Result<const YamlNode*> EntryOf(const YamlNode& root, std::string_view list, std::string_view what,
                                const std::string& name, const base::Place& asked) {
  const YamlNode* entries = root.Find(list);
  if (!IsNull(entries) && entries->kind != YamlNode::Kind::kList) {
    return BadInput(
        base::format("expected a list of {}, found {}", list, document::DescribeYaml(*entries)),
        entries->where());
  }
  if (!IsNull(entries)) {
    for (const YamlNode* entry : entries->items) {
      if (entry->kind != YamlNode::Kind::kMap) continue;
      const auto found = TextOf(*entry, "name");
      if (!found) return found.error();
      if (*found != name) continue;
      const YamlNode* value = entry->Find(what);
      if (IsNull(value) || value->kind != YamlNode::Kind::kMap) {
        return BadInput(
            base::format("{} {}: expected a mapping under '{}'", what, base::GoQuote(name), what),
            entry->where());
      }
      return value;
    }
  }
  return BadInput(base::format("there is no {} named {}", what, base::GoQuote(name)), asked);
}

// Reads what may stand in the file itself (`key`-data, base64) or in another one (`key`).
Result<void> DataOrFile(const YamlNode& map, const std::string& key,
                        const std::filesystem::path& folder, std::string& data, std::string& file) {
  const auto encoded = TextOf(map, key + "-data");
  if (!encoded) return encoded.error();
  if (!encoded->empty()) {
    auto decoded = detail::DecodeBase64(*encoded);
    if (!decoded) {
      return BadInput(base::format("{}-data: expected base64", key),
                      map.Find(key + "-data")->where());
    }
    data = *std::move(decoded);
    return {};
  }
  const auto name = TextOf(map, key);
  if (!name) return name.error();
  if (!name->empty()) file = (folder / *name).lexically_normal().string();
  return {};
}

Result<void> RefuseKeys(const YamlNode& map, std::string_view whose,
                        std::initializer_list<std::pair<const char*, const char*>> refused) {
  for (const auto& [key, instead] : refused) {
    const YamlNode* value = map.Find(key);
    if (IsNull(value)) continue;
    return BadInput(base::format("{}: '{}' is not supported: {}", whose, key, instead),
                    value->where());
  }
  return {};
}

Result<void> ReadCluster(const YamlNode& cluster, const std::filesystem::path& folder,
                         ClientConfig& into, config::HttpClientConfig& http) {
  if (auto good = RefuseKeys(cluster, "cluster", {{"proxy-url", "name the API server itself"}});
      !good)
    return good;
  auto server = TextOf(cluster, "server");
  if (!server) return server.error();
  while (server->ends_with('/')) server->pop_back();
  if (!server->starts_with("https://") && !server->starts_with("http://")) {
    const YamlNode* at = cluster.Find("server");
    return BadInput(base::format("cluster: expected 'server' such as https://host:6443, found {}",
                                 base::GoQuote(*server)),
                    (IsNull(at) ? cluster : *at).where());
  }
  into.server = *std::move(server);
  if (auto read =
          DataOrFile(cluster, "certificate-authority", folder, http.tls.ca, http.tls.ca_file);
      !read)
    return read;
  auto name = TextOf(cluster, "tls-server-name");
  if (!name) return name.error();
  http.tls.server_name = *std::move(name);
  if (const YamlNode* insecure = cluster.Find("insecure-skip-tls-verify"); !IsNull(insecure)) {
    const auto skip = document::YamlBool(*insecure);
    if (!skip) return skip.error();
    http.tls.insecure_skip_verify = *skip;
  }
  return {};
}

Result<void> ReadUser(const YamlNode& user, const std::filesystem::path& folder,
                      config::HttpClientConfig& http) {
  constexpr const char* kInstead = "expected a client certificate, token or tokenFile";
  if (auto good = RefuseKeys(user, "user",
                             {{"exec", kInstead},
                              {"auth-provider", kInstead},
                              {"as", "impersonation would be of every caller"},
                              {"as-uid", "impersonation would be of every caller"},
                              {"as-groups", "impersonation would be of every caller"},
                              {"as-user-extra", "impersonation would be of every caller"}});
      !good)
    return good;
  if (auto read = DataOrFile(user, "client-certificate", folder, http.tls.cert, http.tls.cert_file);
      !read)
    return read;
  if (auto read = DataOrFile(user, "client-key", folder, http.tls.key.value, http.tls.key_file);
      !read)
    return read;
  const bool certificate = !http.tls.cert.empty() || !http.tls.cert_file.empty();
  const bool key = !http.tls.key.value.empty() || !http.tls.key_file.empty();
  if (certificate != key)
    return BadInput("user: client-certificate and client-key need each other", user.where());

  const auto token = TextOf(user, "token");
  if (!token) return token.error();
  const auto token_file = TextOf(user, "tokenFile");
  if (!token_file) return token_file.error();
  const auto name = TextOf(user, "username");
  if (!name) return name.error();
  const auto password = TextOf(user, "password");
  if (!password) return password.error();
  const bool bearer = !token->empty() || !token_file->empty();
  if (bearer && !name->empty())
    return BadInput("user: expected a token or a username, found both", user.where());
  if (bearer) {  // of the two the file is the fresher one
    config::Secret secret{.value = *token};
    if (!token_file->empty()) secret = {.file = (folder / *token_file).lexically_normal().string()};
    http.authorization =
        config::HttpClientConfig::Authorization{.type = "Bearer", .credentials = std::move(secret)};
  } else if (!name->empty()) {
    http.basic_auth = config::HttpClientConfig::BasicAuth{
        .username = *name, .username_file = {}, .password = {.value = *password}};
  }
  return {};
}

}  // namespace

Result<ClientConfig> ParseKubeconfig(std::string_view text, const std::string& file) {
  auto document = document::ParseYaml(text, file, {.bytes = kKubeconfigBytes});
  if (!document) return std::move(document).error();
  const YamlNode& root = document->root();
  if (root.kind != YamlNode::Kind::kMap) {
    return BadInput(base::format("expected a kubeconfig, found {}", document::DescribeYaml(root)),
                    root.line == 0 ? base::Place{file, 1, 1} : root.where());
  }
  const auto current = TextOf(root, "current-context");
  if (!current) return current.error();
  if (current->empty()) return BadInput("expected a current-context", root.where());
  const auto context =
      EntryOf(root, "contexts", "context", *current, root.Find("current-context")->where());
  if (!context) return context.error();
  const auto named = [&](const char* key) -> Result<std::string> {
    auto name = TextOf(**context, key);
    if (name && name->empty()) {
      return BadInput(base::format("context {}: expected a {}", base::GoQuote(*current), key),
                      (*context)->where());
    }
    return name;
  };
  const auto cluster_name = named("cluster");
  if (!cluster_name) return cluster_name.error();
  const auto user_name = named("user");
  if (!user_name) return user_name.error();
  const auto cluster =
      EntryOf(root, "clusters", "cluster", *cluster_name, (*context)->Find("cluster")->where());
  if (!cluster) return cluster.error();
  const auto user = EntryOf(root, "users", "user", *user_name, (*context)->Find("user")->where());
  if (!user) return user.error();

  ClientConfig config;
  auto name_space = TextOf(**context, "namespace");
  if (!name_space) return name_space.error();
  config.name_space = *std::move(name_space);
  const auto folder = std::filesystem::path(file).parent_path();
  auto http = std::make_shared<config::HttpClientConfig>();
  http->follow_redirects = false;
  if (auto read = ReadCluster(**cluster, folder, config, *http); !read) return read.error();
  if (auto read = ReadUser(**user, folder, *http); !read) return read.error();
  config.http = std::move(http);
  return config;
}

}  // namespace plimsoll::kube
