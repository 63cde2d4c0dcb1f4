// SPDX-License-Identifier: Apache-2.0
//
// One verb per line. What each does is the file of its name in this folder; what the process is
// made of while it runs is instance.h.
#include <cstdio>
#include <exception>

#include "app/memory.h"
#include "app/options.h"
#include "app/verbs.h"
#include "base/format.h"

int main(int argc, char** argv) try {
  using namespace plimsoll::app;
  KeepMemorySmall();
  auto parsed = ParseCommandLine(argc, argv);
  if (const auto* leave = std::get_if<Leave>(&parsed)) {
    fmt::print(leave->code == kGood ? stdout : stderr, "{}", leave->text);
    return leave->code;
  }
  return std::visit([](const auto& options) { return Do(options); }, std::get<Command>(parsed));
} catch (const std::exception& error) {
  fmt::print(stderr, "plimsoll: a bug: {}\n", error.what());
  return 1;
}
