// SPDX-License-Identifier: Apache-2.0
//
// The watches behind kubernetes_sd_configs, over reloads.
//
// A job whose configuration and kubeconfig stay has the same watches after a reload: listing a
// cluster again for nothing would cost the API server, and for a moment there would be no targets.
// They have an HTTP
// client of their own, because reading a large list must not hold up scrapes.
//
// Threads: SourcesOf and Stop from one thread at a time; the sources may be used from any.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "discovery/kubernetes.h"
#include "http/client.h"
#include "telemetry/telemetry.h"

namespace plimsoll::app {

class ClusterDiscovery {
 public:
  explicit ClusterDiscovery(telemetry::Telemetry& telemetry) : telemetry_(telemetry) {}
  ~ClusterDiscovery() { Stop(); }

  // One source for each kubernetes_sd_config of the job.
  // Fails with: as discovery::ClusterOf and KubernetesSource::Make, at the job's place.
  base::Result<std::vector<std::shared_ptr<discovery::TargetSource>>> SourcesOf(
      const config::ScrapeConfig& job);
  // Waits until every source was heard of. Fails with: kUnavailable, what is wrong.
  base::Result<void> Wait(std::chrono::milliseconds patience);
  // Nothing is watched any more; the sources keep what they found.
  void Stop();

 private:
  telemetry::Telemetry& telemetry_;
  std::unique_ptr<http::Client> client_;  // from the first source on
  std::map<std::string, std::weak_ptr<discovery::KubernetesSource>> sources_;
};

}  // namespace plimsoll::app
