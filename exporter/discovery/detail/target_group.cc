// SPDX-License-Identifier: Apache-2.0
//
// Both spellings of a target file. In JSON a value must be a string; in YAML any scalar is one.
#include "discovery/detail/target_group.h"

#include "base/format.h"
#include "base/number_text.h"
#include "document/json.h"
#include "document/yaml.h"

namespace plimsoll::discovery::detail {

namespace {

using document::Json;
using document::YamlNode;
using Groups = std::vector<TargetGroup>;

base::Result<TargetGroup> ReadJsonGroup(const std::string& path, const Json& item) {
  const base::Place where{path, 0, 0};
  if (item.is_null()) return base::BadInput("nil target group item found", where);
  if (!item.is_object()) {
    return base::BadInput("a target group: expected an object, found " + DescribeJson(item), where);
  }
  TargetGroup group;
  for (const auto& [key, value] : item.members) {
    if (value.is_null() && (key == "targets" || key == "labels")) continue;
    if (key == "targets") {
      if (!value.is_list())
        return base::BadInput("'targets': expected a list, found " + DescribeJson(value), where);
      for (const Json& target : value.items) {
        if (target.kind != Json::Kind::kString) {
          return base::BadInput("'targets': expected a text, found " + DescribeJson(target), where);
        }
        group.targets.push_back(target.text);
      }
    } else if (key == "labels") {
      if (!value.is_object())
        return base::BadInput("'labels': expected an object, found " + DescribeJson(value), where);
      for (const auto& [name, label] : value.members) {
        if (label.kind != Json::Kind::kString) {
          return base::BadInput(fmt::format("label {}: expected a text, found {}",
                                            base::GoQuote(name), DescribeJson(label)),
                                where);
        }
        group.labels.emplace_back(name, label.text);
      }
    } else {
      return base::BadInput(
          fmt::format("a target group: unknown key {}, expected targets or labels",
                      base::GoQuote(key)),
          where);
    }
  }
  return group;
}

base::Result<Groups> ReadJson(const std::string& path, std::string_view text) {
  const auto json = document::ParseJson(text, path);
  if (!json) return json.error();
  if (json->is_null()) return Groups();
  if (!json->is_list()) {
    return base::BadInput("expected a list of target groups, found " + DescribeJson(*json),
                          {path, 0, 0});
  }
  Groups groups;
  for (const Json& item : json->items) {
    auto group = ReadJsonGroup(path, item);
    if (!group) return std::move(group).error();
    groups.push_back(*std::move(group));
  }
  return groups;
}

base::Result<Groups> ReadYaml(const std::string& path, std::string_view text) {
  const auto document = document::ParseYaml(text, path);
  if (!document) return document.error();
  const YamlNode& root = document->root();
  if (root.kind == YamlNode::Kind::kNull) return Groups();
  if (root.kind != YamlNode::Kind::kList) {
    return base::BadInput("expected a list of target groups, found " + DescribeYaml(root),
                          root.where());
  }
  document::Errors errors;
  Groups groups;
  for (const YamlNode* item : root.items) {
    if (item->kind == YamlNode::Kind::kNull)
      return base::BadInput("nil target group item found", item->where());
    TargetGroup& group = groups.emplace_back();
    document::MapReader map(*item, "a target group", errors);
    map.Read("targets", group.targets);
    if (const YamlNode* labels = map.Map("labels")) {
      document::MapReader reader(*labels, "labels", errors);
      for (const auto& [name, value] : labels->entries) {
        std::string label;
        reader.Read(name->text, label);
        group.labels.emplace_back(name->text, std::move(label));
      }
    }
    map.Finish();
  }
  if (!errors.empty()) return errors.list().front();
  return groups;
}

}  // namespace

base::Result<Groups> ReadTargetFile(const std::string& path, std::string_view text) {
  const bool json = path.ends_with(".json") || path.ends_with(".JSON");
  auto groups = json ? ReadJson(path, text) : ReadYaml(path, text);
  if (!groups) return groups;
  for (std::size_t i = 0; i < groups->size(); ++i) {
    TargetGroup& group = (*groups)[i];
    group.source = fmt::format("{}:{}", path, i);
    for (const auto& [name, value] : group.labels) {
      if (name.empty() || !base::IsValidUtf8(name)) {
        return base::BadInput(base::GoQuote(name) + " is not a valid label name", {path, 0, 0});
      }
    }
    group.labels.emplace_back("__meta_filepath", path);
  }
  return groups;
}

}  // namespace plimsoll::discovery::detail
