// SPDX-License-Identifier: Apache-2.0
//
// plimsoll demo: a simulated Trino cluster inside the process, scraped over loopback by the
// ordinary pipeline, scaled by the served metric, shown as a live table.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "app/instance.h"
#include "app/signal_wait.h"
#include "app/verbs.h"
#include "base/format.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/number_text.h"
#include "config/load.h"
#include "config/preset.h"
#include "demo/replica_loop.h"
#include "demo/simulated_trino.h"
#include "signals/resolve.h"

namespace plimsoll::app {
namespace {

using base::Result;

// Replicas for the queue: known from the first tick, where the verdict about memory needs two
// minutes.
constexpr std::string_view kMetric = "trino-workers-for-queue";
constexpr std::string_view kShown[] = {"trino-workers-wanted", "trino-workers-for-queue",
                                       "trino-workers-for-memory", "trino-queued", "trino-running"};

// The cluster of the demo lives fast: a wave of load in three minutes, workers in ten seconds.
demo::TrinoOptions ClusterOptions() {
  demo::TrinoOptions options;
  options.load = {.low_per_minute = 10, .high_per_minute = 60, .period = std::chrono::minutes(3)};
  options.worker_start = std::chrono::seconds(5);
  options.worker_grace = std::chrono::seconds(4);
  options.gauge_delay = std::chrono::seconds(1);
  return options;
}

Result<LoadedConfig> DemoConfig(std::uint16_t engine_port, std::chrono::milliseconds interval) {
  const std::string every = base::FormatDuration(interval);
  auto preset = config::FromPreset("trino", fmt::format("127.0.0.1:{}", engine_port),
                                   {{"global.scrape_interval", every},
                                    {"global.scrape_timeout", every},
                                    {"params.trino_queries_per_worker", "1.5"},
                                    {"params.trino_target_free_gib", "32"}});
  if (!preset) return std::move(preset).error();
  return LoadedConfig{std::move(preset->config), std::move(preset->text)};
}

// On loopback and in the demo only: the face that an HPA reads over TLS, in plain HTTP, as an
// administrator.
http::Handler WithPlainExternalMetrics(http::Handler ops,
                                       const serve::ExternalMetricsApi& external) {
  const auto identity = std::make_shared<const http::ClientCertificate>(
      http::ClientCertificate{.common_name = "demo",
                              .organizations = {"system:masters"},
                              .trusted_by = {std::string(serve::kClientPool)}});
  return [ops = std::move(ops), &external, identity](const http::Request& request) {
    if (request.path.rfind("/apis", 0) != 0) return ops(request);
    http::Request as_admin = request;
    as_admin.certificate = identity;
    return external.Handle(as_admin);
  };
}

struct Row {
  std::string text;
  std::optional<double> value;
};

Row ReadMetric(const signals::Snapshot& snapshot, std::string_view name, signals::Moment now) {
  const signals::Metric* metric = snapshot.Find("default", name);
  if (metric == nullptr) return {"unknown", std::nullopt};
  const auto outcome = signals::Resolve(snapshot, *metric, "default", nullptr, now);
  if (const auto* served = std::get_if<signals::Served>(&outcome)) {
    return {fmt::format("{:>8}  {}", served->quantity, signals::StateText(served->state)),
            served->value};
  }
  const auto& failure = std::get<signals::Failure>(outcome);
  return {fmt::format("{:>8}  {}", "-", signals::ReasonText(failure.reason)), std::nullopt};
}

void PrintUrls(std::uint16_t port) {
  fmt::print(
      "plimsoll demo: a simulated Trino cluster, scraped on loopback. Try, in another terminal:\n");
  fmt::print("  curl http://127.0.0.1:{}/metrics\n", port);
  fmt::print("  curl 'http://127.0.0.1:{}/api/v1/query?query=trino_workers_for_queue'\n", port);
  fmt::print(
      "  curl http://127.0.0.1:{}/apis/external.metrics.k8s.io/v1beta1/namespaces/default/{}\n\n",
      port, kMetric);
  std::fflush(stdout);
}

class Table {
 public:
  explicit Table(bool plain) : plain_(plain || isatty(STDOUT_FILENO) == 0) {}

