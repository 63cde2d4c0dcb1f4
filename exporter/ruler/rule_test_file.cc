// SPDX-License-Identifier: Apache-2.0
//
// Reading unit-test files. Keys and defaults are those of prometheus/prometheus cmd/promtool
// unittest.go. See ruler/rule_test_file.h.
#include "ruler/rule_test_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "base/format.h"
#include "base/number_text.h"

namespace plimsoll::ruler {

namespace {

using document::MapReader;
using document::YamlNode;
using std::chrono::milliseconds;

// Seconds since the epoch that still are a time; promtool reads what is beyond as another time.
constexpr double kFarthest = 1e11;

class TestFileReader {
 public:
  TestFileReader(const document::YamlDocument& document, document::Errors& errors,
                 const promql::SeriesLimits& limits)
      : document_(document), errors_(errors), limits_(limits) {}

  RuleTestFile Read();

 private:
  RuleTest ReadTest(const YamlNode& node, milliseconds evaluation_interval);
  void ReadStart(MapReader& reader, RuleTest& test);
  void ReadSeries(const YamlNode& node, RuleTest& test);
  ExprTest ReadExprTest(const YamlNode& node);
  void ReadExpected(const YamlNode& node, ExprTest& test);
  void ReadAlertTest(const YamlNode& node, RuleTest& test);
  void ReadStrings(MapReader& reader, std::string_view key);
  base::Error At(base::Error error, const YamlNode* scalar, std::size_t offset,
                 const base::Place& otherwise) const;

