// SPDX-License-Identifier: Apache-2.0
//
// Rules over time: what a run records, what it marks stale, and what a reload keeps.
#include "ruler/ruler.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"
#include "promql/parser.h"
#include "support/fake_clock.h"

namespace plimsoll::ruler {

namespace {

using namespace std::chrono_literals;

constexpr Time kMinute = 60000;
constexpr Time kStart = 1000 * kMinute;

// A store, a ruler over it, and the words of the tests.
class World {
 public:
  World() { options_.clock = &clock_; }

  // Takes `rules` into use; each is a line "- {record: ..., expr: ...}" of group "g".
  void Rules(const std::string& rules, const std::string& group = "") {
    LoadText("groups:\n- name: g\n" + group + "  rules:\n" + rules);
  }
  void LoadText(const std::string& text) {
    RuleOptions reading;
    reading.evaluation_interval = options_.evaluation_interval;
    auto set = LoadRules({{"f.yml", text}}, reading);
    REQUIRE_MESSAGE(set.has_value(), set.error().ToString());
    auto next = std::make_unique<Ruler>(*set, options_, now_, &telemetry_);
    if (ruler_ != nullptr) next->TakeOver(*ruler_, now_);
    ruler_ = std::move(next);
  }

  // A scrape brings one sample now.
  void Scrape(const model::Labels& labels, double value) {
    store::Appender& appender = store_.appender();
    appender.Begin(now_);
    CHECK(appender.Append(appender.Resolve(labels).ref, now_, value) == store::Outcome::kAppended);
    appender.Commit();
  }
  void Tick() { ruler_->RunFollowing(now_, store_); }
  void Due() { ruler_->RunDue(now_, store_); }
  void After(Time milliseconds) { now_ += milliseconds; }

  // Returns: every element now, as `{...} value @source`, sorted; times relative to the start.
  std::string Now(std::string_view expr) const {
    const auto parsed = promql::Parse(expr);
    REQUIRE(parsed.has_value());
    const auto querier = store_.Open();
    const auto answer = eval::Instant(**parsed, expr, *querier, now_, {});
    REQUIRE(answer.has_value());
    std::vector<std::string> lines;
    for (const eval::Element& element : std::get<eval::Vector>(answer->value).elements) {
      std::string line = base::format("{} {}", element.labels.ToString(), element.value);
      if (element.source != model::kNoSource) line += base::format(" @{}", element.source - kStart);
      lines.push_back(std::move(line));
    }
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : "; ") + line;
    return text;
  }

  // Returns: our own metrics of the groups, `name value` each, without prefix and label; durations
  // aside, which the clock of a test does not have.
  std::string Metrics(std::string_view group = "f.yml;g") const {
    std::string text;
    for (const model::Family& family : telemetry_.Collect()) {
      if (family.name.find("duration") != std::string::npos) continue;
      for (const model::Family::Point& point : family.points) {
        if (point.labels.Get("rule_group") != group) continue;
        text += base::format("{}{} {}", text.empty() ? "" : "; ",
                             family.name.substr(std::string_view("plimsoll_rule_").size()),
                             base::SprintFloat(point.value));
      }
    }
    return text;
  }

  RuleStatus Status(std::size_t rule = 0) const { return ruler_->Status().at(0).rules.at(rule); }
  Ruler& ruler() { return *ruler_; }
  Ruler::Options& options() { return options_; }
  store::MemoryStore& store() { return store_; }
  Time now() const { return now_; }
  void SetNow(Time now) { now_ = now; }

 private:
  test::FakeClock clock_{kStart};
  telemetry::Telemetry telemetry_;
  store::MemoryStore store_;
  Ruler::Options options_;
  std::unique_ptr<Ruler> ruler_;
  Time now_ = kStart;
};

}  // namespace