  void Print(const demo::TrinoCounts& truth, int replicas, const signals::Snapshot& snapshot,
             signals::Moment now) {
    if (plain_) {
      std::string line =
          fmt::format("{} queued={} running={} workers={} starting={} free_gib={:.0f} replicas={}",
                      base::FormatRfc3339(now.wall / 1000 * 1000), truth.queued, truth.running,
                      truth.workers_active, truth.workers_starting, truth.free_gib, replicas);
      const Row wanted = ReadMetric(snapshot, kMetric, now);
      line +=
          fmt::format(" {}={}", kMetric, wanted.value ? base::ApiFloat(*wanted.value) : "error");
      fmt::print("{}\n", line);
    } else {
      if (printed_) fmt::print("\033[{}A", std::size(kShown) + 3);
      fmt::print(
          "\033[Kengine   queued {:3}  running {:3}  workers {:2} (+{} starting, {} leaving)  free "
          "{:4.0f} GiB\n",
          truth.queued, truth.running, truth.workers_active, truth.workers_starting,
          truth.workers_leaving, truth.free_gib);
      fmt::print("\033[Kscaler   replicas {:2}\n\033[K\n", replicas);
      for (const std::string_view name : kShown) {
        fmt::print("\033[K  {:<28}{}\n", name, ReadMetric(snapshot, name, now).text);
      }
      printed_ = true;
    }
    std::fflush(stdout);
  }

 private:
  bool plain_;
  bool printed_ = false;
};

}  // namespace

int Do(const DemoOptions& options) {
  base::SetLogLevel(base::LogLevel::kWarn);
  const SignalWait signals;
  const base::Clock& clock = base::SystemClock();
  const auto cluster = std::make_shared<base::Guarded<demo::SimulatedTrino>>(
      demo::SimulatedTrino(ClusterOptions(), clock.Now()));
  const auto engine = http::NewBeastServer({.listener = "engine", .address = "127.0.0.1:0"},
                                           demo::ServeTrino(cluster, clock), nullptr);
  if (auto started = engine->Start(); !started) return Fail(started.error());

  auto loaded = DemoConfig(engine->port(), options.interval);
  if (!loaded) return Fail(loaded.error());
  RunOptions run;
  run.listen_address = options.listen_address;
  run.own_namespace = "default";
  run.secure_port = 0;
  auto made = Instance::Make(run, *std::move(loaded));
  if (!made) return Fail(made.error());
  Instance& instance = **made;
  instance.WrapOps([&](http::Handler ops) {
    return WithPlainExternalMetrics(std::move(ops), instance.external_metrics());
  });
  if (auto started = instance.Start(); !started) return Fail(started.error());
  PrintUrls(instance.ops_port());

  demo::ReplicaPolicy policy;
  policy.down = {1, std::chrono::seconds(10)};
  policy.down_window = std::chrono::seconds(20);
  demo::ReplicaHistory history;
  int replicas = 1;
  Table table(options.plain);
  const base::Steady start = clock.SteadyNow();
  for (;;) {
    if (signals.Next(std::chrono::seconds(1)) != 0) break;
    if (options.duration.count() > 0 && clock.SteadyNow() - start >= options.duration) break;
    const signals::Moment now = signals::Moment::Of(clock);
    const auto snapshot = instance.snapshot().Get();
    const Row wanted = ReadMetric(*snapshot, kMetric, now);
    demo::ReplicaDecision decision =
        demo::DecideReplicas(policy, std::move(history), replicas, wanted.value, now.wall);
    history = std::move(decision.history);
    replicas = decision.replicas;
    const demo::TrinoCounts truth = cluster->With([&](demo::SimulatedTrino& trino) {
      trino.AdvanceTo(now.wall);
      trino.SetReplicas(replicas);
      return trino.Counts();
    });
    table.Print(truth, replicas, *snapshot, now);
  }
  instance.Stop();
  engine->Stop(std::chrono::milliseconds(200));
  return kGood;
}

}  // namespace plimsoll::app
