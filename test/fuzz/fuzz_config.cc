// SPDX-License-Identifier: Apache-2.0
//
// A text loads or says why not, at a place that exists; what loads prints as text that loads and
// prints the same. What follows a line "# file" is the one file that the text can name, other.yml.
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

// Lives as long as: `other`.
config::LoadOptions Options(const std::string& other) {
  config::LoadOptions options;
  options.files = {[&other](const std::string& path) {
                     return path == "other.yml" ? base::Result<std::string>(other)
                                                : config::PackFilesOnly().read(path);
                   },
                   [](const std::string& pattern) {
                     return pattern == "*.yml"
                                ? std::vector<std::string>{"missing.yml", "other.yml"}
                                : std::vector<std::string>{pattern};
                   }};
  options.environment = [](const std::string& name) {
    return name.size() % 2 == 0 ? "${" + name : std::string();
  };
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kMark = "\n# file\n";
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t mark = bytes.find(kMark);
  const std::string_view text = bytes.substr(0, mark);
  const std::string other(mark == bytes.npos ? "" : bytes.substr(mark + kMark.size()));
  const config::LoadOptions options = Options(other);
  const config::Loaded first = config::LoadAll(text, "f", options);
  const auto lines_of = [](std::string_view part) {
    return 1 + static_cast<int>(std::count(part.begin(), part.end(), '\n'));
  };
  if (first.config == nullptr && first.errors.empty())
    Broken("neither a configuration nor an error", text);
  for (const base::Error& error : first.errors) {
    if (error.message.empty()) Broken("an error without a message", text);
    // One line more: yaml-cpp puts the end of the text there.
    if (error.where.line < 0 ||
        error.where.line > 1 + lines_of(error.where.file == "other.yml" ? other : text))
      Broken("a place that is not: " + error.ToString(), text);
  }
  const auto one = config::LoadText(text, "f", options);
  if (one.has_value() != (first.config != nullptr)) Broken("two loads disagree", text);
  if (!one && !one.error().message.starts_with(first.errors[0].message))
    Broken("the error is not the first one: " + one.error().message, text);
  if (first.config == nullptr) return 0;
  const std::string printed = config::Print(*first.config);
  const config::Loaded second = config::LoadAll(printed, "printed", options);
  if (second.config == nullptr)
    Broken("what was printed does not load: " + second.errors[0].ToString(), printed);
  const std::string again = config::Print(*second.config);
  if (again != printed) Broken("printing is not stable, it was\n" + printed + "and is", again);
  return 0;
}