TEST_CASE("a rule sees what the rules before it recorded in the same tick") {
  World world;
  world.Rules(
      "  - {record: a, expr: sum(x)}\n"
      "  - {record: b, expr: a * 2}\n"
      "  - {record: c, expr: b + 1}\n");
  world.Scrape({{"__name__", "x"}, {"i", "1"}}, 3);
  world.Scrape({{"__name__", "x"}, {"i", "2"}}, 4);
  world.Tick();
  CHECK(world.Now("a") == "a 7 @0");
  CHECK(world.Now("b") == "b 14 @0");
  CHECK(world.Now("c") == "c 15 @0");
  CHECK(world.Status(2).health == Health::kOk);
  CHECK(world.Status(2).series == 1);
}

TEST_CASE("groups go in file order, whatever their names") {
  World world;
  world.LoadText(
      "groups:\n"
      "- {name: z, rules: [{record: a, expr: sum(x)}]}\n"
      "- {name: b, rules: [{record: b, expr: a}]}\n");
  world.Scrape({{"__name__", "x"}}, 3);
  world.Tick();
  CHECK(world.Now("b") == "b 3 @0");
}

TEST_CASE("a result has the rule's name and labels; an empty label is taken away") {
  World world;
  world.Rules("  - {record: a, expr: x, labels: {tier: own, i: ''}}\n",
              "  labels: {tier: group, team: t}\n");
  world.Scrape({{"__name__", "x"}, {"i", "1"}, {"j", "2"}}, 3);
  world.Tick();
  CHECK(world.Now("a") == "a{j=\"2\", team=\"t\", tier=\"own\"} 3 @0");
}

TEST_CASE("a scalar is one sample without labels and without a source") {
  World world;
  world.Rules("  - {record: a, expr: 1 + 1, labels: {x: y}}\n");
  world.Tick();
  CHECK(world.Now("a") == "a{x=\"y\"} 2");
}

TEST_CASE("the source time is that of the scraped sample, however many rules lie between") {
  World world;
  world.Rules("  - {record: a, expr: x}\n  - {record: b, expr: a}\n");
  world.Scrape({{"__name__", "x"}}, 3);
  world.After(30000);
  world.Tick();
  CHECK(world.Now("a") == "a 3 @0");
  CHECK(world.Now("b") == "b 3 @0");
}

TEST_CASE("results that become the same series are an error and nothing is stored") {
  World world;
  world.Rules("  - {record: a, expr: x, labels: {i: ''}}\n");
  world.Scrape({{"__name__", "x"}, {"i", "1"}}, 3);
  world.Scrape({{"__name__", "x"}, {"i", "2"}}, 4);
  world.Tick();
  CHECK(world.Now("a") == "");
  CHECK(world.Status().health == Health::kError);
  CHECK(world.Status().last_error ==
        "vector contains metrics with the same labelset after applying rule labels");
}

TEST_CASE("a result over the limit is refused whole") {
  World world;
  world.Rules("  - {record: a, expr: x}\n", "  limit: 1\n");
  world.Scrape({{"__name__", "x"}, {"i", "1"}}, 3);
  world.Tick();
  CHECK(world.Now("a") == "a{i=\"1\"} 3 @0");
  world.After(1000);
  world.Scrape({{"__name__", "x"}, {"i", "2"}}, 4);
  world.Tick();
  CHECK(world.Status().last_error == "exceeded limit of 1 with 2 series");
  CHECK(world.Now("a") ==
        "a{i=\"1\"} 3 @0");  // the last good run still shows: no marker was written
}

TEST_CASE("a series that a rule produces no more is gone at once") {
  World world;
  world.Rules("  - {record: a, expr: x > 0}\n");
  world.Scrape({{"__name__", "x"}, {"i", "1"}}, 3);
  world.Scrape({{"__name__", "x"}, {"i", "2"}}, 4);
  world.Tick();
  world.After(1000);
  world.Scrape({{"__name__", "x"}, {"i", "2"}}, 0);
  world.Tick();
  CHECK(world.Now("a") == "a{i=\"1\"} 3 @0");
}

