// SPDX-License-Identifier: Apache-2.0
//
// What a rule file may hold, and the words and places of what it may not.
#include "ruler/rule_file.h"

#include <doctest/doctest.h>

#include "promql/print.h"

namespace plimsoll::ruler {

namespace {

using namespace std::chrono_literals;

struct Outcome {
  std::optional<RuleFile> file;
  std::vector<std::string> errors;
};

Outcome Load(std::string_view text, const RuleOptions& options = {}) {
  document::Errors errors;
  Outcome outcome;
  outcome.file = ParseRuleFile(text, "f.yml", options, errors);
  for (const base::Error& error : errors.list()) outcome.errors.push_back(error.ToString());
  return outcome;
}

// A file with one group "g" whose rules are `rules`, each line of which starts where a rule does.
std::string InGroup(std::string_view rules) {
  std::string text = "groups:\n- name: g\n  rules:\n";
  while (!rules.empty()) {
    const std::size_t end = rules.find('\n');
    text += "  " + std::string(rules.substr(0, end)) + "\n";
    rules.remove_prefix(end == std::string_view::npos ? rules.size() : end + 1);
  }
  return text;
}

std::vector<std::string> Errors(std::string_view text) { return Load(text).errors; }
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a rule file is groups of rules in order") {
  const Outcome outcome = Load(
      "groups:\n"
      "- name: first\n"
      "  interval: 30s\n"
      "  query_offset: 10s\n"
      "  limit: 5\n"
      "  labels: {team: data, tier: gold}\n"
      "  rules:\n"
      "  - record: a:b\n"
      "    expr: |\n"
      "      sum(x)\n"
      "        + 1\n"
      "    labels:\n"
      "      tier: ''\n"
      "      zone: 3\n"
      "  - {record: c, expr: 1}\n"
      "- name: second\n");
  REQUIRE_MESSAGE(outcome.file.has_value(), outcome.errors.front());
  REQUIRE(outcome.file->groups.size() == 2);
  const Group& group = outcome.file->groups[0];
  CHECK(group.name == "first");
  CHECK(group.interval == 30s);
  CHECK(group.query_offset == 10s);
  CHECK(group.limit == 5);
  REQUIRE(group.rules.size() == 2);
  const Rule& rule = group.rules[0];
  CHECK(rule.record == "a:b");
  CHECK(promql::Print(*rule.expr) == "sum(x) + 1");
  CHECK(MergedLabels(group, rule.labels) ==
        RuleLabels{{"team", "data"}, {"tier", ""}, {"zone", "3"}});
  CHECK(NameOf(group, group.rules[1]) == "group \"first\", rule 2, \"c\"");
  CHECK(outcome.file->groups[1].rules.empty());
  CHECK(outcome.file->warnings.empty());
}

TEST_CASE("an interval of zero is no interval") {
  const Outcome outcome = Load("groups: [{name: g, interval: 0s}]");
  REQUIRE(outcome.file.has_value());
  CHECK_FALSE(outcome.file->groups[0].interval.has_value());
}

TEST_CASE("errors name file, line, column, group and rule, and all are reported") {
  CHECK(
      Errors(InGroup("- record: a\n"
                     "  expr: rate(x)\n"
                     "- expr: 1\n"
                     "- record: b{c=\"d\"}\n"
                     "  expr: 1\n"
                     "- record: e\n")) ==
      Texts{"f.yml:5:11: group \"g\", rule 1, \"a\": could not parse expression: 1:6: parse error: "
            "expected type range vector in call to function \"rate\", got instant vector",
            "f.yml:6:5: group \"g\", rule 2, \"\": one of 'record' or 'alert' must be set",
            "f.yml:7:13: group \"g\", rule 3, \"b{c=\\\"d\\\"}\": braces present in the recording "
            "rule "
            "name; should it be in expr?: b{c=\"d\"}",
            "f.yml:9:5: group \"g\", rule 4, \"e\": field 'expr' must be set in rule"});
}

TEST_CASE("a recording rule has nothing that belongs to an alert") {
  CHECK(
      Errors(InGroup("- record: a\n"
                     "  expr: 1\n"
                     "  for: 5m\n"
                     "  keep_firing_for: 5m\n"
                     "  annotations: {summary: x}\n")) ==
      Texts{"f.yml:4:13: group \"g\", rule 1, \"a\": invalid field 'annotations' in recording rule",
            "f.yml:4:13: group \"g\", rule 1, \"a\": invalid field 'for' in recording rule",
            "f.yml:4:13: group \"g\", rule 1, \"a\": invalid field 'keep_firing_for' in recording "
            "rule"});
  CHECK(
      Errors(InGroup("- record: a\n"
                     "  alert: b\n"
                     "  expr: 1\n")) ==
      Texts{
          "f.yml:4:13: group \"g\", rule 1, \"b\": only one of 'record' and 'alert' must be set"});
}

TEST_CASE("the metric name is no label, and a label has a name") {
  CHECK(Errors(InGroup("- record: a\n"
                       "  expr: 1\n"
                       "  labels: {__name__: b, '': c}\n")) ==
        Texts{"f.yml:6:14: group \"g\", rule 1, \"a\": invalid label name: __name__",
              "f.yml:6:27: group \"g\", rule 1, \"a\": invalid label name: "});
  CHECK(Errors("groups:\n- name: g\n  labels: {__name__: b}\n") ==
        Texts{"f.yml:3:12: group \"g\": invalid label name: __name__"});
}

TEST_CASE("groups have names of their own") {
  CHECK(Errors("groups:\n- name: g\n- name: g\n- rules: []\n") ==
        Texts{"f.yml:3:3: groupname: \"g\" is repeated in the same file",
              "f.yml:4:3: Groupname must not be empty"});
}

TEST_CASE("a key that nobody knows is an error with the nearest one") {
  CHECK(Errors(InGroup("- record: a\n"
                       "  exp: 1\n")) ==
        Texts{"f.yml:4:5: group \"g\", rule 1, \"a\": field 'expr' must be set in rule",
              "f.yml:5:5: a rule: unknown key 'exp', did you mean 'expr'?"});
  CHECK(Errors("group: []\n") ==
        Texts{"f.yml:1:1: a rule file: unknown key 'group', did you mean 'groups'?"});
  CHECK(Errors("groups:\n- name: g\n  intervall: 5s\n") ==
        Texts{"f.yml:3:3: a rule group: unknown key 'intervall', did you mean 'interval'?"});
}

TEST_CASE("values must be what they are meant to be") {
  CHECK(Errors("groups: 5\n").size() == 1);
  CHECK(Errors("groups:\n- name: g\n  interval: soon\n").size() == 1);
  CHECK(Errors("groups:\n- name: g\n  rules: {}\n").size() == 1);
  CHECK(Errors("groups:\n- name: [g]\n").size() >= 1);
  CHECK(Errors(InGroup("- just text\n")).size() >= 1);
  CHECK(Errors(InGroup("- record: a\n  expr: 1\n  labels: [b]\n")).size() == 1);
}

TEST_CASE("a query offset needs an interval") {
  constexpr std::string_view kText = "groups:\n- name: g\n  query_offset: 5s\n";
  CHECK(Errors(kText) ==
        Texts{"f.yml:3:17: group \"g\": query_offset needs an interval in the group or "
              "global.evaluation_interval, because without either the group is evaluated at the "
              "time of "
              "the scrape"});
  CHECK(Load("groups: [{name: g, interval: 1m, query_offset: 5s}]").file.has_value());
  RuleOptions options;
  options.evaluation_interval = 1min;
  CHECK(Load(kText, options).file.has_value());
}

TEST_CASE("alerting rules are checked, left out and named once") {
  const Outcome outcome =
      Load(InGroup("- alert: Down\n"
                   "  expr: up == 0\n"
                   "  for: 5m\n"
                   "  labels: {severity: page}\n"
                   "  annotations: {summary: '{{ $labels.job }} is down'}\n"
                   "- record: a\n"
                   "  expr: 1\n"
                   "- alert: Slow\n"
                   "  expr: latency > 1\n"));
  REQUIRE_MESSAGE(outcome.file.has_value(), outcome.errors.front());
  REQUIRE(outcome.file->groups[0].rules.size() == 1);
  CHECK(outcome.file->groups[0].rules[0].number == 2);
  CHECK(outcome.file->warnings ==
        Texts{"f.yml: 2 alerting rules are skipped, because plimsoll only records: Down, Slow"});
  CHECK(Errors(InGroup("- alert: Down\n  expr: up ==\n")) ==
        Texts{"f.yml:5:11: group \"g\", rule 1, \"Down\": could not parse expression: 1:6: parse "
              "error: "
              "unexpected end of input"});
}

TEST_CASE("only the first document counts") {
  const Outcome outcome = Load("---\ngroups: [{name: a}]\n---\ngroups: [{name: b}]\n");
  REQUIRE(outcome.file.has_value());
  CHECK(outcome.file->groups.size() == 1);
  CHECK(
      outcome.file->warnings ==
      Texts{
          "f.yml: multiple document yaml rules files are not supported, only the first document is "
          "processed"});
  CHECK(Load("# remark\n---\ngroups: []\n").file->warnings.empty());
}

TEST_CASE("a file that is half written is an error") {
  const std::string whole = InGroup(
      "- record: a\n"
      "  expr: sum(rate(x[5m])) / 2\n");
  CHECK(Load(whole).file.has_value());
  CHECK(Errors("") == Texts{"f.yml: the file is empty, expected a list of groups under 'groups'"});
  CHECK_FALSE(Load(whole.substr(0, whole.find("expr"))).file.has_value());
  CHECK_FALSE(Load(whole.substr(0, whole.find("[5m"))).file.has_value());
  CHECK_FALSE(Load(whole.substr(0, whole.find("/") + 1)).file.has_value());
  CHECK_FALSE(Load(whole.substr(0, 5)).file.has_value());
}

TEST_CASE("experiments in expressions are refused unless they are allowed") {
  const std::string text = InGroup("- record: a\n  expr: limitk(2, x)\n");
  CHECK_FALSE(Load(text).file.has_value());
  RuleOptions options;
  options.promql.experimental_functions = true;
  CHECK(Load(text, options).file.has_value());
}

TEST_CASE("all files load or none does") {
  const std::vector<config::RuleFile> files = {
      {"a.yml", "groups: [{name: g}]"}, {"b.yml", "groups: 1"}, {"c.yml", "nonsense: 1"}};
  const auto set = LoadRules(files, {});
  REQUIRE_FALSE(set.has_value());
  CHECK(set.error().ToString() ==
        "b.yml:1:9: 'groups': expected a list, found the number 1\n"
        "c.yml:1:1: a rule file: unknown key 'nonsense'");
  CHECK(LoadRules({files[0]}, {})->size() == 1);
}

TEST_CASE("a file prints as YAML that means the same") {
  const Outcome good = Load(
      "groups:\n"
      "- name: \"a \\\"b\\\" \\u2028\"\n"
      "  interval: 90s\n"
      "  query_offset: 0s\n"
      "  limit: -1\n"
      "  labels: {'x y': 'line\n\n    break', z: ''}\n"
      "  rules:\n"
      "  - record: 'yes'\n"
      "    expr: label_replace(up{a=~\"b\\\\d\"}, \"c\", \"\\n$1\", \"d\", \"(.*)\")\n"
      "    labels: {\"\\ufeff\": \"\\x85\"}\n"
      "- name: b\n");
  REQUIRE_MESSAGE(good.file.has_value(), good.errors.front());
  const std::string printed = PrintRuleFile(*good.file);
  const Outcome second = Load(printed);
  REQUIRE_MESSAGE(second.file.has_value(), printed);
  CHECK(Equal(*good.file, *second.file));
  CHECK(PrintRuleFile(*second.file) == printed);
}

TEST_CASE("a null in a list of groups or rules is left out, as go-yaml leaves it out") {
  const Outcome outcome =
      Load("groups: [~, {name: g, rules: [null, {record: a, expr: 1}, {record: b, expr: 1}]}]");
  REQUIRE(outcome.file.has_value());
  REQUIRE(outcome.file->groups.size() == 1);
  REQUIRE(outcome.file->groups[0].rules.size() == 2);
  CHECK(outcome.file->groups[0].rules[1].number == 2);
}

TEST_CASE("unknown keys pass only where it is asked for") {
  const std::string_view text =
      "groups: [{name: g, owner: me, rules: [{record: a, expr: 1, x: y}]}]";
  CHECK(Load(text).errors ==
        std::vector<std::string>{"f.yml:1:60: a rule: unknown key 'x'",
                                 "f.yml:1:20: a rule group: unknown key 'owner'"});
  RuleOptions options;
  options.ignore_unknown_fields = true;
  CHECK(Load(text, options).errors.empty());
}

TEST_CASE("alerting rules are kept apart, with what the file says of them") {
  const Outcome outcome = Load(
      "groups: [{name: g, rules: [{record: a, expr: 1}, {alert: A, expr: a > 1, for: 1m, "
      "keep_firing_for: 2m, labels: {s: t}, annotations: {u: v}}]}]");
  REQUIRE(outcome.file.has_value());
  const Group& group = outcome.file->groups[0];
  CHECK(group.rules.size() == 1);
  REQUIRE(group.alerts.size() == 1);
  CHECK(group.alerts[0].name == "A");
  CHECK(promql::Print(*group.alerts[0].expr) == "a > 1");
  CHECK(group.alerts[0].hold == 1min);
  CHECK(group.alerts[0].keep_firing == 2min);
  CHECK(group.alerts[0].labels == RuleLabels{{"s", "t"}});
  CHECK(group.alerts[0].annotations == RuleLabels{{"u", "v"}});
  CHECK(group.alerts[0].number == 2);
}

}  // namespace plimsoll::ruler
