// SPDX-License-Identifier: Apache-2.0
//
// The Beast server: accepts, gives each connection to an io thread, sweeps deadlines, stops in
// order.
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/format.h"
#include "base/guarded.h"
#include "base/log.h"
#include "http/detail/answer.h"
#include "http/detail/connection.h"
#include "http/detail/tls_context.h"
#include "http/server.h"

namespace plimsoll::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using detail::Connection;
using detail::TlsContext;

constexpr std::chrono::milliseconds kAcceptPause{100};  // after a failed accept: out of descriptors

struct Worker {
  Worker() : sweep(io.context) {}
  detail::IoThread io;
  asio::steady_timer sweep;
  std::thread thread;
};

class BeastServer final : public Server {
 public:
  BeastServer(ServerOptions options, std::optional<TlsCredentials> credentials, Handler handler,
              telemetry::Telemetry* telemetry)
      : shared_{.tls = {},
                .tls_generation = 0,
                .options = options,
                .handler = std::move(handler),
                .counters = detail::ServerCounters(telemetry, options.listener),
                .slow = detail::WorkerPool(options.limits.slow_threads, options.limits.slow_queue)},
        credentials_(std::move(credentials)) {}
  ~BeastServer() override { Stop({}); }

  base::Result<void> Start() override;
  std::uint16_t port() const override { return port_; }
  void Stop(std::chrono::milliseconds deadline) override;
  base::Result<void> SetCredentials(const TlsCredentials& credentials) override;

 private:
  base::Result<void> Listen();
  void Accept();
  void Take(Worker& worker, tcp::socket socket);
  bool MakeRoom(detail::IoThread& io);
  void Sweep(Worker& worker);
  void ForEach(void (Connection::*act)());

  detail::ServerShared shared_;
  std::optional<TlsCredentials> credentials_;  // until Start; empty: plain
  const bool tls_wanted_ = credentials_.has_value();
  base::Guarded<std::size_t> open_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<tcp::acceptor> acceptor_;
  std::unique_ptr<asio::steady_timer> accept_pause_;
  std::size_t next_worker_ = 0;
  std::chrono::milliseconds sweep_interval_{};
  std::atomic<std::uint16_t> port_ = 0;
};

base::Result<void> BeastServer::SetCredentials(const TlsCredentials& credentials) {
  if (!tls_wanted_)
    return base::BadInput("the listener \"" + shared_.options.listener + "\" serves plain HTTP");
  auto made = TlsContext::Make(credentials);
  if (!made) return made.error();
  shared_.tls.Publish(std::move(*made));
  shared_.tls_generation.fetch_add(1, std::memory_order_release);
  return {};
}

base::Result<void> BeastServer::Listen() {
  const std::string& text = shared_.options.address;
  auto address = detail::ParseAddress(text);
  if (!address) return address.error();
  error_code failure;
  const auto ip = address->host.empty() ? asio::ip::address(asio::ip::address_v6::any())
                                        : asio::ip::make_address(address->host, failure);
  if (failure)
    return base::BadInput(base::format("listen address \"{}\": expected an IP address", text));
  tcp::endpoint end(ip, address->port);
  acceptor_ = std::make_unique<tcp::acceptor>(workers_.front()->io.context);
  acceptor_->open(end.protocol(), failure);
  if (failure && address->host.empty()) {  // a host without IPv6
    end = tcp::endpoint(asio::ip::address_v4::any(), address->port);
    acceptor_->open(end.protocol(), failure);
  }
  if (!failure) acceptor_->set_option(tcp::acceptor::reuse_address(true), failure);
  if (!failure && address->host.empty() && end.protocol() == tcp::v6())
    acceptor_->set_option(asio::ip::v6_only(false), failure);
  if (!failure) acceptor_->bind(end, failure);
  if (!failure) acceptor_->listen(asio::socket_base::max_listen_connections, failure);
  if (failure)
    return base::Error{base::Error::Kind::kUnavailable,
                       base::format("cannot listen on {}: {}", text, failure.message())};
  port_ = acceptor_->local_endpoint(failure).port();
  return {};
}

base::Result<void> BeastServer::Start() {
  if (credentials_) {
    if (auto set = SetCredentials(*credentials_); !set) return set;
    credentials_.reset();  // the key stays in memory once
  }
  const ServerLimits& limits = shared_.options.limits;
  sweep_interval_ = std::clamp(std::min({limits.header_timeout, limits.body_timeout,
                                         limits.idle_timeout, limits.write_timeout}) /
                                   4,
                               std::chrono::milliseconds(5), std::chrono::milliseconds(500));
  workers_.clear();
  for (unsigned i = 0; i < std::max(1U, limits.io_threads); ++i) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->io.on_close = [this] { open_.Change([](std::size_t& open) { --open; }); };
  }
  if (auto listening = Listen(); !listening) {
    acceptor_.reset();
    workers_.clear();
    return listening;
  }
  accept_pause_ = std::make_unique<asio::steady_timer>(workers_.front()->io.context);
  if (shared_.options.slow) shared_.slow.Start();
  Accept();
  for (auto& worker : workers_) {
    Sweep(*worker);
    worker->thread = std::thread([&io = worker->io] { io.context.run(); });
  }
  return {};
}

