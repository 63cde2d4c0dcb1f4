// SPDX-License-Identifier: Apache-2.0
//
// The Kubernetes side of the API listener: which API server is asked, whom it says to trust, and
// what is known of callers.
//
// Without an API server (no kubeconfig flag, not in a pod with a service account) all of it is
// static: the CAs and names of the flags, and a rule instead of reviews.
//
// Threads: Make, Start and Stop from the main thread; the rest from any.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/options.h"
#include "base/clock.h"
#include "base/guarded.h"
#include "base/published.h"
#include "base/result.h"
#include "http/client.h"
#include "http/server.h"
#include "kube/client_config.h"
#include "kube/reviews.h"
#include "kube/watch.h"
#include "serve/authentication.h"
#include "serve/trust.h"
#include "telemetry/telemetry.h"

namespace plimsoll::app {

class ControlPlane {
 public:
  // `clock` and `telemetry` must outlive it.
  // Fails with: a kubeconfig that cannot be used.
  static base::Result<std::unique_ptr<ControlPlane>> Make(const RunOptions& options,
                                                          const kube::PodEnvironment& pod,
                                                          const base::Clock& clock,
                                                          telemetry::Telemetry& telemetry);
  ~ControlPlane();

  // Reads and watches the cluster's trust, if any. `changed` is called after each change, on the
  // client's thread; what it returns is why the change cannot be used.
  void Start(std::function<base::Result<void>()> changed);
  // No callback runs afterwards; reviews under way fail.
  void Stop();

  // Bundles of the flags' files, else of the cluster.
  // Fails with: kUnavailable when a file cannot be read.
  base::Result<std::vector<http::TrustPool>> Pools() const;
  const base::Published<serve::AuthenticationOptions>& trust() const { return trust_; }
  // Null when there is no API server.
  kube::Reviews* reviews() const { return reviews_.get(); }
  // The API server in which a managed certificate is kept; null without --manage-certificates or
  // an API server.
  const std::shared_ptr<const kube::Api>& certificates() const { return certificates_; }
  // Returns: why not; "" when ready.
  std::string NotReady() const;
  // "static rule", "TokenReview and SubjectAccessReview at https://...": for the log.
  std::string Describe() const;

 private:
  struct Lookup {
    bool loaded = false;
    std::string problem = {};  // the last one
    serve::ClusterTrust trust = {};
  };

  ControlPlane(const RunOptions& options, telemetry::Telemetry& telemetry);
  void Changed(const document::Json* object);
  void Trouble(const base::Error* error);
  bool LooksUp() const;

  const RunOptions options_;
  telemetry::Telemetry& telemetry_;
  base::Published<serve::AuthenticationOptions> trust_;
  base::Guarded<Lookup> lookup_;
  std::function<base::Result<void>()> changed_;
  // Its own client: its thread shall not wait for the scrapes'.
  std::unique_ptr<http::Client> client_;
  std::shared_ptr<const kube::Api> authentication_;
  std::shared_ptr<const kube::Api> authorization_;
  std::shared_ptr<const kube::Api> certificates_;
  std::unique_ptr<kube::Reviews> reviews_;
  std::unique_ptr<kube::ObjectWatch> watch_;
};

}  // namespace plimsoll::app
