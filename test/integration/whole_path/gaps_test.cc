// SPDX-License-Identifier: Apache-2.0
//
// What is served while something is missing: a dead coordinator, a stuck loop, a reload, a target
// that hangs, a rule that divides by zero. Held, a fallback or an error as configured, and never a
// number that nobody measured.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "demo/simulated_trino.h"
#include "integration/whole_path/faces.h"

using namespace plimsoll;  // NOLINT: a test names many of its things
using namespace std::chrono_literals;

namespace {

const std::string kUrl = "http://coordinator:8080/metrics";

base::Error Refused() {
  return {base::Error::Kind::kUnavailable, "Get \"" + kUrl + "\": connect: connection refused"};
}

void ServePeak(test::Faces& faces) {
  std::ifstream in(PLIMSOLL_SOURCE_ROOT
                   "/test/fixtures/trino-483/07-queued-1w/metrics-filtered.prom",
                   std::ios::binary);
  REQUIRE(in.good());
  faces.path.targets.Serve(kUrl,
                           {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()},
                           "application/openmetrics-text;charset=utf-8;version=1.0.0");
}

// One number, and each way to go on without it.
const std::string kConfig =
    "global: {scrape_interval: 15s}\n"
    "scrape_configs: [{job_name: engine, static_configs: [{targets: ['coordinator:8080']}]}]\n"
    "signals: [{name: load, help: Load.}]\n"
    "external_metrics:\n"
    "- {name: error, query: load}\n"
    "- {name: held, query: load, when_stale: {hold: 2m}}\n"
    "- {name: fallback, query: load, when_stale: {hold: 1m, then: 20}}\n"
    "- {name: exactly, query: load, when_stale: {then: {exactly: 2}}}\n"
    "- {name: ratio, type: Value, query: load}\n";

struct Engine : test::Faces {
  explicit Engine(const std::string& config = kConfig) : Faces(test::ConfigOf(config)) {
    path.targets.Serve(kUrl, "load 7\n");
    path.Run(60s);
  }
  std::string All() const {
    return Read("error") + ", " + Read("held") + ", " + Read("fallback") + ", " + Read("exactly") +
           ", " + Read("ratio");
  }
};

}  // namespace

TEST_CASE("a coordinator that dies at the peak leaves no false number anywhere") {
  test::Faces trino(test::PresetOf("trino", "coordinator:8080"));
  ServePeak(trino);
  trino.path.Run(390s);
  const auto peak = [](const test::Faces& faces) {
    auto samples = faces.AllSignals();
    std::erase_if(samples,
                  [](const auto& sample) { return sample.first.starts_with("plimsoll_"); });
    return samples;
  };
  const auto before = peak(trino);
  REQUIRE(before.size() >= 26);
  std::map<std::string, std::string> reads;
  for (const auto& metric : trino.path.loop.plan().config->external_metrics)
    reads[metric.name] = trino.Read(metric.name);
  REQUIRE(reads.at("trino-queued") == "3");

  trino.path.targets.Fail(kUrl, Refused());
  for (int second = 0; second < 1200; ++second) {
    trino.path.Run(1s);
    CAPTURE(second);
    for (const auto& [series, value] : peak(trino)) {
      CAPTURE(series);
      REQUIRE(before.contains(series));
      CHECK(value == before.at(series));
    }
    if (second % 5 != 0) continue;
    for (const auto& [name, quantity] : reads) {
      CAPTURE(name);
      const std::string now = trino.Read(name);
      CHECK((now == quantity || now.starts_with("503 ")));
    }
  }
  CHECK(peak(trino).empty());
  for (const auto& [name, quantity] : reads) CHECK(trino.Read(name).starts_with("503 "));
}

