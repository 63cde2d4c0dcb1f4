// SPDX-License-Identifier: Apache-2.0
//
// Two HTTP/1.1 servers behind one interface: both carry the same Handler and pass the same route
// tests.
//
// CivetWeb serves plain HTTP over IPv4, one thread per connection. The Beast server serves plain or
// TLS over IPv4 or IPv6 from io threads of its own, without an allocation per request of its own.
// They share nothing, so a flood on one listener is not felt on the other.
//
// HEAD reaches the handler as "HEAD"; the servers send the head of its answer and leave out the
// body. No answer ever carries Retry-After, and a client that goes away is not an error.
//
// Threads: Start and Stop from one thread; SetCredentials and port() from any. The handler is
// called from
//          several threads at once. An exception from it becomes a 500.
// Bounds:  ServerLimits; what is refused is counted by reason (telemetry HttpRefused).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace plimsoll::telemetry {
class Telemetry;
}

namespace plimsoll::http {

struct ServerLimits {
  std::size_t connections = 256;
  std::size_t header_bytes = 64 << 10;  // request line and headers together
  std::size_t url_bytes = 32 << 10;
  std::size_t body_bytes = 1 << 20;
  std::chrono::milliseconds header_timeout = std::chrono::seconds(10);  // handshake included
  std::chrono::milliseconds body_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(120);  // between requests
  std::chrono::milliseconds write_timeout = std::chrono::seconds(60);
  unsigned threads = 16;  // CivetWeb: connections served at a time, the others wait for their turn
  // CivetWeb: how long a connection may be without a whole request while others wait for a thread
  std::chrono::milliseconds crowded_patience = std::chrono::milliseconds(500);
  unsigned io_threads = 1;    // Beast
  unsigned slow_threads = 2;  // Beast: for requests that ServerOptions::slow names
  std::size_t slow_queue = 64;
};

struct ServerOptions {
  std::string listener = "ops";  // label of the telemetry
  std::string address =
      {};  // "host:port"; ":port" is every interface; port 0 lets the system choose
  ServerLimits limits = {};
  // Beast: whether a request runs on the slow threads; all others run on the io thread and must not
  // block.
  std::function<bool(const Request&)> slow = {};
  // The body of the server's own refusals (400, 408, 413, 414, 431, 500, 503). Default: one line of
  // text.
  std::function<Response(int status, std::string_view message)> refusal = {};
};

// A certificate authority bundle under the name that ClientCertificate::trusted_by reports.
struct TrustPool {
  std::string name;
  std::string pem;
};

// What is asked of a TLS client, and how.
struct TlsRules {
  enum class Clients {
    kJudge,          // asked for, never refused: the handler gets the judgement of the trust pools
    kNone,           // not asked for
    kRequest,        // asked for, not verified
    kRequireAny,     // needed, not verified
    kVerifyIfGiven,  // verified against client_ca_pem
    kRequireAndVerify
  };
  Clients clients = Clients::kJudge;
  std::string client_ca_pem = {};  // "": the system's authorities
  // Unless empty, a client certificate needs one of these as a subject alternative name.
  std::vector<std::string> allowed_sans = {};
  std::string min_version = "TLS12";  // TLS10 to TLS13
  std::string max_version = "TLS13";
  std::vector<std::string> cipher_suites = {};  // IANA's names; of TLS 1.3 all are on anyway
  std::vector<std::string> curves = {};         // "X25519", "P-256", ...
  bool prefer_server = true;                    // whose order of ciphers counts
};

struct TlsCredentials {
  std::string certificate_pem = {};  // leaf first, then its chain
  std::string key_pem = {};
  std::vector<TrustPool> trust_pools = {};
  TlsRules rules = {};
};

// Whether a server could use them. Fails with: kBadInput naming what cannot be used.
base::Result<void> CheckCredentials(const TlsCredentials& credentials);

class Server {
 public:
  virtual ~Server() = default;

  // Fails with: kUnavailable "cannot listen on ADDRESS: REASON"; kBadInput for an address or a
  // certificate that cannot be used.
  virtual base::Result<void> Start() = 0;
  // Returns: the port in use; 0 before Start.
  virtual std::uint16_t port() const = 0;
  // Stops accepting, closes idle connections, lets running requests end until the deadline, then
  // cuts them off (their Request::gone answers true). Returns when no handler runs any more.
  virtual void Stop(std::chrono::milliseconds deadline) = 0;
  // New connections use the new certificate. Open ones stay; the certificates of their clients are
  // judged by the new pools from the next request on. A failure leaves the old ones.
  // Fails with: kBadInput; also on a server without TLS.
  virtual base::Result<void> SetCredentials(const TlsCredentials& credentials) = 0;
};

// `telemetry` may be null and must outlive the server.
std::unique_ptr<Server> NewCivetServer(ServerOptions options, Handler handler,
                                       telemetry::Telemetry* telemetry);
std::unique_ptr<Server> NewBeastServer(ServerOptions options, Handler handler,
                                       telemetry::Telemetry* telemetry);
// TLS 1.2 or later, unless the rules say otherwise. Start fails until the credentials can be used.
std::unique_ptr<Server> NewTlsServer(ServerOptions options, TlsCredentials credentials,
                                     Handler handler, telemetry::Telemetry* telemetry);

}  // namespace plimsoll::http
