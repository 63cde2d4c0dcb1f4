// SPDX-License-Identifier: Apache-2.0
//
// Groups with an interval on threads of their own: none waits for another, and the writer for none.
#include <doctest/doctest.h>

#include <thread>

#include "base/guarded.h"
#include "promql/parser.h"
#include "ruler/ruler.h"
#include "support/error_text.h"

namespace plimsoll::ruler {

namespace {

using namespace std::chrono_literals;

constexpr Time kMinute = 60000;
constexpr Time kStart = 1000 * kMinute;
constexpr auto kPatience = 30s;  // only a broken test waits for so long

// Holds up the first query that comes while it is shut.
class Gate {
 public:
  bool Pass() {
    if (std::this_thread::get_id() == writer_) return false;
    const bool held =
        state_.With([](State& state) { return state.shut && !std::exchange(state.held, true); });
    if (!held) return false;
    state_.Change([](State& state) { state.entered = true; });
    state_.WaitFor({}, kPatience, [](const State& state) { return !state.shut; });
    return false;
  }
  void Shut() {
    state_.Change([](State& state) { state = {.shut = true}; });
  }
  void Open() {
    state_.Change([](State& state) { state.shut = false; });
  }
  void AwaitQuery() {
    REQUIRE(state_.WaitFor({}, kPatience, [](const State& state) { return state.entered; }));
  }

 private:
  struct State {
    bool shut = false;
    bool held = false;
    bool entered = false;
  };
  base::Guarded<State> state_;
  const std::thread::id writer_ = std::this_thread::get_id();
};

class World {
 public:
  World() {
    options_.threads = 2;
    options_.query.canceled = [this] { return gate.Pass(); };
    options_.wake = [this] { woken_.Change([](int& count) { ++count; }); };
    store::Appender& appender = store.appender();
    appender.Begin(kStart);
    appender.Append(appender.Resolve({{"__name__", "x"}}).ref, kStart, 1);
    appender.Commit();
  }

  std::unique_ptr<Ruler> Make(const std::string& text, Time now) {
    auto set = LoadRules({{"f.yml", text}}, {});
    REQUIRE_MESSAGE(set.has_value(), test::ErrorText(set));
    return std::make_unique<Ruler>(*set, options_, now, &telemetry);
  }
  // Waits for a result, and lets the ruler store it. Returns: whether a group is at its end.
  bool Collect(Ruler& ruler, Time now) {
    REQUIRE(woken_.WaitFor({}, kPatience, [](const int& count) { return count > 0; }));
    woken_.With([](int& count) { --count; });
    return ruler.RunDue(now, store);
  }
  // Returns: the value of `metric` at `at`, as text; "" when there is none.
  std::string At(const std::string& metric, Time at) const {
    const auto expr = promql::Parse(metric);
    const auto querier = store.Open();
    const auto answer = eval::Instant(**expr, metric, *querier, at, {});
    const auto& elements = std::get<eval::Vector>(answer->value).elements;
    return elements.empty() ? "" : std::to_string(static_cast<int>(elements.front().value));
  }
  double Counter(telemetry::MetricId id, const std::string& group) {
    return telemetry.CounterOf(id, {"f.yml;" + group}).Value();
  }

  Gate gate;
  telemetry::Telemetry telemetry;
  store::MemoryStore store;

