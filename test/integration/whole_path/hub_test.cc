// SPDX-License-Identifier: Apache-2.0
//
// From an engine's page through a sidecar's and a hub to an HPA's read: the same number, as old as
// its sample, and an error that says why where there is none.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "integration/whole_path/faces.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using namespace std::chrono_literals;

namespace {

constexpr const char* kEngine = "http://engine:8080/metrics";

std::string SidecarConfig(const std::string& metrics) {
  return "global: {scrape_interval: 5s}\n"
         "scrape_configs: [{job_name: engine, static_configs: [{targets: ['engine:8080']}]}]\n"
         "external_metrics:\n" +
         metrics;
}

// A pod with a sidecar, as a hub's discovery sees it.
struct Pod {
  std::string name = "trino-0";
  std::string name_space = "analytics";
  std::string owner = "trino";
  std::string created = "2026-01-01T00:00:00Z";
  std::string ready = "true";
  std::string job = "sidecars";
  std::string address = "";  // "": its name
  std::string phase = "Running";
  std::string engine = "";  // "": the label is not set
};

std::string HubConfig(const std::vector<Pod>& pods, const std::string& more = "") {
  std::string text = "global: {scrape_interval: 5s}\nscrape_configs:\n";
  for (const std::string job : {"sidecars", "trusted"}) {
    text += "- job_name: " + job + "\n  static_configs:\n  - {targets: []}\n";
    for (const Pod& pod : pods) {
      if (pod.job != job) continue;
      text += "  - targets: ['" + (pod.address.empty() ? pod.name : pod.address) +
              ":7546']\n    labels: {__meta_kubernetes_namespace: " + pod.name_space +
              ", __meta_kubernetes_pod_name: " + pod.name +
              ", __meta_kubernetes_pod_controller_kind: Deployment" +
              ", __meta_kubernetes_pod_controller_name: " + pod.owner +
              ", __meta_kubernetes_pod_ready: '" + pod.ready + "'" +
              ", __meta_kubernetes_pod_phase: " + pod.phase +
              (pod.engine.empty() ? "" : ", engine: " + pod.engine) +
              ", __meta_plimsoll_pod_created: '" + pod.created + "'}\n";
    }
  }
  return text + "hub:\n  jobs: [sidecars, trusted]\n  any_namespace: [trusted]\n" + more;
}

// Sidecars and the hub that scrapes them, all on one time.
struct Town {
  explicit Town(std::vector<Pod> those, const std::string& more = "")
      : pods(std::move(those)), hub(test::ConfigOf(HubConfig(pods, more))) {}

  test::Faces& Sidecar(const std::string& pod, const std::string& metrics,
                       const std::string& engine_page) {
    auto& sidecar = sidecars[pod];
    sidecar = std::make_unique<test::Faces>(test::ConfigOf(SidecarConfig(metrics)));
    sidecar->path.targets.Serve(kEngine, engine_page);
    return *sidecar;
  }
  // Everybody steps for so long; every second the hub finds the sidecars' newest pages.
  void Run(std::chrono::seconds duration) {
    for (std::chrono::seconds done{0}; done < duration; done += 1s) {
      for (auto& [pod, sidecar] : sidecars) {
        sidecar->path.Run(1s);
        if (!silent.contains(pod))
          hub.path.targets.Serve(Url(pod), std::string(sidecar->MetricsPage().Body()));
      }
      hub.path.Run(1s);
    }
  }
  void Silence(const std::string& pod) {
    silent[pod] = true;
    hub.path.targets.Fail(Url(pod), {base::Error::Kind::kUnavailable, "connection refused"});
  }
  void Redeploy(std::vector<Pod> those, const std::string& more = "") {
    pods = std::move(those);
    hub.path.Reload(test::ConfigOf(HubConfig(pods, more)));
  }
  std::string Read(const std::string& name, const std::string& selector = "",
                   const std::string& name_space = "analytics") {
    return hub.Read(name, name_space, selector);
  }
  double Refused(std::string_view reason) {
    return hub.path.telemetry.CounterOf(telemetry::MetricId::kHubRefused, {reason}).Value();
  }
  static std::string Url(const std::string& pod) { return "http://" + pod + ":7546/metrics"; }

