// SPDX-License-Identifier: Apache-2.0
//
// One tick of a hub: pages, groups, grants, then what silent sidecars leave behind.
#include "hub/hub.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "base/format.h"
#include "base/number_text.h"
#include "hub/detail/claims.h"
#include "hub/detail/pages.h"
#include "signals/carry.h"

namespace plimsoll::hub {
namespace {

using detail::Grant;
using detail::Group;
using detail::Name;
using detail::Page;
using signals::Imported;
using signals::Metric;
using signals::Moment;
using signals::Origin;
using signals::Reason;
using signals::Snapshot;
using telemetry::MetricId;

std::string Describe(const Sidecar& sidecar) { return sidecar.job + " " + sidecar.url; }

// The words behind a reason that a sidecar gave.
std::string Said(Reason reason, const std::string& error) {
  std::string text = reason == Reason::kNeverScraped ? "its sidecar has scraped nothing yet"
                     : reason == Reason::kQueryError ? "its query failed"
                                                     : "its query gives no series";
  if (!error.empty()) text += ": " + error;
  return text;
}

// What is not there may be on the page all the same.
std::string Unread(const Sidecar& sidecar) {
  return base::format(
      "{} series of the page of its sidecar did not fit into the hub's store (limits)",
      sidecar.refused);
}

std::string Silent(const Sidecar* sidecar) {
  if (sidecar == nullptr) return "its sidecar has vanished";
  const bool scraped = !sidecar->failing_since && sidecar->last_error.empty();
  if (scraped && sidecar->refused != 0) return Unread(*sidecar);
  if (scraped)
    return base::format("its page has no {}", telemetry::Row(MetricId::kExportedPageTime).name);
  std::string text = "its sidecar cannot be scraped";
  if (sidecar->failing_since) text += " since " + base::FormatRfc3339(sidecar->failing_since->wall);
  if (!sidecar->last_error.empty()) text += ": " + sidecar->last_error;
  return text;
}

// The metric of this name that the same engine of the same owner had.
const Metric* BeforeOf(const Snapshot* previous, const Name& name, const Identity& speaker) {
  if (previous == nullptr) return nullptr;
  const auto same = [&](const Metric& metric) {
    return metric.origin != nullptr && metric.origin->engine == speaker.engine &&
           metric.origin->owner == speaker.owner && metric.origin->home == speaker.name_space;
  };
  const auto sharing = previous->Sharing(name.first, name.second);
  for (const Metric* metric : sharing) {
    if (same(*metric)) return metric;
  }
  const Metric* found = previous->Find(name.first, name.second);
  return found != nullptr && same(*found) ? found : nullptr;
}

// Who had a name outside of its own namespace.
std::string HolderBefore(const Snapshot* previous, const Name& name) {
  const Metric* found = previous == nullptr ? nullptr : previous->Find(name.first, name.second);
  if (found == nullptr || found->origin == nullptr || found->origin->home == name.first) return "";
  return found->origin->home + " " + found->origin->owner;
}

}  // namespace

struct Hub::State {
  Options options;
  telemetry::Telemetry* telemetry = nullptr;
  detail::Pages pages;
  bool settled = false;

  State(Options given, telemetry::Telemetry* counts)
      : options(std::move(given)),
        telemetry(counts),
        pages({static_cast<std::size_t>(options.config.metrics_per_sidecar),
               static_cast<std::size_t>(options.config.series_per_sidecar)},
              options.lookback) {}

  void Refuse(std::string_view reason, std::size_t count = 1) const {
    if (telemetry != nullptr && count != 0)
      telemetry->CounterOf(MetricId::kHubRefused, {reason}).Add(static_cast<double>(count));
  }

  Metric MetricOf(const Grant& grant, const Group& group, const Sidecar& sidecar, const Page& page,
                  const Snapshot* previous, Moment now) const {
    const detail::PageMetric& said = page.metrics[grant.metric];
    Metric metric;
    metric.policy = said.policy.metric;
    metric.namespaces = grant.namespaces;
    metric.window = said.policy.window;
    metric.reads_scraped = said.policy.reads_scraped;
    if (said.evaluated) metric.evaluated = *said.evaluated;
    model::LabelsBuilder builder;
    for (const signals::Entry& entry : said.entries) {
      builder.Reset(entry.labels);
      if (const std::string theirs(builder.Get("engine")); !theirs.empty())
        builder.Set("exported_engine", theirs);
      builder.Set("engine", group.speaker.engine);
      metric.entries.push_back(entry);
      metric.entries.back().labels = builder.Build();
    }
    std::sort(metric.entries.begin(), metric.entries.end(),
              [](const auto& a, const auto& b) { return a.labels < b.labels; });
    auto origin = std::make_shared<Origin>();
    origin->engine = group.speaker.engine;
    origin->owner = group.speaker.owner;
    origin->home = group.speaker.name_space;
    origin->sidecar = Describe(sidecar);
    origin->heard = page.at;
    origin->reason = said.reason;
    if (said.reason) origin->problem = Said(*said.reason, said.error);
    if (!said.lost.empty()) {
      origin->reason = Reason::kQueryError;
      origin->problem = said.lost;
      metric.entries.clear();  // what is known from before still counts
    }
    metric.origin = std::move(origin);
    const Name name{grant.namespaces.front(), metric.policy->name};
    signals::CarryOver(BeforeOf(previous, name, group.speaker), now,
                       static_cast<std::size_t>(options.config.series_per_sidecar), metric);
    return metric;
  }

