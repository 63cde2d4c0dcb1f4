// SPDX-License-Identifier: Apache-2.0
//
// A selector that parses prints as text that parses to an equal selector, prints the same again,
// and selects the same series.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "serve/label_selector.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness

[[noreturn]] void Broken(const char* what, std::string_view text, std::string_view printed) {
  std::fprintf(stderr, "%s\n  selector: %.*s\n  printed:  %.*s\n", what,
               static_cast<int>(text.size()), text.data(), static_cast<int>(printed.size()),
               printed.data());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto first = serve::LabelSelector::Parse(text);
  if (!first) {
    if (first.error().message.empty()) Broken("an error without words", text, "");
    return 0;
  }
  const std::string printed = first->ToString();
  const auto second = serve::LabelSelector::Parse(printed);
  if (!second) Broken(second.error().message.c_str(), text, printed);
  if (!(*first == *second)) Broken("the selectors differ", text, printed);
  if (second->ToString() != printed) Broken("printing is not stable", text, printed);
  static const model::Labels kSeries[] = {
      {}, {{"a", "b"}}, {{"env", "prod"}, {"size", "12"}}, {{"in", "notin"}, {"k1", "-3"}}};
  for (const model::Labels& labels : kSeries) {
    if (first->Matches(labels) != second->Matches(labels))
      Broken("they select differently", text, printed);
  }
  return 0;
}