  std::vector<Pod> pods;
  std::map<std::string, std::unique_ptr<test::Faces>> sidecars;
  std::map<std::string, bool> silent;
  test::Faces hub;
};

TEST_CASE("a hub serves what the sidecar would, in the namespace that discovery says") {
  Town town({Pod{}});
  auto& sidecar = town.Sidecar("trino-0", "- {name: queued, query: queued, round: up}\n",
                               "queued 0.30000000000000004\n");
  town.Run(12s);
  CHECK(town.Read("queued") == "300m");
  CHECK(town.Read("queued") == sidecar.Read("queued"));
  CHECK(town.hub.External("queued", "default").status == 404);
  CHECK(town.hub.External("queued", "analytics")
            .Body()
            .find(R"("metricLabels":{"engine":"trino","instance":"engine:8080","job":"engine"})") !=
        std::string::npos);
}

TEST_CASE("no bit of a value is lost on the way") {
  Town town({Pod{}});
  town.Sidecar("trino-0",
               "- {name: third, query: third}\n- {name: large, query: large}\n"
               "- {name: wrong, query: wrong}\n- {name: none, query: none}\n",
               "third 0.3333333333333333\nlarge 9007199254740993\nwrong -1\nnone NaN\n");
  town.Run(12s);
  const auto& metrics = town.hub.path.snapshot.Get()->metrics;
  std::map<std::string, double> values;
  for (const auto& metric : metrics) {
    REQUIRE(metric.entries.size() == 1);
    values[metric.policy->name] = metric.entries.front().value;
  }
  CHECK(values["third"] == 0.3333333333333333);
  CHECK(values["large"] == 9007199254740993.0);
  CHECK(values["wrong"] == -1);
  CHECK(town.Read("third") == "333m");
  CHECK(town.Read("wrong") == "503 out_of_range");
  CHECK(town.Read("none") == "503 not_finite");
}

TEST_CASE("ages add up, and the policy of the sidecar decides at the hub's read") {
  Town town({Pod{}});
  auto& sidecar = town.Sidecar(
      "trino-0",
      "- {name: plain, query: load, max_age: 30s}\n"
      "- {name: held, query: load, max_age: 30s, when_stale: {hold: 30s}}\n"
      "- {name: fallback, query: load, max_age: 30s, when_stale: {hold: 30s, then: 20}}\n",
      "load 7\n");
  town.Run(12s);
  CHECK(town.Read("held") == "7");
  sidecar.path.targets.Fail(kEngine, {base::Error::Kind::kUnavailable, "connection refused"});
  town.Run(35s);
  CHECK(town.Read("plain") == "503 empty");
  CHECK(town.Read("held") == "7");
  CHECK(town.Read("fallback") == "7");
  CHECK(town.hub.Message("plain", "analytics").find("connection refused") != std::string::npos);
  town.Run(35s);
  CHECK(town.Read("held") == "503 empty");
  CHECK(town.Read("fallback") == "20");
  CHECK(sidecar.Read("fallback") == "20");
}

TEST_CASE("an age is right when the sidecar's clock and ours disagree") {
  Town town({Pod{}});
  town.Sidecar("trino-0", "- {name: m, query: load, max_age: 30s}\n", "load 7\n");
  town.hub.path.clock.SetWall(town.hub.path.clock.Now() + 3'600'000);
  town.Run(30s);
  CHECK(town.Read("m") == "7");
  town.Silence("trino-0");
  town.Run(50s);
  CHECK(town.Read("m") == "503 stale");
}

TEST_CASE("a sidecar that falls silent is stale, says since when, and is not unknown") {
  Town town({Pod{}});
  town.Sidecar("trino-0", "- {name: m, query: load, max_age: 20s}\n", "load 7\n");
  town.Run(12s);
  town.Silence("trino-0");
  town.Run(8s);
  CHECK(town.Read("m") == "7");  // young enough still
  town.Run(30s);
  CHECK(town.Read("m") == "503 stale");
  const std::string message = town.hub.Message("m", "analytics");
  CHECK_MESSAGE(
      message.find("its sidecar cannot be scraped since 2026-12-01T00:00:") != std::string::npos,
      message);
  CHECK_MESSAGE(
      message.find("connection refused; the last good value was 7, ") != std::string::npos,
      message);
  CHECK_MESSAGE(message.find("; its sidecar is sidecars http://trino-0:7546/metrics, not heard of "
                             "since 2026-12-01T00:00:") != std::string::npos,
                message);
}

TEST_CASE("a sidecar that vanishes is stale for a while, then forgotten") {
  Town town({Pod{}}, "  forget_after: 1m\n");
  town.Sidecar("trino-0", "- {name: m, query: load, max_age: 20s}\n", "load 7\n");
  town.Run(12s);
  town.Redeploy({}, "  forget_after: 1m\n");
  town.Run(30s);
  CHECK(town.Read("m") == "503 stale");
  CHECK(town.hub.Message("m", "analytics").find("its sidecar has vanished") != std::string::npos);
  town.Run(40s);
  CHECK(town.hub.External("m", "analytics").status == 404);
}

TEST_CASE("a sidecar that is known and was not scraped yet is 503, and elsewhere it is 404") {
  Town town({Pod{}});
  CHECK(town.Read("m") == "503 never_scraped");
  CHECK(
      town.hub.Message("m", "elsewhere") ==
      "external metric m in namespace elsewhere has no value (never_scraped): not scraped yet: no "
      "sidecar was scraped yet");
  CHECK_FALSE(town.hub.path.snapshot.Get()->settled);
  town.Silence("trino-0");
  town.Run(12s);
  CHECK(town.Read("m") == "503 never_scraped");
  CHECK(town.hub.Message("m", "analytics") ==
        "external metric m in namespace analytics has no value (never_scraped): not scraped yet: "
        "sidecar sidecars http://trino-0:7546/metrics (Deployment trino) was not scraped yet: "
        "connection refused");
  CHECK(town.hub.External("m", "elsewhere").status == 404);
  CHECK(town.hub.path.snapshot.Get()->settled);
}

TEST_CASE("a metric that a sidecar no longer exports is unknown at once") {
  Town town({Pod{}});
  town.Sidecar("trino-0", "- {name: m, query: load}\n- {name: n, query: load}\n", "load 7\n");
  town.Run(12s);
  CHECK(town.Read("n") == "7");
  town.sidecars["trino-0"]->path.Reload(
      test::ConfigOf(SidecarConfig("- {name: m, query: load}\n")));
  town.Run(12s);
  CHECK(town.Read("m") == "7");
  CHECK(town.hub.External("n", "analytics").status == 404);
}

TEST_CASE("during a rollout the newest ready pod speaks, and no value doubles") {
  const Pod old{.name = "trino-old"};
  Pod young{.name = "trino-young", .created = "2026-01-02T00:00:00Z", .ready = "false"};
  Town town({old, young});
  const std::string metrics = "- {name: m, query: load, several: sum}\n";
  town.Sidecar("trino-old", metrics, "load 7\n");
  town.Sidecar("trino-young", metrics, "load 1\n");
  town.Run(12s);
  CHECK(town.Read("m") == "7");
  young.ready = "true";
  town.Redeploy({old, young});
  town.Run(12s);
  CHECK(town.Read("m") == "1");
  town.Redeploy({young});
  town.Run(12s);
  CHECK(town.Read("m") == "1");
}

TEST_CASE("a coordinator that is replaced has the last good value until the new one speaks") {
  Town town({Pod{.name = "trino-old"}});
  town.Sidecar("trino-old", "- {name: m, query: load}\n", "load 7\n");
  town.Run(12s);
  town.sidecars.clear();
  town.Redeploy({Pod{.name = "trino-young"}});
  town.Run(30s);
  CHECK(town.Read("m") == "7");
  town.Sidecar("trino-young", "- {name: m, query: load}\n", "load 2\n");
  town.Run(12s);
  CHECK(town.Read("m") == "2");
}

TEST_CASE("two engines in one namespace are told apart by the label engine, and never added up") {
  Town town({Pod{.name = "blue-0", .owner = "blue"}, Pod{.name = "green-0", .owner = "green"}});
  town.Sidecar("blue-0", "- {name: m, query: load, several: sum}\n", "load 7\n");
  town.Sidecar("green-0", "- {name: m, query: load, type: Value}\n", "load 1\n");
  town.Run(12s);
  CHECK(town.Read("m", "engine=blue") == "7");
  CHECK(town.Read("m", "engine=green") == "1");
  CHECK(town.Read("m", "engine in (green,red)") == "1");
  CHECK(town.Read("m", "engine=red") == "503 empty");
  CHECK(town.Read("m") == "503 several");
  CHECK(town.hub.Message("m", "analytics") ==
        "external metric m in namespace analytics has no value (several): 2 engines export it and "
        "none of them was asked for alone: engine=\\\"blue\\\" (Deployment blue), "
        "engine=\\\"green\\\" (Deployment green)");
  CHECK(town.hub.Signal("plimsoll_external_metric_value") ==
        test::Faces::Samples{
            {R"({engine="blue",metric="m",namespace="analytics",owner="Deployment blue"})", 7},
            {R"({engine="green",metric="m",namespace="analytics",owner="Deployment green"})", 1}});
}

TEST_CASE("what one engine says of nothing is not said of another that is not there") {
  const Pod blue{.name = "blue-0", .owner = "blue"};
  Town town({blue, Pod{.name = "green-0", .owner = "green"}}, "  forget_after: 1m\n");
  town.Sidecar("blue-0", "- {name: m, query: load, when_empty: 0}\n", "load{q=\"1\"} 7\n");
  town.Sidecar("green-0", "- {name: m, query: load}\n", "load{q=\"1\"} 1\n");
  town.Run(12s);
  CHECK(town.Read("m", "engine=blue,q=2") == "0");
  CHECK(town.Read("m", "engine=red") == "503 empty");
  CHECK(town.Read("m", "q=2") == "503 several");
  town.sidecars.erase("green-0");
  town.Redeploy({blue}, "  forget_after: 1m\n");
  town.Run(90s);
  CHECK(town.Read("m", "engine=blue") == "7");
  CHECK(town.Read("m", "engine=blue,q=2") == "0");
  CHECK(town.Read("m", "q=2") == "0");
  CHECK(town.Read("m", "engine=green") == "503 empty");
  CHECK(town.hub.Message("m", "analytics", "engine=green") ==
        "external metric m in namespace analytics has no value (empty): the selector means none of "
        "those that export it: engine=\\\"blue\\\" (Deployment blue)");
}

TEST_CASE("two owners that call themselves one engine are two series on the page") {
  Town town({Pod{.name = "a-0", .owner = "a", .engine = "trino"},
             Pod{.name = "b-0", .owner = "b", .engine = "trino"}});
  town.Sidecar("a-0", "- {name: m, query: load}\n", "load 7\n");
  town.Sidecar("b-0", "- {name: m, query: load}\n", "load 1\n");
  town.Run(12s);
  CHECK(town.hub.Signal("plimsoll_external_metric_value") ==
        test::Faces::Samples{
            {R"({engine="trino",metric="m",namespace="analytics",owner="Deployment a"})", 7},
            {R"({engine="trino",metric="m",namespace="analytics",owner="Deployment b"})", 1}});
}

TEST_CASE("two pods of one address are two, each in its own namespace") {
  Town town(
      {Pod{.name = "dead-0", .name_space = "aaa", .owner = "dead", .address = "trino-0"}, Pod{}});
  town.Sidecar("trino-0", "- {name: m, query: load}\n", "load 7\n");
  town.Run(12s);
  CHECK(town.Read("m") == "7");
  CHECK(town.Read("m", "", "aaa") == "7");  // who lies about an address harms nobody else
}

TEST_CASE("a target with fewer labels takes no series of another's") {
  Town town({Pod{.name = "bare-0", .name_space = "aaa", .owner = "bare", .address = "trino-0"},
             Pod{.engine = "trino"}});
  town.Sidecar("trino-0", "- {name: m, query: load}\n", "load 7\n");
  town.Run(12s);
  CHECK(town.Read("m", "engine=trino") == "7");
}

TEST_CASE("a pod that has ended is no sidecar: nobody waits for it, nobody asks its address") {
  for (const std::string phase : {"Succeeded", "Failed"}) {
    CAPTURE(phase);
    Town town(
        {Pod{.name = "driver", .name_space = "aaa", .address = "trino-0", .phase = phase}, Pod{}});
    town.Sidecar("trino-0", "- {name: m, query: load}\n", "load 7\n");
    town.Run(12s);
    CHECK(town.Read("m") == "7");
    CHECK(town.hub.External("m", "aaa").status == 404);
    CHECK(town.hub.path.snapshot.Get()->pending.empty());
  }
}

TEST_CASE("one name for two namespaces is two metrics, each with its own policy") {
  Town town({Pod{.job = "trusted"}});
  auto& sidecar = town.Sidecar("trino-0",
                               "- {name: m, query: load, namespaces: [a]}\n"
                               "- {name: m, query: other, namespaces: [b, c], round: up}\n",
                               "load 7\nother 0.0001\n");
  town.Run(12s);
  CHECK(town.Read("m", "", "a") == "7");
  CHECK(town.Read("m", "", "b") == "1m");
  CHECK(town.Read("m", "", "c") == "1m");
  CHECK(town.hub.External("m", "analytics").status == 404);
  CHECK(sidecar.Signal("plimsoll_exported_metric_value") ==
        test::Faces::Samples{
            {R"({label_instance="engine:8080",label_job="engine",metric="m",namespaces="a"})", 7},
            {R"({label_instance="engine:8080",label_job="engine",metric="m",namespaces="b,c"})",
             0.0001}});
}

TEST_CASE("of one name for two namespaces at home one counts: the one that names home") {
  Town town({Pod{}});
  town.Sidecar("trino-0",
               "- {name: m, query: load, namespaces: [a]}\n"
               "- {name: m, query: other, namespaces: [analytics]}\n",
               "load 7\nother 1\n");
  town.Run(12s);
  CHECK(town.Read("m") == "1");
  CHECK(town.hub.External("m", "a").status == 404);
  CHECK(town.Refused("namespace") > 0);
}

TEST_CASE("a rogue sidecar gets nothing but its own namespace") {
  Town town({Pod{}, Pod{.name = "rogue-0", .name_space = "lab", .owner = "rogue"}});
  town.Sidecar("trino-0", "- {name: m, query: load}\n", "load 7\n");
  town.Sidecar("rogue-0",
               "- {name: m, query: load, namespaces: ['*']}\n"
               "- {name: n, query: load, namespaces: [analytics]}\n",
               "load 1000\n");
  town.Run(12s);
  CHECK(town.Read("m") == "7");
  CHECK(town.hub.External("n", "analytics").status == 404);
  CHECK(town.Read("m", "", "lab") == "1000");
  CHECK(town.Refused("namespace") > 0);
}

TEST_CASE("labels on a page that name another target are not believed") {
  Town town({Pod{}});
  town.hub.path.targets.Serve(
      Town::Url("trino-0"),
      "plimsoll_exported_page_timestamp_seconds{job=\"engine\",instance=\"x\"} 1.7960832e+09\n"
      "plimsoll_exported_metric_info{metric=\"m\",engine=\"other\",namespace=\"kube-system\",type="
      "\"AverageValue\","
      "several=\"error\",round=\"nearest\",max_age=\"1h\"} 1\n"
      "plimsoll_exported_metric_value{metric=\"m\",label_engine=\"other\",label_namespace=\"b\"} "
      "3\n"
      "plimsoll_exported_metric_source_timestamp_seconds{metric=\"m\",label_engine=\"other\","
      "label_namespace=\"b\"} 1.7960832e+09\n"
      "plimsoll_exported_metric_series{metric=\"m\"} 1\n");
  town.hub.path.Run(12s);
  CHECK(town.Read("m") == "3");
  CHECK(town.hub.External("m", "kube-system").status == 404);
  const auto& entry = town.hub.path.snapshot.Get()->metrics.at(0).entries.at(0);
  CHECK(entry.labels ==
        model::Labels{{"engine", "trino"}, {"exported_engine", "other"}, {"namespace", "b"}});
}

TEST_CASE("where the hub allows it a sidecar may speak for namespaces") {
  Town town({Pod{.job = "trusted"}});
  town.Sidecar("trino-0", "- {name: m, query: load, namespaces: ['*']}\n", "load 7\n");
  town.Run(12s);
  CHECK(town.Read("m", "", "anywhere") == "7");
}

TEST_CASE("the bounds of a sidecar hold, and are counted") {
  Town town({Pod{}}, "  limits: {metrics_per_sidecar: 1, series_per_sidecar: 2}\n");
  town.Sidecar("trino-0", "- {name: m, query: load}\n- {name: n, query: load}\n",
               "load{a=\"1\"} 1\nload{a=\"2\"} 2\nload{a=\"3\"} 3\n");
  town.Run(12s);
  CHECK(town.Read("m", "a=1") == "503 query_error");
  CHECK(town.Read("m", "a=3") == "503 query_error");
  CHECK(town.hub.Message("m", "analytics")
            .find("more than 2 series of its sidecar (series_per_sidecar)") != std::string::npos);
  CHECK(town.hub.External("n", "analytics").status == 404);
  CHECK(town.Refused("metrics_per_sidecar") > 0);
  CHECK(town.Refused("series_per_sidecar") > 0);
}

TEST_CASE("a sum of which a part did not fit is no sum, and nothing that fitted is no zero") {
  Town town({Pod{}}, "  limits: {series_per_sidecar: 2}\n");
  auto& sidecar = town.Sidecar("trino-0",
                               "- {name: all, query: load, several: sum, max_age: 20s}\n"
                               "- {name: zero, query: other, when_empty: 0, several: sum}\n",
                               "load 1\n");
  town.Run(12s);
  CHECK(town.Read("all") == "1");
  CHECK(town.Read("zero") == "0");
  sidecar.path.targets.Serve(kEngine,
                             "load{a=\"1\"} 1\nload{a=\"2\"} 2\nload{a=\"3\"} 3\nother 5\n");
  town.Run(30s);
  CHECK(town.Read("all") == "503 query_error");
  CHECK(town.Read("zero") == "503 query_error");
}

TEST_CASE("a series that the hub's store refuses is missed, not taken for none") {
  Town town({Pod{}});
  auto& sidecar = town.Sidecar("trino-0",
                               "- {name: all, query: load, several: sum, max_age: 20s}\n"
                               "- {name: zero, query: other, when_empty: 0}\n",
                               "load{a=\"1\"} 1\n");
  town.Run(12s);
  CHECK(town.Read("all") == "1");
  CHECK(town.Read("zero") == "0");
  town.hub.path.store.SetLimits({.max_series = town.hub.path.store.GetStats().series});
  sidecar.path.targets.Serve(kEngine, "load{a=\"1\"} 1\nload{a=\"2\"} 2\nother 5\n");
  town.Run(30s);
  CHECK(town.Read("all") == "503 query_error");
  CHECK(town.Read("zero") == "503 query_error");
  CHECK(town.hub.Message("zero", "analytics").find("the hub has 0 of its 1 series") !=
        std::string::npos);
}

TEST_CASE("a metric whose policy the hub's store refuses is not unknown, nor is what is new") {
  Town town({Pod{}});
  auto& sidecar = town.Sidecar("trino-0", "- {name: m, query: load}\n", "load 1\n");
  town.Run(12s);
  CHECK(town.hub.External("n", "analytics").status == 404);
  town.hub.path.store.SetLimits({.max_series = town.hub.path.store.GetStats().series});
  sidecar.path.Reload(test::ConfigOf(
      SidecarConfig("- {name: m, query: load, max_age: 20s}\n- {name: n, query: load}\n")));
  town.Run(7s);
  CHECK(town.Read("m") == "1");  // the last good value, as the last policy allows
  town.Run(120s);
  CHECK(town.Read("m") == "503 query_error");
  CHECK(town.hub.Message("m", "analytics").find("series of the page of its sidecar did not fit") !=
        std::string::npos);
  CHECK(town.Read("n") == "503 never_scraped");
}

TEST_CASE("a value that came without its time is missed, too") {
  Town town({Pod{}});
  town.hub.path.targets.Serve(
      Town::Url("trino-0"),
      "plimsoll_exported_page_timestamp_seconds 1.7960832e+09\n"
      "plimsoll_exported_metric_info{metric=\"m\",type=\"AverageValue\",several=\"error\","
      "round=\"nearest\",max_age=\"1h\",when_empty=\"0\"} 1\n"
      "plimsoll_exported_metric_evaluated_timestamp_seconds{metric=\"m\"} 1.7960832e+09\n"
      "plimsoll_exported_metric_series{metric=\"m\"} 1\n"
      "plimsoll_exported_metric_value{metric=\"m\"} 3\n");
  town.hub.path.Run(12s);
  CHECK(town.Read("m") == "503 query_error");
}

TEST_CASE("a reload of the hub forgets nothing") {
  Town town({Pod{}});
  town.Sidecar("trino-0", "- {name: m, query: load}\n", "load 7\n");
  town.Run(12s);
  town.Redeploy({Pod{}});
  CHECK(town.Read("m") == "7");
  town.Run(12s);
  CHECK(town.Read("m") == "7");
}

TEST_CASE("between a reload and the next tick a new sidecar's metrics are not unknown") {
  Town town({Pod{}});
  town.Sidecar("trino-0", "- {name: m, query: load}\n", "load 7\n");
  town.Run(12s);
  CHECK(town.hub.External("n", "lab").status == 404);
  town.Redeploy({Pod{}, Pod{.name = "lab-0", .name_space = "lab", .owner = "lab"}});
  CHECK(town.Read("m") == "7");
  CHECK(town.Read("n", "", "lab") == "503 never_scraped");
  // What was no hub becomes one.
  town.hub.path.targets.Serve("http://x:1/metrics", "load 1\n");
  town.hub.path.Reload(
      test::ConfigOf("global: {scrape_interval: 5s}\n"
                     "scrape_configs: [{job_name: x, static_configs: [{targets: ['x:1']}]}]\n"));
  town.hub.path.Run(12s);
  CHECK(town.hub.External("m", "analytics").status == 404);
  town.Redeploy({Pod{}});
  CHECK(town.Read("m") == "503 never_scraped");
}

TEST_CASE("a metric of the hub's own inherits nothing of a sidecar's that it replaces") {
  Town town({Pod{}});
  town.Sidecar("trino-0", "- {name: m, query: load}\n", "load 7\n");
  town.Run(12s);
  CHECK(town.Read("m") == "7");
  town.Redeploy({Pod{}},
                "external_metrics: [{name: m, query: nothing, namespaces: [analytics]}]\n");
  CHECK(town.Read("m") == "503 never_scraped");
  town.Run(12s);
  CHECK(town.Read("m") == "503 empty");
}

TEST_CASE("a page that is no sidecar's any more is told from one that cannot be scraped") {
  Town town({Pod{}});
  town.Sidecar("trino-0", "- {name: m, query: load, max_age: 20s}\n", "load 7\n");
  town.Run(12s);
  town.sidecars.clear();
  town.hub.path.targets.Serve(Town::Url("trino-0"), "something_else 1\n");
  town.Run(30s);
  CHECK(town.Read("m") == "503 stale");
  CHECK(town.hub.Message("m", "analytics")
            .find("its page has no plimsoll_exported_page_timestamp_seconds; the last good value "
                  "was 7, "
                  "of ") != std::string::npos);
}

TEST_CASE("what a vanished sidecar exported elsewhere gives way wherever another has the name") {
  const Pod live{.name = "live-0", .name_space = "b", .owner = "live"};
  Town town({Pod{.job = "trusted"}, live});
  town.Sidecar("trino-0", "- {name: m, query: load, namespaces: [a, b, c]}\n", "load 7\n");
  town.Run(12s);
  CHECK(town.Read("m", "", "b") == "7");
  town.sidecars.clear();
  town.Sidecar("live-0", "- {name: m, query: load}\n", "load 1\n");
  town.Redeploy({live});
  town.Run(12s);
  CHECK(town.Read("m", "", "b") == "1");
  CHECK(town.Read("m", "", "a") == "7");
  town.Redeploy({live},
                "external_metrics: [{name: m, query: up, several: max, namespaces: [c]}]\n");
  town.Run(12s);
  CHECK(town.Read("m", "", "b") == "1");
  CHECK(town.Read("m", "", "a") == "7");
  CHECK(town.Read("m", "", "c") == "1");
}

}  // namespace
