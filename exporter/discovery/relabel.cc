// SPDX-License-Identifier: Apache-2.0
//
// The eleven actions, one function for each kind of them.
#include "discovery/relabel.h"

#include "base/md5.h"
#include "base/number_text.h"
#include "discovery/detail/letter_case.h"

namespace plimsoll::discovery {

namespace {

using config::RelabelRule;
using model::LabelsBuilder;
using Pairs = std::vector<std::pair<std::string, std::string>>;

bool HasVariable(const std::string& text) { return text.find('$') != std::string::npos; }

bool IsValidLabelName(std::string_view name, config::NameScheme names) {
  if (names == config::NameScheme::kLegacy) return model::IsLegacyLabelName(name);
  return !name.empty() && base::IsValidUtf8(name);
}

std::string Joined(const RelabelRule& rule, const LabelsBuilder& labels) {
  std::string joined;
  for (std::size_t i = 0; i < rule.source_labels.size(); ++i) {
    if (i > 0) joined += rule.separator;
    joined += labels.Get(rule.source_labels[i]);
  }
  return joined;
}

void Replace(const RelabelRule& rule, const std::string& value, LabelsBuilder& labels) {
  if (value.empty() && rule.default_regex && !HasVariable(rule.target_label) &&
      !HasVariable(rule.replacement)) {
    labels.Set(rule.target_label, rule.replacement);
    return;
  }
  std::string replacement;
  if (!rule.regex->Expand(value, rule.replacement, replacement)) return;
  std::string target = rule.target_label;
  if (HasVariable(target)) {
    target.clear();
    rule.regex->Expand(value, rule.target_label, target);
  }
  // A name that came out invalid sets nothing; an empty value deletes.
  if (IsValidLabelName(target, rule.names)) labels.Set(target, replacement);
}

// The last eight bytes of the MD5, big-endian, as every Prometheus computes it.
std::uint64_t HashMod(const std::string& value, std::uint64_t modulus) {
  const auto digest = base::Md5(value);
  std::uint64_t hash = 0;
  for (std::size_t i = 8; i < digest.size(); ++i) hash = hash << 8U | digest[i];
  return modulus == 0 ? 0 : hash % modulus;
}

// Every label whose name matches also gets the name that the replacement makes of it.
void LabelMap(const RelabelRule& rule, LabelsBuilder& labels) {
  const Pairs before = labels.pairs();
  std::string name;
  for (const auto& [from, value] : before) {
    name.clear();
    if (rule.regex->Expand(from, rule.replacement, name) && !name.empty()) labels.Set(name, value);
  }
}

void DropNames(const RelabelRule& rule, bool when_it_matches, LabelsBuilder& labels) {
  const Pairs before = labels.pairs();
  for (const auto& [name, value] : before) {
    if (rule.regex->Matches(name) == when_it_matches) labels.Delete(name);
  }
}

bool Apply(const RelabelRule& rule, LabelsBuilder& labels) {
  using Action = RelabelRule::Action;
  switch (rule.action) {
    case Action::kDrop:
      return !rule.regex->Matches(Joined(rule, labels));
    case Action::kKeep:
      return rule.regex->Matches(Joined(rule, labels));
    case Action::kDropEqual:
      return labels.Get(rule.target_label) != Joined(rule, labels);
    case Action::kKeepEqual:
      return labels.Get(rule.target_label) == Joined(rule, labels);
    case Action::kReplace:
      Replace(rule, Joined(rule, labels), labels);
      return true;
    case Action::kLowercase:
      labels.Set(rule.target_label, detail::ToLower(Joined(rule, labels)));
      return true;
    case Action::kUppercase:
      labels.Set(rule.target_label, detail::ToUpper(Joined(rule, labels)));
      return true;
    case Action::kHashMod:
      labels.Set(rule.target_label, std::to_string(HashMod(Joined(rule, labels), rule.modulus)));
      return true;
    case Action::kLabelMap:
      LabelMap(rule, labels);
      return true;
    case Action::kLabelDrop:
      DropNames(rule, true, labels);
      return true;
    case Action::kLabelKeep:
      DropNames(rule, false, labels);
      return true;
  }
  return true;
}

}  // namespace

bool Relabel(const std::vector<RelabelRule>& rules, LabelsBuilder& labels) {
  for (const RelabelRule& rule : rules) {
    if (!Apply(rule, labels)) return false;
  }
  return true;
}

std::optional<model::Labels> Relabel(const std::vector<RelabelRule>& rules,
                                     const model::Labels& labels) {
  LabelsBuilder builder(labels);
  if (!Relabel(rules, builder)) return std::nullopt;
  return builder.Build();
}

}  // namespace plimsoll::discovery
