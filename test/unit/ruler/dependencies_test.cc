// SPDX-License-Identifier: Apache-2.0
//
// What rules read, found from their text alone.
#include "ruler/dependencies.h"

#include <doctest/doctest.h>

#include "promql/parser.h"

namespace plimsoll::ruler {

namespace {

using namespace std::chrono_literals;

// Rules given as "name = expression", all in group "g" of file "f.yml".
RuleSet Rules(const std::vector<std::pair<std::string, std::string>>& rules) {
  std::string text = "groups: [{name: g, rules: [";
  for (const auto& [record, expr] : rules)
    text += "{record: '" + record + "', expr: '" + expr + "'}, ";
  auto set = LoadRules({{"f.yml", text + "]}]"}}, {});
  REQUIRE_MESSAGE(set.has_value(), set.error().ToString());
  return *std::move(set);
}

bool Scraped(const RuleSet& rules, std::string_view expr) {
  return Dependencies(rules).ReadsScraped(**promql::Parse(expr));
}

struct Found {
  Window window;
  std::string errors;  // one per line
};
Found WindowOf(const RuleSet& rules, const WindowOptions& options = {}) {
  document::Errors errors;
  Found found;
  found.window = RequiredWindow(rules, options, errors);
  for (const base::Error& error : errors.list()) found.errors += error.ToString() + "\n";
  return found;
}

}  // namespace

TEST_CASE("an expression without a selector reads nothing") {
  CHECK_FALSE(Scraped({}, "1"));
  CHECK_FALSE(Scraped({}, "vector(time())"));
  CHECK_FALSE(Scraped({}, "scalar(max(plimsoll_param{name=\"x\"})) * 2"));
  CHECK(Scraped({}, "up"));
  CHECK(Scraped({}, "vector(0) or sum(up)"));
}

TEST_CASE("what cannot be ruled out may be read") {
  const auto may_read = [](std::string_view expr) {
    return MayRead(**promql::Parse(expr), "made");
  };
  CHECK(may_read("made"));
  CHECK(may_read("up + sum(rate(made[1m]))"));
  CHECK(may_read("{__name__=~\"made|up\"}"));
  CHECK(may_read("{job=\"x\"}"));
  CHECK(may_read("{__name__!=\"up\",job=\"x\"}"));
  CHECK_FALSE(may_read("up"));
  CHECK_FALSE(may_read("1 + time()"));
  CHECK_FALSE(may_read("{__name__=~\"up|made_up\"}"));
}

TEST_CASE("a recorded name reads what its rules read, through any chain") {
  const RuleSet rules = Rules({{"last", "middle + 1"},
                               {"middle", "first * 2"},
                               {"first", "sum(up)"},
                               {"hour_plan", "hour() > 8"},
                               {"plan", "hour_plan * scalar(plimsoll_param)"},
                               {"mixed", "plan"},
                               {"mixed", "first"}});
  CHECK(Scraped(rules, "last"));
  CHECK(Scraped(rules, "mixed"));
  CHECK_FALSE(Scraped(rules, "plan"));
  CHECK_FALSE(Scraped(rules, "sum(plan) + hour_plan"));
  CHECK(Scraped(rules, "plan or first"));
}

TEST_CASE("a rule that reads itself reads nothing because of that") {
  CHECK_FALSE(Scraped(Rules({{"counter", "counter + 1 or vector(0)"}}), "counter"));
  CHECK(Scraped(Rules({{"counter", "counter + on () sum(up)"}}), "counter"));
}

TEST_CASE("a name that is not fixed could be anything") {
  const RuleSet rules = Rules({{"plan_a", "1"}, {"plan_b", "2"}});
  CHECK(Scraped(rules, "{job=\"x\"}"));
  CHECK(Scraped(rules, "{__name__=~\"plan_.*\"}"));
  CHECK_FALSE(Scraped(rules, "{__name__=~\"plan_a|plan_b\"}"));
  CHECK(Scraped(rules, "{__name__=~\"plan_a|up\"}"));
  CHECK_FALSE(Scraped(rules, "{\"plan_a\", job!=\"x\"}"));
}

TEST_CASE("the window is the farthest reach, and who sets it is named") {
  const Found found = WindowOf(Rules({{"a", "rate(x[10m])"},
                                      {"b", "max_over_time(rate(x[5m])[1h:1m] offset 5m)"},
                                      {"c", "x offset 1h"}}));
  CHECK(found.errors.empty());
  CHECK(found.window.reach == 70min);
  CHECK(found.window.set_by == "f.yml: group \"g\", rule 2, \"b\"");
  CHECK(WindowOf({}).window.reach == 0min);
  CHECK(WindowOf({}).window.set_by.empty());
}

TEST_CASE("a recorded series ends the walk") {
  CHECK(WindowOf(Rules({{"a", "sum(rate(x[10m]))"}, {"b", "a"}})).window.reach == 10min);
}

TEST_CASE("a query offset reaches farther") {
  auto set = LoadRules(
      {{"f.yml",
        "groups: [{name: g, interval: 1m, query_offset: 30s, rules: [{record: a, expr: x}]}]"}},
      {});
  REQUIRE(set.has_value());
  CHECK(WindowOf(*set).window.reach == 5min + 30s);
  WindowOptions options;
  options.query_offset = 2min;
  CHECK(WindowOf(Rules({{"a", "x"}}), options).window.reach == 7min);
}

TEST_CASE("what no window can hold is an error that names the rule") {
  const Found found =
      WindowOf(Rules({{"a", "x @ 1600000000"}, {"b", "max_over_time(x[25h])"}, {"c", "x"}}));
  CHECK(
      found.errors ==
      "f.yml:1:28: group \"g\", rule 1, \"a\": the expression is fixed to a time with @, which no "
      "window can hold\n"
      "f.yml:1:67: group \"g\", rule 2, \"b\": the expression reads 1d1h back, expected at most 1d "
      "(storage.max_window)\n");
  CHECK(found.window.reach == 5min);
  WindowOptions options;
  options.max_window = 25h;
  CHECK(WindowOf(Rules({{"b", "max_over_time(x[25h])"}}), options).errors.empty());
}

}  // namespace plimsoll::ruler
