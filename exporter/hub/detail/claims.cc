// SPDX-License-Identifier: Apache-2.0
//
// Groups, then claims at home, then claims abroad.
#include "hub/detail/claims.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace plimsoll::hub::detail {
namespace {

std::string HolderOf(const Group& group) {
  return group.speaker.name_space + " " + group.speaker.owner;
}

struct Claim {
  std::size_t group = 0;
  std::size_t metric = 0;
};

// Every claim, by name: of who lives there, and of who does not.
struct Claims {
  std::map<Name, std::vector<Claim>> home, abroad;
};

// How well a policy fits where its sidecar lives, best first.
int RankAtHome(const config::ExternalMetric& policy, const std::string& home) {
  const auto& named = policy.namespaces;
  if (std::find(named.begin(), named.end(), home) != named.end()) return 0;
  if (named.empty()) return 1;
  return named.front() == "*" ? 2 : 3;
}

Claims ClaimsOf(const std::vector<Group>& groups, const std::vector<Sidecar>& sidecars,
                const std::vector<Page>& pages, const ClaimRules& rules) {
  Claims claims;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const Group& group = groups[g];
    if (!group.heard) continue;
    const std::vector<std::string> home = {group.speaker.name_space};
    const bool allowed = sidecars[group.sidecar].any_namespace;
    const auto& metrics = pages[group.sidecar].metrics;
    std::map<Name, std::pair<int, std::size_t>> best;  // rank and metric: one page, one claim
    for (std::size_t m = 0; m < metrics.size(); ++m) {
      const config::ExternalMetric& policy = *metrics[m].policy.metric;
      const bool elsewhere = !policy.namespaces.empty() && policy.namespaces != home;
      if (elsewhere && !allowed) rules.refuse("namespace");
      const int rank = RankAtHome(policy, home.front());
      for (const std::string& name_space : elsewhere&& allowed ? policy.namespaces : home) {
        const auto [first, fresh] =
            best.try_emplace(Name{name_space, policy.name}, std::pair(rank, m));
        if (fresh) continue;
        rules.refuse("taken");
        if (rank < first->second.first) first->second = {rank, m};
      }
    }
    for (const auto& [name, chosen] : best)
      (name.first == home.front() ? claims.home : claims.abroad)[name].push_back(
          {g, chosen.second});
  }
  return claims;
}

// Who had the name keeps it; else the oldest pod's owner, so that replicas agree.
std::size_t FirstOf(const std::vector<Claim>& claims, const std::vector<Group>& groups,
                    const std::string& holder) {
  std::size_t first = 0;
  const auto rank = [&](std::size_t i) {
    const Group& group = groups[claims[i].group];
    return std::make_tuple(HolderOf(group) != holder, group.speaker.created, HolderOf(group));
  };
  for (std::size_t i = 1; i < claims.size(); ++i) {
    if (rank(i) < rank(first)) first = i;
  }
  return first;
}

}  // namespace

std::vector<Group> GroupsOf(const std::vector<Identity>& identities,
                            const std::vector<bool>& heard) {
  std::map<std::tuple<std::string, std::string, std::string>, Group> groups;
  for (std::size_t i = 0; i < identities.size(); ++i) {
    const Identity& one = identities[i];
    if (one.name_space.empty()) continue;
    const auto [group, fresh] =
        groups.try_emplace({one.name_space, one.engine, one.owner}, Group{one, i, heard[i], {}});
    if (fresh) continue;
    Group& its = group->second;
    if (SpeaksBefore(one, heard[i], its.speaker, its.heard)) {
      its.spare.push_back(its.sidecar);
      its.speaker = one;
      its.sidecar = i;
      its.heard = heard[i];
    } else {
      its.spare.push_back(i);
    }
  }
  std::vector<Group> sorted;
  for (auto& [key, group] : groups) sorted.push_back(std::move(group));
  return sorted;
}

std::vector<Grant> GrantsOf(const std::vector<Group>& groups, const std::vector<Sidecar>& sidecars,
                            const std::vector<Page>& pages, const ClaimRules& rules) {
  const Claims claims = ClaimsOf(groups, sidecars, pages, rules);
  std::map<std::pair<std::size_t, std::size_t>, Grant> grants;
  const auto grant = [&](const Name& name, const Claim& claim) {
    Grant& its = grants[{claim.group, claim.metric}];
    its.group = claim.group;
    its.metric = claim.metric;
    its.namespaces.push_back(name.first);
  };
  for (const auto& [name, here] : claims.home) {
    const bool ours = rules.ours(name);
    for (const Claim& claim : here) ours ? rules.refuse("own") : grant(name, claim);
  }
  for (const auto& [name, there] : claims.abroad) {
    const bool ours = rules.ours(name);
    if (ours || claims.home.contains(name)) {
      for (std::size_t i = 0; i < there.size(); ++i) rules.refuse(ours ? "own" : "taken");
      continue;
    }
    const std::size_t first = FirstOf(there, groups, rules.holder(name));
    for (std::size_t i = 0; i < there.size(); ++i)
      i == first ? grant(name, there[i]) : rules.refuse("taken");
  }
  // What was served before is not crowded out by what is new.
  std::vector<Grant> kept;
  std::vector<Grant> fresh;
  for (auto& [key, one] : grants) {
    const Group& group = groups[one.group];
    const std::string& metric = pages[group.sidecar].metrics[one.metric].policy.metric->name;
    const bool known = rules.known({one.namespaces.front(), metric}, group);
    (known ? kept : fresh).push_back(std::move(one));
  }
  for (Grant& one : fresh) {
    if (kept.size() < rules.most) {
      kept.push_back(std::move(one));
    } else {
      rules.refuse("metrics");
    }
  }
  return kept;
}

}  // namespace plimsoll::hub::detail