  const document::YamlDocument& document_;
  document::Errors& errors_;
  const promql::SeriesLimits& limits_;
};

// Cuts "1:7: parse error: " off a message about a text of one line. Returns: the byte that it
// names.
std::optional<std::size_t> CutPosition(std::string& message) {
  constexpr std::string_view kFirstLine = "1:";
  constexpr std::string_view kAfter = ": parse error: ";
  if (message.compare(0, kFirstLine.size(), kFirstLine) != 0) return std::nullopt;
  std::size_t column = 0;
  const char* const end = message.data() + message.size();
  const auto [at, failure] = std::from_chars(message.data() + kFirstLine.size(), end, column);
  if (failure != std::errc() || column == 0) return std::nullopt;
  if (std::string_view(at, static_cast<std::size_t>(end - at)).substr(0, kAfter.size()) != kAfter) {
    return std::nullopt;
  }
  message.erase(0, static_cast<std::size_t>(at - message.data()) + kAfter.size());
  return column - 1;
}

std::string OnOneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

bool EndsWithStart(std::string_view series) {
  constexpr std::string_view kStart = "@st";
  const std::string_view metric = series.substr(0, series.find(' '));
  return metric.size() >= kStart.size() && metric.substr(metric.size() - kStart.size()) == kStart;
}

}  // namespace

base::Error TestFileReader::At(base::Error error, const YamlNode* scalar, std::size_t offset,
                               const base::Place& otherwise) const {
  error.where = scalar == nullptr ? otherwise : document_.PlaceOf(*scalar, offset);
  return error;
}

RuleTestFile TestFileReader::Read() {
  RuleTestFile file;
  MapReader reader(document_.root(), "a unit-test file", errors_);
  reader.Read("rule_files", file.rule_files);
  reader.Read("evaluation_interval", file.evaluation_interval);
  if (file.evaluation_interval == milliseconds(0)) {
    file.evaluation_interval = std::chrono::minutes(1);
  }
  reader.Read("fuzzy_compare", file.fuzzy_compare);
  reader.Read("group_eval_order", file.group_eval_order);
  std::set<std::string> named;
  for (const std::string& group : file.group_eval_order) {
    if (named.insert(group).second) continue;
    reader.Fail("group_eval_order", "group name repeated in evaluation order: " + group);
  }
  if (const YamlNode* tests = reader.List("tests")) {
    for (const YamlNode* test : tests->items) {
      file.tests.push_back(ReadTest(*test, file.evaluation_interval));
    }
  }
  reader.Finish();
  return file;
}

RuleTest TestFileReader::ReadTest(const YamlNode& node, milliseconds evaluation_interval) {
  RuleTest test;
  test.where = node.where();
  MapReader reader(node, "a test", errors_);
  reader.Read("name", test.name);
  test.interval = milliseconds(0);
  reader.Read("interval", test.interval);
  if (test.interval == milliseconds(0)) test.interval = evaluation_interval;
  ReadStart(reader, test);
  if (const YamlNode* list = reader.List("input_series")) {
    for (const YamlNode* series : list->items) ReadSeries(*series, test);
  }
  if (const YamlNode* list = reader.List("promql_expr_test")) {
    for (const YamlNode* expr : list->items) test.exprs.push_back(ReadExprTest(*expr));
  }
  if (const YamlNode* list = reader.List("alert_rule_test")) {
    for (const YamlNode* alert : list->items) ReadAlertTest(*alert, test);
  }
  // What they fill are the templates of alerts.
  ReadStrings(reader, "external_labels");
  std::string external_url;
  reader.Read("external_url", external_url);
  reader.Finish();
  return test;
}

void TestFileReader::ReadStart(MapReader& reader, RuleTest& test) {
  std::string text;
  if (!reader.Read("start_timestamp", text)) return;
  if (const auto seconds = base::ParseFloat(text, true)) {
    if (std::abs(*seconds) <= kFarthest) {
      test.start = static_cast<model::Time>(std::llround(*seconds * 1000));
      return;
    }
  } else if (const auto time = base::ParseRfc3339(text)) {
    test.start = *time;
    return;
  }
  reader.Fail("start_timestamp", base::format("expected seconds since 1970 or a time such as "
                                              "2026-01-01T00:00:00Z, found {}",
                                              base::GoQuote(text)));
}

void TestFileReader::ReadSeries(const YamlNode& node, RuleTest& test) {
  std::string name;
  std::string values;
  MapReader reader(node, "an input series", errors_);
  reader.Read("series", name);
  reader.Read("values", values);
  reader.Finish();
  if (EndsWithStart(name)) {
    test.errors.push_back(
        base::BadInput("start timestamps (@st) are not supported", reader.where("series")));
    return;
  }
  auto series = promql::ParseSeries(OnOneLine(name) + ' ' + OnOneLine(values), limits_);
  if (!series) {
    // What is wrong with the name alone is said without the values after it.
    auto metric = promql::ParseMetric(OnOneLine(name));
    base::Error error = metric ? std::move(series).error() : std::move(metric).error();
    error.where = node.where();
    if (const auto offset = CutPosition(error.message)) {
      const bool in_name = !metric || *offset <= name.size();
      error = At(std::move(error), node.Find(in_name ? "series" : "values"),
                 in_name ? *offset : *offset - name.size() - 1, node.where());
    }
    test.errors.push_back(std::move(error));
  } else if (series->labels.empty()) {
    test.errors.push_back(base::BadInput("a series needs a label", reader.where("series")));
  } else if (series->histograms) {
    test.histograms.emplace_back(series->labels.MetricName());
  } else {
    test.input.push_back(*std::move(series));
  }
}

ExprTest TestFileReader::ReadExprTest(const YamlNode& node) {
  ExprTest test;
  MapReader reader(node, "an expression test", errors_);
  reader.Read("expr", test.expr);
  test.where = reader.where("expr");
  reader.Read("eval_time", test.at);
  if (const YamlNode* list = reader.List("exp_samples")) {
    for (const YamlNode* sample : list->items) ReadExpected(*sample, test);
  }
  reader.Finish();
  return test;
}

void TestFileReader::ReadExpected(const YamlNode& node, ExprTest& test) {
  TestSample sample;
  std::string labels;
  std::string histogram;
  MapReader reader(node, "an expected sample", errors_);
  reader.Read("labels", labels);
  reader.Read("value", sample.value);
  reader.Read("histogram", histogram);
  reader.Finish();
  if (test.broken) return;
  auto parsed = promql::ParseMetric(labels);
  if (!parsed) {
    base::Error error = std::move(parsed).error();
    const auto offset = CutPosition(error.message);
    test.broken =
        At(std::move(error), node.Find("labels"), offset.value_or(0), reader.where("labels"));
  } else {
    test.histogram = test.histogram || !histogram.empty();
    sample.labels = *std::move(parsed);
    test.expected.push_back(std::move(sample));
  }
}

void TestFileReader::ReadAlertTest(const YamlNode& node, RuleTest& test) {
  AlertTest alert;
  alert.where = node.where();
  MapReader reader(node, "an alert test", errors_);
  reader.Read("eval_time", alert.at);
  reader.Read("alertname", alert.alert);
  if (const YamlNode* list = reader.List("exp_alerts")) {
    for (const YamlNode* expected : list->items) {
      MapReader fields(*expected, "an expected alert", errors_);
      ReadStrings(fields, "exp_labels");
      ReadStrings(fields, "exp_annotations");
      fields.Finish();
    }
  }
  reader.Finish();
  if (alert.alert.empty()) {
    test.errors.push_back(base::BadInput(
        "an item under alert_rule_test misses required attribute alertname", alert.where));
  }
  test.alerts.push_back(std::move(alert));
}

// A mapping of strings of which nothing is kept.
void TestFileReader::ReadStrings(MapReader& reader, std::string_view key) {
  const YamlNode* map = reader.Map(key);
  if (map == nullptr) return;
  for (const auto& [name, value] : map->entries) {
    if (value->kind == YamlNode::Kind::kNull) continue;
    if (auto text = document::YamlString(*value); !text) errors_.Add(std::move(text).error());
  }
}

std::optional<RuleTestFile> ParseRuleTestFile(std::string_view text, const std::string& name,
                                              document::Errors& errors,
                                              const promql::SeriesLimits& limits) {
  const std::size_t before = errors.count();
  auto document = document::ParseYaml(text, name);
  if (!document) {
    errors.Add(std::move(document).error());
    return std::nullopt;
  }
  RuleTestFile file = TestFileReader(*document, errors, limits).Read();
  if (errors.count() != before) return std::nullopt;
  return file;
}

}  // namespace plimsoll::ruler