TEST_CASE("a series that comes from other labels than before is not marked") {
  World world;
  world.Rules("  - {record: a, expr: x > 0, labels: {i: ''}}\n");
  world.Scrape({{"__name__", "x"}, {"i", "1"}}, 3);
  world.Tick();
  world.After(1000);
  world.Scrape({{"__name__", "x"}, {"i", "1"}}, 0);
  world.Scrape({{"__name__", "x"}, {"i", "2"}}, 5);
  world.Tick();
  CHECK(world.Now("a") == "a 5 @1000");
}

TEST_CASE("a failed run writes no markers and remembers the series") {
  World world;
  world.Rules("  - {record: a, expr: x * on (k) group_left () y}\n");
  world.Scrape({{"__name__", "x"}, {"k", "1"}}, 3);
  world.Scrape({{"__name__", "y"}, {"k", "1"}}, 2);
  world.Tick();
  CHECK(world.Now("a") == "a{k=\"1\"} 6 @0");
  world.After(1000);
  world.Scrape({{"__name__", "y"}, {"k", "1"}, {"z", "1"}}, 2);  // two on the one side
  world.Tick();
  CHECK(world.Status().health == Health::kError);
  CHECK(world.Now("a") == "a{k=\"1\"} 6 @0");
  world.After(1000);
  world.Scrape({{"__name__", "y"}, {"k", "1"}}, model::StaleNaN());
  world.Scrape({{"__name__", "y"}, {"k", "1"}, {"z", "1"}}, model::StaleNaN());
  world.Tick();
  CHECK(world.Status().health == Health::kOk);
  CHECK(world.Now("a") == "");
}

TEST_CASE("slots are absolute, and the newest one is run") {
  World world;
  world.Rules("  - {record: a, expr: x}\n", "  interval: 1m\n");
  const Time slot = SlotBefore("f.yml", "g", 1min, kStart) + kMinute;
  CHECK(world.ruler().NextDue(kStart) == slot);
  world.Scrape({{"__name__", "x"}}, 3);
  world.Due();
  CHECK(world.Now("a") == "");  // not yet
  world.SetNow(slot + 500);
  world.Due();
  CHECK(world.Now("timestamp(a)") ==
        base::format("{{}} {}", static_cast<double>(slot) / 1000) + base::format(" @{}", 0));
  CHECK(world.ruler().NextDue(world.now()) == slot + kMinute);
  world.SetNow(slot + 3 * kMinute + 1);
  world.Due();
  CHECK(world.ruler().NextDue(world.now()) == slot + 4 * kMinute);
  world.Tick();  // no group follows the tick
  CHECK(world.Status().series == 1);
}

TEST_CASE("slots that pass unused are counted as missed") {
  World world;
  world.Rules("  - {record: a, expr: x}\n", "  interval: 1m\n");
  world.Scrape({{"__name__", "x"}}, 3);
  CHECK(world.Metrics() ==
        "evaluation_failures_total 0; evaluations_total 0; group_interval_seconds 60; "
        "group_iterations_missed_total 0; group_iterations_total 0; "
        "group_last_evaluation_samples 0; group_last_evaluation_timestamp_seconds 0; "
        "group_rules 1");
  const Time slot = SlotBefore("f.yml", "g", 1min, kStart) + kMinute;
  world.SetNow(slot);
  world.Due();
  world.Due();  // the slot has been run
  world.SetNow(slot + 2 * kMinute - 1);
  world.Due();
  CHECK(world.Metrics() ==
        "evaluation_failures_total 0; evaluations_total 2; group_interval_seconds 60; "
        "group_iterations_missed_total 0; group_iterations_total 2; "
        "group_last_evaluation_samples 1; group_last_evaluation_timestamp_seconds 60000; "
        "group_rules 1");
  // Of the three slots that have come since, the last one is run.
  world.SetNow(slot + 4 * kMinute + 1);
  world.Due();
  CHECK(world.Metrics() ==
        "evaluation_failures_total 0; evaluations_total 3; group_interval_seconds 60; "
        "group_iterations_missed_total 2; group_iterations_total 5; "
        "group_last_evaluation_samples 1; group_last_evaluation_timestamp_seconds 60000; "
        "group_rules 1");
}

