// SPDX-License-Identifier: Apache-2.0
//
// The value policy, one sentence per cell of the table in signals/resolve.h.
#include "signals/resolve.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace plimsoll::signals {
namespace {

using config::ExternalMetric;
using namespace std::chrono_literals;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr Time kStart = 1'767'225'600'000;  // 2026-01-01T00:00:00Z

Moment At(std::chrono::milliseconds since) { return {kStart + since.count(), 1000s + since}; }

// One metric that is evaluated, as a tick does it, and read.
struct Line {
  ExternalMetric policy{.name = "trino-queued", .query = "trino_queued", .max_age = 90s};
  Metric metric;
  Snapshot snapshot;

  Line() {
    metric.namespaces = {"analytics"};
    metric.window = 600s;
  }

  // The tick at `at` gave this value, scraped at `scraped`.
  Line& Gave(double value, std::chrono::milliseconds at, std::chrono::milliseconds scraped,
             model::Labels labels = {}) {
    Entry* entry = nullptr;
    for (Entry& one : metric.entries) {
      if (one.labels == labels) entry = &one;
    }
    if (entry == nullptr) entry = &metric.entries.emplace_back(Entry{.labels = labels});
    entry->present = true;
    entry->value = value;
    entry->source = At(scraped);
    entry->seen = At(at);
    const bool valid =
        std::isfinite(value) && value >= policy.valid_min && value <= policy.valid_max;
    if (valid && at - scraped <= policy.max_age) entry->last_good = Good{value, At(scraped)};
    return Evaluated(at);
  }
  Line& Gave(double value, std::chrono::milliseconds at = 0s) { return Gave(value, at, at); }
  Line& GaveNothing(std::chrono::milliseconds at, std::string error = "") {
    for (Entry& entry : metric.entries) entry.present = false;
    metric.query_error = std::move(error);
    return Evaluated(at);
  }
  Line& Evaluated(std::chrono::milliseconds at) {
    metric.evaluated = At(at);
    snapshot.taken = At(at);
    return *this;
  }

