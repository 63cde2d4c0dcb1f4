// SPDX-License-Identifier: Apache-2.0
//
// A cluster that is listed and watched, through a source and into targets.
#include "discovery/kubernetes.h"

#include <doctest/doctest.h>

#include "discovery/targets.h"
#include "support/fake_api.h"
#include "telemetry/telemetry.h"
#include "unit/discovery/rules.h"

namespace plimsoll::discovery {
namespace {

using telemetry::MetricId;

std::string Pod(const std::string& name, const std::string& ip, const std::string& version = "7",
                const std::string& name_space = "a") {
  return R"({"metadata":{"name":")" + name + R"(","namespace":")" + name_space +
         R"(","resourceVersion":")" + version +
         R"("},"spec":{"containers":[{"name":"c","ports":[{"containerPort":80}]}]},"status":{"podIP":")" +
         ip + R"("}})";
}
std::string List(const std::string& items) {
  return R"({"metadata":{"resourceVersion":"5"},"items":[)" + items + "]}";
}

// A job with one kubernetes_sd_config, before an API server that a test plays.
struct Cluster {
  explicit Cluster(const std::string& lines, std::size_t objects = 100, std::size_t most = 100) {
    config = std::make_shared<const config::ScrapeConfig>(
        test::ScrapeOf("  kubernetes_sd_configs: [{" + lines + "}]\n"));
    auto made = KubernetesSource::Make(
        config->kubernetes_sd_configs.at(0), server.Client(&counts), &counts,
        {.job = "j", .random = [] { return 0.0; }, .objects = objects, .targets = most});
    REQUIRE(made.has_value());
    source = *std::move(made);
    targets = std::make_unique<Targets>(config, &counts, SystemFileAccess(), Targets::Limits(),
                                        std::vector<std::shared_ptr<TargetSource>>{source});
  }
  std::string Urls() {
    targets->Refresh(0);
    std::string all;
    for (const Target& target : targets->Active()) all += (all.empty() ? "" : " ") + target.url;
    return all;
  }
  double Refused(std::string_view reason) {
    return counts.CounterOf(MetricId::kDiscoveryRefused, {"j", reason}).Value();
  }
  double Failing() { return counts.GaugeOf(MetricId::kDiscoveryWatchesFailing, {"j"}).Value(); }

  telemetry::Telemetry counts;
  test::FakeApi server;
  std::shared_ptr<const config::ScrapeConfig> config;
  std::shared_ptr<KubernetesSource> source;
  std::unique_ptr<Targets> targets;
};

const std::string kPods = "role: pod, namespaces: {names: [a]}";

TEST_CASE("pods come and go as the server says") {
  Cluster cluster(kPods);
  CHECK(cluster.Urls().empty());
  CHECK(cluster.targets->Unheard() == std::vector<std::string>{"a"});
  CHECK(cluster.server.Front().url == "https://api/api/v1/namespaces/a/pods?limit=100");
  cluster.server.Answer(200, List(Pod("p", "10.0.0.1")));
  CHECK(cluster.Urls() == "http://10.0.0.1:80/metrics");
  CHECK(cluster.targets->Unheard().empty());
  cluster.server.Piece(R"({"type":"ADDED","object":)" + Pod("q", "10.0.0.2") + "}\n");
  CHECK(cluster.Urls() == "http://10.0.0.1:80/metrics http://10.0.0.2:80/metrics");
  cluster.server.Piece(R"({"type":"MODIFIED","object":)" + Pod("p", "10.0.0.3") + "}\n");
  cluster.server.Piece(R"({"type":"DELETED","object":)" + Pod("q", "10.0.0.2") + "}\n");
  CHECK(cluster.Urls() == "http://10.0.0.3:80/metrics");
}

TEST_CASE("targets stay while the server is away, which is said") {
  Cluster cluster(kPods);
  cluster.server.Answer(200, List(Pod("p", "10.0.0.1")));
  cluster.server.Fail(base::Error::Kind::kUnavailable, "connection refused");
  CHECK(cluster.Urls() == "http://10.0.0.1:80/metrics");
  CHECK(cluster.targets->LastError() ==
        "pods of namespace a cannot be watched: connection refused");
  CHECK(cluster.Failing() == 1);
  CHECK(cluster.counts.CounterOf(MetricId::kDiscoveryWatchFailures, {"j"}).Value() == 1);
  cluster.server.Piece(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}})"
                       "\n");
  CHECK(cluster.Urls() == "http://10.0.0.1:80/metrics");
  CHECK(cluster.targets->LastError().empty());
  CHECK(cluster.Failing() == 0);
}

