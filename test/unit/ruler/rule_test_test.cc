// SPDX-License-Identifier: Apache-2.0
//
// Unit tests of rules: what passes, what fails and how it is told, what is left out.
#include "ruler/rule_test.h"

#include <doctest/doctest.h>

#include <map>

namespace plimsoll::ruler {

namespace {

constexpr std::string_view kRules = R"(groups:
- name: second
  rules:
  - {record: twice, expr: 2 * once}
- name: first
  rules:
  - {record: once, expr: 'sum by (job) (up)'}
)";

// Files by path; a pattern finds its own name alone.
struct Folder {
  std::map<std::string, std::string> files = {{"dir/r.yml", std::string(kRules)}};

  TestFileOutcome Run(std::string_view text, RuleTestOptions options = {}) const {
    options.files.glob = [this](const std::string& pattern) {
      return files.count(pattern) > 0 ? std::vector<std::string>{pattern}
                                      : std::vector<std::string>();
    };
    options.files.read = [this](const std::string& path) -> base::Result<std::string> {
      return files.at(path);
    };
    return RunRuleTests(text, "t.yml", "dir", options);
  }
};

// Everything that went wrong, one text per line.
std::string Verdict(const TestFileOutcome& outcome) {
  std::string out;
  for (const base::Error& error : outcome.errors) out += error.ToString() + '\n';
  for (const TestOutcome& test : outcome.tests) {
    for (const TestFailure& failure : test.failures) {
      out += test.name + ": " + FailureText(failure, false, false);
    }
    for (const std::string& skipped : test.skipped) out += "skipped: " + skipped + '\n';
  }
  return out.empty() ? "passed" : out;
}

std::string Verdict(std::string_view text, const RuleTestOptions& options = {}) {
  return Verdict(Folder().Run(text, options));
}

}  // namespace

TEST_CASE("a series is loaded, and an expression is compared exactly") {
  CHECK(Verdict(R"(
tests:
- input_series:
  - {series: 'x{a="1"}', values: 1+1x5}
  promql_expr_test:
  - {expr: x, eval_time: 2m, exp_samples: [{labels: 'x{a="1"}', value: 3}]}
  - {expr: sum(x), eval_time: 2m59s, exp_samples: [{value: 3}]}
  - {expr: 1 + 1, exp_samples: [{labels: '{}', value: 2}]}
  - {expr: x > 100, eval_time: 2m}
)") == "passed");
}

TEST_CASE("a wrong result shows what was expected and what came, with its place") {
  CHECK(Verdict(R"(tests:
- name: wrong
  input_series:
  - {series: 'x{a="1"}', values: 1}
  - {series: 'x{a="2"}', values: 2}
  promql_expr_test:
  - expr: x
    exp_samples: [{labels: 'x{a="2"}', value: 3}]
)") == "wrong: t.yml:7:11: expr \"x\", at 0s\n"
       "        exp: x{a=\"2\"} 3\n"
       "        got: x{a=\"1\"} 1\n"
       "             x{a=\"2\"} 2\n");
}

TEST_CASE("a difference leaves out what is as expected") {
  const auto outcome = Folder().Run(R"(tests:
- input_series:
  - {series: 'x{a="1"}', values: 1}
  - {series: 'x{a="2"}', values: 2}
  - {series: 'x{a="3"}', values: 3}
  promql_expr_test:
  - expr: x
    exp_samples:
    - {labels: 'x{a="1"}', value: 1}
    - {labels: 'x{a="2"}', value: 3}
    - {labels: 'x{a="0"}', value: 0}
)");
  REQUIRE(outcome.tests.size() == 1);
  REQUIRE(outcome.tests[0].failures.size() == 1);
  CHECK(FailureText(outcome.tests[0].failures[0], true, false) ==
        "t.yml:7:11: expr \"x\", at 0s\n"
        "      - x{a=\"0\"} 0\n"
        "      - x{a=\"2\"} 3\n"
        "      + x{a=\"2\"} 2\n"
        "      + x{a=\"3\"} 3\n"
        "      (1 more as expected)\n");
}

TEST_CASE("groups run in the order of group_eval_order, and without it in that of the file") {
  const std::string test = R"(
rule_files: [r.yml]
tests:
- input_series:
  - {series: 'up{job="a"}', values: 1}
  promql_expr_test:
  - {expr: twice, exp_samples: [{labels: 'twice{job="a"}', value: 2}]}
)";
  CHECK(Verdict("group_eval_order: [first, second]" + test) == "passed");
  CHECK(Verdict(test) ==
        "unnamed#0: t.yml:7:12: expr \"twice\", at 0s\n"
        "        exp: twice{job=\"a\"} 2\n"
        "        got: nothing\n");
  CHECK(Verdict("group_eval_order: [first, first]" + test) ==
        "t.yml:1:19: 'group_eval_order': group name repeated in evaluation order: first\n");
}