  Outcome Read(std::chrono::milliseconds at, const Selection* selection = nullptr) {
    return ReadAt(At(at), selection);
  }
  Outcome ReadAt(Moment now, const Selection* selection = nullptr) {
    metric.policy = std::make_shared<ExternalMetric>(policy);
    return Resolve(snapshot, metric, "analytics", selection, now);
  }
};

// "17 fresh", or "error stale".
std::string Text(const Outcome& outcome) {
  if (const auto* served = std::get_if<Served>(&outcome)) {
    return served->quantity + " " + std::string(StateText(served->state));
  }
  return "error " + std::string(ReasonText(std::get<Failure>(outcome).reason));
}
std::string Message(const Outcome& outcome) { return std::get<Failure>(outcome).message; }

struct Only final : Selection {
  model::Labels wanted;
  explicit Only(model::Labels labels) : wanted(std::move(labels)) {}
  bool Matches(const model::Labels& labels) const override { return labels == wanted; }
  bool Allows(std::string_view name, std::string_view value) const override {
    return wanted.Get(name) == value;
  }
};

TEST_CASE("a value is fresh up to its max_age, and at exactly max_age still is") {
  Line line;
  line.Gave(17);
  CHECK(Text(line.Read(0s)) == "17 fresh");
  CHECK(Text(line.Read(90s)) == "17 fresh");
  CHECK(Text(line.Read(90s + 1ms)) == "error stale");
}

TEST_CASE("an answer carries source time, age and window") {
  Line line;
  line.Gave(1.5, 15s, 10s);
  const Outcome outcome = line.Read(20s);
  const Served& served = std::get<Served>(outcome);
  CHECK(served.quantity == "1500m");
  CHECK(served.value == 1.5);
  CHECK(served.timestamp == kStart + 10'000);
  CHECK(served.age == 10s);
  CHECK(served.window == 600s);
}

TEST_CASE("age is the source's, not the evaluation's") {
  Line line;
  line.Gave(17, 0s, 0s).Gave(17, 80s, 0s);
  CHECK(Text(line.Read(90s)) == "17 fresh");
  CHECK(Text(line.Read(91s)) == "error stale");
}

TEST_CASE("before the first tick a read says never_scraped") {
  Line line;
  CHECK(Text(line.Read(0s)) == "error never_scraped");
  CHECK(Message(line.Read(0s)) ==
        "external metric trino-queued in namespace analytics has no value (never_scraped): no tick "
        "has ended yet");
}

TEST_CASE("an empty result of an engine that never answered is never_scraped") {
  Line line;
  line.snapshot.upstreams = {{.name = "trino http://localhost:8080/metrics",
                              .failing_since = At(0s),
                              .last_error = "connection refused"}};
  line.GaveNothing(15s);
  CHECK(Text(line.Read(20s)) == "error never_scraped");
  CHECK(Message(line.Read(20s)) ==
        "external metric trino-queued in namespace analytics has no value (never_scraped): nothing "
        "has been "
        "scraped yet; trino http://localhost:8080/metrics has failed since 2026-01-01T00:00:00Z, "
        "last "
        "error: connection refused");
}

TEST_CASE("an empty result of a healthy engine is empty") {
  Line line;
  line.snapshot.upstreams = {{.name = "trino", .up = true, .last_success = At(0s)}};
  line.GaveNothing(15s);
  CHECK(Text(line.Read(20s)) == "error empty");
  CHECK(Message(line.Read(20s)) ==
        "external metric trino-queued in namespace analytics has no value (empty): its query gives "
        "no series");
}

TEST_CASE("when a result becomes empty the last good value is served until it is max_age old") {
  Line line;
  line.Gave(17).GaveNothing(15s);
  CHECK(Text(line.Read(15s)) == "17 held");
  CHECK(Text(line.Read(90s)) == "17 held");
  CHECK(Text(line.Read(90s + 1ms)) == "error empty");
  CHECK(Message(line.Read(100s)) ==
        "external metric trino-queued in namespace analytics has no value (empty): its query gives "
        "no series; the last good value was 17, of 2026-01-01T00:00:00Z");
}

TEST_CASE("what an error says stays the same for as long as nothing happens") {
  Line line;
  line.snapshot.upstreams = {{.name = "trino", .failing_since = At(5s), .last_error = "refused"}};
  line.Gave(17).GaveNothing(15s);
  CHECK(Message(line.Read(100s)) == Message(line.Read(200s)));
  line.Gave(17);
  CHECK(Message(line.Read(100s)) == Message(line.Read(200s)));
}

TEST_CASE("a selector that misses the series that are there is named") {
  Line line;
  line.Gave(17, 0s, 0s, {{"cluster", "a"}});
  const Only other({{"cluster", "b"}});
  CHECK(Message(line.Read(0s, &other)) ==
        "external metric trino-queued in namespace analytics has no value (empty): its query gives "
        "no series for this selector");
  line.GaveNothing(15s);
  CHECK(Message(line.Read(15s, &other)) ==
        "external metric trino-queued in namespace analytics has no value (empty): its query gives "
        "no series");
}

TEST_CASE("a failing query is bridged like an empty result, and then named") {
  Line line;
  line.Gave(17).GaveNothing(15s, "query timed out in expression evaluation");
  CHECK(Text(line.Read(20s)) == "17 held");
  CHECK(Text(line.Read(100s)) == "error query_error");
  CHECK(Message(line.Read(100s)) ==
        "external metric trino-queued in namespace analytics has no value (query_error): its query "
        "failed: query "
        "timed out in expression evaluation; the last good value was 17, of 2026-01-01T00:00:00Z");
}

TEST_CASE("hold adds to max_age, to the millisecond") {
  Line line;
  line.policy.hold = 2min;
  line.Gave(17);
  CHECK(Text(line.Read(90s)) == "17 fresh");
  CHECK(Text(line.Read(90s + 1ms)) == "17 held");
  CHECK(Text(line.Read(210s)) == "17 held");
  CHECK(Text(line.Read(210s + 1ms)) == "error stale");
}

TEST_CASE("then serves the larger of its value and the last good one") {
  Line line;
  line.policy.hold = 2min;
  line.policy.then = ExternalMetric::Fallback{.value = 8};
  line.Gave(17);
  CHECK(Text(line.Read(211s)) == "17 fallback");
  line.Gave(3);
  CHECK(Text(line.Read(211s)) == "8 fallback");
}

TEST_CASE("then exactly copies KEDA: the configured number, whatever was last good") {
  Line line;
  line.policy.then = ExternalMetric::Fallback{.value = 8, .exactly = true};
  line.Gave(17).GaveNothing(15s);
  CHECK(Text(line.Read(90s)) == "17 held");
  CHECK(Text(line.Read(91s)) == "8 fallback");
  CHECK(Text(line.Read(240h)) == "8 fallback");
}

TEST_CASE("a value that is held or replaced says why it is not a fresh one") {
  Line line;
  line.policy.hold = 2min;
  line.policy.then = ExternalMetric::Fallback{.value = 8};
  const auto why = [](const Outcome& outcome) { return std::get<Served>(outcome).reason; };
  line.Gave(17);
  CHECK(why(line.Read(90s)) == std::nullopt);
  CHECK(why(line.Read(91s)) == Reason::kStale);
  CHECK(why(line.Read(211s)) == Reason::kStale);
  line.GaveNothing(15s);
  CHECK(why(line.Read(15s)) == Reason::kEmpty);
  line.Gave(kNaN, 30s);
  CHECK(why(line.Read(30s)) == Reason::kNotFinite);
}

TEST_CASE("without a last good value then is an error all the same") {
  Line line;
  line.policy.hold = 2min;
  line.policy.then = ExternalMetric::Fallback{.value = 8};
  line.GaveNothing(0s);
  CHECK(Text(line.Read(1s)) == "error empty");
  line.Gave(-1, 15s);
  CHECK(Text(line.Read(15s)) == "error out_of_range");
}

TEST_CASE("a metric of type Value is never held") {
  Line line;
  line.policy.type = ExternalMetric::Type::kValue;
  line.policy.hold = 2min;  // configuration refuses this; the policy does not rely on it
  line.policy.then = ExternalMetric::Fallback{.value = 8};
  line.Gave(17);
  CHECK(Text(line.Read(90s)) == "17 fresh");
  CHECK(Text(line.Read(91s)) == "error stale");
  line.GaveNothing(15s);
  CHECK(Text(line.Read(15s)) == "error empty");
}

TEST_CASE("a sentinel of -1 is an error at once, never a clamp") {
  Line line;
  line.policy.clamp_min = 1;
  line.Gave(17).Gave(-1, 15s);
  CHECK(Text(line.Read(15s)) == "error out_of_range");
  CHECK(Message(line.Read(15s)) ==
        "external metric trino-queued in namespace analytics has no value (out_of_range): its "
        "query gives -1, and "
        "only 0 to 9200000000000000 is valid");
}

TEST_CASE("not a number and infinity are errors at once") {
  Line line;
  line.Gave(17).Gave(kNaN, 15s);
  CHECK(Text(line.Read(15s)) == "error not_finite");
  line.Gave(std::numeric_limits<double>::infinity(), 15s);
  CHECK(Text(line.Read(15s)) == "error not_finite");
}

TEST_CASE("with when_stale an invalid value is held and falls back like a missing one") {
  Line line;
  line.policy.hold = 30s;
  line.policy.then = ExternalMetric::Fallback{.value = 8};
  line.Gave(5).Gave(kNaN, 15s);
  CHECK(Text(line.Read(15s)) == "5 held");
  CHECK(Text(line.Read(120s)) == "5 held");
  CHECK(Text(line.Read(121s)) == "8 fallback");
}

TEST_CASE("the valid range includes its ends, and what reaches 9.2e15 never leaves") {
  Line line;
  line.policy.valid_min = 1;
  line.policy.valid_max = 10;
  CHECK(Text(line.Gave(1).Read(0s)) == "1 fresh");
  CHECK(Text(line.Gave(10).Read(0s)) == "10 fresh");
  CHECK(Text(line.Gave(10.0001).Read(0s)) == "error out_of_range");
  line.policy.valid_max = 1e300;
  CHECK(Text(line.Gave(9.2e15).Read(0s)) == "error out_of_range");
  CHECK(Text(line.Gave(9.19e15).Read(0s)) == "9190000000000000 fresh");
}

TEST_CASE("clamp comes after valid") {
  Line line;
  line.policy.clamp_min = 1;
  line.policy.clamp_max = 20;
  CHECK(Text(line.Gave(0).Read(0s)) == "1 fresh");
  CHECK(Text(line.Gave(21).Read(0s)) == "20 fresh");
}

TEST_CASE("a negative value never leaves, not even when the valid range allows it") {
  Line line;
  line.policy.valid_min = -10;
  CHECK(Text(line.Gave(-1).Read(0s)) == "error out_of_range");
  CHECK(Text(line.Gave(-0.0).Read(0s)) == "0 fresh");
}

TEST_CASE("rounding up makes a thousandth of anything that is not nothing") {
  Line line;
  CHECK(Text(line.Gave(0.0001).Read(0s)) == "0 fresh");
  line.policy.round = ExternalMetric::Round::kUp;
  CHECK(Text(line.Gave(0.0001).Read(0s)) == "1m fresh");
  CHECK(Text(line.Gave(0).Read(0s)) == "0 fresh");
}

TEST_CASE("several series are an error that names them") {
  Line line;
  line.Gave(5, 0s, 0s, {{"env", "dev"}}).Gave(7, 0s, 0s, {{"env", "prod"}});
  CHECK(Text(line.Read(1s)) == "error several");
  CHECK(Message(line.Read(1s)) ==
        "external metric trino-queued in namespace analytics has no value (several): 2 series "
        "match and none of "
        "them was asked for alone: {env=\"dev\"}, {env=\"prod\"}");
  const Only prod({{"env", "prod"}});
  CHECK(Text(line.Read(1s, &prod)) == "7 fresh");
  CHECK(std::get<Served>(line.Read(1s, &prod)).labels == model::Labels{{"env", "prod"}});
}

TEST_CASE("several: sum and max combine, and are as old as the oldest part") {
  Line line;
  line.policy.several = ExternalMetric::Several::kSum;
  line.Gave(5, 60s, 0s, {{"env", "dev"}, {"team", "a"}})
      .Gave(7, 60s, 60s, {{"env", "prod"}, {"team", "a"}});
  CHECK(Text(line.Read(90s)) == "12 fresh");
  CHECK(std::get<Served>(line.Read(90s)).labels == model::Labels{{"team", "a"}});
  CHECK(std::get<Served>(line.Read(90s)).age == 90s);
  CHECK(Text(line.Read(91s)) == "error stale");
  line.policy.several = ExternalMetric::Several::kMax;
  CHECK(Text(line.Read(90s)) == "7 fresh");
}

TEST_CASE("of a sum every part must be valid") {
  Line line;
  line.policy.several = ExternalMetric::Several::kSum;
  line.Gave(-1, 0s, 0s, {{"env", "dev"}}).Gave(7, 0s, 0s, {{"env", "prod"}});
  CHECK(Text(line.Read(0s)) == "error out_of_range");
}

TEST_CASE("a series that is gone does not count beside one that is there") {
  Line line;
  line.Gave(5, 0s, 0s, {{"pod", "a"}}).GaveNothing(15s).Gave(7, 15s, 15s, {{"pod", "b"}});
  CHECK(Text(line.Read(16s)) == "7 fresh");
}

TEST_CASE("when all are gone those that were seen last speak") {
  Line line;
  line.Gave(5, 0s, 0s, {{"pod", "a"}})
      .GaveNothing(15s)
      .Gave(7, 15s, 15s, {{"pod", "b"}})
      .GaveNothing(30s);
  CHECK(Text(line.Read(31s)) == "7 held");
}

TEST_CASE("a selector that matches nothing is empty") {
  Line line;
  line.Gave(5, 0s, 0s, {{"env", "dev"}});
  const Only prod({{"env", "prod"}});
  CHECK(Text(line.Read(1s, &prod)) == "error empty");
  CHECK(Message(line.Read(1s, &prod)) ==
        "external metric trino-queued in namespace analytics has no value (empty): its query gives "
        "no series for "
        "this selector");
}

TEST_CASE("when_empty: 0 says that empty means zero, as old as the evaluation") {
  Line line;
  line.policy.when_empty = 0;
  line.GaveNothing(0s);
  CHECK(Text(line.Read(90s)) == "0 fresh");
  CHECK(Text(line.Read(91s)) == "error stale");
  line.policy.hold = 10s;
  CHECK(Text(line.Read(100s)) == "0 held");
  line.Gave(17, 0s).GaveNothing(15s);
  CHECK(Text(line.Read(16s)) == "0 fresh");
}

TEST_CASE("what is empty of one engine is not said of another") {
  Line line;
  line.policy.when_empty = 0;
  line.metric.origin = std::make_shared<Origin>(Origin{.engine = "blue", .owner = "Pod blue"});
  line.GaveNothing(0s);
  const Only blue({{"engine", "blue"}}), green({{"engine", "green"}});
  CHECK(Text(line.Read(1s, &blue)) == "0 fresh");
  CHECK(Text(line.Read(1s)) == "0 fresh");
  CHECK(Text(line.Read(1s, &green)) == "error empty");
  CHECK(Message(line.Read(1s, &green)) ==
        "external metric trino-queued in namespace analytics has no value (empty): the selector "
        "means none of those that export it: engine=\"blue\" (Pod blue)");
}

TEST_CASE("when_empty does not hide a failing query") {
  Line line;
  line.policy.when_empty = 0;
  line.GaveNothing(0s, "many-to-many matching not allowed");
  CHECK(Text(line.Read(1s)) == "error query_error");
}

TEST_CASE("when the tick stops reads turn to held, then to the fallback, on time") {
  Line line;
  line.policy.hold = 2min;
  line.policy.then = ExternalMetric::Fallback{.value = 8};
  line.Gave(5, 15s, 15s);  // the last tick there ever is
  CHECK(Text(line.Read(105s)) == "5 fresh");
  CHECK(Text(line.Read(105s + 1ms)) == "5 held");
  CHECK(Text(line.Read(225s)) == "5 held");
  CHECK(Text(line.Read(225s + 1ms)) == "8 fallback");
}

TEST_CASE("when the tick stops and nothing is configured reads turn to 503 that says so") {
  Line line;
  line.Gave(5, 15s, 15s);
  CHECK(Message(line.Read(200s)) ==
        "external metric trino-queued in namespace analytics has no value (stale): the newest "
        "sample behind "
        "it, of 2026-01-01T00:00:15Z, is older than max_age (1m30s); the last good value was 5, of "
        "2026-01-01T00:00:15Z; it was last evaluated at 2026-01-01T00:00:15Z");
}

TEST_CASE("setting the wall clock back or forth changes no age") {
  Line line;
  line.Gave(5);
  CHECK(Text(line.ReadAt({kStart - 3'600'000, At(90s).steady})) == "5 fresh");
  CHECK(Text(line.ReadAt({kStart - 3'600'000, At(91s).steady})) == "error stale");
  CHECK(Text(line.ReadAt({kStart + 3'600'000, At(90s).steady})) == "5 fresh");
}

TEST_CASE("telemetry shows what a read would be served now") {
  Line line;
  line.Gave(5);
  line.metric.policy = std::make_shared<ExternalMetric>(line.policy);
  line.snapshot.metrics = {line.metric};
  const auto fresh = MetricFamilies(line.snapshot, At(30s));
  REQUIRE(fresh.size() == 3);
  CHECK(fresh[0].name == "plimsoll_external_metric_age_seconds");
  CHECK(fresh[0].points[0].value == 30);
  CHECK(fresh[1].name == "plimsoll_external_metric_state");
  CHECK(fresh[1].points.size() == 4);
  CHECK(fresh[1].points[0].labels.ToString() ==
        "plimsoll_external_metric_state{metric=\"trino-queued\", namespace=\"analytics\", "
        "state=\"fresh\"}");
  CHECK(fresh[1].points[0].value == 1);
  CHECK(fresh[2].points[0].value == 5);
  const auto stuck = MetricFamilies(line.snapshot, At(100s));
  REQUIRE(stuck.size() == 1);
  CHECK(stuck[0].points[3].labels.Get("state") == "error");
  CHECK(stuck[0].points[3].value == 1);
}

TEST_CASE("a signal is absent once its sample is older than the lookback") {
  Snapshot snapshot;
  SignalFamily family;
  family.points = {{model::Labels{{"__name__", "trino_queued"}}, 3, At(0s)}};
  CHECK(VisiblePoints(snapshot, family, At(5min)).size() == 1);
  CHECK(VisiblePoints(snapshot, family, At(5min + 1ms)).empty());
}

TEST_CASE("a metric is found by namespace and name, and by any namespace when it says so") {
  Snapshot snapshot;
  Metric everywhere;
  everywhere.policy = std::make_shared<ExternalMetric>(ExternalMetric{.name = "load"});
  everywhere.namespaces = {"*"};
  Metric here = everywhere;
  here.namespaces = {"analytics", "etl"};
  here.policy = std::make_shared<ExternalMetric>(ExternalMetric{.name = "queued"});
  snapshot.metrics = {everywhere, here};
  snapshot.BuildIndex();
  CHECK(snapshot.Find("any", "load") == &snapshot.metrics[0]);
  CHECK(snapshot.Find("etl", "queued") == &snapshot.metrics[1]);
  CHECK(snapshot.Find("other", "queued") == nullptr);
  CHECK(snapshot.Find("etl", "unknown") == nullptr);
}

}  // namespace
}  // namespace plimsoll::signals