TEST_CASE("watches that fail are those of all sources of a job, and of none that has gone") {
  telemetry::Telemetry counts;
  test::FakeApi servers[3];
  const auto job = test::ScrapeOf("  kubernetes_sd_configs: [{" + kPods + "}]\n");
  const auto source = [&](test::FakeApi& server) {
    auto made = KubernetesSource::Make(job.kubernetes_sd_configs.at(0), server.Client(&counts),
                                       &counts, {.job = "j", .random = [] { return 0.0; }});
    REQUIRE(made.has_value());
    return *std::move(made);
  };
  const auto failing = [&] {
    return counts.GaugeOf(MetricId::kDiscoveryWatchesFailing, {"j"}).Value();
  };
  auto one = source(servers[0]);
  CHECK(failing() == 0);
  servers[0].Fail(base::Error::Kind::kUnavailable, "connection refused");
  auto two = source(servers[1]);
  CHECK(failing() == 1);
  servers[1].Fail(base::Error::Kind::kUnavailable, "connection refused");
  CHECK(failing() == 2);
  servers[1].Answer(200, List(""));
  CHECK(failing() == 1);
  auto refused = source(servers[2]);  // as a reload begins that fails in another place
  servers[2].Fail(base::Error::Kind::kUnavailable, "connection refused");
  CHECK(failing() == 2);
  refused.reset();
  CHECK(failing() == 1);
  one->Stop();
  one.reset();
  CHECK(failing() == 0);
}

TEST_CASE("after 410 Gone the new list replaces what was known, at its end") {
  Cluster cluster(kPods);
  cluster.server.Answer(200, List(Pod("p", "10.0.0.1")));
  cluster.server.Answer(410, "{}");
  CHECK(cluster.Urls() == "http://10.0.0.1:80/metrics");
  cluster.server.Answer(200, R"({"metadata":{"resourceVersion":"8","continue":"x"},"items":[)" +
                                 Pod("q", "10.0.0.2") + "]}");
  CHECK(cluster.Urls() == "http://10.0.0.1:80/metrics");
  cluster.server.Answer(200, List(Pod("r", "10.0.0.3")));
  CHECK(cluster.Urls() == "http://10.0.0.2:80/metrics http://10.0.0.3:80/metrics");
}

TEST_CASE("what is no pod is counted, and costs the others nothing") {
  Cluster cluster(kPods);
  cluster.server.Answer(200, List("{}," + Pod("p", "10.0.0.1")));
  CHECK(cluster.Urls() == "http://10.0.0.1:80/metrics");
  CHECK(cluster.Refused("bad_object") == 1);
}

TEST_CASE("objects are so many at most, and those that are known go on to change") {
  Cluster cluster(kPods, 2);
  cluster.server.Answer(200, List(Pod("p", "10.0.0.1") + "," + Pod("q", "10.0.0.2")));
  CHECK(cluster.Refused("objects") == 0);
  cluster.server.Piece(R"({"type":"ADDED","object":)" + Pod("r", "10.0.0.3") + "}\n");
  cluster.server.Piece(R"({"type":"MODIFIED","object":)" + Pod("q", "10.0.0.4") + "}\n");
  CHECK(cluster.Urls() == "http://10.0.0.1:80/metrics http://10.0.0.4:80/metrics");
  CHECK(cluster.Refused("objects") == 1);
}

TEST_CASE("while objects are left out it is said, and their namespace is not known whole") {
  Cluster cluster(kPods, 1);
  cluster.server.Answer(200, List(Pod("p", "10.0.0.1")));
  CHECK(cluster.Urls() == "http://10.0.0.1:80/metrics");
  CHECK(cluster.targets->Unheard().empty());
  cluster.server.Piece(R"({"type":"ADDED","object":)" + Pod("q", "10.0.0.2") + "}\n");
  CHECK(cluster.Urls() == "http://10.0.0.1:80/metrics");
  CHECK(cluster.targets->LastError() ==
        "there are more than 1 pods of namespace a: the others are left out");
  CHECK(cluster.targets->Unheard() == std::vector<std::string>{"a"});
  // What a limit left out keeps no target that has gone.
  CHECK_FALSE(cluster.targets->MayComeBack({{"__meta_kubernetes_namespace", "a"}}));
  cluster.server.Answer(410, "{}");
  CHECK(cluster.targets->Unheard() == std::vector<std::string>{"a"});
  cluster.server.Answer(200, List(Pod("q", "10.0.0.2")));
  CHECK(cluster.Urls() == "http://10.0.0.2:80/metrics");
  CHECK(cluster.targets->LastError().empty());
  CHECK(cluster.targets->Unheard().empty());
}

