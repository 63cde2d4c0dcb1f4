// SPDX-License-Identifier: Apache-2.0
//
// From a storage to the next snapshot: what counts as a value, and what survives.
#include "signals/evaluator.h"

#include <doctest/doctest.h>

#include "signals/resolve.h"
#include "support/error_text.h"
#include "support/memory_querier.h"

namespace plimsoll::signals {
namespace {

using config::ExternalMetric;
using namespace std::chrono_literals;

constexpr Time kStart = 1'767'225'600'000;  // 2026-01-01T00:00:00Z

Time Wall(std::chrono::milliseconds since) { return kStart + since.count(); }
Moment At(std::chrono::milliseconds since) { return {Wall(since), 1000s + since}; }

// One external metric over a storage, ticked by hand.
struct World {
  test::MemoryStorage storage;
  telemetry::Telemetry telemetry;
  std::shared_ptr<config::Config> config = std::make_shared<config::Config>();
  Evaluator::Options options{.own_namespace = "analytics"};
  std::unique_ptr<Evaluator> evaluator;
  std::shared_ptr<const Snapshot> snapshot;

  explicit World(std::string query) {
    config->external_metrics = {{.name = "m", .query = std::move(query), .max_age = 90s}};
  }
  ExternalMetric& Policy() { return config->external_metrics[0]; }
  void Load() {
    auto made = Evaluator::Make(config, options, &telemetry);
    REQUIRE_MESSAGE(made.has_value(), test::ErrorText(made));
    evaluator = *std::move(made);
  }
  void Scraped(const model::Labels& labels, std::chrono::milliseconds at, double value) {
    storage.Add(labels, Wall(at), value);
  }
  World& Tick(std::chrono::milliseconds at) {
    if (!evaluator) Load();
    snapshot = evaluator->Next(snapshot.get(), storage, Wall(at), At(at), {});
    return *this;
  }
  std::string Read(std::chrono::milliseconds at, std::string_view name_space = "analytics") {
    const Metric* metric = snapshot->Find(name_space, "m");
    if (metric == nullptr) return "unknown";
    const Outcome outcome = Resolve(*snapshot, *metric, name_space, nullptr, At(at));
    if (const auto* served = std::get_if<Served>(&outcome)) {
      return served->quantity + " " + std::string(StateText(served->state));
    }
    return "error " + std::string(ReasonText(std::get<Failure>(outcome).reason));
  }
  std::string Message(std::chrono::milliseconds at) {
    const Metric* metric = snapshot->Find("analytics", "m");
    return std::get<Failure>(Resolve(*snapshot, *metric, "analytics", nullptr, At(at))).message;
  }
};

const model::Labels kQueued{{"__name__", "trino_queued"}, {"cluster", "a"}};

TEST_CASE("a scraped value is served in our own namespace with the time of its sample") {
  World world("trino_queued");
  world.Scraped(kQueued, 10s, 17);
  world.Tick(15s);
  CHECK(world.Read(15s) == "17 fresh");
  CHECK(world.Read(15s, "other") == "unknown");
  const Entry& entry = world.snapshot->metrics[0].entries[0];
  CHECK(entry.labels == model::Labels{{"cluster", "a"}});
  CHECK(entry.source == At(10s));
}

TEST_CASE("sum(x) or vector(0) on a dead engine is not a zero") {
  World world("sum(trino_queued) or vector(0)");
  world.Scraped(kQueued, 0s, 17);
  world.Tick(0s);
  CHECK(world.Read(0s) == "17 fresh");
  world.Scraped(kQueued, 15s, model::StaleNaN());
  world.Tick(15s);
  CHECK(world.Read(90s) == "17 held");
  CHECK(world.Read(91s) == "error empty");
}

TEST_CASE("max_over_time keeps its value but not its age") {
  World world("max_over_time(trino_queued[10m])");
  world.Scraped(kQueued, 0s, 17);
  world.Scraped(kQueued, 15s, model::StaleNaN());
  world.Tick(60s);
  CHECK(world.Read(90s) == "17 fresh");
  world.Tick(95s);
  CHECK(world.Read(95s) == "error stale");
}

TEST_CASE("an expression that reads nothing scraped is as old as its tick") {
  World world("vector(8)");
  world.Tick(15s);
  CHECK(world.Read(105s) == "8 fresh");
  CHECK(world.Read(106s) == "error stale");
}

TEST_CASE("the ruler decides what reads scraped series") {
  World world("plimsoll_param");
  world.options.reads_scraped = [](const promql::Expr&) { return false; };
  auto& series = world.storage.At({{"__name__", "plimsoll_param"}});
  series.recorded = true;
  world.Scraped({{"__name__", "plimsoll_param"}}, 15s, 8);
  world.Tick(15s);
  CHECK(world.Read(15s) == "8 fresh");
}

TEST_CASE("a failing query says so and keeps the last good value") {
  World world("trino_queued * on() trino_queued");
  world.Scraped(kQueued, 0s, 3);
  world.Tick(0s);
  CHECK(world.Read(0s) == "9 fresh");
  world.Scraped({{"__name__", "trino_queued"}, {"cluster", "b"}}, 15s, 4);
  world.Tick(15s);
  CHECK(world.Read(20s) == "9 held");
  CHECK(world.Read(91s) == "error query_error");
}

TEST_CASE("a sentinel is not a last good value") {
  World world("trino_queued");
  world.Policy().hold = 1min;
  world.Scraped(kQueued, 0s, -1);
  world.Tick(0s);
  CHECK(world.Read(0s) == "error out_of_range");
}

TEST_CASE("a reload keeps last good values by namespace, name and labels") {
  World world("trino_queued");
  world.Policy().hold = 1h;
  world.Scraped(kQueued, 0s, 17);
  world.Tick(0s);
  world.config = std::make_shared<config::Config>(*world.config);
  world.Policy().query = "trino_queued * 2";
  world.Policy().then = ExternalMetric::Fallback{.value = 8};
  world.Load();
  world.snapshot = world.evaluator->First(world.snapshot.get(), At(10s));
  CHECK(world.Read(10s) == "17 held");
  world.Scraped(kQueued, 15s, model::StaleNaN());
  world.Tick(15s);
  CHECK(world.Read(15s) == "17 held");
  CHECK(world.Read(2h) == "17 fallback");
}

TEST_CASE("a reload that leaves the query alone changes nothing") {
  World world("trino_queued");
  world.Policy().type = ExternalMetric::Type::kValue;
  world.Scraped(kQueued, 0s, 17);
  world.Tick(0s);
  world.Load();
  world.snapshot = world.evaluator->First(world.snapshot.get(), At(10s));
  CHECK(world.Read(10s) == "17 fresh");
}

TEST_CASE("a metric that is renamed starts anew") {
  World world("trino_queued");
  world.Scraped(kQueued, 0s, 17);
  world.Tick(0s);
  world.config = std::make_shared<config::Config>(*world.config);
  world.Policy().namespaces = {"etl"};
  world.Load();
  world.snapshot = world.evaluator->First(world.snapshot.get(), At(10s));
  CHECK(world.Read(10s, "etl") == "error never_scraped");
}

TEST_CASE("when the wall clock is set back ages still grow") {
  World world("trino_queued");
  world.Scraped(kQueued, 0s, 17);
  world.Tick(0s);
  // The clock goes back by an hour: the tick's time, too. The sample is now in the future.
  const Moment later{Wall(0s), At(100s).steady};
  world.snapshot = world.evaluator->Next(world.snapshot.get(), world.storage, Wall(0s), later, {});
  const Outcome outcome = Resolve(*world.snapshot, *world.snapshot->Find("analytics", "m"),
                                  "analytics", nullptr, later);
  REQUIRE(std::holds_alternative<Failure>(outcome));
  CHECK(std::get<Failure>(outcome).reason == Reason::kStale);
}

TEST_CASE("vanished series are forgotten when nothing can serve them any more") {
  World world("trino_queued");
  world.Scraped(kQueued, 0s, 17);
  world.Tick(0s);
  world.Scraped(kQueued, 15s, model::StaleNaN());
  CHECK(world.Tick(15s).snapshot->metrics[0].entries.size() == 1);
  CHECK(world.Tick(90s).snapshot->metrics[0].entries.size() == 1);
  CHECK(world.Tick(91s).snapshot->metrics[0].entries.empty());
}

TEST_CASE("an error still says what was good long after it could be served") {
  World world("trino_queued");
  world.Scraped(kQueued, 0s, 17);
  world.Tick(0s);
  world.Scraped(kQueued, 15s, model::StaleNaN());
  world.Tick(15s).Tick(2h);
  CHECK(world.Read(2h) == "error empty");
  CHECK(world.Message(2h).ends_with(
      "gives no series; the last good value was 17, of 2026-01-01T00:00:00Z"));
  world.Load();
  world.snapshot = world.evaluator->First(world.snapshot.get(), At(2h));
  CHECK(
      world.Tick(3h).Message(3h).ends_with("the last good value was 17, of 2026-01-01T00:00:00Z"));
  world.Scraped(kQueued, 4h, 18);
  CHECK(world.Tick(4h).Read(4h) == "18 fresh");
  CHECK_FALSE(world.snapshot->metrics[0].forgotten.has_value());
}

TEST_CASE("of several series that were good none is named when all are forgotten") {
  World world("trino_queued");
  world.Policy().several = ExternalMetric::Several::kSum;
  const model::Labels other{{"__name__", "trino_queued"}, {"cluster", "b"}};
  for (const model::Labels& labels : {kQueued, other}) {
    world.Scraped(labels, 0s, 17);
    world.Scraped(labels, 15s, model::StaleNaN());
  }
  world.Tick(0s).Tick(15s).Tick(2h);
  CHECK(world.Message(2h).ends_with("its query gives no series"));
}

TEST_CASE("a metric has at most so many series, and at the limit it still works") {
  World world("trino_queued");
  world.options.limits.series_per_metric = 2;
  world.Policy().several = ExternalMetric::Several::kSum;
  world.Scraped({{"__name__", "trino_queued"}, {"cluster", "a"}}, 0s, 1);
  world.Scraped({{"__name__", "trino_queued"}, {"cluster", "b"}}, 0s, 2);
  world.Tick(0s);
  CHECK(world.Read(0s) == "3 fresh");
  world.Scraped({{"__name__", "trino_queued"}, {"cluster", "c"}}, 0s, 3);
  world.Tick(1s);
  CHECK(world.snapshot->metrics[0].query_error == "it gives 3 series, more than the limit of 2");
  CHECK(world.telemetry.CounterOf(telemetry::MetricId::kSignalsRefused, {"series_per_metric"})
            .Value() == 3);
}

TEST_CASE("last good values of series that come and go are bounded, the oldest is forgotten") {
  World world("trino_queued");
  world.options.limits.series_per_metric = 2;
  world.Policy().then = ExternalMetric::Fallback{.value = 8};
  const auto pod = [](const char* name) {
    return model::Labels{{"__name__", "trino_queued"}, {"pod", name}};
  };
  std::chrono::seconds at = 0s;
  for (const char* name : {"a", "b", "c"}) {
    world.Scraped(pod(name), at, 1);
    world.Tick(at);
    at += 15s;
    world.Scraped(pod(name), at, model::StaleNaN());
    world.Tick(at);
  }
  REQUIRE(world.snapshot->metrics[0].entries.size() == 2);
  CHECK(world.snapshot->metrics[0].entries[0].labels == model::Labels{{"pod", "b"}});
  CHECK(world.telemetry.CounterOf(telemetry::MetricId::kSignalsRefused, {"last_good_forgotten"})
            .Value() == 1);
}

TEST_CASE("a signal is what its series said last, unless it ended or is too old") {
  World world("vector(1)");
  world.config->signals = {{.name = "trino_queued", .help = "Waiting queries."}};
  world.Scraped(kQueued, 0s, 17);
  world.Tick(10s);
  REQUIRE(world.snapshot->signals.size() == 1);
  REQUIRE(world.snapshot->signals[0].points.size() == 1);
  CHECK(world.snapshot->signals[0].points[0].value == 17);
  CHECK(world.snapshot->signals[0].points[0].sampled == At(0s));
  CHECK(world.Tick(5min - 1ms).snapshot->signals[0].points.size() == 1);
  CHECK(world.Tick(5min).snapshot->signals[0].points.empty());
  world.Scraped(kQueued, 6min, 18);
  CHECK(world.Tick(6min).snapshot->signals[0].points.size() == 1);
  world.Scraped(kQueued, 7min, model::StaleNaN());
  CHECK(world.Tick(7min).snapshot->signals[0].points.empty());
}

TEST_CASE("a series that appears later is seen") {
  World world("vector(1)");
  world.config->signals = {{.name = "trino_queued", .help = "Waiting queries."}};
  CHECK(world.Tick(0s).snapshot->signals[0].points.empty());
  world.Scraped(kQueued, 15s, 17);
  CHECK(world.Tick(15s).snapshot->signals[0].points.size() == 1);
}

TEST_CASE("a signal has at most so many series") {
  World world("vector(1)");
  world.options.limits.series_per_signal = 1;
  world.config->signals = {{.name = "trino_queued", .help = "Waiting queries."}};
  world.Scraped({{"__name__", "trino_queued"}, {"cluster", "a"}}, 0s, 1);
  world.Scraped({{"__name__", "trino_queued"}, {"cluster", "b"}}, 0s, 2);
  CHECK(world.Tick(0s).snapshot->signals[0].points.size() == 1);
  CHECK(world.telemetry.CounterOf(telemetry::MetricId::kSignalsRefused, {"series_per_signal"})
            .Value() == 1);
}

TEST_CASE("a query that cannot be a metric is refused at its place") {
  World world("trino_queued[5m]");
  world.Policy().where = {"plimsoll.yml", 7, 5};
  const auto made = Evaluator::Make(world.config, {}, nullptr);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().ToString() ==
        "plimsoll.yml:7:5: external metric m: expected an instant vector or a scalar, found a "
        "range vector");
}

TEST_CASE("the window of an answer is the widest range of its query") {
  World world("max_over_time(trino_queued[10m]) + rate(trino_queued[1m])");
  world.Tick(0s);
  CHECK(world.snapshot->metrics[0].window == 600s);
}

}  // namespace
}  // namespace plimsoll::signals
