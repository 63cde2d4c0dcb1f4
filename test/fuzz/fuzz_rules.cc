// SPDX-License-Identifier: Apache-2.0
//
// A rule file that loads prints as YAML that loads as an equal file, and printing is then stable.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
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
  const auto first = ruler::ParseRuleFile(text, "fuzz.yml", {}, errors);
  if (!first) {
    if (errors.empty()) Broken("refused without an error", text, "");
    return 0;
  }
  const ruler::RuleSet set = {*first};
  (void)ruler::Dependencies(set);
  (void)ruler::RequiredWindow(set, {}, errors);
  const std::string printed = ruler::PrintRuleFile(*first);
  document::Errors again;
  const auto second = ruler::ParseRuleFile(printed, "fuzz.yml", {}, again);
  if (!second) Broken(again.list().front().ToString().c_str(), text, printed);
  if (!ruler::Equal(*first, *second)) Broken("the files differ", text, printed);
  if (ruler::PrintRuleFile(*second) != printed) Broken("printing is not stable", text, printed);
  return 0;
}