TEST_CASE("namespaces share the targets, so that a large one pushes out no other") {
  Cluster cluster("role: pod, namespaces: {names: ['*']}", 100, 3);
  const std::string some =
      Pod("p", "10.0.0.1") + "," + Pod("q", "10.0.0.2") + "," + Pod("z", "10.0.1.1", "7", "b");
  cluster.server.Answer(200, List(some));
  CHECK(cluster.Urls() ==
        "http://10.0.0.1:80/metrics http://10.0.0.2:80/metrics http://10.0.1.1:80/metrics");
  CHECK(cluster.targets->LastError().empty());
  cluster.server.Piece(R"({"type":"ADDED","object":)" + Pod("r", "10.0.0.3") + "}\n");
  CHECK(cluster.Urls() ==
        "http://10.0.0.1:80/metrics http://10.0.0.2:80/metrics http://10.0.1.1:80/metrics");
  CHECK(cluster.targets->LastError() ==
        "there are more than 3 targets, of which namespace a has 2: the others are left out");
  CHECK(cluster.targets->Unheard() == std::vector<std::string>{"a"});
  CHECK(cluster.Refused("targets") == 1);
}

TEST_CASE("the role endpointslice asks for slices, services and pods of every namespace") {
  Cluster cluster(
      "role: endpointslice, namespaces: {names: [a, b]}, selectors: [{role: service, label: 'x=y', "
      "field: 'metadata.name=z'}]");
  std::vector<std::string> asked;
  for (const auto& one : cluster.server.asked) asked.push_back(one.request.url.substr(11));
  CHECK(asked ==
        std::vector<std::string>{
            "/api/v1/namespaces/a/pods?limit=100",
            "/api/v1/namespaces/a/services?labelSelector=x%3Dy&fieldSelector=metadata.name%3Dz"
            "&limit=100",
            "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices?limit=100",
            "/api/v1/namespaces/b/pods?limit=100",
            "/api/v1/namespaces/b/services?labelSelector=x%3Dy&fieldSelector=metadata.name%3Dz"
            "&limit=100",
            "/apis/discovery.k8s.io/v1/namespaces/b/endpointslices?limit=100"});
  CHECK(cluster.source->Get()->unheard == std::vector<std::string>{"a", "b"});
}

TEST_CASE("all namespaces are asked for in one go") {
  Cluster cluster("role: pod, namespaces: {names: ['*']}");
  CHECK(cluster.server.Front().url == "https://api/api/v1/pods?limit=100");
  CHECK(cluster.source->Get()->unheard == std::vector<std::string>{"*"});
}

TEST_CASE("our own namespace has to be known") {
  test::FakeApi server;
  const auto config =
      test::ScrapeOf("  kubernetes_sd_configs: [{role: pod, namespaces: {own_namespace: true}}]\n");
  CHECK_FALSE(KubernetesSource::Make(config.kubernetes_sd_configs.at(0), server.Client(), nullptr,
                                     {.job = "j"})
                  .has_value());
}

TEST_CASE("what did not change is the same value") {
  Cluster cluster(kPods);
  cluster.server.Answer(200, List(Pod("p", "10.0.0.1")));
  const auto before = cluster.source->Get();
  cluster.server.Piece(R"({"type":"MODIFIED","object":)" + Pod("p", "10.0.0.1", "9") + "}\n");
  CHECK(cluster.source->Get() == before);
}

TEST_CASE("who stops watching keeps what was found") {
  Cluster cluster(kPods);
  cluster.server.Answer(200, List(Pod("p", "10.0.0.1")));
  cluster.source->Stop();
  CHECK(cluster.Urls() == "http://10.0.0.1:80/metrics");
}

TEST_CASE("the API server is the configuration's, a kubeconfig's, or the pod's") {
  auto discovery =
      test::ScrapeOf(
          "  kubernetes_sd_configs: [{role: pod, api_server: 'https://h:1/', bearer_token: t, "
          "namespaces: {names: [a]}}]\n")
          .kubernetes_sd_configs.at(0);
  const kube::PodEnvironment nowhere{.folder = "/nonexistent"};
  const auto given = ClusterOf(discovery, nowhere);
  REQUIRE(given.has_value());
  CHECK(given->server == "https://h:1");
  CHECK(given->http->authorization->credentials.value == "t");
  discovery.api_server.clear();
  CHECK(ClusterOf(discovery, nowhere).error().kind == base::Error::Kind::kUnavailable);
  discovery.kubeconfig_file = "/nonexistent/kubeconfig";
  CHECK(ClusterOf(discovery, nowhere).error().message ==
        "cannot read kubeconfig /nonexistent/kubeconfig");
}

}  // namespace
}  // namespace plimsoll::discovery
