// SPDX-License-Identifier: Apache-2.0
//
// Sources by what configures them.
#include "app/cluster_discovery.h"

#include <utility>

#include "app/read_file.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/guarded.h"
#include "config/print.h"
#include "kube/api.h"

namespace plimsoll::app {
namespace {

using base::Error;
using base::Result;

// How long --once waits before it looks again.
constexpr std::chrono::milliseconds kLook{20};

// The configuration as text, with the secrets that a print of it hides. A kubeconfig is read once
// and may hold the very token or certificate that was renewed in it, so what it says counts, too.
std::string KeyOf(const config::ScrapeConfig& job, std::size_t index) {
  std::string key = std::to_string(index) + "\n" + config::Print(job);
  const config::KubernetesDiscovery& discovery = job.kubernetes_sd_configs[index];
  if (!discovery.kubeconfig_file.empty()) {
    if (const auto text = ReadFile(discovery.kubeconfig_file)) key += "\n" + *text;
  }
  const config::HttpClientConfig& http = discovery.http;
  if (http.basic_auth) key += "\n" + http.basic_auth->password.value;
  if (http.authorization) key += "\n" + http.authorization->credentials.value;
  key += "\n" + http.tls.key.value;
  for (const config::HttpHeader& header : http.http_headers) {
    for (const std::string& secret : header.secrets) key += "\n" + secret;
  }
  return key;
}

}  // namespace

Result<std::vector<std::shared_ptr<discovery::TargetSource>>> ClusterDiscovery::SourcesOf(
    const config::ScrapeConfig& job) {
  std::vector<std::shared_ptr<discovery::TargetSource>> sources;
  std::erase_if(sources_, [](const auto& entry) { return entry.second.expired(); });
  for (std::size_t i = 0; i < job.kubernetes_sd_configs.size(); ++i) {
    const config::KubernetesDiscovery& config = job.kubernetes_sd_configs[i];
    const std::string key = KeyOf(job, i);
    if (auto known = sources_[key].lock()) {
      sources.push_back(std::move(known));
      continue;
    }
    auto cluster = discovery::ClusterOf(config, kube::PodEnvironment::OfProcess());
    if (cluster && client_ == nullptr) {
      client_ =
          std::make_unique<http::Client>(http::ClientLimits{.resolver_threads = 1}, &telemetry_);
    }
    auto source =
        cluster ? discovery::KubernetesSource::Make(
                      config,
                      std::make_shared<const kube::Api>(*std::move(cluster), kube::Over(*client_),
                                                        &telemetry_),
                      &telemetry_, {.job = job.job_name})
                : Result<std::shared_ptr<discovery::KubernetesSource>>(std::move(cluster).error());
    if (!source) {
      Error error = std::move(source).error();
      if (error.where.file.empty()) error.where = job.where;
      error.message = "kubernetes_sd_configs: " + error.message;
      return error;
    }
    sources_[key] = *source;
    sources.push_back(*std::move(source));
  }
  return sources;
}

Result<void> ClusterDiscovery::Wait(std::chrono::milliseconds patience) {
  const base::Clock& clock = base::SystemClock();
  const base::Steady end = clock.SteadyNow() + patience;
  base::Guarded<bool> never(false);
  for (const auto& [key, weak] : sources_) {
    const auto source = weak.lock();
    if (source == nullptr) continue;
    for (;;) {
      const auto found = source->Get();
      if (found->unheard.empty()) break;
      if (clock.SteadyNow() > end) {
        return Error{Error::Kind::kUnavailable, found->problem.empty()
                                                    ? "Kubernetes discovery has not answered"
                                                    : found->problem};
      }
      never.WaitFor({}, kLook, [](bool) { return false; });
    }
  }
  return {};
}

void ClusterDiscovery::Stop() {
  for (const auto& [key, weak] : sources_) {
    if (const auto source = weak.lock()) source->Stop();
  }
  client_.reset();
}

}  // namespace plimsoll::app
