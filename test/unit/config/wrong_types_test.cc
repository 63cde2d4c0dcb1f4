// SPDX-License-Identifier: Apache-2.0
//
// Every key of the file with a value of every wrong type: the error names the key and the place of
// the value.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "unit/config/loading.h"

using namespace plimsoll;
using plimsoll::test::ErrorsOf;

namespace {

enum class Type { kText, kWord, kBool, kCount, kNumber, kDuration, kSize, kTexts, kList, kMap };

std::vector<std::string> WrongValues(Type type) {
  switch (type) {
    case Type::kText:
      return {"[a]", "{a: b}"};
    case Type::kWord:
      return {"[a]", "{a: b}", "nosuchword", "1"};
    case Type::kBool:
      return {"[a]", "{a: b}", "maybe", "1", "'true'"};
    case Type::kCount:
      return {"[a]", "{a: b}", "many", "1.5", "-1", "'1'", "true"};
    case Type::kNumber:
      return {"[a]", "{a: b}", "many", "'1'", "true"};
    case Type::kDuration:
      return {"[a]", "{a: b}", "soon", "15", "-1s", "true"};
    case Type::kSize:
      return {"[a]", "{a: b}", "much", "15", "-1MB", "true"};
    case Type::kTexts:
      return {"a", "1", "{a: b}", "[[a]]", "[{a: b}]"};
    case Type::kList:
      return {"a", "1", "{a: b}"};
    case Type::kMap:
      return {"a", "1", "[a]"};
  }
  return {};
}

struct Key {
  const char* name;
  Type type;
};
struct Section {
  const char* before;  // the text in front of "KEY: VALUE"
  std::vector<Key> keys;
};

const std::vector<Section>& Sections() {
  static const std::vector<Section> sections = {
      {"",
       {{"global", Type::kMap},
        {"rule_files", Type::kTexts},
        {"scrape_config_files", Type::kTexts},
        {"scrape_configs", Type::kList},
        {"params", Type::kMap},
        {"signals", Type::kList},
        {"external_metrics", Type::kList},
        {"tick", Type::kMap},
        {"storage", Type::kMap},
        {"limits", Type::kMap}}},
      {"global:\n  ",
       {{"scrape_interval", Type::kDuration},
        {"scrape_timeout", Type::kDuration},
        {"scrape_protocols", Type::kTexts},
        {"evaluation_interval", Type::kDuration},
        {"rule_query_offset", Type::kDuration},
        {"external_labels", Type::kMap},
        {"body_size_limit", Type::kSize},
        {"sample_limit", Type::kCount},
        {"target_limit", Type::kCount},
        {"label_limit", Type::kCount},
        {"label_name_length_limit", Type::kCount},
        {"label_value_length_limit", Type::kCount},
        {"keep_dropped_targets", Type::kCount},
        {"scrape_native_histograms", Type::kBool},
        {"convert_classic_histograms_to_nhcb", Type::kBool},
        {"always_scrape_classic_histograms", Type::kBool},
        {"extra_scrape_metrics", Type::kBool}}},
      {"global:\n  external_labels:\n    ", {{"a", Type::kText}}},
      {"scrape_configs:\n- ", {{"job_name", Type::kText}}},
      {"scrape_configs:\n- job_name: j\n  ",
       {{"collector", Type::kWord},
        {"scrape_interval", Type::kDuration},
        {"scrape_timeout", Type::kDuration},
        {"metrics_path", Type::kText},
        {"scheme", Type::kWord},
        {"params", Type::kMap},
        {"scrape_protocols", Type::kTexts},
        {"fallback_scrape_protocol", Type::kText},
        {"honor_labels", Type::kBool},
        {"honor_timestamps", Type::kBool},
        {"track_timestamps_staleness", Type::kBool},
        {"enable_compression", Type::kBool},
        {"extra_scrape_metrics", Type::kBool},
        {"scrape_native_histograms", Type::kBool},
        {"convert_classic_histograms_to_nhcb", Type::kBool},
        {"always_scrape_classic_histograms", Type::kBool},
        {"native_histogram_bucket_limit", Type::kCount},
        {"native_histogram_min_bucket_factor", Type::kNumber},
        {"body_size_limit", Type::kSize},
        {"sample_limit", Type::kCount},
        {"target_limit", Type::kCount},
        {"label_limit", Type::kCount},
        {"label_name_length_limit", Type::kCount},
        {"label_value_length_limit", Type::kCount},
        {"keep_dropped_targets", Type::kCount},
        {"basic_auth", Type::kMap},
        {"authorization", Type::kMap},
        {"bearer_token", Type::kText},
        {"bearer_token_file", Type::kText},
        {"tls_config", Type::kMap},
        {"http_headers", Type::kMap},
        {"follow_redirects", Type::kBool},
        {"enable_http2", Type::kBool},
        {"relabel_configs", Type::kList},
        {"metric_relabel_configs", Type::kList},
        {"static_configs", Type::kList},
        {"file_sd_configs", Type::kList}}},
      {"scrape_configs:\n- job_name: j\n  params:\n    ", {{"a", Type::kTexts}}},
      {"scrape_configs:\n- job_name: j\n  basic_auth:\n    ",
       {{"username", Type::kText},
        {"username_file", Type::kText},
        {"password", Type::kText},
        {"password_file", Type::kText}}},
      {"scrape_configs:\n- job_name: j\n  authorization:\n    ",
       {{"type", Type::kText}, {"credentials", Type::kText}, {"credentials_file", Type::kText}}},
      {"scrape_configs:\n- job_name: j\n  tls_config:\n    ",
       {{"ca", Type::kText},
        {"ca_file", Type::kText},
        {"cert", Type::kText},
        {"cert_file", Type::kText},
        {"key", Type::kText},
        {"key_file", Type::kText},
        {"server_name", Type::kText},
        {"insecure_skip_verify", Type::kBool},
        {"min_version", Type::kWord},
        {"max_version", Type::kWord}}},
      {"scrape_configs:\n- job_name: j\n  http_headers:\n    X-A:\n      ",
       {{"values", Type::kTexts}, {"secrets", Type::kTexts}, {"files", Type::kTexts}}},
      {"scrape_configs:\n- job_name: j\n  relabel_configs:\n  - ",
       {{"action", Type::kText},
        {"source_labels", Type::kTexts},
        {"separator", Type::kText},
        {"regex", Type::kText},
        {"modulus", Type::kCount},
        {"target_label", Type::kText},
        {"replacement", Type::kText}}},
      {"scrape_configs:\n- job_name: j\n  static_configs:\n  - ",
       {{"targets", Type::kTexts}, {"labels", Type::kMap}}},
      {"scrape_configs:\n- job_name: j\n  static_configs:\n  - labels:\n      ",
       {{"a", Type::kText}}},
      {"scrape_configs:\n- job_name: j\n  file_sd_configs:\n  - ", {{"files", Type::kTexts}}},
      {"scrape_configs:\n- job_name: j\n  file_sd_configs:\n  - files: [a.json]\n    ",
       {{"refresh_interval", Type::kDuration}}},
      {"params:\n  ", {{"a", Type::kNumber}}},
      {"signals:\n- ", {{"name", Type::kText}}},
      {"signals:\n- name: a\n  ",
       {{"help", Type::kText}, {"unit", Type::kText}, {"type", Type::kWord}}},
      {"external_metrics:\n- query: a\n  ", {{"name", Type::kText}}},
      {"external_metrics:\n- name: a\n  ", {{"query", Type::kText}}},
      {"external_metrics:\n- name: a\n  query: a\n  ",
       {{"type", Type::kWord},
        {"namespaces", Type::kTexts},
        {"max_age", Type::kDuration},
        {"several", Type::kWord},
        {"valid", Type::kMap},
        {"clamp", Type::kMap},
        {"round", Type::kWord}}},
      {"external_metrics:\n- name: a\n  query: a\n  when_stale:\n    ",
       {{"hold", Type::kDuration}}},
      {"external_metrics:\n- name: a\n  query: a\n  when_stale:\n    then:\n      ",
       {{"exactly", Type::kNumber}}},
      {"external_metrics:\n- name: a\n  query: a\n  valid:\n    ",
       {{"min", Type::kNumber}, {"max", Type::kNumber}}},
      {"external_metrics:\n- name: a\n  query: a\n  clamp:\n    ",
       {{"min", Type::kNumber}, {"max", Type::kNumber}}},
      {"tick:\n  ", {{"deadline", Type::kDuration}}},
      {"storage:\n  ", {{"max_window", Type::kDuration}}},
      {"limits:\n  ", {{"max_series", Type::kCount}, {"max_bytes", Type::kSize}}},
  };
  return sections;
}

}  // namespace

