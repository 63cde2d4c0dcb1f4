// SPDX-License-Identifier: Apache-2.0
//
// Who may export which name where: a pure function of what sidecars say.
//
// A sidecar exports into its own namespace, whatever its page says. Only where the hub's
// configuration allows it, the namespaces of its page count; then it stands behind who lives there,
// and of several such the first keeps the name. Of one owner's pods one speaks (SpeaksBefore), so a
// value never doubles during a rollout. Several owners in one namespace may export one name: they
// are told apart by the label `engine`, and a read that means more than one is an error.
//
// Threads: pure functions.
// Bounds:  `most` grants; those that were there before go first.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "hub/detail/pages.h"
#include "hub/sidecar.h"

namespace plimsoll::hub::detail {

// An engine as far as its pods replace each other.
struct Group {
  Identity speaker;
  std::size_t sidecar = 0;  // whose page counts
  bool heard = false;
  std::vector<std::size_t> spare;  // the others
};
// Sorted by namespace, engine, owner. Sidecars without a namespace are in none.
std::vector<Group> GroupsOf(const std::vector<Identity>& identities,
                            const std::vector<bool>& heard);

// One metric of one group, and where it may be asked for.
struct Grant {
  std::size_t group = 0;
  std::size_t metric = 0;               // of the speaker's page
  std::vector<std::string> namespaces;  // never empty
};

using Name = std::pair<std::string, std::string>;  // namespace ("*": all), metric
struct ClaimRules {
  std::size_t most = 10000;
  // Whether the hub's own configuration has the name.
  std::function<bool(const Name&)> ours = [](const Name&) { return false; };
  // Whether the metric was granted to this owner before.
  std::function<bool(const Name&, const Group&)> known = [](const Name&, const Group&) {
    return false;
  };
  // Who had a name outside of its own namespace: "NAMESPACE OWNER", or "".
  std::function<std::string(const Name&)> holder = [](const Name&) { return std::string(); };
  std::function<void(std::string_view reason)> refuse = [](std::string_view) {};
};

std::vector<Grant> GrantsOf(const std::vector<Group>& groups, const std::vector<Sidecar>& sidecars,
                            const std::vector<Page>& pages, const ClaimRules& rules);

}  // namespace plimsoll::hub::detail
