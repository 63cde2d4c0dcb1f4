// SPDX-License-Identifier: Apache-2.0
//
// Fetches over HTTP/1.1: one deadline from the name's resolution to the last inflated byte.
//
// A scrape must end when its time is over, whatever the target, its DNS or its TLS stack does, and
// must not keep the process from stopping. Hence everything waits on one io thread, and what cannot
// be interrupted (getaddrinfo) runs on a few threads that a deadline, or the end of the client,
// abandons.
//
// Threads: Start and Cancel from any thread, also from a callback. Callbacks run on the io thread,
//          one at a time, and must not block or destroy the client.
// Bounds:  ClientLimits; failures are counted by phase and reason (telemetry HttpClientErrors).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"

namespace plimsoll::config {
struct HttpClientConfig;
}
namespace plimsoll::telemetry {
class Telemetry;
}

namespace plimsoll::http {

struct ClientLimits {
  std::size_t in_flight = 4096;
  std::size_t header_bytes = 256 << 10;
  std::size_t body_bytes = 1 << 28;    // uncompressed, when the request gives no limit of its own
  std::size_t secret_bytes = 1 << 20;  // of a file with a secret or a certificate
  std::size_t redirects = 10;
  std::size_t idle_connections = 512;
  std::size_t tls_contexts = 64;
  std::chrono::milliseconds idle_timeout = std::chrono::minutes(5);
  unsigned resolver_threads = 4;
  std::size_t resolver_queue = 1024;  // names that wait for a thread
};

struct FetchRequest {
  std::string method = "GET";
  std::string url = {};  // "http://host:port/path?query", also https
  Pairs headers = {};
  std::string body = {};
  std::chrono::milliseconds delay{0};  // before it begins; not part of the timeout
  std::chrono::milliseconds timeout = std::chrono::seconds(10);  // for everything
  std::size_t body_limit =
      0;  // of uncompressed bytes; a body of that size fails; zero: ClientLimits
  bool accept_gzip = true;
  // TLS, credentials, headers and redirects; null: the defaults. Files are read again at each use.
  std::shared_ptr<const config::HttpClientConfig> config = {};
  // Becomes the body of the answer: giving back the last answer's spares the allocations.
  std::string buffer = {};
  // Gets the inflated body of a 2xx answer piece by piece as it comes; the answer's body is then
  // empty, and the body limit is one for a piece. Called on the io thread; returns false to end the
  // fetch (kCanceled).
  std::function<bool(std::string_view piece)> on_body = {};
  // Told once, before the first piece: there is the head of a 2xx answer, whose body may take long.
  std::function<void()> on_success = {};
};

struct FetchResponse {
  int status = 0;
  std::string phrase = {};  // of the status line; "" if it had none
  Pairs headers = {};
  std::string body = {};  // inflated
  std::string url = {};   // after redirects

  // Returns: "" when absent. Names compare without case.
  std::string_view Header(std::string_view name) const;
  // "404 Not Found", also when the server left the phrase out.
  std::string StatusText() const;
  // What the server's clock said, to the second; nothing when it did not say.
  std::optional<base::Time> Date() const;
};

// An answer of any status is a success: what a status means is the caller's business.
// Errors read `Get "URL": PHASE: CAUSE` and have a kind: kTimeout ("context deadline exceeded"),
// kLimit
// ("body size limit exceeded"), kCanceled, kBadInput (URL, certificates, secrets), else
// kUnavailable.
using FetchCallback = std::function<void(base::Result<FetchResponse>)>;
using FetchId = std::uint64_t;

class Client {
 public:
  // `telemetry` may be null and must outlive the client.
  explicit Client(ClientLimits limits = {}, telemetry::Telemetry* telemetry = nullptr);
  // Cancels what is in flight (callbacks run) and returns promptly.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Calls back exactly once, never before it returns.
  FetchId Start(FetchRequest request, FetchCallback callback);
  // The callback gets kCanceled unless it ran already. Unknown ids are ignored.
  void Cancel(FetchId id);
  // Start, and wait. Requires: not called from a callback.
  base::Result<FetchResponse> Fetch(FetchRequest request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::http
