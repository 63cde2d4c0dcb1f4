// SPDX-License-Identifier: Apache-2.0
//
// Flags and cluster to trust pools, names and reviews.
#include "app/control_plane.h"

#include <utility>

#include "app/read_file.h"
#include "base/format.h"
#include "base/log.h"

namespace plimsoll::app {
namespace {

using base::Error;
using base::Result;
using telemetry::MetricId;

// The API server of a flag, else the pod's; null when there is neither.
Result<std::shared_ptr<const kube::Api>> ApiOf(const std::string& flag, const std::string& file,
                                               const kube::PodEnvironment& pod,
                                               http::Client& client,
                                               telemetry::Telemetry& telemetry) {
  std::shared_ptr<const kube::Api> none;
  if (file.empty() && !pod.InCluster()) return none;
  auto config = file.empty() ? kube::InClusterConfig(pod) : kube::LoadKubeconfig(file);
  if (!config) {
    Error error = std::move(config).error();
    if (error.where.file.empty()) error.message = flag + ": " + error.message;
    return error;
  }
  return std::shared_ptr<const kube::Api>(
      std::make_shared<kube::Api>(*std::move(config), kube::Over(client), &telemetry));
}

std::string ObjectName() {
  return base::format("ConfigMap {}/{}", serve::kTrustNamespace, serve::kTrustName);
}

}  // namespace

ControlPlane::ControlPlane(const RunOptions& options, telemetry::Telemetry& telemetry)
    : options_(options), telemetry_(telemetry) {}

ControlPlane::~ControlPlane() { Stop(); }

Result<std::unique_ptr<ControlPlane>> ControlPlane::Make(const RunOptions& options,
                                                         const kube::PodEnvironment& pod,
                                                         const base::Clock& clock,
                                                         telemetry::Telemetry& telemetry) {
  std::unique_ptr<ControlPlane> made(new ControlPlane(options, telemetry));
  serve::AuthenticationOptions flags;
  flags.allowed_names = options.requestheader_allowed_names;
  flags.username_headers = options.requestheader_username_headers;
  flags.uid_headers = options.requestheader_uid_headers;
  flags.group_headers = options.requestheader_group_headers;
  flags.extra_prefixes = options.requestheader_extra_headers_prefix;
  made->trust_.Publish(std::make_shared<const serve::AuthenticationOptions>(std::move(flags)));
  const bool listens =
      options.secure_port != 0 && (!options.tls_cert_file.empty() || options.manage_certificates);
  const bool told = !options.authentication_kubeconfig.empty() ||
                    !options.authorization_kubeconfig.empty() ||
                    (options.manage_certificates && !options.kubeconfig.empty());
  if (!told && !(listens && pod.InCluster())) return made;

  made->client_ =
      std::make_unique<http::Client>(http::ClientLimits{.resolver_threads = 1}, &telemetry);
  auto authentication = ApiOf("--authentication-kubeconfig", options.authentication_kubeconfig, pod,
                              *made->client_, telemetry);
  if (!authentication) return std::move(authentication).error();
  auto authorization = ApiOf("--authorization-kubeconfig", options.authorization_kubeconfig, pod,
                             *made->client_, telemetry);
  if (!authorization) return std::move(authorization).error();
  made->authentication_ = *std::move(authentication);
  made->authorization_ = *std::move(authorization);
  if (options.manage_certificates) {
    auto certificates = ApiOf("--kubeconfig", options.kubeconfig, pod, *made->client_, telemetry);
    if (!certificates) return std::move(certificates).error();
    made->certificates_ = *std::move(certificates);
  }
  if (!made->authentication_ && !made->authorization_) return made;
  kube::ReviewOptions reviews;
  reviews.token_ttl = options.authentication_token_webhook_cache_ttl;
  reviews.allowed_ttl = options.authorization_webhook_cache_authorized_ttl;
  reviews.denied_ttl = options.authorization_webhook_cache_unauthorized_ttl;
  made->reviews_ = std::make_unique<kube::Reviews>(made->authentication_, made->authorization_,
                                                   clock, &telemetry, reviews);
  return made;
}

bool ControlPlane::LooksUp() const {
  return authentication_ != nullptr && !options_.authentication_skip_lookup &&
         (options_.client_ca_file.empty() || options_.requestheader_client_ca_file.empty());
}

void ControlPlane::Start(std::function<Result<void>()> changed) {
  changed_ = std::move(changed);
  if (!LooksUp()) return;
  telemetry_.GaugeOf(MetricId::kAuthenticationLoaded).Set(0);
  kube::ObjectWatch::Options watched;
  watched.collection = base::format("/api/v1/namespaces/{}/configmaps", serve::kTrustNamespace);
  watched.name = serve::kTrustName;
  watched.changed = [this](const document::Json* object) { Changed(object); };
  watched.trouble = [this](const Error* error) { Trouble(error); };
  watch_ = std::make_unique<kube::ObjectWatch>(authentication_, &telemetry_, std::move(watched));
  watch_->Start();
}

void ControlPlane::Stop() {
  watch_.reset();
  client_.reset();
}

// What was trusted before stays trusted when the new state cannot be read or used.
void ControlPlane::Changed(const document::Json* object) {
  const auto fail = [&](const std::string& problem) {
    telemetry_.CounterOf(MetricId::kAuthenticationErrors).Add();
    base::LogError("{}: {}", ObjectName(), problem);
    lookup_.With([&](Lookup& lookup) { lookup.problem = problem; });
  };
  if (object == nullptr) return fail("it does not exist");
  const auto map = kube::ReadConfigMap(*object);
  if (!map) return fail(map.error().ToString());
  auto trust = serve::ReadClusterTrust(*map);
  if (!trust) return fail(trust.error().ToString());
  const bool same =
      lookup_.With([&](const Lookup& lookup) { return lookup.loaded && lookup.trust == *trust; });
  if (same) return;
  const serve::ClusterTrust before =
      lookup_.With([&](Lookup& lookup) { return std::exchange(lookup.trust, *trust); });
  // Names first: an authority shall not be trusted before it is known for whom it may speak. A CA
  // of the flags comes with the flags' names.
  const auto names_before = trust_.Get();
  if (options_.requestheader_client_ca_file.empty())
    trust_.Publish(std::make_shared<const serve::AuthenticationOptions>(trust->options));
  if (const auto used = changed_(); !used) {
    trust_.Publish(names_before);
    lookup_.With([&](Lookup& lookup) { lookup.trust = before; });
    return fail(used.error().ToString());
  }
  lookup_.With([](Lookup& lookup) {
    lookup.loaded = true;
    lookup.problem.clear();
  });
  telemetry_.GaugeOf(MetricId::kAuthenticationLoaded).Set(1);
  base::LogInfo("{} is in use, version {}", ObjectName(), map->resource_version);
}

void ControlPlane::Trouble(const Error* error) {
  if (error != nullptr) telemetry_.CounterOf(MetricId::kAuthenticationErrors).Add();
  const bool first = lookup_.With([&](Lookup& lookup) {
    const bool was_well = lookup.problem.empty();
    if (error != nullptr || lookup.loaded) lookup.problem = error == nullptr ? "" : error->message;
    return was_well;
  });
  if (error == nullptr) return base::LogInfo("{} can be watched again", ObjectName());
  if (first) base::LogWarn("{} cannot be watched: {}", ObjectName(), error->ToString());
}

Result<std::vector<http::TrustPool>> ControlPlane::Pools() const {
  const serve::ClusterTrust cluster =
      lookup_.With([](const Lookup& lookup) { return lookup.trust; });
  struct Source {
    std::string_view name;
    const std::string& file;
    const std::string& otherwise;
  };
  const Source sources[] = {
      {serve::kRequestHeaderPool, options_.requestheader_client_ca_file, cluster.requestheader_ca},
      {serve::kClientPool, options_.client_ca_file, cluster.client_ca}};
  std::vector<http::TrustPool> pools;
  for (const Source& source : sources) {
    std::string pem = source.otherwise;
    if (!source.file.empty()) {
      auto read = ReadFile(source.file);
      if (!read) return std::move(read).error();
      pem = *std::move(read);
    }
    if (!pem.empty()) pools.push_back({std::string(source.name), std::move(pem)});
  }
  return pools;
}

std::string ControlPlane::NotReady() const {
  if (!LooksUp() || options_.authentication_tolerate_lookup_failure) return "";
  return lookup_.With([](const Lookup& lookup) -> std::string {
    if (lookup.loaded) return "";
    const std::string why = ObjectName() + " was not read yet";
    return lookup.problem.empty() ? why : why + ": " + lookup.problem;
  });
}

std::string ControlPlane::Describe() const {
  const auto at = [](const std::shared_ptr<const kube::Api>& api, std::string_view otherwise) {
    return api ? "at " + api->config().server : std::string(otherwise);
  };
  return base::format("tokens are reviewed {}, access {}", at(authentication_, "by nobody (401)"),
                      at(authorization_, "by the static rule"));
}

}  // namespace plimsoll::app
