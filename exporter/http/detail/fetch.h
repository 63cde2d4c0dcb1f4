// SPDX-License-Identifier: Apache-2.0
//
// One fetch of the client, over as many hops as it is redirected.
//
// A state machine that is driven whenever its socket is ready; whatever goes wrong ends in Finish,
// once.
//
// Threads: everything runs on the io thread of the client.
// Bounds:  ClientLimits and the request's own time-out and body limit.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "http/client.h"
#include "http/detail/client_tls.h"
#include "http/detail/gzip.h"
#include "http/detail/http_parser.h"
#include "http/detail/resolver.h"
#include "http/detail/transport.h"
#include "http/detail/url.h"
#include "telemetry/telemetry.h"

namespace plimsoll::http::detail {

// A connection that may serve one fetch after another.
struct ClientConnection {
  explicit ClientConnection(boost::asio::io_context& context) : socket(context) {}
  boost::asio::ip::tcp::socket socket;
  Transport transport = {};
  std::string origin = {};                    // scheme, host and port
  std::shared_ptr<const ClientTls> tls = {};  // null: plain
  base::Steady idle_since = {};
};

class Fetch;

// What all fetches of a client share; only the io thread touches it.
struct ClientShared {
  ClientShared(ClientLimits given, telemetry::Telemetry* counters)
      : limits(given),
        telemetry(counters),
        resolver(given.resolver_threads, given.resolver_queue),
        tls(given.tls_contexts, given.secret_bytes),
        piece(64 << 10, '\0') {}

  // Returns: a kept connection that still looks open; null if there is none.
  std::unique_ptr<ClientConnection> TakeIdle(const std::string& origin,
                                             const std::shared_ptr<const ClientTls>& with);
  void KeepIdle(std::unique_ptr<ClientConnection> connection);
  void SweepIdle();

  const ClientLimits limits;
  telemetry::Telemetry* const telemetry;
  boost::asio::io_context context{1};
  Resolver resolver;
  ClientTlsCache tls;
  std::list<std::unique_ptr<ClientConnection>> idle = {};  // oldest first
  std::unordered_map<FetchId, std::shared_ptr<Fetch>> fetches = {};
  std::string piece;  // what one read returns, before it is parsed
};

class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  Fetch(ClientShared& client, FetchId id, FetchRequest request, FetchCallback callback);
  void Start();
  void Cancel(std::string_view why);
  void Refuse(std::string_view why);

 private:
  enum class Phase { kPrepare, kResolve, kConnect, kHandshake, kSend, kHead, kBody };
  static std::string_view Name(Phase phase);

  void Begin();
  base::Result<void> ComposeHead();
  base::Result<void> AddCredentials();
  void Hop(bool may_reuse = true);
  void Resolved(const base::Result<Resolver::Addresses>& addresses);
  void ConnectNext(std::string_view failure_before);
  void Connected();
  void BeginRequest();

  void Wait(Transport::Io want);
  void Drive();
  // Each does one step and returns whether to go on at once.
  bool StepHandshake();
  bool StepSend();
  bool StepReceive();

  bool Take(std::string_view piece);
  bool HeadDone();
  void TellSuccess();
  void MakeParser();
  void Complete();
  void ReleaseConnection();
  bool Retry();
  bool Follow();
  void FailTransport();
  void Fail(base::Error::Kind kind, std::string_view cause);
  void Finish(base::Result<FetchResponse> result);
  bool SameHost(const Url& next) const { return next.host == url_.host && (next.tls || !url_.tls); }

  ClientShared& client_;
  const FetchId id_;
  FetchRequest request_;
  FetchCallback callback_;
  const std::shared_ptr<const config::HttpClientConfig> config_;

  Phase phase_ = Phase::kPrepare;
  bool finished_ = false;
  unsigned wait_id_ =
      0;  // of the wait that may drive; an older one woke for something that is over
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer attempt_;  // of one address among several
  base::Steady until_{};

  Url url_;
  std::vector<std::string> visited_;
  bool secrets_allowed_ = true;  // false after a redirect to another host
  std::shared_ptr<const ClientTls> tls_;
  Resolver::Addresses addresses_;
  std::size_t next_address_ = 0;
  std::string first_failure_;

  std::unique_ptr<ClientConnection> connection_;
  bool reused_ = false;
  std::string out_;
  std::string_view out_rest_;
  std::string_view body_rest_;

  std::string leftover_;  // read, but not yet complete enough for the parser
  std::unique_ptr<ResponseParser> parser_;
  bool received_ = false;
  bool head_done_ = false;
  std::string body_;
  std::size_t body_limit_ = 0;
  bool body_begun_ = false;
  bool gzip_ = false;
  std::unique_ptr<Inflater> inflater_;
  std::optional<base::Error> body_failure_;
};

}  // namespace plimsoll::http::detail
