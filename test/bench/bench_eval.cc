// SPDX-License-Identifier: Apache-2.0
//
// What does a query cost, per point of its result?
//
// The storage is vectors in memory, so the figures are the evaluator's (and the answer's) own; what
// decoding costs is measured with the store. The rows are the queries that were measured against
// Prometheus 3.15: one sample per second, as many series as the name says; the last argument is the
// number of steps. Items are points of the result.
#include <benchmark/benchmark.h>

#include <string>

#include "eval/answer.h"
#include "eval/engine.h"
#include "promql/parser.h"
#include "support/memory_querier.h"

namespace {

using namespace plimsoll;

constexpr int kSamples = 1400;
constexpr model::Time kSecond = 1000;

// op_total{catalog,node,op}: 1000 series; latency_bucket{catalog,node,le}: 1000; node_info{node}:
// 100.
const test::MemoryStorage& Storage() {
  static const auto& storage = [&]() -> test::MemoryStorage& {
    static test::MemoryStorage made;
    static const char* const bounds[] = {"0.1", "0.2", "0.5", "1",  "2",
                                         "5",   "10",  "20",  "50", "+Inf"};
    for (int i = 0; i < 1000; ++i) {
      const std::string catalog = "catalog" + std::to_string(i % 5);
      const std::string node = "node" + std::to_string(i / 10);
      const std::string hundred = i < 100 ? "yes" : "no";
      const model::Labels op{{"__name__", "op_total"}, {"catalog", catalog},
                             {"node", node},           {"op", std::to_string(i % 10)},
                             {"hundred", hundred},     {"instance", "localhost:9100"},
                             {"job", "trino"}};
      const model::Labels bucket{{"__name__", "latency_bucket"},
                                 {"catalog", "catalog" + std::to_string(i / 10 % 5)},
                                 {"node", node},
                                 {"le", bounds[i % 10]},
                                 {"instance", "localhost:9100"},
                                 {"job", "trino"}};
      for (int t = 0; t < kSamples; ++t) {
        made.Add(op, t * kSecond, 1000.0 + t * (1 + i % 7) * 1.5);
        made.Add(bucket, t * kSecond, static_cast<double>(t) * (1 + i % 10));
      }
    }
    for (int i = 0; i < 100; ++i) {
      const model::Labels info{{"__name__", "node_info"},
                               {"node", "node" + std::to_string(i)},
                               {"zone", "z" + std::to_string(i % 3)}};
      for (int t = 0; t < kSamples; ++t) made.Add(info, t * kSecond, 1);
    }
    return made;
  }();
  return storage;
}

void Query(benchmark::State& state, const std::string& text, bool with_answer) {
  const auto expr = promql::Parse(text);
  if (!expr) {
    state.SkipWithError(expr.error().message.c_str());
    return;
  }
  const int steps = static_cast<int>(state.range(0));
  const model::Time start = 200 * kSecond;
  std::size_t points = 0, bytes = 0;
  std::string out;
  for (auto _ : state) {
    const auto querier = Storage().Open();
    const auto answer = steps == 1
                            ? eval::Instant(**expr, text, *querier, start)
                            : eval::Range(**expr, text, *querier, start,
                                          start + (steps - 1) * kSecond, std::chrono::seconds(1));
    if (!answer) {
      state.SkipWithError(answer.error().message.c_str());
      return;
    }
    if (const auto* vector = std::get_if<eval::Vector>(&answer->value)) {
      points += vector->elements.size();
    } else if (const auto* matrix = std::get_if<eval::Matrix>(&answer->value)) {
      for (const auto& series : matrix->series) points += series.count;
    } else {
      ++points;
    }
    if (with_answer) {
      out.clear();
      eval::AppendAnswer(*answer, 10, out);
      bytes += out.size();
      benchmark::DoNotOptimize(out.data());
    }
    benchmark::DoNotOptimize(answer);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(points));
  if (with_answer) state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

#define PLIMSOLL_QUERY(name, text) \
  BENCHMARK_CAPTURE(Query, name, text, false)->Unit(benchmark::kMicrosecond)

PLIMSOLL_QUERY(literal, "1+1")->Arg(1);
PLIMSOLL_QUERY(selector_1000, "op_total")->Arg(1)->Arg(1000);
PLIMSOLL_QUERY(count_1000, "count(op_total)")->Arg(1);
PLIMSOLL_QUERY(sum_by_rate_1000, "sum by (catalog) (rate(op_total[10s]))")->Arg(1)->Arg(1000);
PLIMSOLL_QUERY(topk_rate_1000, "topk(5, rate(op_total[10s]))")->Arg(1)->Arg(1000);
PLIMSOLL_QUERY(histogram_quantile_1000,
               "histogram_quantile(0.99, sum by (catalog, le) (rate(latency_bucket[10s])))")
    ->Arg(1)
    ->Arg(1000);
PLIMSOLL_QUERY(join_1000, "op_total * on(node) group_left(zone) node_info")->Arg(1)->Arg(1000);
PLIMSOLL_QUERY(max_over_time_1000, "max_over_time(op_total[1m])")->Arg(1)->Arg(1000);
PLIMSOLL_QUERY(avg_over_time_1000, "avg_over_time(op_total[1m])")->Arg(1)->Arg(1000);
PLIMSOLL_QUERY(rate_100, "rate(op_total{hundred=\"yes\"}[1m])")->Arg(1)->Arg(60)->Arg(1000);
PLIMSOLL_QUERY(selector_100, "op_total{hundred=\"yes\"}")->Arg(1)->Arg(60)->Arg(1000);
PLIMSOLL_QUERY(minus_1000, "op_total - op_total")->Arg(1)->Arg(1000);
PLIMSOLL_QUERY(rate_1000, "rate(op_total[10s])")->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(Query, rate_1000_answer, "rate(op_total[10s])", true)
    ->Unit(benchmark::kMicrosecond)
    ->Arg(1)
    ->Arg(1000);
BENCHMARK_CAPTURE(Query, selector_1000_answer, "op_total", true)
    ->Unit(benchmark::kMicrosecond)
    ->Arg(1)
    ->Arg(1000);

void Rule(benchmark::State& state) {
  const std::string text = "sum by (catalog) (rate(op_total{hundred=\"yes\"}[10s]))";
  eval::Prepared rule(std::move(*promql::Parse(text)), text);
  for (auto _ : state) {
    const auto querier = Storage().Open();
    benchmark::DoNotOptimize(rule.Instant(*querier, 500 * kSecond));
  }
}
BENCHMARK(Rule)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