void BeastServer::Accept() {
  Worker& worker = *workers_[next_worker_++ % workers_.size()];
  acceptor_->async_accept(
      worker.io.context, [this, &worker](const error_code& failure, tcp::socket socket) {
        if (shared_.stopping) return;
        if (failure) {
          shared_.counters.Refused("accept");
          accept_pause_->expires_after(kAcceptPause);
          accept_pause_->async_wait([this](const error_code& canceled) {
            if (!canceled) Accept();
          });
          return;
        }
        if (&worker == workers_.front().get()) {
          Take(worker, std::move(socket));
        } else {
          asio::post(worker.io.context, [this, &worker, taken = std::move(socket)]() mutable {
            Take(worker, std::move(taken));
          });
        }
        Accept();
      });
}

// Strangers who say nothing, or half of something, cannot keep newcomers out, nor push out who is
// about to ask (Connection::Standing).
bool BeastServer::MakeRoom(detail::IoThread& io) {
  using Standing = Connection::Standing;
  const base::Steady now = base::SystemClock().SteadyNow();
  auto stranger = io.connections.end();
  Standing first = Standing::kProven;
  for (auto at = io.connections.begin(); at != io.connections.end() && first != Standing::kSilent;
       ++at) {
    if (const Standing standing = (*at)->standing(now); standing < first) {
      first = standing;
      stranger = at;
    }
  }
  if (stranger == io.connections.end()) return false;
  shared_.counters.Refused("evicted");
  const auto keep = *stranger;
  keep->Cut();
  return true;
}

void BeastServer::Take(Worker& worker, tcp::socket socket) {
  const std::size_t limit = shared_.options.limits.connections;
  if (shared_.stopping) return;
  if (open_.With([](std::size_t open) { return open; }) >= limit && !MakeRoom(worker.io)) {
    shared_.counters.Refused("connections");
    return;
  }
  auto tls = shared_.tls.Get();
  detail::SslPtr session = tls ? tls->NewSession() : nullptr;
  if (tls_wanted_ && !session) {  // never serve in the clear what should be TLS
    shared_.counters.Refused("memory");
    return;
  }
  open_.With([](std::size_t& open) { ++open; });
  const auto connection = std::make_shared<Connection>(shared_, worker.io, std::move(socket),
                                                       std::move(tls), std::move(session));
  worker.io.connections.push_back(connection);
  connection->Start(std::prev(worker.io.connections.end()));
}

void BeastServer::Sweep(Worker& worker) {
  worker.sweep.expires_after(sweep_interval_);
  worker.sweep.async_wait([this, &worker](const error_code& canceled) {
    if (canceled) return;
    const base::Steady now = base::SystemClock().SteadyNow();
    for (auto at = worker.io.connections.begin(); at != worker.io.connections.end();) {
      const auto connection = *at++;  // it may erase itself
      connection->Sweep(now);
    }
    Sweep(worker);
  });
}

void BeastServer::ForEach(void (Connection::*act)()) {
  for (auto& worker : workers_) {
    asio::post(worker->io.context, [&io = worker->io, act] {
      for (auto at = io.connections.begin(); at != io.connections.end();) {
        const auto connection = *at++;
        (connection.get()->*act)();
      }
    });
  }
}

void BeastServer::Stop(std::chrono::milliseconds deadline) {
  if (workers_.empty()) return;
  shared_.stopping = true;
  asio::post(workers_.front()->io.context, [this] {
    error_code ignored;
    acceptor_->close(ignored);
    accept_pause_->cancel();
  });
  ForEach(&Connection::Retire);
  open_.WaitFor({}, deadline, [](std::size_t open) { return open == 0; });
  shared_.cut = true;
  ForEach(&Connection::Cut);
  shared_.slow.Stop();
  for (auto& worker : workers_) {
    worker->io.door->Close();
    worker->io.context.stop();
    worker->thread.join();
  }
  acceptor_.reset();
  accept_pause_.reset();
  for (auto& worker : workers_) worker->io.connections.clear();
  workers_.clear();
}

}  // namespace

std::unique_ptr<Server> NewBeastServer(ServerOptions options, Handler handler,
                                       telemetry::Telemetry* telemetry) {
  return std::make_unique<BeastServer>(std::move(options), std::nullopt, std::move(handler),
                                       telemetry);
}

std::unique_ptr<Server> NewTlsServer(ServerOptions options, TlsCredentials credentials,
                                     Handler handler, telemetry::Telemetry* telemetry) {
  return std::make_unique<BeastServer>(std::move(options), std::move(credentials),
                                       std::move(handler), telemetry);
}

}  // namespace plimsoll::http
