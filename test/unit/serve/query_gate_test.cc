// SPDX-License-Identifier: Apache-2.0
//
// So many queries run, so many wait, and the next is refused.
#include "serve/detail/query_gate.h"

#include <doctest/doctest.h>

#include <optional>

namespace plimsoll::serve {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a place is free again when its holder is gone") {
  QueryGate gate({.running = 1, .waiting = 0});
  {
    const auto first = gate.Enter();
    CHECK(static_cast<bool>(first));
    CHECK_FALSE(static_cast<bool>(gate.Enter()));
  }
  CHECK(static_cast<bool>(gate.Enter()));
}

TEST_CASE("without patience nobody waits") {
  QueryGate gate({.running = 1, .waiting = 10, .patience = 0ms});
  const auto first = gate.Enter();
  CHECK_FALSE(static_cast<bool>(gate.Enter()));
}

TEST_CASE("a closed gate lets nobody in") {
  QueryGate gate({});
  gate.Close();
  CHECK_FALSE(static_cast<bool>(gate.Enter()));
}

}  // namespace
}  // namespace plimsoll::serve
