// SPDX-License-Identifier: Apache-2.0
//
// A rule file that loads prints as YAML that loads as an equal file, and printing is then stable;
// with other files it loads or fails as alone.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ruler/dependencies.h"
#include "ruler/rule_file.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness

[[noreturn]] void Broken(const char* what, std::string_view text, std::string_view printed) {
  std::fprintf(stderr, "%s\n%.*s\nprinted:\n%.*s\n", what, static_cast<int>(text.size()),
               text.data(), static_cast<int>(printed.size()), printed.data());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  document::Errors errors;
  ruler::RuleOptions options;
  if (text.starts_with("# interval")) options.evaluation_interval = std::chrono::seconds(15);
  options.ignore_unknown_fields = text.ends_with("# lax");
  const auto first = ruler::ParseRuleFile(text, "fuzz.yml", options, errors);
  const std::string good = "groups: []";
  const auto both =
      ruler::LoadRules({{"good.yml", good}, {"fuzz.yml", std::string(text)}}, options);
  if (both.has_value() != first.has_value()) Broken("a file beside it matters", text, "");
  if (!first) {
    if (errors.empty() || both.error().message.empty())
      Broken("refused without an error", text, "");
    return 0;
  }
  for (const ruler::Group& group : first->groups) {
    for (const ruler::Rule& rule : group.rules) {
      const ruler::RuleLabels merged = ruler::MergedLabels(group, rule.labels);
      for (const auto& label : rule.labels) {
        if (std::find(merged.begin(), merged.end(), label) == merged.end())
          Broken("a rule's own label does not win", text, "");
      }
    }
  }
  const ruler::RuleSet set = {*first};
  (void)ruler::Dependencies(set);
  (void)ruler::RequiredWindow(set, {}, errors);
  const std::string printed = ruler::PrintRuleFile(*first);
  document::Errors again;
  const auto second = ruler::ParseRuleFile(printed, "fuzz.yml", options, again);
  if (!second) Broken(again.list().front().ToString().c_str(), text, printed);
  if (!ruler::Equal(*first, *second)) Broken("the files differ", text, printed);
  if (ruler::PrintRuleFile(*second) != printed) Broken("printing is not stable", text, printed);
  return 0;
}
