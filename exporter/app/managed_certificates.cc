// SPDX-License-Identifier: Apache-2.0
//
// Flags to a keeper, and a look at it every second.
#include "app/managed_certificates.h"

#include <utility>

#include "base/format.h"
#include "base/guarded.h"

namespace plimsoll::app {
namespace {

using base::Result;

constexpr std::chrono::seconds kLookInterval{1};
constexpr std::chrono::seconds kShortestLifetime{10};

// The flags that say what --manage-certificates is for, or that somebody else does it.
Result<void> CheckFlags(const RunOptions& options) {
  const auto refuse = [](std::string_view why) {
    return base::BadInput(base::format("--manage-certificates: {}", why));
  };
  if (options.secure_port == 0) {
    return refuse(
        "there is no API listener (--secure-port=0) whose certificate it could keep. A sidecar "
        "under a hub has no Kubernetes rights and needs none: the hub keeps the certificate");
  }
  if (!options.tls_cert_file.empty() || !options.tls_private_key_file.empty())
    return refuse("somebody else keeps the certificate of --tls-cert-file: give one or the other");
  if (options.once) return refuse("--once has no API listener");
  if (options.certificate_lifetime < kShortestLifetime ||
      options.certificate_ca_lifetime < options.certificate_lifetime) {
    return refuse(
        base::format("expected --certificate-lifetime of at least {} s and "
                     "--certificate-ca-lifetime of at least as much",
                     kShortestLifetime.count()));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<ManagedCertificates>> ManagedCertificates::Make(
    const RunOptions& options, const std::string& own_namespace,
    std::shared_ptr<const kube::Api> api, const base::Clock& clock, telemetry::Telemetry& telemetry,
    std::function<Result<void>(const http::KeyPair&)> use) {
  if (auto fit = CheckFlags(options); !fit) return std::move(fit).error();
  if (api == nullptr) {
    return base::BadInput(
        "--manage-certificates: no API server to keep the certificate in: expected --kubeconfig, "
        "or a pod with a service account's token. A sidecar under a hub has none on purpose "
        "(automountServiceAccountToken: false): the hub keeps the certificate");
  }
  std::unique_ptr<ManagedCertificates> made(new ManagedCertificates());
  kube::CertificateKeeper::Options keeper;
  keeper.name_space = own_namespace;
  keeper.secret = options.certificate_secret;
  keeper.service = options.certificate_service;
  keeper.policy.authority_lifetime = options.certificate_ca_lifetime;
  keeper.policy.serving_lifetime = options.certificate_lifetime;
  keeper.serve = std::move(use);
  made->keeper_ = std::make_unique<kube::CertificateKeeper>(std::move(api), clock, &telemetry,
                                                            std::move(keeper));
  return made;
}

void ManagedCertificates::Start() {
  keeper_->Start();
  thread_ = std::jthread([this](std::stop_token stop) {
    base::Guarded<bool> never(false);
    while (!never.WaitFor(stop, kLookInterval, [](bool) { return false; }) &&
           !stop.stop_requested())
      keeper_->Look();
  });
}

void ManagedCertificates::Stop() {
  thread_ = {};
  if (keeper_) keeper_->Stop();
}

}  // namespace plimsoll::app