TEST_CASE("every key refuses every wrong type, at the place of the value") {
  int cases = 0;
  for (const Section& section : Sections()) {
    for (const Key& key : section.keys) {
      for (const std::string& value : WrongValues(key.type)) {
        const std::string head = std::string(section.before) + key.name + ": ";
        const int line = 1 + static_cast<int>(std::count(head.begin(), head.end(), '\n'));
        int column = static_cast<int>(head.size() - (head.rfind('\n') + 1)) + 1;
        if (value == "[[a]]" || value == "[{a: b}]") ++column;  // the item is wrong, not the list
        // An empty file before the first line would have no newline; head always has a column.
        const std::string expected =
            "f:" + std::to_string(line) + ":" + std::to_string(column) + ": '" + key.name + "': ";
        const std::string text = head + value + "\n";
        const std::string errors = ErrorsOf(text);
        CHECK_MESSAGE(("\n" + errors).find("\n" + expected) != std::string::npos, text, "expected ",
                      expected, "\nfound    ", errors);
        ++cases;
      }
    }
  }
  CHECK(cases > 400);
}

TEST_CASE("every key left empty loads, or says what is missing") {
  for (const Section& section : Sections()) {
    for (const Key& key : section.keys) {
      const std::string text = std::string(section.before) + key.name + ":\n";
      const std::string errors = ErrorsOf(text);
      const bool fine = errors.empty() || errors.find("empty") != std::string::npos ||
                        errors.find("need") != std::string::npos ||
                        errors.find("must") != std::string::npos ||
                        errors.find("requires") != std::string::npos ||
                        errors.find("nothing") != std::string::npos ||
                        errors.find("expected a metric name") != std::string::npos ||
                        errors.find("expected a number, or {exactly") != std::string::npos;
      CHECK_MESSAGE(fine, text, errors);
    }
  }
}

