// SPDX-License-Identifier: Apache-2.0
//
// First what each namespace wants, then the share, then the cut.
#include "discovery/detail/shares.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/format.h"

namespace plimsoll::discovery::detail {
namespace {

std::string NamespaceOf(const TargetGroup& group) {
  const std::size_t begin = group.source.find('/') + 1;
  return group.source.substr(begin, group.source.find('/', begin) - begin);
}

// The largest number that, as a bound on each of `wanted`, keeps their sum within `most`.
std::size_t ShareOf(const std::map<std::string, std::size_t>& wanted, std::size_t most) {
  std::vector<std::size_t> sizes;
  for (const auto& [name, size] : wanted) sizes.push_back(size);
  std::sort(sizes.begin(), sizes.end());
  std::size_t left = most;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::size_t each = left / (sizes.size() - i);
    if (sizes[i] > each) return each;
    left -= sizes[i];
  }
  return most;
}

}  // namespace

void LeaveOut(const std::string& name_space, std::string problem, Found& found) {
  if (found.problem.empty()) found.problem = std::move(problem);
  auto& all = found.incomplete;
  if (std::find(all.begin(), all.end(), name_space) == all.end()) all.push_back(name_space);
}

void ShareTargets(std::size_t most,
                  const std::function<void(std::string_view reason, std::size_t count)>& refuse,
                  Found& found) {
  std::map<std::string, std::size_t> wanted;
  for (const TargetGroup& group : found.groups) {
    wanted[NamespaceOf(group)] += group.targets.size();
    if (group.left_out == 0) continue;
    refuse("targets_of_object", group.left_out);
    LeaveOut(NamespaceOf(group),
             base::format("{} has more than {} targets: the others are left out", group.source,
                          group.targets.size()),
             found);
  }
  const std::size_t share = ShareOf(wanted, most);
  std::map<std::string, std::size_t> taken;
  for (TargetGroup& group : found.groups) {
    const std::string name_space = NamespaceOf(group);
    std::size_t& its = taken[name_space];
    const std::size_t room = std::min(group.targets.size(), share - its);
    its += room;
    if (room == group.targets.size()) continue;
    refuse("targets", group.targets.size() - room);
    LeaveOut(name_space,
             base::format("there are more than {} targets, of which namespace {} has {}: the "
                          "others are left out",
                          most, name_space, share),
             found);
    group.targets.resize(room);
    if (!group.own.empty()) group.own.resize(room);
  }
  std::erase_if(found.groups, [](const TargetGroup& group) { return group.targets.empty(); });
}

}  // namespace plimsoll::discovery::detail
