// SPDX-License-Identifier: Apache-2.0
//
// The three servers as a test sees them: a kind, a handler, a client that is connected.
#pragma once

#include <memory>
#include <string>

#include "http/server.h"
#include "support/raw_client.h"
#include "telemetry/telemetry.h"

namespace plimsoll::test {

enum class ServerKind { kCivet, kBeast, kTls };
inline constexpr ServerKind kEveryServer[] = {ServerKind::kCivet, ServerKind::kBeast,
                                              ServerKind::kTls};

inline const TestCa& ServerCa() {
  static const TestCa ca("server-ca");
  return ca;
}

inline http::TlsCredentials ServerCredentials() {
  const auto issued = ServerCa().Issue({.common_name = "plimsoll",
                                        .subject_alternative_names = "DNS:localhost,IP:127.0.0.1",
                                        .extended_key_usage = "serverAuth"});
  return {.certificate_pem = issued.certificate_pem, .key_pem = issued.key_pem};
}

class TestServer {
 public:
  TestServer(ServerKind kind, http::Handler handler, http::ServerOptions options = {},
             http::TlsCredentials credentials = ServerCredentials())
      : kind_(kind) {
    options.listener = "test";
    if (options.address.empty()) options.address = "127.0.0.1:0";
    switch (kind) {
      case ServerKind::kCivet:
        server_ = http::NewCivetServer(options, handler, &telemetry);
        break;
      case ServerKind::kBeast:
        server_ = http::NewBeastServer(options, handler, &telemetry);
        break;
      case ServerKind::kTls:
        server_ = http::NewTlsServer(options, credentials, handler, &telemetry);
        break;
    }
    started = server_->Start();
  }

  http::Server& operator*() { return *server_; }
  http::Server* operator->() { return server_.get(); }

  std::unique_ptr<RawClient> Connect() {
    auto client = std::make_unique<RawClient>(server_->port());
    if (kind_ == ServerKind::kTls) client->StartTls(ServerCa().pem());
    return client;
  }
  RawAnswer Ask(std::string_view request) { return Connect()->Ask(request); }
  double Refused(std::string_view reason) {
    return telemetry.CounterOf(telemetry::MetricId::kHttpRefused, {"test", reason}).Value();
  }
  double Answered(std::string_view code) {
    return telemetry.CounterOf(telemetry::MetricId::kHttpRequests, {"test", code}).Value();
  }

  telemetry::Telemetry telemetry;
  base::Result<void> started;

 private:
  ServerKind kind_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace plimsoll::test
