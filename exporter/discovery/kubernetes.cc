// SPDX-License-Identifier: Apache-2.0
//
// Collections of objects, kept by their watches, and the groups made of them when somebody looks.
#include "discovery/kubernetes.h"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "base/format.h"
#include "base/guarded.h"
#include "base/log.h"
#include "discovery/detail/kubernetes_objects.h"
#include "discovery/detail/kubernetes_targets.h"
#include "discovery/detail/shares.h"
#include "http/message.h"
#include "kube/collection_watch.h"
#include "telemetry/telemetry.h"

namespace plimsoll::discovery {
namespace {

using base::Result;
using detail::EndpointSlice;
using detail::Pod;
using detail::Service;
using document::Json;
using telemetry::MetricId;

constexpr std::size_t kPage = 100;  // objects of one answer, so that it fits ApiLimits

enum class Kind { kPod, kService, kEndpointSlice };
struct KindRow {
  Kind kind;
  std::string_view role;  // of selectors
  std::string_view group;
  std::string_view plural;
};
constexpr KindRow kKinds[] = {
    {Kind::kPod, "pod", "/api/v1", "pods"},
    {Kind::kService, "service", "/api/v1", "services"},
    {Kind::kEndpointSlice, "endpointslice", "/apis/discovery.k8s.io/v1", "endpointslices"}};

using Object = std::variant<Pod, Service, EndpointSlice>;
using Objects = std::map<std::string, Object>;  // by "namespace/name"

std::string PathOf(const KindRow& row, const std::string& name_space) {
  const std::string of = name_space == "*" ? "" : "/namespaces/" + name_space;
  return base::format("{}{}/{}", row.group, of, row.plural);
}

std::string QueryOf(const config::KubernetesDiscovery& config, std::string_view role) {
  std::string query;
  for (const auto& selector : config.selectors) {
    if (selector.role != role) continue;
    if (!selector.label.empty()) query += "labelSelector=" + http::PercentEncode(selector.label);
    if (!selector.field.empty()) {
      if (!query.empty()) query += '&';
      query += "fieldSelector=" + http::PercentEncode(selector.field);
    }
  }
  return query;
}

// One kind of object in one namespace.
struct Collection {
  KindRow row = kKinds[0];
  std::string name_space = {};
  std::string where = {};  // "pods of namespace analytics"
  Objects objects = {};
  Objects listing = {};  // the pages of a list that is under way
  // Objects beyond the limit: of `objects`, of `listing`. They come back with the next list.
  std::size_t left_out = 0, left_out_listing = 0;
  bool known = false;
  std::string problem = {};
};

}  // namespace

struct KubernetesSource::State {
  struct Shared {
    std::vector<Collection> collections;  // as many as watches, from the start on
    std::ptrdiff_t failing = 0;           // of them; what the gauge has of us
    bool changed = true;                  // since `found` was made
    std::shared_ptr<const Found> found;
  };

  Options options;
  config::KubernetesDiscovery::Role role = config::KubernetesDiscovery::Role::kPod;
  telemetry::Telemetry* telemetry = nullptr;
  detail::ObjectLimits limits;
  base::Guarded<Shared> shared;
  std::vector<std::unique_ptr<kube::CollectionWatch>> watches;  // they go first

  void Refuse(std::string_view reason, std::size_t count = 1) const {
    if (telemetry == nullptr || count == 0) return;
    telemetry->CounterOf(MetricId::kDiscoveryRefused, {options.job, reason})
        .Add(static_cast<double>(count));
  }

  Result<Object> Read(Kind kind, const Json& json) const {
    std::size_t cut = 0;
    const auto as_object = [](auto read) -> Result<Object> {
      if (!read) return std::move(read).error();
      return Object(*std::move(read));
    };
    Result<Object> object = [&] {
      switch (kind) {
        case Kind::kPod:
          return as_object(detail::ReadPod(json, limits, cut));
        case Kind::kService:
          return as_object(detail::ReadService(json, limits, cut));
        case Kind::kEndpointSlice:
          break;
      }
      return as_object(detail::ReadEndpointSlice(json, limits, cut));
    }();
    Refuse("object_size", cut);
    return object;
  }