  // What `before`, of which its sidecar says nothing that can be read, still is.
  Metric SilentMetric(const Metric& before, std::vector<std::string> namespaces,
                      const Sidecar* sidecar, bool heard, Moment now) const {
    Metric metric = before;
    metric.namespaces = std::move(namespaces);
    metric.entries.clear();
    auto origin = std::make_shared<Origin>(*before.origin);
    origin->reason = heard ? Reason::kQueryError : Reason::kStale;
    origin->problem = heard ? Unread(*sidecar) : Silent(sidecar);
    metric.origin = std::move(origin);
    signals::CarryOver(&before, now, static_cast<std::size_t>(options.config.series_per_sidecar),
                       metric);
    return metric;
  }

  void CountSidecars(const std::vector<Group>& groups, const std::vector<Sidecar>& sidecars) const {
    if (telemetry == nullptr) return;
    std::size_t heard = 0, spare = 0, silent = 0, waiting = 0;
    const auto count = [&](const Sidecar& sidecar) { ++(sidecar.last_success ? silent : waiting); };
    for (const Group& group : groups) {
      if (group.heard) ++heard;
      if (!group.heard) count(sidecars[group.sidecar]);
      if (group.heard) spare += group.spare.size();
      for (const std::size_t one : group.spare) {
        if (!group.heard) count(sidecars[one]);
      }
    }
    const std::pair<std::string_view, std::size_t> states[] = {
        {"heard", heard}, {"spare", spare}, {"silent", silent}, {"waiting", waiting}};
    for (const auto& [state, number] : states)
      telemetry->GaugeOf(MetricId::kHubSidecars, {state}).Set(static_cast<double>(number));
  }

  void AddPending(const std::vector<Job>& jobs, const std::vector<Group>& groups,
                  const std::vector<Sidecar>& sidecars, Imported& imported) const {
    for (const Job& job : jobs) {
      std::string why = base::format("the sidecars of job {} are not known yet", job.name);
      if (!job.problem.empty()) why += ": " + job.problem;
      const auto& any = options.config.any_namespace;
      const bool anywhere = std::find(any.begin(), any.end(), job.name) != any.end();
      for (const std::string& name_space : job.unheard)
        imported.pending.push_back({anywhere ? "*" : name_space, why});
    }
    for (const Group& group : groups) {
      const Sidecar& sidecar = sidecars[group.sidecar];
      const bool unread = sidecar.refused != 0;
      if (!unread && (group.heard || sidecar.last_success)) continue;
      std::string why = base::format("sidecar {} ({}) was not {} yet", Describe(sidecar),
                                     group.speaker.owner, unread ? "read whole" : "scraped");
      if (unread) why += ": " + Unread(sidecar);
      if (!sidecar.last_error.empty()) why += ": " + sidecar.last_error;
      imported.pending.push_back(
          {sidecar.any_namespace ? "*" : group.speaker.name_space, std::move(why)});
    }
  }

