// SPDX-License-Identifier: Apache-2.0
//
// Substitutes the target and single values in the text of a preset, then loads that text like any
// other.
#include "config/preset.h"

#include <algorithm>
#include <charconv>

#include "base/format.h"
#include "base/number_text.h"
#include "document/yaml.h"

namespace plimsoll::config {

namespace {

constexpr std::string_view kPlaceholder = "__TARGET__";
constexpr std::string_view kPresetFile = "/preset.yml";

const PackFile* FindPreset(std::string_view engine) {
  for (const PackFile& file : PackFiles()) {
    if (file.name == std::string(engine) + std::string(kPresetFile)) return &file;
  }
  return nullptr;
}

void ReplaceAll(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

// An address may go into the text unquoted, so it may hold nothing that YAML or a URL reads
// otherwise.
bool IsAddress(std::string_view target) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:[]%").find(c) != std::string_view::npos;
  };
  return !target.empty() && target.front() != '-' &&
         std::all_of(target.begin(), target.end(), good);
}

// Returns: the node at "a.b.0.c"; nullptr when there is none.
const document::YamlNode* FindPath(const document::YamlNode& root, std::string_view path) {
  const document::YamlNode* node = &root;
  while (node != nullptr && !path.empty()) {
    const auto dot = path.find('.');
    const std::string_view step = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    if (node->kind == document::YamlNode::Kind::kList) {
      std::size_t index = 0;
      const auto [end, code] = std::from_chars(step.data(), step.data() + step.size(), index);
      const bool good =
          code == std::errc() && end == step.data() + step.size() && index < node->items.size();
      node = good ? node->items[index] : nullptr;
    } else {
      node = node->Find(step);
    }
  }
  return node;
}

base::Result<void> Override(std::string& text, const std::string& path, const std::string& value) {
  const auto document = document::ParseYaml(text, "preset");
  if (!document) return document.error();
  const document::YamlNode* node = FindPath(document->root(), path);
  if (node == nullptr)
    return base::BadInput(fmt::format("the preset has no value {}", base::GoQuote(path)));
  using Style = document::YamlNode::Style;
  if (node->kind != document::YamlNode::Kind::kScalar || node->style != Style::kPlain) {
    return base::BadInput(
        fmt::format("{} of the preset is not a single plain value", base::GoQuote(path)));
  }
  if (value.empty() || value.find_first_of("\n\r#:{}[],&*!|>'\"%@`") != std::string::npos) {
    return base::BadInput(fmt::format(
        "{} cannot stand in a preset, expected a plain word or number", base::GoQuote(value)));
  }
  std::size_t start = 0;
  for (int line = 1; line < node->line; ++line) start = text.find('\n', start) + 1;
  start += static_cast<std::size_t>(node->column) - 1;
  if (text.compare(start, node->text.size(), node->text) != 0) {
    return base::BadInput(fmt::format("{} of the preset is not on one line", base::GoQuote(path)));
  }
  text.replace(start, node->text.size(), value);
  return {};
}

}  // namespace

std::vector<std::string> Engines() {
  std::vector<std::string> engines;
  for (const PackFile& file : PackFiles()) {
    if (file.name.ends_with(kPresetFile))
      engines.emplace_back(file.name.substr(0, file.name.find('/')));
  }
  return engines;
}

base::Result<Preset> FromPreset(const std::string& engine, const std::string& target,
                                const std::vector<std::pair<std::string, std::string>>& overrides,
                                const LoadOptions& options) {
  const PackFile* file = FindPreset(engine);
  if (file == nullptr) {
    const std::vector<std::string> known = Engines();
    const std::string_view nearest = base::NearestOf(engine, known);
    return base::Error{
        base::Error::Kind::kNotFound,
        fmt::format("there is no preset for engine {}{}; there are: {}", base::GoQuote(engine),
                    nearest.empty() ? "" : fmt::format(", did you mean '{}'?", nearest),
                    fmt::join(known, ", ")),
        {}};
  }
  if (!IsAddress(target)) {
    return base::BadInput(
        fmt::format("{} is not a target, expected HOST:PORT", base::GoQuote(target)));
  }
  Preset preset{std::string(file->text), nullptr};
  for (const auto& [path, value] : overrides) {
    if (auto done = Override(preset.text, path, value); !done) return std::move(done).error();
  }
  ReplaceAll(preset.text, kPlaceholder, target);
  auto config = LoadText(preset.text, std::string(kPackPrefix) + std::string(file->name), options);
  if (!config) return std::move(config).error();
  preset.config = *std::move(config);
  return preset;
}

}  // namespace plimsoll::config
