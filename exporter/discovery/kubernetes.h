// SPDX-License-Identifier: Apache-2.0
//
// Targets of a Kubernetes cluster: one kubernetes_sd_config, listed and watched.
//
// Each kind of object in each namespace is watched by itself (pods; for slices also the slices and
// their services). What was read of an object is kept until the server says otherwise, so an API
// server that is away costs no target; that it is away is said by a gauge, in the log and among the
// job's problems.
//
// Threads: Get from any thread; Stop and the destructor from any but the HTTP client's io thread.
// Bounds:  Options::objects, detail::ObjectLimits, kube::ApiLimits, kube::WatchLimits; what is left
//          out is counted in plimsoll_discovery_refused_total.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "config/config.h"
#include "discovery/source.h"
#include "kube/api.h"
#include "kube/client_config.h"

namespace plimsoll::telemetry {
class Telemetry;
}

namespace plimsoll::discovery {

// The API server that a configuration means, and who we are there.
// Fails with: kUnavailable (no pod, no such file), kBadInput (a kubeconfig that cannot be used).
base::Result<kube::ClientConfig> ClusterOf(const config::KubernetesDiscovery& config,
                                           const kube::PodEnvironment& pod);

class KubernetesSource final : public TargetSource {
 public:
  struct Options {
    std::string job;  // for telemetry and the log
    // In [0, 1); default: a generator of its own. For tests.
    std::function<double()> random = {};
    // Of one kind in one namespace; the others are left out.
    std::size_t objects = 20'000;
    // In all. Beyond it namespaces have equal shares, so that none pushes out another.
    std::size_t targets = 100'000;
  };
  // Begins to watch. `telemetry` may be null and must outlive it.
  // Fails with: kBadInput when own_namespace is asked for and nothing says which that is.
  static base::Result<std::shared_ptr<KubernetesSource>> Make(
      const config::KubernetesDiscovery& config, std::shared_ptr<const kube::Api> api,
      telemetry::Telemetry* telemetry, Options options);
  ~KubernetesSource() override;

  std::shared_ptr<const Found> Get() override;
  // Watches no more; what was found stays. The API's transport may go afterwards.
  void Stop();

 private:
  struct State;
  explicit KubernetesSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::discovery
