// SPDX-License-Identifier: Apache-2.0
//
// Who may export which name where.
#include "hub/detail/claims.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

namespace plimsoll::hub::detail {
namespace {

using Words = std::vector<std::string>;

// Sidecars, written down by what matters, and what is granted to them in words.
struct Village {
  // A pod whose page exports `names`; a name may say for which namespaces: "m@b,c".
  Village& Pod(const std::string& name_space, const std::string& owner, const std::string& created,
               const Words& names, bool any_namespace = false, bool answers = true) {
    Identity identity{
        .name_space = name_space, .engine = owner, .owner = owner, .created = created};
    identity.pod = owner + created;
    identities.push_back(identity);
    sidecars.push_back({.any_namespace = any_namespace});
    heard.push_back(answers);
    Page page{.heard = answers};
    for (const std::string& name : names) {
      auto policy = std::make_shared<config::ExternalMetric>();
      policy->name = name.substr(0, name.find('@'));
      for (std::size_t at = name.find('@'); at != std::string::npos; at = name.find(',', at + 1))
        policy->namespaces.push_back(name.substr(at + 1, name.find(',', at + 1) - at - 1));
      page.metrics.push_back({.policy = {.metric = std::move(policy)}});
    }
    pages.push_back(std::move(page));
    return *this;
  }
  // "a/m of trino1": namespace, metric, and the pod that speaks.
  std::set<std::string> Granted() {
    refused.clear();
    rules.refuse = [this](std::string_view reason) { ++refused[std::string(reason)]; };
    const auto groups = GroupsOf(identities, heard);
    std::set<std::string> granted;
    for (const Grant& grant : GrantsOf(groups, sidecars, pages, rules)) {
      const Group& group = groups[grant.group];
      for (const std::string& name_space : grant.namespaces) {
        granted.insert(name_space + "/" +
                       pages[group.sidecar].metrics[grant.metric].policy.metric->name + " of " +
                       group.speaker.pod);
      }
    }
    return granted;
  }

  std::vector<Identity> identities;
  std::vector<Sidecar> sidecars;
  std::vector<bool> heard;
  std::vector<Page> pages;
  ClaimRules rules;
  std::map<std::string, int> refused;
};

using Set = std::set<std::string>;
using Counts = std::map<std::string, int>;

TEST_CASE("a metric is its sidecar's namespace's, whatever the page says") {
  Village village;
  village.Pod("a", "trino", "1", {"m@b", "n@*", "o@a", "p"});
  CHECK(village.Granted() ==
        Set{"a/m of trino1", "a/n of trino1", "a/o of trino1", "a/p of trino1"});
  CHECK(village.refused == Counts{{"namespace", 2}});
}

TEST_CASE("where the hub allows it the page's namespaces count") {
  Village village;
  village.Pod("a", "trino", "1", {"m@b,c", "n@*", "o"}, true);
  CHECK(village.Granted() ==
        Set{"*/n of trino1", "a/o of trino1", "b/m of trino1", "c/m of trino1"});
  CHECK(village.refused.empty());
}

TEST_CASE("who lives in a namespace comes before who does not") {
  Village village;
  village.Pod("a", "trino", "1", {"m@b"}, true).Pod("b", "flink", "2", {"m"});
  CHECK(village.Granted() == Set{"b/m of flink2"});
  CHECK(village.refused == Counts{{"taken", 1}});
}

TEST_CASE("of two who do not live there the oldest has the name, or who had it") {
  Village village;
  village.Pod("a", "young", "2", {"m@*"}, true).Pod("b", "old", "1", {"m@*"}, true);
  CHECK(village.Granted() == Set{"*/m of old1"});
  CHECK(village.refused == Counts{{"taken", 1}});
  village.rules.holder = [](const Name&) { return "a young"; };
  CHECK(village.Granted() == Set{"*/m of young2"});
}

TEST_CASE("the hub's own configuration comes first") {
  Village village;
  village.rules.ours = [](const Name& name) { return name == Name{"a", "m"}; };
  village.Pod("a", "trino", "1", {"m", "n"}).Pod("b", "flink", "1", {"m@a"}, true);
  CHECK(village.Granted() == Set{"a/n of trino1"});
  CHECK(village.refused == Counts{{"own", 2}});
}

TEST_CASE("of one owner's pods one speaks: the newest that answers") {
  Village village;
  village.Pod("a", "trino", "1", {"m"}).Pod("a", "trino", "2", {"m"});
  CHECK(village.Granted() == Set{"a/m of trino2"});
  village.Pod("a", "trino", "3", {}, false, false);
  CHECK(village.Granted() == Set{"a/m of trino2"});
  village.identities[1].ready = false;
  CHECK(village.Granted() == Set{"a/m of trino1"});
}

TEST_CASE("two engines of one namespace both have the name") {
  Village village;
  village.Pod("a", "blue", "1", {"m"}).Pod("a", "green", "1", {"m"});
  CHECK(village.Granted() == Set{"a/m of blue1", "a/m of green1"});
}

TEST_CASE("of one name that a page has twice, home has the one that names it") {
  Village village;
  village.Pod("a", "trino", "1", {"m@b", "m", "m@a", "m@*"});
  CHECK(village.Granted() == Set{"a/m of trino1"});
  CHECK(village.refused == Counts{{"namespace", 2}, {"taken", 3}});
  const auto groups = GroupsOf(village.identities, village.heard);
  const auto grants = GrantsOf(groups, village.sidecars, village.pages, village.rules);
  REQUIRE(grants.size() == 1);
  CHECK(grants[0].metric == 2);
}

TEST_CASE("nothing is taken from whom discovery places nowhere") {
  Village village;
  village.Pod("", "trino", "1", {"m"});
  CHECK(village.Granted().empty());
}

TEST_CASE("the number of metrics is bounded, and what is new does not crowd out what was there") {
  Village village;
  village.Pod("a", "rogue", "1", {"m", "n"}).Pod("b", "trino", "1", {"o"});
  village.rules.known = [](const Name&, const Group& group) {
    return group.speaker.owner == "trino";
  };
  village.rules.most = 3;
  CHECK(village.Granted().size() == 3);
  CHECK(village.refused.empty());
  village.rules.most = 2;
  CHECK(village.Granted() == Set{"a/m of rogue1", "b/o of trino1"});
  CHECK(village.refused == Counts{{"metrics", 1}});
}

}  // namespace
}  // namespace plimsoll::hub::detail
