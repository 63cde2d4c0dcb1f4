// SPDX-License-Identifier: Apache-2.0
#include "discovery/relabel.h"

#include <doctest/doctest.h>

#include "unit/discovery/rules.h"

using namespace plimsoll;
using model::Labels;

namespace {

// The labels after the rules, or "dropped".
std::string After(const Labels& labels, std::string_view rules) {
  const auto result = discovery::Relabel(test::RulesOf(rules), labels);
  return result ? result->ToString() : "dropped";
}

const Labels kAbc{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}};

}  // namespace

TEST_CASE("replace sets, overwrites and deletes") {
  CHECK(After(kAbc,
              "{source_labels: [a], regex: 'f(.*)', target_label: d, replacement: 'x-${1}-$1'}") ==
        R"({a="foo", b="bar", c="baz", d="x-oo-oo"})");
  CHECK(
      After(kAbc,
            "{source_labels: [a, b], regex: '(.*);(.*)', target_label: a, replacement: '$2$1'}") ==
      R"({a="barfoo", b="bar", c="baz"})");
  CHECK(After(kAbc, "{source_labels: [a, b], separator: '/', target_label: a}") ==
        R"({a="foo/bar", b="bar", c="baz"})");
  CHECK(After(kAbc, "{source_labels: [a], regex: nomatch, target_label: b}") == kAbc.ToString());
  CHECK(After(kAbc, "{target_label: b, replacement: ''}") == R"({a="foo", c="baz"})");
  CHECK(After(kAbc, "{source_labels: [none], regex: '(.+)', target_label: b, replacement: ''}") ==
        kAbc.ToString());
  CHECK(After(kAbc, "{source_labels: [none], target_label: b, replacement: fixed}") ==
        R"({a="foo", b="fixed", c="baz"})");
  CHECK(After(kAbc, "{source_labels: [none], target_label: b}") == R"({a="foo", c="baz"})");
}

TEST_CASE("the target label of replace may come out of the expression, and must be a name") {
  CHECK(
      After(kAbc,
            "{source_labels: [a, b], regex: '(.*);(.*)', target_label: '$1', replacement: '$2'}") ==
      R"({a="foo", b="bar", c="baz", foo="bar"})");
  CHECK(After(kAbc, "{source_labels: [a], regex: 'f(x)?oo', target_label: '$1', replacement: z}") ==
        kAbc.ToString());
  const auto legacy =
      test::ScrapeOf(
          "  metric_name_validation_scheme: legacy\n"
          "  relabel_configs: [{source_labels: [a], target_label: 'x${1}', replacement: z}]\n")
          .relabel_configs;
  CHECK(discovery::Relabel(legacy, Labels{{"a", "1"}})->ToString() == R"({a="1", x1="z"})");
  CHECK(discovery::Relabel(legacy, Labels{{"a", "-"}})->ToString() == R"({a="-"})");
}

TEST_CASE("expressions are anchored, and a dot matches a newline") {
  CHECK(After(kAbc, "{action: keep, source_labels: [a], regex: fo}") == "dropped");
  CHECK(After(kAbc, "{action: keep, source_labels: [a], regex: 'fo|foo'}") == kAbc.ToString());
  CHECK(After(Labels{{"a", "x\ny"}}, "{action: keep, source_labels: [a], regex: 'x.y'}") ==
        "{a=\"x\\ny\"}");
}

TEST_CASE("keep and drop decide; what is dropped sees no further rule") {
  CHECK(After(kAbc, "{action: drop, source_labels: [a], regex: '.*o.*'}") == "dropped");
  CHECK(After(kAbc, "{action: drop, source_labels: [a], regex: x}") == kAbc.ToString());
  CHECK(After(kAbc,
              "{action: keep, source_labels: [a], regex: x}, {target_label: d, replacement: e}") ==
        "dropped");
  CHECK(After(kAbc, "{action: keep, source_labels: [none], regex: ''}") == kAbc.ToString());
}

TEST_CASE("keepequal and dropequal compare with another label") {
  const Labels same{{"__tmp_port", "80"}, {"port", "80"}};
  const Labels other{{"__tmp_port", "81"}, {"port", "80"}};
  CHECK(After(same, "{action: keepequal, source_labels: [port], target_label: __tmp_port}") ==
        same.ToString());
  CHECK(After(other, "{action: keepequal, source_labels: [port], target_label: __tmp_port}") ==
        "dropped");
  CHECK(After(same, "{action: dropequal, source_labels: [port], target_label: __tmp_port}") ==
        "dropped");
  CHECK(After(other, "{action: dropequal, source_labels: [port], target_label: __tmp_port}") ==
        other.ToString());
  CHECK(After(kAbc, "{action: dropequal, source_labels: [none], target_label: none}") == "dropped");
}

TEST_CASE("hashmod is MD5, so that every Prometheus shards alike") {
  CHECK(After(Labels{{"c", "baz"}},
              "{action: hashmod, source_labels: [c], target_label: d, modulus: 1000}") ==
        R"({c="baz", d="976"})");
  CHECK(After(Labels{}, "{action: hashmod, source_labels: [c], target_label: d, modulus: 1}") ==
        R"({d="0"})");
}

TEST_CASE("labelmap copies, labeldrop and labelkeep choose names") {
  const Labels meta{{"__meta_a", "1"}, {"__meta_b", "2"}, {"x", "3"}};
  CHECK(After(meta, "{action: labelmap, regex: '__meta_(.+)'}") ==
        R"({__meta_a="1", __meta_b="2", a="1", b="2", x="3"})");
  CHECK(After(meta, "{action: labelmap, regex: '__meta_(a|x)', replacement: 'new_$1'}") ==
        R"({__meta_a="1", __meta_b="2", new_a="1", x="3"})");
  CHECK(After(meta, "{action: labelmap, regex: '(__meta_a|x)', replacement: y}") ==
        R"({__meta_a="1", __meta_b="2", x="3", y="3"})");
  CHECK(After(meta, "{action: labeldrop, regex: '__meta_.*'}") == R"({x="3"})");
  CHECK(After(meta, "{action: labelkeep, regex: '__meta_.*'}") ==
        R"({__meta_a="1", __meta_b="2"})");
  CHECK(After(meta, "{action: labeldrop}") == "{}");
}

TEST_CASE("lowercase and uppercase know more than ASCII") {
  const Labels labels{{"a",
                       "B\xC3\x84\xC3\x9F\xD0\x96\xE2\x82\xAC"
                       "z"}};  // BÄßЖ€z
  CHECK(discovery::Relabel(
            test::RulesOf("{action: lowercase, source_labels: [a], target_label: b}"), labels)
            ->Get("b") == "b\xC3\xA4\xC3\x9F\xD0\xB6\xE2\x82\xACz");
  CHECK(discovery::Relabel(
            test::RulesOf("{action: uppercase, source_labels: [a], target_label: b}"), labels)
            ->Get("b") == "B\xC3\x84\xC3\x9F\xD0\x96\xE2\x82\xACZ");
  // U+1E9E and U+10400 have more and fewer bytes than their other case.
  CHECK(
      discovery::Relabel(test::RulesOf("{action: lowercase, source_labels: [a], target_label: a}"),
                         Labels{{"a", "\xE1\xBA\x9E\xF0\x90\x90\x80"}})
          ->Get("a") == "\xC3\x9F\xF0\x90\x90\xA8");
}