 private:
  base::Guarded<int> woken_{0};
  Ruler::Options options_;
};

Time NextSlot(std::string_view group, Time after) {
  return SlotBefore("f.yml", group, 1min, after) + kMinute;
}

}  // namespace

TEST_CASE("the rules of a group run in order, each seeing what the ones before it recorded") {
  World world;
  const auto ruler = world.Make(
      "groups:\n"
      "- {name: g, interval: 1m, rules: [{record: a, expr: x + 1}, {record: b, expr: a + 1}]}\n",
      kStart);
  const Time slot = NextSlot("g", kStart);
  CHECK_FALSE(ruler->RunDue(slot, world.store));
  CHECK_FALSE(world.Collect(*ruler, slot));
  CHECK(world.At("a", slot) == "2");
  CHECK(world.Collect(*ruler, slot));
  CHECK(world.At("b", slot) == "3");
  CHECK(ruler->NextDue(slot) == slot + kMinute);
  CHECK(ruler->Status().at(0).rules.at(1).health == Health::kOk);
}

TEST_CASE("rules that read nothing of each other are asked together, until one does") {
  World world;
  const auto ruler = world.Make(
      "groups:\n"
      "- name: g\n"
      "  interval: 1m\n"
      "  rules:\n"
      "  - {record: a, expr: x + 1}\n"
      "  - {record: b, expr: x + 2}\n"
      "  - {record: c, expr: 'a + b'}\n"
      "  - {record: d, expr: x + 3}\n"
      "  - {record: e, expr: 'count({__name__=~\".+\"})'}\n",
      kStart);
  const Time slot = NextSlot("g", kStart);
  CHECK_FALSE(ruler->RunDue(slot, world.store));
  CHECK_FALSE(world.Collect(*ruler, slot));
  CHECK(world.At("a", slot) == "2");
  CHECK(world.At("b", slot) == "3");
  CHECK(world.At("c", slot) == "");
  CHECK_FALSE(world.Collect(*ruler, slot));
  CHECK(world.At("c", slot) == "5");
  CHECK(world.At("d", slot) == "4");
  CHECK(world.At("e", slot) == "");
  CHECK(world.Collect(*ruler, slot));
  CHECK(world.At("e", slot) == "5");
}

TEST_CASE("a slow group holds up no other, and the slots that it misses are counted") {
  World world;
  const std::string slow =
      NextSlot("g", kStart) < NextSlot("h", kStart) ? "g" : "h";  // its slot comes first
  const std::string quick = slow == "g" ? "h" : "g";
  const auto ruler = world.Make(
      "groups:\n"
      "- {name: " +
          slow +
          ", interval: 1m, rules: [{record: slow, expr: x}]}\n"
          "- {name: " +
          quick + ", interval: 1m, rules: [{record: quick, expr: x}]}\n",
      kStart);
  const Time slow_slot = NextSlot(slow, kStart);
  const Time quick_slot = NextSlot(quick, kStart);
  world.gate.Shut();
  CHECK_FALSE(ruler->RunDue(slow_slot, world.store));
  world.gate.AwaitQuery();
  CHECK(ruler->NextDue(slow_slot) == quick_slot);

  CHECK_FALSE(ruler->RunDue(quick_slot, world.store));
  CHECK(world.Collect(*ruler, quick_slot));
  CHECK(world.At("quick", quick_slot) == "1");
  CHECK(world.At("slow", quick_slot) == "");

  // Two slots of the slow group pass; when it ends, its result has the time of its own slot.
  const Time late = slow_slot + 2 * kMinute;
  world.gate.Open();
  CHECK(world.Collect(*ruler, late));
  CHECK(world.At("slow", slow_slot) == "1");
  CHECK(world.Counter(telemetry::MetricId::kRuleGroupMissed, slow) == 1);
  CHECK(world.Counter(telemetry::MetricId::kRuleGroupIterations, slow) == 2);
  // It goes on with the newest one.
  while (world.At("timestamp(slow)", late) != std::to_string(late / 1000)) {
    world.Collect(*ruler, late);
  }
}

TEST_CASE("a query whose samples have expired fails, and ends no series") {
  World world;
  const auto ruler =
      world.Make("groups: [{name: g, interval: 1m, rules: [{record: a, expr: sum(x)}]}]", kStart);
  const Time slot = NextSlot("g", kStart);
  CHECK_FALSE(ruler->RunDue(slot, world.store));
  CHECK(world.Collect(*ruler, slot));
  CHECK(world.At("a", slot) == "1");

  store::Limits limits;
  limits.max_pin = 1ms;
  world.store.SetLimits(limits);
  world.store.Expire(slot);
  world.gate.Shut();
  CHECK_FALSE(ruler->RunDue(slot + kMinute, world.store));
  world.gate.AwaitQuery();
  world.store.Expire(slot + kMinute);
  world.gate.Open();
  CHECK(world.Collect(*ruler, slot + kMinute));
  CHECK(ruler->Status().at(0).rules.at(0).last_error ==
        "the query took so long that its samples have expired");
  CHECK(world.At("a", slot + kMinute) == "1");
}

TEST_CASE("a reload gives up what is under way and goes on with the next slot") {
  World world;
  const std::string text = "groups: [{name: g, interval: 1m, rules: [{record: a, expr: x}]}]";
  const auto before = world.Make(text, kStart);
  const Time slot = NextSlot("g", kStart);
  world.gate.Shut();
  CHECK_FALSE(before->RunDue(slot, world.store));
  world.gate.AwaitQuery();
  const auto after = world.Make(text, slot);
  {
    const std::jthread reload([&] { after->TakeOver(*before, slot); });
    world.gate.Open();
  }
  CHECK(before->NextDue(slot + kMinute) == Ruler::kNever);
  CHECK_FALSE(before->RunDue(slot + kMinute, world.store));
  CHECK(world.At("a", slot) == "");
  CHECK(after->NextDue(slot) == slot + kMinute);
  CHECK_FALSE(after->RunDue(slot + kMinute, world.store));
  while (world.At("a", slot + kMinute).empty()) world.Collect(*after, slot + kMinute);
}

TEST_CASE("a group without rules is at its end at once") {
  World world;
  const auto ruler = world.Make("groups: [{name: g, interval: 1m}]", kStart);
  CHECK(ruler->RunDue(NextSlot("g", kStart), world.store));
}

}  // namespace plimsoll::ruler
