// SPDX-License-Identifier: Apache-2.0
//
// Rules over labels: the result is a label set, is the same every time, and keep is the opposite of
// drop.
//
// Input: relabel_configs as YAML, a line "---", and lines of name=value.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/load.h"
#include "discovery/relabel.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness
using Action = config::RelabelRule::Action;

[[noreturn]] void Broken(const char* what, const model::Labels& labels) {
  std::fprintf(stderr, "%s\n%s\n", what, labels.ToString().c_str());
  std::abort();
}

model::Labels ReadLabels(std::string_view lines) {
  model::LabelsBuilder builder;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
    const auto equals = line.find('=');
    if (equals != std::string_view::npos && equals > 0)
      builder.Set(line.substr(0, equals), line.substr(equals + 1));
  }
  return builder.Build();
}

void CheckOpposite(const config::RelabelRule& rule, const model::Labels& labels) {
  config::RelabelRule opposite = rule;
  switch (rule.action) {
    case Action::kKeep:
      opposite.action = Action::kDrop;
      break;
    case Action::kDrop:
      opposite.action = Action::kKeep;
      break;
    case Action::kKeepEqual:
      opposite.action = Action::kDropEqual;
      break;
    case Action::kDropEqual:
      opposite.action = Action::kKeepEqual;
      break;
    case Action::kLabelDrop:
    case Action::kLabelKeep: {
      opposite.action = rule.action == Action::kLabelDrop ? Action::kLabelKeep : Action::kLabelDrop;
      const auto one = discovery::Relabel({rule}, labels),
                 other = discovery::Relabel({opposite}, labels);
      if (one->size() + other->size() != labels.size())
        Broken("a label is in both or in neither", labels);
      return;
    }
    case Action::kReplace:
    case Action::kHashMod:
    case Action::kLabelMap:
    case Action::kLowercase:
    case Action::kUppercase:
      return;
  }
  if (discovery::Relabel({rule}, labels).has_value() ==
      discovery::Relabel({opposite}, labels).has_value()) {
    Broken("kept or dropped by both a rule and its opposite", labels);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto split = text.find("\n---\n");
  if (split == std::string_view::npos) return 0;
  std::string file = "scrape_configs:\n- job_name: j\n  relabel_configs:\n";
  file += text.substr(0, split + 1);
  static config::LoadOptions options = [] {
    config::LoadOptions none;
    none.files = config::PackFilesOnly();
    none.environment = [](const std::string&) { return std::string(); };
    return none;
  }();
  const auto loaded = config::LoadText(file, "f", options);
  if (!loaded || (*loaded)->scrape_configs.empty()) return 0;
  const auto& rules = (*loaded)->scrape_configs[0].relabel_configs;
  const model::Labels labels = ReadLabels(text.substr(split + 5));
  const auto once = discovery::Relabel(rules, labels), again = discovery::Relabel(rules, labels);
  if (once != again) Broken("not the same twice", labels);
  for (const config::RelabelRule& rule : rules) CheckOpposite(rule, labels);
  if (!once) return 0;
  std::string_view before;
  for (const model::Label& label : *once) {
    if (label.name.empty() || label.value.empty() || (!before.empty() && label.name <= before)) {
      Broken("not a label set", *once);
    }
    before = label.name;
  }
  return 0;
}
