// SPDX-License-Identifier: Apache-2.0
//
// The pod's service account, from its environment and files.
#include "kube/client_config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/format.h"

namespace plimsoll::kube {
namespace {

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string TextOf(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

}  // namespace

PodEnvironment PodEnvironment::OfProcess() {
  PodEnvironment environment;
  environment.host = FromEnvironment("KUBERNETES_SERVICE_HOST");
  environment.port = FromEnvironment("KUBERNETES_SERVICE_PORT");
  return environment;
}

bool PodEnvironment::InCluster() const {
  std::error_code ignored;
  return !host.empty() && !port.empty() && std::filesystem::exists(folder + "/token", ignored);
}

base::Result<ClientConfig> InClusterConfig(const PodEnvironment& environment) {
  if (!environment.InCluster()) {
    return base::Error{
        base::Error::Kind::kUnavailable,
        base::format("not in a pod with a service account: expected $KUBERNETES_SERVICE_HOST, "
                     "$KUBERNETES_SERVICE_PORT and {}/token",
                     environment.folder)};
  }
  const bool ipv6 = environment.host.find(':') != std::string::npos;
  auto http = std::make_shared<config::HttpClientConfig>();
  http->authorization = config::HttpClientConfig::Authorization{
      .type = "Bearer", .credentials = {.file = environment.folder + "/token"}};
  http->tls.ca_file = environment.folder + "/ca.crt";
  http->follow_redirects = false;
  return ClientConfig{.server = base::format("https://{}:{}",
                                             ipv6 ? "[" + environment.host + "]" : environment.host,
                                             environment.port),
                      .name_space = TextOf(environment.folder + "/namespace"),
                      .http = std::move(http)};
}

base::Result<ClientConfig> LoadKubeconfig(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(kKubeconfigBytes + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in && !in.eof())
    return base::Error{base::Error::Kind::kUnavailable, "cannot read kubeconfig " + file};
  text.resize(static_cast<std::size_t>(in.gcount()));
  return ParseKubeconfig(text, file);
}

}  // namespace plimsoll::kube
