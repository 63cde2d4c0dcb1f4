// SPDX-License-Identifier: Apache-2.0
//
// kubernetes_sd_configs: Prometheus's errors, and namespaces that have to be named.
#include <doctest/doctest.h>

#include "unit/config/loading.h"

namespace plimsoll::config {
namespace {

using test::ErrorsOf;

// Errors of one kubernetes_sd_config.
std::string Errors(const std::string& lines) {
  return ErrorsOf("scrape_configs:\n- job_name: a\n  kubernetes_sd_configs:\n  - {" + lines +
                  "}\n");
}
const std::string kOwn = "namespaces: {own_namespace: true}";

TEST_CASE("a discovery has a role and namespaces, and else Prometheus's defaults") {
  const auto config = test::LoadGood(
      "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: endpointslice, namespaces: "
      "{names: [b, c]}, selectors: [{role: service, label: 'x=y', field: 'metadata.name=z'}]}]}]");
  const KubernetesDiscovery& discovery = config->scrape_configs.at(0).kubernetes_sd_configs.at(0);
  CHECK(discovery.role == KubernetesDiscovery::Role::kEndpointSlice);
  CHECK(discovery.namespaces == std::vector<std::string>{"b", "c"});
  CHECK_FALSE(discovery.own_namespace);
  CHECK(discovery.selectors.at(0).role == "service");
  CHECK(discovery.selectors.at(0).label == "x=y");
  CHECK(discovery.selectors.at(0).field == "metadata.name=z");
  CHECK(discovery.api_server.empty());
}

TEST_CASE("the whole cluster is watched only where that is written down") {
  CHECK(Errors("role: pod") ==
        "f:4:5: 'namespaces' is required: own_namespace: true, names: [...], or names: [\"*\"] for "
        "all of them");
  CHECK(Errors("role: pod, namespaces: {}").find("'namespaces' is required") != std::string::npos);
  CHECK(Errors("role: pod, namespaces: {names: ['*']}").empty());
  CHECK(Errors("role: pod, namespaces: {names: ['*', a]}") ==
        "f:4:37: \"*\" means all namespaces and stands alone");
  CHECK(Errors("role: pod, namespaces: {names: [A]}") == "f:4:37: \"A\" is not a namespace's name");
}

TEST_CASE("roles are those that we have, and selectors fit them") {
  CHECK(Errors(kOwn) == "f:4:5: role missing (one of: pod, endpointslice)");
  CHECK(Errors("role: node, " + kOwn) ==
        "f:4:12: role \"node\" is not supported by plimsoll: use pod or endpointslice");
  CHECK(Errors("role: pods, " + kOwn) == "f:4:12: unknown Kubernetes SD role \"pods\"");
  CHECK(Errors("role: pod, selectors: [{role: service}], " + kOwn) ==
        "f:4:36: pod role supports only pod, node selectors");
  CHECK(Errors("role: pod, selectors: [{role: node}], " + kOwn) ==
        "f:4:36: a selector of nodes, for metadata to attach, is not supported by plimsoll");
  CHECK(Errors("role: pod, selectors: [{role: pod}, {role: pod}], " + kOwn) ==
        "f:4:49: duplicated selector role: pod");
}

TEST_CASE("where the API server is and who we are there is said in one way") {
  CHECK(
      Errors("role: pod, api_server: 'https://h', kubeconfig_file: k, namespaces: {names: [a]}") ==
      "f:4:59: cannot use 'kubeconfig_file' and 'api_server' simultaneously");
  CHECK(Errors("role: pod, bearer_token: t, namespaces: {names: [a]}") ==
        "f:4:5: to use custom HTTP client configuration please provide the 'api_server' URL "
        "explicitly");
  CHECK(Errors("role: pod, kubeconfig_file: k, bearer_token: t, namespaces: {names: [a]}") ==
        "f:4:34: cannot use a custom HTTP client configuration together with 'kubeconfig_file'");
  CHECK(Errors("role: pod, api_server: 'https://h', " + kOwn) ==
        "f:4:29: cannot use 'api_server' and 'namespaces.own_namespace' simultaneously");
  CHECK(Errors("role: pod, attach_metadata: {node: true}, " + kOwn) ==
        "f:4:41: 'attach_metadata.node' is not supported by plimsoll: it would need rights beyond "
        "the targets' own");
}

}  // namespace
}  // namespace plimsoll::config
