// SPDX-License-Identifier: Apache-2.0
//
// What a relabelling rule must have and must not have, action by action.
#include <doctest/doctest.h>

#include "unit/config/loading.h"

using namespace plimsoll;
using namespace plimsoll::config;

namespace {

std::string RuleErrors(std::string_view rule, std::string_view before = "") {
  return test::ErrorsOf("scrape_configs:\n- job_name: j\n" + std::string(before) +
                        "  relabel_configs:\n  - {" + std::string(rule) + "}\n");
}
RelabelRule Rule(std::string_view rule) {
  return test::LoadGood("scrape_configs:\n- job_name: j\n  relabel_configs:\n  - {" +
                        std::string(rule) + "}\n")
      ->scrape_configs.at(0)
      .relabel_configs.at(0);
}

}  // namespace

TEST_CASE("a rule has Prometheus's defaults") {
  const RelabelRule rule = Rule("target_label: a");
  CHECK(rule.action == RelabelRule::Action::kReplace);
  CHECK(rule.separator == ";");
  CHECK(rule.regex->pattern() == "(.*)");
  CHECK(rule.replacement == "$1");
  CHECK(rule.default_regex);
}

TEST_CASE("null is the empty text, as go-yaml has it") {
  const RelabelRule rule = Rule("target_label: a, separator: , replacement: , regex: ");
  CHECK(rule.separator.empty());
  CHECK(rule.replacement.empty());
  CHECK(rule.regex->pattern().empty());
}

TEST_CASE("actions are read in any case") {
  CHECK(Rule("action: KeepEqual, source_labels: [a], target_label: b").action ==
        RelabelRule::Action::kKeepEqual);
  CHECK(RuleErrors("action: nosuch") ==
        "f:4:14: unknown relabel action \"nosuch\", expected one of replace, keep, drop, "
        "keepequal, dropequal, hashmod, "
        "labelmap, labeldrop, labelkeep, lowercase, uppercase");
  CHECK(RuleErrors("action: ") == "f:4:6: relabel action cannot be empty");
}

TEST_CASE("what an action requires") {
  const std::string at = "f:4:5: ";
  for (const std::string action : {"replace", "lowercase", "uppercase", "keepequal", "dropequal"}) {
    CHECK(RuleErrors("action: " + action) ==
          at + "relabel configuration for " + action + " action requires 'target_label' value");
  }
  CHECK(RuleErrors("action: hashmod, target_label: a") ==
        at + "relabel configuration for hashmod requires non-zero modulus");
  CHECK(RuleErrors("action: hashmod, modulus: 8") ==
        at + "relabel configuration for hashmod action requires 'target_label' value");
  for (const std::string action : {"keep", "drop", "labeldrop", "labelkeep", "labelmap"}) {
    CHECK(RuleErrors("action: " + action).empty());
  }
}

TEST_CASE("what an action refuses") {
  const std::string at = "f:4:5: ";
  for (const std::string action : {"keepequal", "dropequal"}) {
    const std::string only =
        at + action +
        " action requires only 'source_labels' and `target_label`, and no other fields";
    for (const std::string field : {"regex: '(.*)'", "modulus: 1", "separator: ','"}) {
      CHECK(RuleErrors("action: " + action + ", target_label: a, " + field) == only);
    }
  }
  for (const std::string action : {"labeldrop", "labelkeep"}) {
    const std::string only = at + action + " action requires only 'regex', and no other fields";
    for (const std::string field : {"source_labels: [a]", "source_labels: []", "modulus: 1",
                                    "separator: ','", "replacement: x", "target_label: x"}) {
      CHECK(RuleErrors("action: " + action + ", " + field) == only);
    }
  }
  for (const std::string action : {"lowercase", "uppercase", "keepequal", "dropequal"}) {
    CHECK(RuleErrors("action: " + action + ", target_label: a, replacement: x") ==
          at + "'replacement' can not be set for " + action + " action");
  }
}

TEST_CASE("label names are valid under the scheme of the job") {
  const std::string legacy = "  metric_name_validation_scheme: legacy\n";
  const std::string at = "f:5:5: ";
  CHECK(RuleErrors("target_label: 'a.b'").empty());
  CHECK(RuleErrors("target_label: 'a.b'", legacy) ==
        at + "\"a.b\" is invalid 'target_label' for replace action");
  CHECK(RuleErrors("target_label: 'a${1}_$2'", legacy).empty());
  CHECK(RuleErrors("target_label: '0${1}'", legacy) ==
        at + "\"0${1}\" is invalid 'target_label' for replace action");
  CHECK(RuleErrors("action: labelmap, replacement: '-'", legacy) ==
        at + "\"-\" is invalid 'replacement' for labelmap action");
  CHECK(RuleErrors("action: labelmap, replacement: ''") ==
        "f:4:5: \"\" is invalid 'replacement' for labelmap action");
  CHECK(RuleErrors("action: hashmod, modulus: 1, target_label: 'a$1'", legacy) ==
        at + "\"a$1\" is invalid 'target_label' for hashmod action");
  CHECK(RuleErrors("action: lowercase, target_label: 'a$1'", legacy) ==
        at + "\"a$1\" is invalid 'target_label' for lowercase action");
  CHECK(RuleErrors("source_labels: [''], target_label: a") ==
        "f:4:21: \"\" is not a valid label name");
}

TEST_CASE("a bad expression is named at its place") {
  CHECK(RuleErrors("regex: 'a(b', target_label: a") ==
        "f:4:13: error parsing regexp: missing closing ): `a(b`");
}

TEST_CASE("an empty rule is an error that says which list") {
  CHECK(test::ErrorsOf("scrape_configs:\n- {job_name: j, relabel_configs: [~], "
                       "metric_relabel_configs: [~]}\n") ==
        "f:2:35: empty or null target relabeling rule in scrape config\n"
        "f:2:64: empty or null metric relabeling rule in scrape config");
}
