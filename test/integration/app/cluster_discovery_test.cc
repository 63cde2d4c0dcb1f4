// SPDX-License-Identifier: Apache-2.0
//
// Which watches live on over a reload.
#include "app/cluster_discovery.h"

#include <doctest/doctest.h>

#include "support/folder.h"
#include "unit/discovery/rules.h"

namespace plimsoll::app {
namespace {

// Nobody listens on that port: what is found is not the subject.
std::string Kubeconfig(const std::string& token) {
  return "current-context: c\n"
         "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
         "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n"
         "users: [{name: u, user: {token: " +
         token + "}}]\n";
}

TEST_CASE("a reload takes over a source whose configuration and kubeconfig have not changed") {
  const test::Folder folder;
  folder.Replace("kubeconfig", Kubeconfig("first"));
  const auto job = test::ScrapeOf("  kubernetes_sd_configs: [{role: pod, kubeconfig_file: '" +
                                  folder / "kubeconfig" + "', namespaces: {names: [a]}}]\n");
  telemetry::Telemetry telemetry;
  ClusterDiscovery clusters(telemetry);
  const auto source = [&] {
    auto sources = clusters.SourcesOf(job);
    REQUIRE(sources.has_value());
    REQUIRE(sources->size() == 1);
    return sources->front();
  };
  const auto first = source();
  CHECK(source() == first);
  folder.Replace("kubeconfig", Kubeconfig("renewed"));
  const auto renewed = source();
  CHECK(renewed != first);
  CHECK(source() == renewed);
  folder.Replace("kubeconfig", "current-context: nowhere\n");
  CHECK_FALSE(clusters.SourcesOf(job).has_value());
  clusters.Stop();
}

}  // namespace
}  // namespace plimsoll::app