  // Metrics of the last snapshot that nobody has said again.
  void AddSilent(const Snapshot& previous, const std::vector<Group>& groups,
                 const std::vector<Sidecar>& sidecars, Moment now, Imported& imported) const {
    using Who = std::tuple<std::string_view, std::string_view, std::string_view>;
    const auto who = [](const Origin& origin) {
      return Who{origin.home, origin.engine, origin.owner};
    };
    std::set<Name> live;
    std::set<std::pair<Name, Who>> said;
    for (const Metric& metric : imported.metrics) {
      for (const std::string& name_space : metric.namespaces) {
        const Name name{name_space, metric.policy->name};
        live.insert(name);
        said.emplace(name, who(*metric.origin));
      }
    }
    std::map<Who, const Group*> known;
    for (const Group& group : groups)
      known[{group.speaker.name_space, group.speaker.engine, group.speaker.owner}] = &group;
    for (const Metric& before : previous.metrics) {
      if (before.origin == nullptr) continue;
      const Who its = who(*before.origin);
      const auto found = known.find(its);
      const Group* group = found == known.end() ? nullptr : found->second;
      const Sidecar* sidecar = group == nullptr ? nullptr : &sidecars[group->sidecar];
      const bool heard = group != nullptr && group->heard;
      if (heard && sidecar->refused == 0) continue;  // its page says what there is
      if (group == nullptr &&
          now.steady - before.origin->heard.steady > options.config.forget_after)
        continue;
      // It stands beside others at home alone, and there only while its sidecar is known.
      std::vector<std::string> namespaces;
      for (const std::string& name_space : before.namespaces) {
        const Name name{name_space, before.policy->name};
        const bool resident = group != nullptr && name_space == before.origin->home;
        const bool replaced = resident ? said.contains({name, its}) : live.contains(name);
        const bool ours = options.ours && options.ours(name.first, name.second);
        if (!replaced && !ours) namespaces.push_back(name_space);
      }
      if (namespaces.empty() || imported.metrics.size() >= options.config.max_metrics) continue;
      imported.metrics.push_back(SilentMetric(before, std::move(namespaces), sidecar, heard, now));
    }
  }
};

Hub::Hub(Options options, telemetry::Telemetry* telemetry)
    : state_(std::make_unique<State>(std::move(options), telemetry)) {}
Hub::~Hub() = default;

Imported Hub::Next(const Snapshot* previous, const store::Queryable& storage, model::Time at,
                   Moment now, const std::vector<Job>& jobs, const std::vector<Sidecar>& sidecars) {
  State& state = *state_;
  const auto querier = storage.Open();
  const std::vector<Page> pages = state.pages.Read(sidecars, *querier, at, now);
  std::vector<Identity> identities;
  std::vector<bool> heard;
  for (std::size_t i = 0; i < sidecars.size(); ++i) {
    identities.push_back(IdentityOf(sidecars[i]));
    heard.push_back(pages[i].heard);
    if (identities.back().name_space.empty()) state.Refuse("no_namespace");
    state.Refuse("bad_metric", pages[i].bad_metrics);
    state.Refuse("metrics_per_sidecar", pages[i].extra_metrics);
    state.Refuse("series_per_sidecar", pages[i].extra_series);
  }
  const std::vector<Group> groups = detail::GroupsOf(identities, heard);
  detail::ClaimRules rules;
  rules.most = static_cast<std::size_t>(state.options.config.max_metrics);
  if (state.options.ours) {
    rules.ours = [&](const Name& name) { return state.options.ours(name.first, name.second); };
  }
  rules.known = [&](const Name& name, const Group& group) {
    return BeforeOf(previous, name, group.speaker) != nullptr;
  };
  rules.holder = [&](const Name& name) { return HolderBefore(previous, name); };
  rules.refuse = [&](std::string_view reason) { state.Refuse(reason); };

  Imported imported;
  for (const Grant& grant : detail::GrantsOf(groups, sidecars, pages, rules)) {
    const Group& group = groups[grant.group];
    imported.metrics.push_back(
        state.MetricOf(grant, group, sidecars[group.sidecar], pages[group.sidecar], previous, now));
  }
  if (previous != nullptr) state.AddSilent(*previous, groups, sidecars, now, imported);
  state.AddPending(jobs, groups, sidecars, imported);
  state.settled =
      state.settled || (previous != nullptr && previous->tick_time != 0 && previous->settled) ||
      (std::all_of(jobs.begin(), jobs.end(), [](const Job& job) { return job.unheard.empty(); }) &&
       std::all_of(sidecars.begin(), sidecars.end(),
                   [](const Sidecar& sidecar) { return sidecar.tried; }));
  imported.settled = state.settled;
  state.CountSidecars(groups, sidecars);
  if (state.telemetry != nullptr)
    state.telemetry->GaugeOf(MetricId::kHubMetrics)
        .Set(static_cast<double>(imported.metrics.size()));
  return imported;
}

Imported Hub::First(const Snapshot* previous, const std::vector<Job>& jobs,
                    const std::vector<Sidecar>& sidecars) const {
  Imported first;
  if (previous == nullptr || previous->tick_time == 0) {
    first.settled = false;
    first.pending = {{"*", "no sidecar was scraped yet"}};
    if (previous == nullptr) return first;
  }
  for (const Metric& metric : previous->metrics) {
    if (metric.origin != nullptr) first.metrics.push_back(metric);
  }
  std::vector<Identity> identities;
  std::vector<bool> heard;
  for (const Sidecar& sidecar : sidecars) {
    identities.push_back(IdentityOf(sidecar));
    heard.push_back(sidecar.last_success.has_value());
  }
  state_->AddPending(jobs, detail::GroupsOf(identities, heard), sidecars, first);
  first.settled = previous->settled && first.pending.empty();
  return first;
}

}  // namespace plimsoll::hub