TEST_CASE("a dead engine's number is fresh, held, replaced or refused on time") {
  Engine engine;
  CHECK(engine.All() == "7, 7, 7, 7, 7");
  engine.path.targets.Fail(kUrl, Refused());
  // The next scrape fails and ends the series: only a last good value is left, and a ratio has
  // none.
  engine.path.Run(15s);
  CHECK(engine.All() == "7, 7, 7, 7, 503 empty");
  engine.path.Run(75s);
  CHECK(engine.All() == "7, 7, 7, 7, 503 empty");
  engine.path.Run(1ms);
  CHECK(engine.All() == "503 empty, 7, 7, 2, 503 empty");
  engine.path.Run(60s - 1ms);
  CHECK(engine.All() == "503 empty, 7, 7, 2, 503 empty");
  engine.path.Run(1ms);
  CHECK(engine.All() == "503 empty, 7, 20, 2, 503 empty");
  engine.path.Run(60s - 1ms);
  CHECK(engine.All() == "503 empty, 7, 20, 2, 503 empty");
  engine.path.Run(1ms);
  CHECK(engine.All() == "503 empty, 503 empty, 20, 2, 503 empty");
  engine.path.Run(30min);
  CHECK(engine.All() == "503 empty, 503 empty, 20, 2, 503 empty");
}

TEST_CASE("a loop that is stuck is noticed by the read itself") {
  Engine engine;
  engine.path.clock.Advance(90s);
  CHECK(engine.All() == "7, 7, 7, 7, 7");
  engine.path.clock.Advance(1ms);
  CHECK(engine.All() == "503 stale, 7, 7, 2, 503 stale");
  engine.path.clock.Advance(60s);
  CHECK(engine.All() == "503 stale, 7, 20, 2, 503 stale");
  engine.path.clock.Advance(60s);
  CHECK(engine.All() == "503 stale, 503 stale, 20, 2, 503 stale");
  CHECK(engine.Signal("load").size() == 1);
  engine.path.clock.Advance(90s - 1ms);
  CHECK(engine.Signal("load").size() == 1);
  engine.path.clock.Advance(1ms);
  CHECK(engine.Signal("load").empty());
}

TEST_CASE("the wall clock that jumps ages nothing and revives nothing") {
  Engine engine;
  engine.path.clock.SetWall(engine.path.clock.Now() + 3'600'000);
  CHECK(engine.All() == "7, 7, 7, 7, 7");
  engine.path.clock.Advance(90s + 1ms);
  engine.path.clock.SetWall(engine.path.clock.Now() - 7'200'000);
  CHECK(engine.All() == "503 stale, 7, 7, 2, 503 stale");
}

TEST_CASE("a reload keeps what is served, and its age") {
  Engine engine;
  engine.path.targets.Fail(kUrl, Refused());
  engine.path.Run(100s);
  CHECK(engine.All() == "503 empty, 7, 7, 2, 503 empty");
  engine.path.Reload(test::ConfigOf(kConfig + "- {name: more, query: load}\n"));
  CHECK(engine.All() == "503 empty, 7, 7, 2, 503 empty");
  CHECK(engine.Read("more") == "503 never_scraped");
  engine.path.Run(50s);
  CHECK(engine.All() == "503 empty, 7, 7, 2, 503 empty");
  engine.path.Run(1ms);
  CHECK(engine.All() == "503 empty, 7, 20, 2, 503 empty");
}

TEST_CASE("a reload takes no signal off the page") {
  Engine engine;
  engine.path.Run(5s);
  engine.path.Reload(test::ConfigOf(kConfig));
  CHECK(engine.Signal("load").size() == 1);
  CHECK(engine.All() == "7, 7, 7, 7, 7");
}

