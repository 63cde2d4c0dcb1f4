// SPDX-License-Identifier: Apache-2.0
//
// The process while it runs, as one object: its members in the order in which they depend on each
// other, so that they go in the opposite order.
//
// Threads: Start, Stop and Reload from the main thread, Reload also from a request; the loop has a
//          thread of its own, each listener has its own threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "app/cluster_discovery.h"
#include "app/control_plane.h"
#include "app/load_config.h"
#include "app/managed_certificates.h"
#include "app/options.h"
#include "app/status.h"
#include "app/web_config.h"
#include "app/window.h"
#include "app/window_keeper.h"
#include "base/published.h"
#include "base/result.h"
#include "http/client.h"
#include "http/server.h"
#include "scrape/http_fetcher.h"
#include "serve/external_metrics.h"
#include "serve/external_values.h"
#include "serve/forwarding.h"
#include "serve/health.h"
#include "serve/landing_page.h"
#include "serve/metrics_page.h"
#include "serve/prometheus_api.h"
#include "signals/snapshot.h"
#include "store/memory_store.h"
#include "telemetry/telemetry.h"
#include "tick/loop.h"

namespace plimsoll::app {

class Instance {
 public:
  // Fails with: what is wrong with the configuration, its rules or its queries.
  static base::Result<std::unique_ptr<Instance>> Make(const RunOptions& options,
                                                      LoadedConfig loaded);
  ~Instance();

  // Opens the listeners and starts the loop. Fails with: kUnavailable, kBadInput (certificates).
  base::Result<void> Start();
  // Loads the configuration again. On failure the one in use stays, and says so on /metrics.
  base::Result<void> Reload();
  // Reads certificates and CA bundles again; new connections use them.
  base::Result<void> ReloadCertificates();
  // From now on unready: whoever routes by readiness looks elsewhere. Everything is served on.
  void Retire() { retired_ = true; }
  // Stops listening, scraping and evaluating; returns within a second.
  void Stop();

  // One tick without listeners; then the page of /metrics, in text 0.0.4.
  // Fails with: kUnavailable when a target could not be scraped (the page is complete all the
  // same).
  base::Result<void> Once(std::string& page);

  std::uint16_t ops_port() const { return ops_ ? ops_->port() : 0; }
  std::uint16_t api_port() const { return api_ ? api_->port() : 0; }
  const base::Published<signals::Snapshot>& snapshot() const { return snapshot_; }
  const serve::ExternalMetricsApi& external_metrics() const { return *external_; }
  // Wraps the handler of the ops listener before Start: the demo adds its own faces.
  void WrapOps(std::function<http::Handler(http::Handler)> wrap) { wrap_ops_ = std::move(wrap); }

 private:
  explicit Instance(const RunOptions& options);
  base::Result<tick::Plan> BuildPlan(const std::shared_ptr<const config::Config>& config);
  base::Result<void> KeepWindow(std::chrono::milliseconds window);
  base::Result<void> CheckSignalNames(const config::Config& config) const;
  base::Result<http::TlsCredentials> ReadCredentials();
  // Takes a managed pair into use: starts the API listener with the first.
  base::Result<void> UsePair(const http::KeyPair& pair);
  // Requires: the lock credentials_.
  base::Result<void> StartApi(http::TlsCredentials credentials);
  // A fingerprint of what the files of certificates hold now.
  std::uint64_t CertificateFiles() const;
  void WatchCertificates(std::uint64_t in_use, std::stop_token stop);
  base::Result<void> MakeFaces();
  // Why a hub shall not be asked yet; "" once it may.
  std::string NotSettled();

  const RunOptions options_;
  const base::Clock& clock_;
  const base::Steady started_ = base::SystemClock().SteadyNow();
  telemetry::Telemetry telemetry_;
  store::MemoryStore store_;
  base::Published<signals::Snapshot> snapshot_;
  std::unique_ptr<http::Client> client_;  // goes first: its last callbacks wake the loop
  scrape::HttpFetcher fetcher_;
  ClusterDiscovery clusters_;
  Status status_;
  std::unique_ptr<WindowKeeper> keeper_;  // null without --storage.window-file
  tick::Loop loop_;
  std::unique_ptr<ControlPlane> control_plane_;
  std::unique_ptr<WebConfigFile> web_;            // null without --web.config.file
  std::unique_ptr<ManagedCertificates> managed_;  // null without --manage-certificates
  std::unique_ptr<serve::MetricsPage> metrics_;
  std::unique_ptr<serve::PrometheusApi> prometheus_;
  std::unique_ptr<serve::Forwarding> forwarding_;
  std::unique_ptr<serve::ExternalMetricsApi> external_;
  std::unique_ptr<serve::ExternalValues> values_;
  std::unique_ptr<serve::LandingPage> landing_;
  std::unique_ptr<serve::Health> health_;
  std::function<http::Handler(http::Handler)> wrap_ops_;
  std::atomic<bool> retired_ = false;
  std::atomic<bool> settled_ = false;
  std::mutex peers_;  // of peer_client_, which begins with the first forwarded read
  std::unique_ptr<http::Client> peer_client_;  // goes before the faces: its callbacks reach them
  std::mutex reload_;
  std::mutex credentials_;      // one change of the API listener's at a time
  http::KeyPair managed_pair_;  // guarded by credentials_
  std::jthread loop_thread_;
  std::unique_ptr<http::Server> ops_;
  std::unique_ptr<http::Server> api_;
  std::jthread certificate_thread_;
};

// Returns: --namespace, $POD_NAMESPACE, the service account's file, else "default".
std::string OwnNamespace(const std::string& flag);

}  // namespace plimsoll::app
