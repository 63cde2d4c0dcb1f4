// SPDX-License-Identifier: Apache-2.0
//
// Reading rule files. The checks and their order are those of prometheus/prometheus model/rulefmt.
#include "ruler/rule_file.h"

#include <algorithm>
#include <set>

#include "base/format.h"
#include "base/number_text.h"
#include "model/labels.h"
#include "promql/print.h"

namespace plimsoll::ruler {

namespace {

using document::MapReader;
using document::YamlNode;
using std::chrono::milliseconds;

// Whether a line that separates documents stands after the first one has begun.
bool HasSecondDocument(std::string_view text) {
  bool begun = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const bool separator = line == "---" || line.substr(0, 4) == "--- ";
    if (separator && begun) return true;
    const std::size_t first = line.find_first_not_of(" \t");
    const bool blank = first == std::string_view::npos || line[first] == '#' || line[0] == '%';
    if (separator || !blank) begun = begun || !separator;
  }
  return false;
}

class FileReader {
 public:
  FileReader(const std::string& name, const RuleOptions& options, document::Errors& errors)
      : options_(options), errors_(errors) {
    file_.name = name;
  }

  void Read(std::string_view text);
  RuleFile& file() { return file_; }

 private:
  void ReadGroup(const YamlNode& node);
  // Reports what is wrong with one rule; `rule` is kept by the caller if it records.
  struct Fields;
  void ReadRule(const YamlNode& node, Group& group, int number);
  void Finish(MapReader& reader) const {
    if (!options_.ignore_unknown_fields) reader.Finish();
  }
  std::shared_ptr<const promql::Expr> ReadExpression(const Fields& fields);
  void CheckRecording(const Fields& fields);
  void ReadLabels(MapReader& reader, std::string_view key, std::string_view kind,
                  const std::string& prefix, RuleLabels& out);

  RuleFile file_;
  std::vector<std::string> alerts_;
  const RuleOptions& options_;
  document::Errors& errors_;
};

// One rule as written, before it is known what it is.
struct FileReader::Fields {
  std::string record;
  std::string alert;
  std::string expr;
  milliseconds hold{0};
  milliseconds keep_firing{0};
  RuleLabels labels;
  RuleLabels annotations;
  std::string prefix;  // `group "x", rule 1, "y": `
  base::Place rule_at;
  base::Place record_at;
  base::Place expr_at;
};

void FileReader::Read(std::string_view text) {
  auto document = document::ParseYaml(text, file_.name);
  if (!document) return errors_.Add(std::move(document).error());
  const YamlNode& root = document->root();
  if (root.kind == YamlNode::Kind::kNull) {
    return errors_.Add("the file is empty, expected a list of groups under 'groups'", {file_.name});
  }
  MapReader reader(root, "a rule file", errors_);
  if (const YamlNode* groups = reader.List("groups")) {
    for (const YamlNode* group : groups->items) {
      if (group->kind != YamlNode::Kind::kNull) ReadGroup(*group);
    }
  }
  Finish(reader);
  if (HasSecondDocument(text)) {
    file_.warnings.push_back(
        file_.name +
        ": multiple document yaml rules files are not supported, only the first "
        "document is processed");
  }
  if (alerts_.empty()) return;
  std::string names;
  for (const std::string& alert : alerts_) names += (names.empty() ? "" : ", ") + alert;
  file_.warnings.push_back(
      base::format("{}: {} alerting rule{} skipped, because plimsoll only records: {}", file_.name,
                   alerts_.size(), alerts_.size() == 1 ? " is" : "s are", names));
}

void FileReader::ReadGroup(const YamlNode& node) {
  Group group;
  group.where = node.where();
  MapReader reader(node, "a rule group", errors_);
  reader.Read("name", group.name);
  if (group.name.empty() && node.kind != YamlNode::Kind::kScalar) {
    errors_.Add("Groupname must not be empty", group.where);
  }
  const auto same_name = [&](const Group& other) { return other.name == group.name; };
  if (std::any_of(file_.groups.begin(), file_.groups.end(), same_name)) {
    errors_.Add(base::format("groupname: \"{}\" is repeated in the same file", group.name),
                group.where);
  }
  reader.Read("interval", group.interval);
  if (group.interval == milliseconds(0)) group.interval.reset();  // as if it were not there
  reader.Read("query_offset", group.query_offset);
  reader.Read("limit", group.limit);
  const std::string prefix = base::format("group {}: ", base::GoQuote(group.name));
  ReadLabels(reader, "labels", "label", prefix, group.labels);
  if (group.query_offset && !group.interval && !options_.evaluation_interval) {
    errors_.Add(
        prefix +
            "query_offset needs an interval in the group or global.evaluation_interval, because "
            "without either the group is evaluated at the time of the scrape",
        reader.where("query_offset"));
  }
  if (const YamlNode* rules = reader.List("rules")) {
    int number = 0;
    for (const YamlNode* rule : rules->items) {
      if (rule->kind != YamlNode::Kind::kNull) ReadRule(*rule, group, ++number);
    }
  }
  Finish(reader);
  file_.groups.push_back(std::move(group));
}

void FileReader::ReadLabels(MapReader& reader, std::string_view key, std::string_view kind,
                            const std::string& prefix, RuleLabels& out) {
  const YamlNode* map = reader.Map(key);
  if (map == nullptr) return;
  for (const auto& [name, value] : map->entries) {
    const bool reserved = kind == "label" && name->text == model::kMetricName;
    if (name->text.empty() || reserved) {
      errors_.Add(base::format("{}invalid {} name: {}", prefix, kind, name->text), name->where());
      continue;
    }
    if (value->kind == YamlNode::Kind::kNull) {
      out.emplace_back(name->text, "");
    } else if (auto text = document::YamlString(*value)) {
      out.emplace_back(name->text, *std::move(text));
    } else {
      errors_.Add(std::move(text).error());
    }
  }
  std::sort(out.begin(), out.end());
}

void FileReader::ReadRule(const YamlNode& node, Group& group, int number) {
  Fields fields;
  MapReader reader(node, "a rule", errors_);
  reader.Read("record", fields.record);
  reader.Read("alert", fields.alert);
  reader.Read("expr", fields.expr);
  reader.Read("for", fields.hold);
  reader.Read("keep_firing_for", fields.keep_firing);
  const std::string& name = fields.alert.empty() ? fields.record : fields.alert;
  fields.prefix = base::format("group {}, rule {}, {}: ", base::GoQuote(group.name), number,
                               base::GoQuote(name));
  fields.rule_at = node.where();
  fields.record_at = fields.record.empty() ? fields.rule_at : reader.where("record");
  fields.expr_at = fields.expr.empty() ? fields.rule_at : reader.where("expr");
  const auto fail = [&](const std::string& message, const base::Place& where) {
    errors_.Add(fields.prefix + message, where);
  };
  const std::size_t before = errors_.count();
  if (!fields.record.empty() && !fields.alert.empty()) {
    fail("only one of 'record' and 'alert' must be set", fields.record_at);
  }
  if (name.empty()) fail("one of 'record' or 'alert' must be set", fields.rule_at);
  auto expr = ReadExpression(fields);
  ReadLabels(reader, "labels", "label", fields.prefix, fields.labels);
  ReadLabels(reader, "annotations", "annotation", fields.prefix, fields.annotations);
  if (!fields.record.empty()) CheckRecording(fields);
  Finish(reader);
  if (errors_.count() != before) return;
  if (!fields.alert.empty()) {
    alerts_.push_back(fields.alert);
    group.alerts.push_back({fields.alert, std::move(expr), fields.hold, fields.keep_firing,
                            std::move(fields.labels), std::move(fields.annotations), number,
                            fields.rule_at});
    return;
  }
  group.rules.push_back({fields.record, fields.expr, std::move(expr), std::move(fields.labels),
                         number, fields.rule_at});
}

std::shared_ptr<const promql::Expr> FileReader::ReadExpression(const Fields& fields) {
  if (fields.expr.empty()) {
    errors_.Add(fields.prefix + "field 'expr' must be set in rule", fields.rule_at);
    return nullptr;
  }
  auto expr = promql::Parse(fields.expr, options_.promql);
  if (expr) return *std::move(expr);
  errors_.Add(fields.prefix + "could not parse expression: " + expr.error().message,
              fields.expr_at);
  return nullptr;
}

// What only an alert may have, and what a recorded name may not be.
void FileReader::CheckRecording(const Fields& fields) {
  const auto fail = [&](const std::string& message) {
    errors_.Add(fields.prefix + message, fields.record_at);
  };
  if (!fields.annotations.empty()) fail("invalid field 'annotations' in recording rule");
  if (fields.hold != milliseconds(0)) fail("invalid field 'for' in recording rule");
  if (fields.keep_firing != milliseconds(0))
    fail("invalid field 'keep_firing_for' in recording rule");
  if (!base::IsValidUtf8(fields.record)) fail("invalid recording rule name: " + fields.record);
  if (fields.record.find_first_of("{}") != std::string::npos) {
    fail("braces present in the recording rule name; should it be in expr?: " + fields.record);
  }
}

}  // namespace

