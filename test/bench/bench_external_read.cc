// SPDX-License-Identifier: Apache-2.0
//
// What does the handler of one external metric read cost, without a socket, at 1,000 metrics?
#include <benchmark/benchmark.h>

#include "base/format.h"
#include "serve/external_metrics.h"
#include "support/fake_clock.h"

namespace {

using namespace plimsoll;  // NOLINT: a benchmark

struct Face {
  test::FakeClock clock{1'767'225'600'000};
  base::Published<signals::Snapshot> snapshot;
  telemetry::Telemetry telemetry;
  serve::ExternalMetricsApi api{snapshot, clock, &telemetry, {}};

  // `series` of every metric; with more than one a read needs a selector.
  Face(int metrics, int series, bool fresh) {
    auto next = std::make_shared<signals::Snapshot>();
    for (int i = 0; i < metrics; ++i) {
      signals::Metric metric;
      metric.policy = std::make_shared<config::ExternalMetric>(
          config::ExternalMetric{.name = base::format("trino-signal-{}", i)});
      metric.namespaces = {"analytics"};
      metric.evaluated = signals::Moment::Of(clock);
      for (int s = 0; fresh && s < series; ++s) {
        const std::string cluster = base::format("cluster-{}", s);
        metric.entries.push_back({.labels = model::Labels{{"cluster", cluster}, {"env", "prod"}},
                                  .present = true,
                                  .value = 17.25,
                                  .source = metric.evaluated,
                                  .seen = metric.evaluated,
                                  .last_good = signals::Good{17.25, metric.evaluated}});
      }
      next->metrics.push_back(std::move(metric));
    }
    next->BuildIndex();
    snapshot.Publish(next);
  }

  // What kube-apiserver sends for an HPA.
  static http::Request Read(int metric, std::string query) {
    http::Request request;
    request.raw_path = request.path = base::format(
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/analytics/trino-signal-{}", metric);
    request.raw_query = std::move(query);
    request.tls = true;
    static const auto certificate =
        std::make_shared<http::ClientCertificate>(http::ClientCertificate{
            .common_name = "front-proxy-client", .trusted_by = {"requestheader"}});
    request.certificate = certificate;
    request.headers = {
        {"Host", "localhost:6443"},
        {"User-Agent", "kube-controller-manager/v1.36.3 (linux/amd64) kubernetes/abcdef"},
        {"Accept", "application/vnd.kubernetes.protobuf, */*"},
        {"Accept-Encoding", "gzip"},
        {"Audit-Id", "9cbe0b6c-1d5f-4b4c-b67d-4d5e6f708192"},
        {"X-Forwarded-For", "10.0.0.1"},
        {"X-Remote-Group", "system:serviceaccounts"},
        {"X-Remote-Group", "system:serviceaccounts:kube-system"},
        {"X-Remote-Group", "system:authenticated"},
        {"X-Remote-User", "system:serviceaccount:kube-system:horizontal-pod-autoscaler"}};
    return request;
  }
};

void Run(benchmark::State& state, const Face& face, const std::string& query, int expected) {
  std::vector<http::Request> requests;
  for (int i = 0; i < static_cast<int>(state.range(0)); ++i)
    requests.push_back(Face::Read(i, query));
  std::size_t next = 0;
  for (auto _ : state) {
    http::Response response = face.api.Handle(requests[next]);
    if (response.status != expected) state.SkipWithError("unexpected status");
    benchmark::DoNotOptimize(response);
    next = (next + 1) % requests.size();
  }
}

void BM_ReadOneSeries(benchmark::State& state) {
  const Face face(static_cast<int>(state.range(0)), 1, true);
  Run(state, face, "", 200);
}
void BM_ReadWithSelector(benchmark::State& state) {
  const Face face(static_cast<int>(state.range(0)), 10, true);
  Run(state, face, "labelSelector=cluster%3Dcluster-7%2Cenv+in+%28dev%2Cprod%29", 200);
}
void BM_ReadError(benchmark::State& state) {
  const Face face(static_cast<int>(state.range(0)), 1, false);
  Run(state, face, "", 503);
}
BENCHMARK(BM_ReadOneSeries)->Arg(1)->Arg(1000);
BENCHMARK(BM_ReadWithSelector)->Arg(1000);
BENCHMARK(BM_ReadError)->Arg(1000);

}  // namespace

BENCHMARK_MAIN();
