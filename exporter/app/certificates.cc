// SPDX-License-Identifier: Apache-2.0
//
// The certificates of the API listener: read at the start, on request, when the cluster changes
// whom to trust, and when the files change.
#include "http/certificates.h"

#include <utility>

#include "app/instance.h"
#include "app/read_file.h"
#include "base/format.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/md5.h"
#include "serve/router.h"

namespace plimsoll::app {
namespace {

using base::Result;

constexpr std::chrono::seconds kCertificateCheck{5};

}  // namespace

Result<http::TlsCredentials> Instance::ReadCredentials() {
  http::TlsCredentials credentials;
  if (managed_) {
    credentials.certificate_pem = managed_pair_.certificate_pem;
    credentials.key_pem = managed_pair_.key_pem;
  } else {
    auto certificate = ReadFile(options_.tls_cert_file);
    if (!certificate) return std::move(certificate).error();
    credentials.certificate_pem = *std::move(certificate);
    auto key = ReadFile(options_.tls_private_key_file);
    if (!key) return std::move(key).error();
    credentials.key_pem = *std::move(key);
    if (const auto facts = http::ReadBundle(credentials.certificate_pem, options_.tls_cert_file))
      telemetry_.GaugeOf(telemetry::MetricId::kCertificateExpiry, {"serving"})
          .Set(static_cast<double>(facts->front().valid.until) / 1000);
  }
  auto pools = control_plane_->Pools();
  if (!pools) return std::move(pools).error();
  credentials.trust_pools = *std::move(pools);
  return credentials;
}

Result<void> Instance::ReloadCertificates() {
  const std::lock_guard one_at_a_time(credentials_);
  if (!api_) return {};
  auto credentials = ReadCredentials();
  if (!credentials) return std::move(credentials).error();
  return api_->SetCredentials(*credentials);
}

Result<void> Instance::UsePair(const http::KeyPair& pair) {
  const std::lock_guard one_at_a_time(credentials_);
  const http::KeyPair before = std::exchange(managed_pair_, pair);
  auto credentials = ReadCredentials();
  auto used = credentials
                  ? (api_ ? api_->SetCredentials(*credentials) : StartApi(*std::move(credentials)))
                  : Result<void>(credentials.error());
  if (!used) managed_pair_ = before;
  return used;
}

Result<void> Instance::StartApi(http::TlsCredentials credentials) {
  http::ServerOptions api;
  api.listener = "api";
  const bool bare_ipv6 =
      options_.bind_address.find(':') != std::string::npos && options_.bind_address[0] != '[';
  api.address =
      base::format("{}:{}", bare_ipv6 ? "[" + options_.bind_address + "]" : options_.bind_address,
                   options_.secure_port < 0 ? 0 : options_.secure_port);
  api.refusal = &serve::ApiRefusal;
  auto server = http::NewTlsServer(api, std::move(credentials),
                                   serve::ApiHandler(*external_, *health_), &telemetry_);
  if (auto started = server->Start(); !started) return started;
  api_ = std::move(server);
  base::LogInfo("api listener on port {}: external.metrics.k8s.io/v1beta1; {}", api_->port(),
                control_plane_->Describe());
  return {};
}

// Whoever renews a certificate writes new files; nobody has to tell us. The files are small, so
// they are read and compared: times of last change say little about a mounted Secret.
std::uint64_t Instance::CertificateFiles() const {
  std::string all;
  for (const std::string* file :
       {&options_.tls_cert_file, &options_.tls_private_key_file, &options_.client_ca_file,
        &options_.requestheader_client_ca_file}) {
    if (!file->empty()) all += ReadFile(*file).value_or("") + '\n';
  }
  return base::Fnv1a(all);
}

void Instance::WatchCertificates(std::uint64_t in_use, std::stop_token stop) {
  base::Guarded<bool> never(false);
  std::uint64_t refused = in_use;  // so that it is said once
  while (!never.WaitFor(stop, kCertificateCheck, [](bool) { return false; }) &&
         !stop.stop_requested()) {
    const std::uint64_t now = CertificateFiles();
    if (now == in_use) continue;
    if (const auto reloaded = ReloadCertificates(); reloaded) {
      in_use = now;
      base::LogInfo("certificates have changed and are in use");
    } else if (refused != now) {
      // Between the two files of a pair being written, or worse: the old ones stay.
      refused = now;
      base::LogWarn("certificates have changed and cannot be used: {}",
                    reloaded.error().ToString());
    }
  }
}

}  // namespace plimsoll::app
