// SPDX-License-Identifier: Apache-2.0
//
// Relabelling rules, with Prometheus's checks in its order and its words (model/relabel).
//
// Null matters here: `replacement:` with nothing behind it is the empty text, not the default.
#include "base/format.h"
#include "base/number_text.h"
#include "config/detail/reading.h"
#include "model/regex.h"

namespace plimsoll::config::detail {

using document::MapReader;
using document::YamlNode;

namespace {

const std::shared_ptr<const model::Regex>& DefaultRegex() {
  static const auto regex = std::make_shared<const model::Regex>(*model::Regex::Compile("(.*)"));
  return regex;
}

bool HasVariable(std::string_view text) { return text.find('$') != std::string_view::npos; }

// As IsValidLabelName for a text in which $1 and ${name} will be replaced.
bool IsValidTemplate(std::string_view text, NameScheme names) {
  if (names == NameScheme::kUtf8) return IsValidLabelName(text, names);
  static const model::Regex legacy =
      *model::Regex::Compile(R"((?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+)");
  return legacy.Matches(text);
}

// Which optional fields were written, for the actions that allow only some.
struct Written {
  bool source_labels = false;
  bool regex = false;
};

// Returns: what Prometheus says about the rule; "" when it is good.
std::string Check(const RelabelRule& rule, const Written& written) {
  const Action action = rule.action;
  const std::string_view name = WordOf(kActions, action);
  const bool copies = action == Action::kLowercase || action == Action::kUppercase ||
                      action == Action::kKeepEqual || action == Action::kDropEqual;
  const bool sets = copies || action == Action::kReplace || action == Action::kHashMod;
  const auto bad_target = [&] {
    return fmt::format("{} is invalid 'target_label' for {} action",
                       base::GoQuote(rule.target_label), name);
  };
  if (action == Action::kHashMod && rule.modulus == 0) {
    return "relabel configuration for hashmod requires non-zero modulus";
  }
  if (sets && rule.target_label.empty()) {
    return fmt::format("relabel configuration for {} action requires 'target_label' value", name);
  }
  if (action == Action::kReplace) {
    const bool good = HasVariable(rule.target_label)
                          ? IsValidTemplate(rule.target_label, rule.names)
                          : IsValidLabelName(rule.target_label, rule.names);
    if (!good) return bad_target();
  }
  if (copies && !IsValidLabelName(rule.target_label, rule.names)) return bad_target();
  if (copies && rule.replacement != "$1")
    return fmt::format("'replacement' can not be set for {} action", name);
  if (action == Action::kLabelMap && !IsValidTemplate(rule.replacement, rule.names)) {
    return fmt::format("{} is invalid 'replacement' for {} action", base::GoQuote(rule.replacement),
                       name);
  }
  if (action == Action::kHashMod && !IsValidLabelName(rule.target_label, rule.names))
    return bad_target();
  const bool other_fields = rule.modulus != 0 || rule.separator != ";" || rule.replacement != "$1";
  if ((action == Action::kDropEqual || action == Action::kKeepEqual) &&
      (written.regex || other_fields)) {
    return fmt::format(
        "{} action requires only 'source_labels' and `target_label`, and no other fields", name);
  }
  if ((action == Action::kLabelDrop || action == Action::kLabelKeep) &&
      (written.source_labels || !rule.target_label.empty() || other_fields)) {
    return fmt::format("{} action requires only 'regex', and no other fields", name);
  }
  return "";
}

void ReadAction(MapReader& map, RelabelRule& rule, Reading& reading) {
  std::string text;
  const bool has = map.Has("action");
  if (!map.Read("action", text)) {
    if (has && map.Get("action") == nullptr) {
      reading.errors.Add("relabel action cannot be empty", map.where("action"));
    }
    return;
  }
  std::string lower = text;
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (const auto action = MeaningOf(kActions, lower)) {
    rule.action = *action;
  } else {
    reading.errors.Add(fmt::format("unknown relabel action {}, expected one of {}",
                                   base::GoQuote(text), ListOf(kActions)),
                       map.where("action"));
  }
}

void ReadRegex(MapReader& map, RelabelRule& rule, Reading& reading) {
  std::string pattern;
  rule.regex = DefaultRegex();
  if (!map.Has("regex")) return;
  rule.default_regex = false;
  if (!ReadTextOrEmpty(map, "regex", pattern)) return;
  auto regex = model::Regex::Compile(pattern);
  if (regex) {
    rule.regex = std::make_shared<const model::Regex>(*std::move(regex));
  } else {
    reading.errors.Add(regex.error().message, map.where("regex"));
  }
}

RelabelRule ReadRule(const YamlNode& node, NameScheme names, Reading& reading) {
  const std::size_t errors_before = reading.errors.count();
  RelabelRule rule;
  rule.names = names;
  MapReader map(node, "a relabelling rule", reading.errors);
  ReadAction(map, rule, reading);
  ReadRegex(map, rule, reading);
  Written written;
  written.source_labels = map.Read("source_labels", rule.source_labels);
  written.regex = !rule.default_regex;
  ReadTextOrEmpty(map, "separator", rule.separator);
  map.Read("modulus", rule.modulus);
  map.Read("target_label", rule.target_label);
  ReadTextOrEmpty(map, "replacement", rule.replacement);
  map.Finish();
  for (const std::string& name : rule.source_labels) {
    if (name.empty())
      reading.errors.Add("\"\" is not a valid label name", map.where("source_labels"));
  }
  // A rule that could not be read has nothing to be checked.
  if (reading.errors.count() == errors_before) {
    if (std::string text = Check(rule, written); !text.empty())
      reading.errors.Add(std::move(text), node.where());
  }
  return rule;
}

}  // namespace

std::vector<RelabelRule> ReadRelabelRules(const YamlNode* list, std::string_view kind,
                                          NameScheme names, Reading& reading) {
  std::vector<RelabelRule> rules;
  if (list == nullptr) return rules;
  for (const YamlNode* item : list->items) {
    if (item->kind == YamlNode::Kind::kNull) {
      reading.errors.Add(fmt::format("empty or null {} relabeling rule in scrape config", kind),
                         item->where());
      continue;
    }
    rules.push_back(ReadRule(*item, names, reading));
  }
  return rules;
}

}  // namespace plimsoll::config::detail