TEST_CASE("failures are counted, and what a group stored") {
  World world;
  world.Rules("  - {record: a, expr: x}\n  - {record: b, expr: x, labels: {i: ''}}\n");
  world.Scrape({{"__name__", "x"}, {"i", "1"}}, 3);
  world.Scrape({{"__name__", "x"}, {"i", "2"}}, 4);
  world.Tick();
  CHECK(world.Metrics() ==
        "evaluation_failures_total 1; evaluations_total 2; group_iterations_missed_total 0; "
        "group_iterations_total 1; group_last_evaluation_samples 2; "
        "group_last_evaluation_timestamp_seconds 60000; group_rules 2");
}

TEST_CASE("a reload keeps the counters of a group that stays and forgets those of one that goes") {
  World world;
  world.LoadText(
      "groups:\n"
      "- {name: g, rules: [{record: a, expr: x}]}\n"
      "- {name: h, rules: [{record: b, expr: x}]}\n");
  world.Tick();
  world.Rules("  - {record: a, expr: x}\n", "  interval: 1m\n");
  CHECK(world.Metrics() ==
        "evaluation_failures_total 0; evaluations_total 1; group_interval_seconds 60; "
        "group_iterations_missed_total 0; group_iterations_total 1; "
        "group_last_evaluation_samples 0; group_last_evaluation_timestamp_seconds 60000; "
        "group_rules 1");
  CHECK(world.Metrics("f.yml;h") == "");
  world.Rules("  - {record: a, expr: x}\n");
  CHECK(world.Metrics().find("interval") == std::string::npos);
}

TEST_CASE("alerting rules are listed and not evaluated") {
  World world;
  world.Rules(
      "  - {record: a, expr: x}\n"
      "  - {alert: Down, expr: 'up==0', for: 5m, keep_firing_for: 1m, labels: {s: page}, "
      "annotations: {summary: down}}\n",
      "  labels: {team: t}\n");
  world.Scrape({{"__name__", "up"}}, 0);
  world.Tick();
  const GroupStatus group = world.ruler().Status().at(0);
  REQUIRE(group.rules.size() == 1);
  REQUIRE(group.alerts.size() == 1);
  CHECK(group.rules[0].number == 1);
  const AlertStatus& alert = group.alerts[0];
  CHECK(alert.number == 2);
  CHECK(alert.name == "Down");
  CHECK(alert.query == "up == 0");
  CHECK(alert.hold == 5min);
  CHECK(alert.keep_firing == 1min);
  CHECK(alert.labels == RuleLabels{{"s", "page"}, {"team", "t"}});
  CHECK(alert.annotations == RuleLabels{{"summary", "down"}});
  CHECK(world.Now("{__name__=~'ALERTS.*'}") == "");
}

TEST_CASE("a slot is a multiple of the interval, moved by the names") {
  const Time slot = SlotBefore("f", "g", 1min, kStart);
  CHECK(slot <= kStart);
  CHECK(slot > kStart - kMinute);
  CHECK(SlotBefore("f", "g", 1min, slot) == slot);
  CHECK(SlotBefore("f", "g", 1min, slot - 1) == slot - kMinute);
  CHECK(SlotBefore("f", "h", 1min, kStart) != slot);
  CHECK(SlotBefore("f", "g", 1min, -1) < 0);
}

