// SPDX-License-Identifier: Apache-2.0
//
// Keeps a certificate authority and a serving pair in a Secret, the caBundle of our APIService as
// the Secret says, and what is served as both say.
//
// Both objects are watched. Each look decides anew (rotation.h) and does at most one thing; before
// it writes, the Secret is read once more, and every write names the version that it was made from,
// so that of several replicas one writes and the others look again. The Secret is never created,
// and of the APIService only spec.caBundle is changed, and only while it points to our Service. A
// certificate is not made while our clock and the API server's disagree: it is they who judge it.
//
// Threads: every member may be called from any thread. `serve` runs on the caller of Look or on the
//          HTTP client's io thread, one call at a time, and must not call back.
// Bounds:  one request at a time; KeeperLimits; failures are counted by reason (telemetry
//          CertificateFailures).
// See:     docs/adr/0008-managed-certificates.md
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "http/certificates.h"
#include "kube/api.h"
#include "kube/rotation.h"

namespace plimsoll::kube {

struct KeeperLimits {
  std::chrono::milliseconds first_backoff = std::chrono::seconds(1);
  std::chrono::milliseconds longest_backoff = std::chrono::minutes(1);
  // Between two changes of the caBundle, so that who puts their own back is not fought in a circle.
  std::chrono::milliseconds publish_pause = std::chrono::seconds(5);
  // For the APIService to be read, before a Secret is filled without it.
  std::chrono::milliseconds patience = std::chrono::seconds(5);
  std::chrono::milliseconds clock_skew = std::chrono::minutes(5);
};

class CertificateKeeper {
 public:
  struct Options {
    std::string name_space = {};  // of the Secret and the Service
    std::string secret = {};
    std::string service = {};  // the certificate is for its names
    RotationPolicy policy = {};
    KeeperLimits limits = {};
    // Takes a pair into use. Fails with: why it cannot be used; it is offered again.
    std::function<base::Result<void>(const http::KeyPair& pair)> serve = {};
    std::function<double()> random = {};  // in [0, 1); default: a generator of its own
  };

  // `clock` and `telemetry` (which may be null) must outlive it.
  CertificateKeeper(std::shared_ptr<const Api> api, const base::Clock& clock,
                    telemetry::Telemetry* telemetry, Options options);
  ~CertificateKeeper();
  CertificateKeeper(const CertificateKeeper&) = delete;
  CertificateKeeper& operator=(const CertificateKeeper&) = delete;

  // Begins to watch.
  void Start();
  // Does what is due by the clock. Call it every second or so.
  void Look();
  // No callback runs afterwards.
  void Stop();
  // Returns: why nothing is served yet; "" when something is.
  std::string NotReady() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

// The names of a Service's serving certificate, the one that kube-apiserver asks for first.
std::vector<std::string> NamesOfService(const std::string& service, const std::string& name_space);

}  // namespace plimsoll::kube