  void Keep(Kind kind, const Json& json, Objects& objects, std::size_t& left_out) const {
    const auto key = detail::KeyOf(json);
    auto object = key ? Read(kind, json) : Result<Object>(key.error());
    if (!object) return Refuse("bad_object");
    if (objects.size() >= options.objects && !objects.contains(*key)) {
      ++left_out;
      return Refuse("objects");
    }
    objects.insert_or_assign(*key, *std::move(object));
  }

  void Listed(std::size_t index, const std::vector<Json>& page, bool first, bool last) {
    shared.With([&](Shared& now) {
      Collection& collection = now.collections[index];
      if (first) {
        collection.listing.clear();
        collection.left_out_listing = 0;
      }
      for (const Json& json : page)
        Keep(collection.row.kind, json, collection.listing, collection.left_out_listing);
      if (!last) return;
      collection.objects = std::exchange(collection.listing, {});
      collection.left_out = collection.left_out_listing;
      collection.known = true;
      now.changed = true;
    });
  }

  void Changed(std::size_t index, const Json& json, bool gone) {
    shared.With([&](Shared& now) {
      Collection& collection = now.collections[index];
      if (!gone) {
        Keep(collection.row.kind, json, collection.objects, collection.left_out);
      } else if (const auto key = detail::KeyOf(json)) {
        collection.objects.erase(*key);
      }
      now.changed = true;
    });
  }

  void Trouble(std::size_t index, const base::Error* error) {
    struct Told {
      std::string where;
      bool was_well = false;
    };
    const Told told = shared.With([&](Shared& now) {
      Collection& collection = now.collections[index];
      Told out{.where = collection.where, .was_well = collection.problem.empty()};
      collection.problem = error == nullptr ? ""
                                            : base::format("{} cannot be watched: {}",
                                                           collection.where, error->message);
      now.changed = true;
      SetFailing(now, std::count_if(now.collections.begin(), now.collections.end(),
                                    [](const Collection& one) { return !one.problem.empty(); }));
      return out;
    });
    if (telemetry != nullptr && error != nullptr)
      telemetry->CounterOf(MetricId::kDiscoveryWatchFailures, {options.job}).Add();
    if (error == nullptr) {
      base::LogInfo("job {}: {} can be watched again", options.job, told.where);
    } else if (told.was_well) {
      base::LogWarn("job {}: {} cannot be watched, the targets known so far stay: {}", options.job,
                    told.where, error->ToString());
    }
  }

  // The gauge is the job's: each of its sources adds what fails of its own, and takes it back.
  // Requires: the lock of `now`.
  void SetFailing(Shared& now, std::ptrdiff_t failing) const {
    if (telemetry != nullptr) {
      telemetry->GaugeOf(MetricId::kDiscoveryWatchesFailing, {options.job})
          .Add(static_cast<double>(failing - now.failing));
    }
    now.failing = failing;
  }