TEST_CASE("one target that hangs costs the others its deadline and no more") {
  test::Faces faces(
      test::ConfigOf("global: {scrape_interval: 15s}\n"
                     "scrape_configs: [{job_name: engine, static_configs: [{targets: ['a:80', "
                     "'b:80', 'c:80']}]}]\n"
                     "external_metrics: [{name: load, query: sum(load)}]\n"));
  test::RunningLoop& path = faces.path;
  path.targets.Serve("http://a:80/metrics", "load 1\n");
  path.targets.Serve("http://b:80/metrics", "load 10\n");
  path.targets.Serve("http://c:80/metrics", "load 100\n");
  path.Run(15s);
  CHECK(faces.Read("load") == "111");

  path.targets.Hold("http://c:80/metrics");
  path.targets.Serve("http://a:80/metrics", "load 2\n");
  path.targets.Serve("http://c:80/metrics", "load 200\n");
  path.Run(15s + 3'749ms);
  CHECK(faces.Read("load") == "111");
  path.Run(1ms);
  CHECK(faces.Read("load") == "112");  // of c the page before
  path.Run(2s);
  path.targets.Release("http://c:80/metrics");
  path.Step();
  CHECK(faces.Read("load") == "212");
  CHECK(path.telemetry.CounterOf(telemetry::MetricId::kLateTargets).Value() == 1);
}

TEST_CASE("a division by zero, two series and an absurd number are errors by name") {
  test::Faces faces(test::ConfigOf(
      "global: {scrape_interval: 15s}\n"
      "rule_files: [rules.yml]\n"
      "scrape_configs: [{job_name: engine, static_configs: [{targets: ['coordinator:8080']}]}]\n"
      "external_metrics:\n"
      "- {name: infinite, query: infinite}\n"
      "- {name: undefined, query: undefined}\n"
      "- {name: several, query: load}\n"
      "- {name: summed, query: load, several: sum}\n"
      "- {name: negative, query: 0 - sum(load)}\n"
      "- {name: huge, query: sum(load) * 1e18}\n",
      "groups:\n"
      "- name: g\n"
      "  rules:\n"
      "  - {record: infinite, expr: sum(load) / sum(none)}\n"
      "  - {record: undefined, expr: sum(none) / sum(none)}\n"));
  faces.path.targets.Serve(kUrl, "load{pool=\"a\"} 3\nload{pool=\"b\"} 4\nnone 0\n");
  faces.path.Run(30s);
  CHECK(faces.Read("infinite") == "503 not_finite");
  CHECK(faces.Read("undefined") == "503 not_finite");
  CHECK(faces.Read("several") == "503 several");
  CHECK(faces.Read("summed") == "7");
  CHECK(faces.Read("negative") == "503 out_of_range");
  CHECK(faces.Read("huge") == "503 out_of_range");
}

TEST_CASE("with the demand fixed and workers rising no AverageValue metric moves") {
  demo::TrinoOptions options;
  options.load.period = 0ms;  // nothing arrives by itself
  options.workers = 1;
  test::Faces trino(test::PresetOf("trino", "coordinator:8080"));
  demo::SimulatedTrino cluster(options, trino.path.clock.Now());
  for (int query = 0; query < options.concurrency_limit + 3; ++query) cluster.Submit(1e9, 4);
  const auto run = [&](std::chrono::seconds seconds, auto look) {
    for (auto left = seconds; left > 0s; left -= 1s) {
      cluster.AdvanceTo(trino.path.clock.Now());
      http::Request request{.path = "/metrics", .raw_path = "/metrics"};
      request.headers = {{"X-Trino-User", "test"},
                         {"Accept", "application/openmetrics-text;version=1.0.0"}};
      const http::Response page = cluster.Handle(request);
      REQUIRE(page.status == 200);
      trino.path.targets.Serve(kUrl, std::string(page.Body()), page.content_type);
      trino.path.Run(1s);
      look();
    }
  };
  run(390s, [] {});
  std::map<std::string, std::string> reads;
  for (const auto& metric : trino.path.loop.plan().config->external_metrics) {
    if (metric.type == config::ExternalMetric::Type::kAverageValue)
      reads[metric.name] = trino.Read(metric.name);
  }
  REQUIRE(reads.size() == 6);
  CHECK(reads.at("trino-queued") == "3");
  CHECK(reads.at("trino-running") == "8");
  CHECK(reads.at("trino-workers-for-queue") == "11");
  int seen = 0;
  for (const int workers : {2, 3, 5, 8, 13}) {
    cluster.SetReplicas(workers);
    run(90s, [&] {
      for (const auto& [name, quantity] : reads) {
        CAPTURE(name);
        CAPTURE(workers);
        CHECK(trino.Read(name) == quantity);
      }
    });
    const auto active = trino.Signal("trino_workers_active");
    REQUIRE(active.size() == 1);
    CHECK(active.begin()->second == workers);
    ++seen;
  }
  CHECK(seen == 5);
}
