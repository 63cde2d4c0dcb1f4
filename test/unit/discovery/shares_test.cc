// SPDX-License-Identifier: Apache-2.0
//
// How a bound on all targets is shared.
#include "discovery/detail/shares.h"

#include <doctest/doctest.h>

#include <map>

namespace plimsoll::discovery::detail {
namespace {

struct Shared {
  // Groups as "NAMESPACE", each with so many targets.
  Shared(const std::vector<std::pair<std::string, std::size_t>>& groups, std::size_t most,
         std::size_t left_out = 0) {
    for (const auto& [name_space, size] : groups) {
      TargetGroup group{.source = "pod/" + name_space + "/p"};
      for (std::size_t i = 0; i < size; ++i) {
        group.targets.push_back(std::to_string(i));
        group.own.push_back({{"i", std::to_string(i)}});
      }
      group.left_out = left_out;
      found.groups.push_back(std::move(group));
    }
    const auto refuse = [this](std::string_view reason, std::size_t count) {
      refused[std::string(reason)] += count;
    };
    ShareTargets(most, refuse, found);
  }
  // "a:2 b:1": what each group has left.
  std::string Left() const {
    std::string text;
    for (const TargetGroup& group : found.groups) {
      CHECK(group.own.size() == group.targets.size());
      text += (text.empty() ? "" : " ") + group.source.substr(4, 1) + ":" +
              std::to_string(group.targets.size());
    }
    return text;
  }

  Found found;
  std::map<std::string, std::size_t> refused;
};

TEST_CASE("up to the bound everybody has everything") {
  const Shared at({{"a", 3}, {"b", 1}}, 4);
  CHECK(at.Left() == "a:3 b:1");
  CHECK(at.refused.empty());
  CHECK(at.found.problem.empty());
  CHECK(at.found.incomplete.empty());
}

TEST_CASE("beyond it who wants little has it, and the others share the rest") {
  CHECK(Shared({{"a", 9}, {"b", 1}, {"c", 9}}, 9).Left() == "a:4 b:1 c:4");
  CHECK(Shared({{"a", 9}, {"b", 9}, {"c", 9}}, 8).Left() == "a:2 b:2 c:2");
  CHECK(Shared({{"a", 2}, {"a", 2}, {"a", 2}, {"b", 1}}, 4).Left() == "a:2 a:1 b:1");
  const Shared cut({{"a", 9}, {"b", 1}}, 3);
  CHECK(cut.Left() == "a:2 b:1");
  CHECK(cut.refused == std::map<std::string, std::size_t>{{"targets", 7}});
  CHECK(cut.found.problem ==
        "there are more than 3 targets, of which namespace a has 2: the others are left out");
  CHECK(cut.found.incomplete == std::vector<std::string>{"a"});
}

TEST_CASE("what one object has too many of is said, too") {
  const Shared of({{"a", 2}}, 4, 5);
  CHECK(of.Left() == "a:2");
  CHECK(of.refused == std::map<std::string, std::size_t>{{"targets_of_object", 5}});
  CHECK(of.found.problem == "pod/a/p has more than 2 targets: the others are left out");
  CHECK(of.found.incomplete == std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace plimsoll::discovery::detail