std::optional<RuleFile> ParseRuleFile(std::string_view text, const std::string& name,
                                      const RuleOptions& options, document::Errors& errors) {
  const std::size_t before = errors.count();
  FileReader reader(name, options, errors);
  reader.Read(text);
  if (errors.count() != before) return std::nullopt;
  return std::move(reader.file());
}

std::optional<RuleSet> LoadRules(const std::vector<config::RuleFile>& files,
                                 const RuleOptions& options, document::Errors& errors) {
  RuleSet set;
  bool good = true;
  for (const config::RuleFile& file : files) {
    auto parsed = ParseRuleFile(file.text, file.name, options, errors);
    good = good && parsed.has_value();
    if (parsed) set.push_back(*std::move(parsed));
  }
  if (!good) return std::nullopt;
  return set;
}

base::Result<RuleSet> LoadRules(const std::vector<config::RuleFile>& files,
                                const RuleOptions& options) {
  document::Errors errors;
  auto set = LoadRules(files, options, errors);
  if (set) return *std::move(set);
  base::Error error = errors.list().front();
  for (std::size_t i = 1; i < errors.list().size(); ++i)
    error.message += '\n' + errors.list()[i].ToString();
  return error;
}

RuleLabels MergedLabels(const Group& group, const RuleLabels& own) {
  RuleLabels merged = own;
  for (const auto& label : group.labels) {
    const bool overridden = std::any_of(
        own.begin(), own.end(), [&](const auto& other) { return other.first == label.first; });
    if (!overridden) merged.push_back(label);
  }
  std::sort(merged.begin(), merged.end());
  return merged;
}

std::string NameOf(const Group& group, const Rule& rule) {
  return base::format("group {}, rule {}, {}", base::GoQuote(group.name), rule.number,
                      base::GoQuote(rule.record));
}

}  // namespace plimsoll::ruler