TEST_CASE("rules are evaluated at every interval up to the last eval_time and not beyond") {
  // The value of 90s comes after the last evaluation, so nothing has loaded it.
  CHECK(Verdict(R"(
rule_files: [r.yml]
tests:
- interval: 30s
  input_series:
  - {series: 'up{job="a"}', values: 1+1x10}
  promql_expr_test:
  - {expr: timestamp(once), eval_time: 1m30s, exp_samples: [{labels: '{job="a"}', value: 60}]}
  - {expr: once, eval_time: 1m30s, exp_samples: [{labels: 'once{job="a"}', value: 3}]}
  - {expr: up, eval_time: 1m30s, exp_samples: [{labels: 'up{job="a"}', value: 3}]}
)") == "passed");
}

TEST_CASE("query_offset and limit of a group hold in a test") {
  Folder folder;
  folder.files["dir/r.yml"] = R"(groups:
- name: late
  query_offset: 1m
  rules:
  - {record: late, expr: x}
- name: few
  limit: 1
  rules:
  - {record: few, expr: x}
)";
  CHECK(Verdict(folder.Run(R"(rule_files: [r.yml]
tests:
- input_series:
  - {series: 'x', values: 1+1x3}
  promql_expr_test:
  - {expr: late, eval_time: 2m, exp_samples: [{labels: late, value: 2}]}
- name: two
  input_series:
  - {series: 'x{a="1"}', values: 1}
  - {series: 'x{a="2"}', values: 1}
  promql_expr_test:
  - {expr: few, exp_samples: []}
)")) == "two: dir/r.yml:9:5: rule few, at 0s: exceeded limit of 1 with 2 series\n");
}

TEST_CASE("what tests alerts is left out and named") {
  Folder folder;
  folder.files["dir/r.yml"] = R"(groups:
- name: g
  rules:
  - {alert: Down, expr: up == 0}
  - {record: firing, expr: count(ALERTS)}
)";
  CHECK(
      Verdict(folder.Run(R"(rule_files: [r.yml]
tests:
- input_series:
  - {series: up, values: 0x5}
  alert_rule_test:
  - eval_time: 1m
    alertname: Down
    exp_alerts: [{exp_labels: {a: b}}]
  promql_expr_test:
  - {expr: firing + 1, exp_samples: [{value: 5}]}
  - {expr: up, eval_time: 2m, exp_samples: [{labels: up, value: 0}]}
)")) ==
      "skipped: t.yml:6:5: alert_rule_test of Down at 1m: alerting rules are not evaluated\n"
      "skipped: t.yml:10:12: expr \"firing + 1\", at 0s: it reads series of alerting rules, which "
      "are not evaluated\n");
  CHECK(Verdict("tests: [{alert_rule_test: [{eval_time: 1m}]}]") ==
        "unnamed#0: t.yml:1:28: an item under alert_rule_test misses required attribute alertname\n"
        "skipped: t.yml:1:28: alert_rule_test of  at 1m: alerting rules are not evaluated\n");
}

TEST_CASE("what tests native histograms is left out and named") {
  Folder folder;
  folder.files["dir/r.yml"] = "groups: [{name: g, rules: [{record: n, expr: count(h)}]}]";
  CHECK(Verdict(folder.Run(R"(rule_files: [r.yml]
tests:
- input_series:
  - {series: h, values: '{{count:1}}x5'}
  - {series: x, values: 1}
  promql_expr_test:
  - {expr: n, exp_samples: [{labels: n, value: 1}]}
  - {expr: x, exp_samples: [{labels: x, histogram: '{{count:1}}'}]}
  - {expr: x, exp_samples: [{labels: x, value: 1}]}
)")) == "skipped: t.yml:7:12: expr \"n\", at 0s: it reads native histograms, which are not stored\n"
        "skipped: t.yml:8:12: expr \"x\", at 0s: native histograms are not supported\n");
}

TEST_CASE("only the tests that are wanted run") {
  RuleTestOptions options;
  options.wanted = [](const std::string& name) { return name == "good"; };
  const auto outcome = Folder().Run(R"(
tests:
- {name: good}
- {name: bad, promql_expr_test: [{expr: nope(}]}
- {}
)",
                                    options);
  REQUIRE(outcome.tests.size() == 1);
  CHECK(outcome.tests[0].name == "good");
  CHECK(outcome.Passed());
}

TEST_CASE("fuzzy_compare lets neighbours pass; NaN equals nothing") {
  const std::string test = R"(
tests:
- promql_expr_test:
  - {expr: vector(3), exp_samples: [{value: 3.0000000000000004}]}
)";
  CHECK(Verdict("fuzzy_compare: true" + test) == "passed");
  CHECK(Verdict(test) ==
        "unnamed#0: t.yml:4:12: expr \"vector(3)\", at 0s\n"
        "        exp: {} 3.0000000000000004\n"
        "        got: {} 3\n");
  CHECK(
      Verdict("tests: [{promql_expr_test: [{expr: vector(NaN), exp_samples: [{value: .nan}]}]}]") ==
      "unnamed#0: t.yml:1:36: expr \"vector(NaN)\", at 0s\n"
      "        exp: {} NaN\n"
      "        got: {} NaN\n");
}

TEST_CASE("a test may start at any time") {
  CHECK(Verdict(R"(
tests:
- start_timestamp: "2024-01-01T00:00:00Z"
  input_series: [{series: x, values: 1 2}]
  promql_expr_test:
  - {expr: time(), eval_time: 1m, exp_samples: [{value: 1704067260}]}
  - {expr: x @ 1704067200, eval_time: 1m, exp_samples: [{labels: x, value: 1}]}
- start_timestamp: 1609459200
  promql_expr_test:
  - {expr: time(), exp_samples: [{value: 1609459200}]}
)") == "passed");
  CHECK(Verdict("tests: [{start_timestamp: noon}]") ==
        "t.yml:1:27: 'start_timestamp': expected seconds since 1970 or a time such as "
        "2026-01-01T00:00:00Z, found "
        "\"noon\"\n");
}

TEST_CASE("what a test gets wrong fails it alone, at its place") {
  CHECK(Verdict(R"(tests:
- input_series:
  - series: 'x{a="1"'
    values: 1
- input_series:
  - series: x
    values: 1 2 oops
- input_series: [{series: '{}', values: 1}, {series: 'x@st', values: 1m}]
- promql_expr_test: [{expr: '1 +'}, {expr: '"text"'}]
- promql_expr_test: [{expr: vector(1), exp_samples: [{labels: 'a b', value: 1}]}]
- name: good
)") == "unnamed#0: t.yml:3:21: unexpected end of input inside braces\n"
       "unnamed#1: t.yml:7:17: unexpected identifier \"oops\" in series values, expected number or "
       "\"stale\"\n"
       "unnamed#2: t.yml:8:27: a series needs a label\n"
       "unnamed#2: t.yml:8:54: start timestamps (@st) are not supported\n"
       "unnamed#3: t.yml:9:29: expr \"1 +\", at 0s: 1:4: parse error: unexpected end of input\n"
       "unnamed#3: t.yml:9:44: expr \"\\\"text\\\"\", at 0s: rule result is not a vector or "
       "scalar\n"
       "unnamed#4: t.yml:10:66: expr \"vector(1)\", at 0s: unexpected identifier \"b\"\n");
}

TEST_CASE("a key that nobody knows fails the file and names the nearest") {
  CHECK(Verdict("rules_files: [r.yml]\ntests: [{}]\n") ==
        "t.yml:1:1: a unit-test file: unknown key 'rules_files', did you mean 'rule_files'?\n");
  CHECK(Verdict("tests: [{input_serie: []}]\n") ==
        "t.yml:1:10: a test: unknown key 'input_serie', did you mean 'input_series'?\n");
}

TEST_CASE("a rule file that is bad or missing fails every test that runs") {
  Folder folder;
  folder.files["dir/bad.yml"] = "groups: [{name: g, rules: [{record: x, expr: 'test +'}]}]";
  CHECK(Verdict(folder.Run("rule_files: [bad.yml]\ntests: [{}]\n")) ==
        "unnamed#0: dir/bad.yml:1:46: group \"g\", rule 1, \"x\": could not parse expression: 1:7: "
        "parse error: unexpected end of input\n");
  CHECK(Verdict(folder.Run("rule_files: [bad.yml]\ntests: []\n")) == "passed");
  const auto missing = folder.Run("rule_files: [none.yml]\ntests: [{}]\n");
  CHECK(missing.Passed());
  CHECK(missing.warnings == std::vector<std::string>{"no file match pattern none.yml"});
}

TEST_CASE("metadata in rule files passes when it is asked for") {
  Folder folder;
  folder.files["dir/r.yml"] =
      "groups: [{name: g, owner: me, rules: [{record: x, expr: 1, since: 2}]}]";
  const std::string_view test = "rule_files: [r.yml]\ntests: [{name: t}]\n";
  RuleTestOptions options;
  CHECK_FALSE(folder.Run(test, options).Passed());
  options.ignore_unknown_fields = true;
  CHECK(folder.Run(test, options).Passed());
}

TEST_CASE("a test is bounded in evaluations and samples") {
  RuleTestOptions options;
  options.max_evaluations = 3;
  CHECK(Verdict("tests: [{promql_expr_test: [{expr: vector(1), eval_time: 2m, exp_samples: "
                "[{value: 1}]}]}]",
                options) == "passed");
  CHECK(Verdict("tests: [{promql_expr_test: [{expr: vector(1), eval_time: 3m}]}]", options) ==
        "unnamed#0: t.yml:1:9: the groups would be evaluated 4 times, expected at most 3\n");
  options.max_samples = 2;
  CHECK(Verdict("tests: [{input_series: [{series: x, values: 1x9}], promql_expr_test: [{expr: "
                "'x[2m]', eval_time: 2m}]}]",
                options) ==
        "unnamed#0: t.yml:1:78: expr \"x[2m]\", at 2m: rule result is not a vector or scalar\n");
}

}  // namespace plimsoll::ruler