TEST_CASE("a query offset looks back, and stores there") {
  World world;
  world.Rules("  - {record: a, expr: x}\n", "  interval: 1m\n  query_offset: 30s\n");
  const Time slot = SlotBefore("f.yml", "g", 1min, kStart) + 10 * kMinute;
  world.SetNow(slot - 30000);
  world.Scrape({{"__name__", "x"}}, 3);
  world.SetNow(slot);
  world.Scrape({{"__name__", "x"}}, 4);
  world.Due();
  CHECK(world.Now("a") == base::format("a 3 @{}", slot - 30000 - kStart));
  world.SetNow(slot - 30000);
  CHECK(world.Now("a") == base::format("a 3 @{}", slot - 30000 - kStart));
}

TEST_CASE("global.evaluation_interval gives every group an interval") {
  World world;
  world.options().evaluation_interval = 1min;
  world.Rules("  - {record: a, expr: x}\n");
  CHECK(world.ruler().NextDue(kStart) < Ruler::kNever);
  CHECK(world.ruler().Status()[0].interval == 1min);
}

TEST_CASE("after a reload a rule goes on with its series, and those of a removed rule end") {
  World world;
  world.Rules("  - {record: a, expr: x}\n  - {record: b, expr: x}\n");
  world.Scrape({{"__name__", "x"}}, 3);
  world.Tick();
  world.Rules("  - {record: a, expr: x > 5}\n");
  CHECK(world.Now("b") == "b 3 @0");
  world.After(1000);
  world.Tick();
  CHECK(world.Now("b") == "");
  CHECK(world.Now("a") == "");  // the new expression does not produce what the old one did
}

TEST_CASE("a rule that changes its group keeps its series alive") {
  World world;
  world.Rules("  - {record: a, expr: x}\n");
  world.Scrape({{"__name__", "x"}}, 3);
  world.Tick();
  world.LoadText("groups: [{name: other, rules: [{record: a, expr: x}]}]");
  world.After(1000);
  world.Tick();
  CHECK(world.Now("a") == "a 3 @0");
  world.LoadText("groups: []");
  world.After(1000);
  world.Tick();
  CHECK(world.Now("a") == "");
}

TEST_CASE("the series of a removed group with an interval end two intervals later") {
  World world;
  world.Rules("  - {record: a, expr: x}\n", "  interval: 1m\n");
  world.Scrape({{"__name__", "x"}}, 3);
  world.After(kMinute);
  world.Due();
  CHECK(world.Now("a") == "a 3 @0");
  world.After(kMinute);
  world.LoadText("groups: []");
  world.After(2 * kMinute - 1);
  world.Tick();
  CHECK(world.Now("a") == "a 3 @0");
  world.After(1);
  world.Tick();
  CHECK(world.Now("a") == "");
}

TEST_CASE("for a process that runs once every group runs at one time") {
  World world;
  world.LoadText(
      "groups:\n"
      "- {name: f, rules: [{record: a, expr: sum(x)}]}\n"
      "- {name: g, interval: 1m, rules: [{record: b, expr: a}]}\n");
  world.Scrape({{"__name__", "x"}}, 3);
  world.ruler().RunAll(world.now(), world.store());
  CHECK(world.Now("b") == "b 3 @0");
}

TEST_CASE("the status says what was asked, and in which labels") {
  World world;
  world.Rules("  - {record: a, expr: 'sum(x)by(i)', labels: {u: v}}\n",
              "  labels: {w: z}\n  limit: 7\n");
  const GroupStatus group = world.ruler().Status().at(0);
  CHECK(group.file == "f.yml");
  CHECK(group.name == "g");
  CHECK(group.limit == 7);
  CHECK_FALSE(group.interval.has_value());
  CHECK(group.rules[0].query == "sum by (i) (x)");
  CHECK(group.rules[0].labels == RuleLabels{{"u", "v"}, {"w", "z"}});
  CHECK(group.rules[0].health == Health::kUnknown);
  CHECK(HealthText(group.rules[0].health) == "unknown");
}

}  // namespace plimsoll::ruler
