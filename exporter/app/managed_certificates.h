// SPDX-License-Identifier: Apache-2.0
//
// --manage-certificates: when it may be, and the clock that keeps a CertificateKeeper going.
//
// Threads: Start and Stop from the main thread; the rest from any. `use` runs on the keeper's
//          threads.
// See:     docs/adr/0008-managed-certificates.md
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "app/options.h"
#include "base/clock.h"
#include "base/result.h"
#include "kube/api.h"
#include "kube/certificate_keeper.h"
#include "telemetry/telemetry.h"

namespace plimsoll::app {

class ManagedCertificates {
 public:
  // `clock` and `telemetry` must outlive it. `use` takes a pair into use.
  // Requires: options.manage_certificates.
  // Fails with: kBadInput when the flags do not go together or there is no API server to keep the
  // certificate in.
  static base::Result<std::unique_ptr<ManagedCertificates>> Make(
      const RunOptions& options, const std::string& own_namespace,
      std::shared_ptr<const kube::Api> api, const base::Clock& clock,
      telemetry::Telemetry& telemetry, std::function<base::Result<void>(const http::KeyPair&)> use);
  ~ManagedCertificates() { Stop(); }

  void Start();
  // No callback runs afterwards.
  void Stop();
  // Returns: why there is no certificate yet; "" when there is one.
  std::string NotReady() const { return keeper_->NotReady(); }

 private:
  ManagedCertificates() = default;

  std::unique_ptr<kube::CertificateKeeper> keeper_;
  std::jthread thread_;
};

}  // namespace plimsoll::app
