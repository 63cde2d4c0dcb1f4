// SPDX-License-Identifier: Apache-2.0
//
// The loop: what happens in which slot, and what waits for nobody.
#include "tick/loop.h"

#include <doctest/doctest.h>

#include "support/running_loop.h"

namespace plimsoll::tick {
namespace {

using namespace std::chrono_literals;
using telemetry::MetricId;

constexpr const char* kFast = "http://fast:80/metrics";
constexpr const char* kSlow = "http://slow:80/metrics";

constexpr const char* kConfig =
    "global: {scrape_interval: 15s}\n"
    "rule_files: [rules.yml]\n"
    "params: {allowance: 4}\n"
    "scrape_configs:\n"
    "- job_name: engine\n"
    "  static_configs: [{targets: ['fast:80', 'slow:80']}]\n"
    "external_metrics:\n"
    "- {name: total, query: total}\n";
constexpr const char* kRules =
    "groups:\n"
    "- name: g\n"
    "  rules:\n"
    "  - {record: total, expr: sum(load)}\n"
    "  - {record: doubled, expr: total * 2}\n";

struct Case : test::RunningLoop {
  explicit Case(const std::string& text = kConfig) : RunningLoop(test::ConfigOf(text, kRules)) {
    targets.Serve(kFast, "load 1\n");
    targets.Serve(kSlow, "load 2\n");
  }
  double Skipped() { return telemetry.CounterOf(MetricId::kTicksSkipped).Value(); }
  double Late() { return telemetry.CounterOf(MetricId::kLateTargets).Value(); }
  // Whose slot the snapshot is of.
  Time Tick() const { return snapshot.Get()->tick_time; }
  const Time start = clock.Now();
};

TEST_CASE("the first slot is now, and the next one is a whole interval on the grid later") {
  Case c;
  CHECK(c.loop.ticks() == 0);
  c.Step();
  CHECK(c.loop.ticks() == 1);
  CHECK(c.Tick() == c.start);
  CHECK(c.targets.requests.size() == 2);
  c.Run(14'999ms);
  CHECK(c.loop.ticks() == 1);
  c.Run(1ms);
  CHECK(c.loop.ticks() == 2);
  CHECK(c.Tick() == c.start + 15'000);
}

TEST_CASE("a loop that starts between two slots scrapes at once and then keeps to the grid") {
  Case c;
  c.clock.Advance(4s);
  c.loop.Use(c.PlanOf(test::ConfigOf(kConfig, kRules)), c.clock.Now());
  c.Step();
  CHECK(c.Tick() == c.start + 4'000);
  c.Run(11s);
  CHECK(c.Tick() == c.start + 15'000);
  CHECK(c.Skipped() == 0);
}

TEST_CASE("a tick is scrape, then rules in order, then signals, all at the slot's time") {
  Case c;
  c.Step();
  CHECK(c.Newest("total") == model::Sample{c.start, 3});
  CHECK(c.Newest("doubled") == model::Sample{c.start, 6});
  const auto snapshot = c.snapshot.Get();
  REQUIRE(snapshot->metrics.at(0).entries.size() == 1);
  CHECK(snapshot->metrics[0].entries[0].value == 3);
  CHECK(snapshot->metrics[0].entries[0].source.wall == c.start);
  CHECK(snapshot->upstreams.size() == 2);
}

TEST_CASE("parameters are series in every tick") {
  Case c;
  c.Run(15s);
  CHECK(c.Newest("plimsoll_param", "name", "allowance") == model::Sample{c.start + 15'000, 4});
}

TEST_CASE("a target that does not answer delays the tick to its deadline and no further") {
  Case c;
  c.targets.Hold(kSlow);
  CHECK(c.Step() <= c.start + 1'000);
  c.Run(3'749ms);
  CHECK(c.loop.ticks() == 0);
  CHECK_FALSE(c.Newest("total"));
  c.Run(1ms);
  CHECK(c.loop.ticks() == 1);
  CHECK(c.Newest("total") == model::Sample{c.start, 1});
}

TEST_CASE("the deadline can be set") {
  Case c(std::string("tick: {deadline: 500ms}\n") + kConfig);
  c.targets.Hold(kSlow);
  CHECK(c.Step() == c.start + 500);
  c.Run(500ms);
  CHECK(c.loop.ticks() == 1);
}

TEST_CASE("a page before the deadline closes the tick at once") {
  Case c;
  c.targets.Hold(kSlow);
  c.Run(2s);
  c.targets.Release(kSlow);
  CHECK(c.wakes == 2);
  c.Step();
  CHECK(c.loop.ticks() == 1);
  CHECK(c.Newest("total") == model::Sample{c.start, 3});
  CHECK(c.Late() == 0);
}

TEST_CASE("a late page is appended at its own slot and makes one more run") {
  Case c;
  c.targets.Hold(kSlow);
  c.Run(6s);
  c.targets.Release(kSlow);
  c.Step();
  CHECK(c.Late() == 1);
  CHECK(c.loop.ticks() == 1);
  CHECK(c.Newest("load", "instance", "slow:80") == model::Sample{c.start, 2});
  CHECK(c.Newest("total") == model::Sample{c.start + 6'000, 3});
  CHECK(c.Tick() == c.start + 6'000);
  c.Step();
  CHECK(c.Tick() == c.start + 6'000);
}

TEST_CASE("a target whose fetch has not ended is left out of the next slot") {
  Case c;
  c.targets.Hold(kSlow);
  c.Run(15s);
  CHECK(c.targets.requests.size() == 3);
  CHECK(c.loop.ticks() == 2);
  CHECK(c.Tick() == c.start + 15'000);
}

TEST_CASE("after a stall the newest slot counts, and the others are skipped and counted") {
  Case c;
  c.Step();
  c.clock.Advance(50s);
  c.Step();
  CHECK(c.Skipped() == 2);
  CHECK(c.loop.ticks() == 2);
  CHECK(c.Tick() == c.start + 45'000);
  c.Run(10s);
  CHECK(c.Tick() == c.start + 60'000);
  CHECK(c.Skipped() == 2);
}

TEST_CASE("a job that is gone after a reload ends, and one that stays goes on") {
  Case c;
  c.Step();
  c.clock.Advance(5s);
  c.Reload(
      test::ConfigOf("global: {scrape_interval: 15s}\n"
                     "scrape_configs:\n"
                     "- {job_name: other, static_configs: [{targets: ['fast:80']}]}\n"));
  CHECK_FALSE(c.Newest("load", "instance", "slow:80"));
  c.Run(15s);
  CHECK(c.Newest("load", "job", "other"));
  CHECK_FALSE(c.Newest("load", "job", "engine"));
}

TEST_CASE("a group with an interval runs in its own slots") {
  test::RunningLoop loop(test::ConfigOf(
      "global: {scrape_interval: 15s}\n"
      "rule_files: [rules.yml]\n"
      "scrape_configs: [{job_name: engine, static_configs: [{targets: ['fast:80']}]}]\n",
      "groups: [{name: g, interval: 5s, rules: [{record: copied, expr: load}]}]\n"));
  loop.targets.Serve(kFast, "load 1\n");
  loop.Run(14s);
  const auto copied = loop.Newest("copied");
  REQUIRE(copied);
  CHECK(copied->time == ruler::SlotBefore("rules.yml", "g", 5s, loop.clock.Now()));
}

TEST_CASE("a posted job runs before the next step, and Run ends when it is told to") {
  Case c;
  std::stop_source stop;
  bool ran = false;
  c.loop.Post([&] {
    ran = true;
    stop.request_stop();
  });
  c.loop.Run(stop.get_token());
  CHECK(ran);
}

TEST_CASE("what is posted while the loop ends is done, and afterwards nothing is taken") {
  Case c;
  bool done = false;
  CHECK(c.loop.Post([&done] { done = true; }));
  std::stop_source stop;
  stop.request_stop();
  c.loop.Run(stop.get_token());
  CHECK(done);
  CHECK_FALSE(c.loop.Post([] { FAIL("it is closed"); }));
  c.loop.Close();
}

}  // namespace
}  // namespace plimsoll::tick