  // Requires: the lock of `now`.
  Found Make(const Shared& now) const {
    Found found;
    std::map<std::string, const Service*> services;
    std::map<std::string, const Pod*> pods;
    std::vector<const EndpointSlice*> slices;
    for (const Collection& collection : now.collections) {
      const bool told = !found.unheard.empty() && found.unheard.back() == collection.name_space;
      if (!collection.known && !told) found.unheard.push_back(collection.name_space);
      if (found.problem.empty()) found.problem = collection.problem;
      if (collection.left_out != 0) {
        detail::LeaveOut(collection.name_space,
                         base::format("there are more than {} {}: the others are left out",
                                      options.objects, collection.where),
                         found);
      }
      for (const auto& [key, object] : collection.objects) {
        if (const auto* pod = std::get_if<Pod>(&object)) pods.emplace(key, pod);
        if (const auto* service = std::get_if<Service>(&object)) services.emplace(key, service);
        if (const auto* slice = std::get_if<EndpointSlice>(&object)) slices.push_back(slice);
      }
    }
    if (role == config::KubernetesDiscovery::Role::kPod) {
      for (const auto& [key, pod] : pods) found.groups.push_back(detail::PodTargets(*pod));
    }
    const auto pod_of = [&pods](const std::string& key) {
      const auto pod = pods.find(key);
      return pod == pods.end() ? nullptr : pod->second;
    };
    for (const EndpointSlice* slice : slices) {
      const auto service = services.find(slice->meta.name_space + "/" + slice->service);
      found.groups.push_back(detail::EndpointSliceTargets(
          *slice, service == services.end() ? nullptr : service->second, pod_of));
    }
    const auto refuse = [this](std::string_view reason, std::size_t count) {
      Refuse(reason, count);
    };
    detail::ShareTargets(options.targets, refuse, found);
    return found;
  }
};

Result<kube::ClientConfig> ClusterOf(const config::KubernetesDiscovery& config,
                                     const kube::PodEnvironment& pod) {
  if (!config.api_server.empty()) {
    return kube::ClientConfig{
        .server = config.api_server,
        .http = std::make_shared<const config::HttpClientConfig>(config.http)};
  }
  if (!config.kubeconfig_file.empty()) return kube::LoadKubeconfig(config.kubeconfig_file);
  return kube::InClusterConfig(pod);
}

Result<std::shared_ptr<KubernetesSource>> KubernetesSource::Make(
    const config::KubernetesDiscovery& config, std::shared_ptr<const kube::Api> api,
    telemetry::Telemetry* telemetry, Options options) {
  std::vector<std::string> namespaces = config.namespaces;
  if (config.own_namespace) {
    const std::string& own = api->config().name_space;
    if (own.empty())
      return base::BadInput("namespaces.own_namespace: nothing says which namespace is our own");
    if (std::find(namespaces.begin(), namespaces.end(), own) == namespaces.end())
      namespaces.push_back(own);
  }
  auto state = std::make_unique<State>();
  State* const self = state.get();
  self->options = options;
  self->role = config.role;
  self->telemetry = telemetry;
  const bool pods_alone = config.role == config::KubernetesDiscovery::Role::kPod;
  self->shared.With([&](State::Shared& shared) {
    for (const std::string& name_space : namespaces) {
      for (const KindRow& row : kKinds) {
        if (pods_alone && row.kind != Kind::kPod) continue;
        kube::CollectionWatch::Options watched;
        watched.collection = PathOf(row, name_space);
        watched.query = QueryOf(config, row.role);
        watched.page = kPage;
        watched.random = options.random;
        const std::size_t index = shared.collections.size();
        watched.listed = [self, index](const std::vector<Json>& page, bool first, bool last) {
          self->Listed(index, page, first, last);
        };
        watched.changed = [self, index](const Json& json, bool gone) {
          self->Changed(index, json, gone);
        };
        watched.trouble = [self, index](const base::Error* error) { self->Trouble(index, error); };
        const std::string of =
            name_space == "*" ? "of all namespaces" : "of namespace " + name_space;
        shared.collections.push_back(
            {.row = row, .name_space = name_space, .where = base::format("{} {}", row.plural, of)});
        self->watches.push_back(
            std::make_unique<kube::CollectionWatch>(api, telemetry, std::move(watched)));
      }
    }
    self->SetFailing(shared, 0);  // so that it is on the page
  });
  for (const auto& watch : self->watches) watch->Start();
  return std::shared_ptr<KubernetesSource>(new KubernetesSource(std::move(state)));
}

KubernetesSource::KubernetesSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
KubernetesSource::~KubernetesSource() { Stop(); }

void KubernetesSource::Stop() {
  state_->watches.clear();
  state_->shared.With([this](State::Shared& now) { state_->SetFailing(now, 0); });
}

std::shared_ptr<const Found> KubernetesSource::Get() {
  return state_->shared.With([this](State::Shared& now) {
    if (now.changed) {
      now.changed = false;
      Found next = state_->Make(now);
      if (now.found == nullptr || *now.found != next)
        now.found = std::make_shared<const Found>(std::move(next));
    }
    return now.found;
  });
}

}  // namespace plimsoll::discovery