TEST_CASE("a config with every wrong type reports all that is wrong, in one go") {
  CHECK(ErrorsOf("global: []\n"
                 "rule_files: x\n"
                 "scrape_configs:\n"
                 "- []\n"
                 "- job_name: [1]\n"
                 "  honor_labels: 1\n"
                 "  static_configs: {}\n"
                 "  scrape_intervall: 1s\n"
                 "params: {a: x}\n"
                 "signals: 1\n"
                 "external_metrics:\n"
                 "- name: Upper\n"
                 "  query: 1\n"
                 "  max_age: 1\n"
                 "remote_write: []\n") ==
        "f:15:1: section 'remote_write' is not supported by plimsoll: let a Prometheus that "
        "scrapes it forward the samples\n"
        "f:1:9: 'global': expected a mapping, found a list\n"
        "f:2:13: 'rule_files': expected a list, found the text \"x\"\n"
        "f:4:3: scrape_configs: expected a mapping, found a list\n"
        "f:4:3: job_name is empty\n"
        "f:5:13: 'job_name': expected a text, found a list\n"
        "f:5:13: job_name is empty\n"
        "f:6:17: 'honor_labels': expected true or false, found the number 1\n"
        "f:7:19: 'static_configs': expected a list, found a mapping\n"
        "f:8:3: scrape_configs: unknown key 'scrape_intervall', did you mean 'scrape_interval'?\n"
        "f:9:13: 'a': expected a number, found the text \"x\"\n"
        "f:10:10: 'signals': expected a list, found the number 1\n"
        "f:12:9: 'name': \"Upper\" has an upper-case letter, and Kubernetes asks in lower case\n"
        "f:14:12: 'max_age': not a valid duration string: \"1\"");
}
