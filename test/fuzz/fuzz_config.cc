// SPDX-License-Identifier: Apache-2.0
//
// A text loads or says why not, at a place that exists; what loads prints as text that loads and
// prints the same.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/load.h"
#include "config/print.h"

namespace {

using namespace plimsoll;  // NOLINT: a harness

[[noreturn]] void Broken(const std::string& what, std::string_view text) {
  std::fprintf(stderr, "%s\n%.*s\n", what.c_str(), static_cast<int>(text.size()), text.data());
  std::abort();
}

config::LoadOptions Options() {
  config::LoadOptions options;
  options.files = config::PackFilesOnly();
  options.environment = [](const std::string& name) {
    return name.size() % 2 == 0 ? "${" + name : std::string();
  };
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const config::LoadOptions options = Options();
  const config::Loaded first = config::LoadAll(text, "f", options);
  const int lines = 1 + static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  if (first.config == nullptr && first.errors.empty())
    Broken("neither a configuration nor an error", text);
  for (const base::Error& error : first.errors) {
    if (error.message.empty()) Broken("an error without a message", text);
    // One line more: yaml-cpp puts the end of the text there.
    if (error.where.line < 0 || error.where.line > lines + 1)
      Broken("a place that is not: " + error.ToString(), text);
  }
  if (first.config == nullptr) return 0;
  const std::string printed = config::Print(*first.config);
  const config::Loaded second = config::LoadAll(printed, "printed", options);
  if (second.config == nullptr)
    Broken("what was printed does not load: " + second.errors[0].ToString(), printed);
  const std::string again = config::Print(*second.config);
  if (again != printed) Broken("printing is not stable, it was\n" + printed + "and is", again);
  return 0;
}
