// SPDX-License-Identifier: Apache-2.0
//
// One connection of the Beast server: handshake, then request after request.
//
// A state machine over a Transport that is driven whenever its socket is ready. Time-outs cost
// nothing per request: a connection only notes its deadline, and its io thread sweeps over them.
//
// Threads: everything runs on the io thread of the connection; only a slow handler runs elsewhere,
// and
//          meanwhile the io thread leaves the request alone.
// Bounds:  ServerLimits.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/published.h"
#include "http/detail/answer.h"
#include "http/detail/http_parser.h"
#include "http/detail/tls_context.h"
#include "http/detail/transport.h"
#include "http/detail/worker_pool.h"
#include "http/server.h"

namespace plimsoll::http::detail {

// What the connections of a server share.
struct ServerShared {
  base::Published<TlsContext> tls = {};      // what new connections use
  std::atomic<unsigned> tls_generation = 0;  // grows after each change of it
  ServerOptions options;
  Handler handler;
  ServerCounters counters;
  WorkerPool slow;
  std::atomic<bool> stopping = false;  // no request after the running one
  std::atomic<bool> cut = false;       // running requests shall end, too
};

class Connection;
using Connections = std::list<std::shared_ptr<Connection>>;

// Where answers that come later reach their io thread, as long as it runs.
class ReplyDoor {
 public:
  explicit ReplyDoor(boost::asio::io_context& context) : context_(&context) {}
  // Calls f on the io thread; forgets it when the door is closed.
  void Post(std::function<void()> f);
  void Close();

 private:
  base::Guarded<boost::asio::io_context*> context_;
};

// What the connections of an io thread share; only that thread touches it.
struct IoThread {
  boost::asio::io_context context{1};
  Connections connections = {};  // oldest first
  std::string date = {};
  base::Time date_second = -1;
  std::function<void()> on_close = {};
  std::shared_ptr<ReplyDoor> door = std::make_shared<ReplyDoor>(context);
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `tls` and `session` are both null on a plain listener.
  Connection(ServerShared& server, IoThread& thread, boost::asio::ip::tcp::socket socket,
             std::shared_ptr<const TlsContext> tls, SslPtr session);
  // Requires: it is in thread.connections at `self`.
  void Start(Connections::iterator self);

  // Acts on a deadline that has passed.
  void Sweep(base::Steady now);
  // Who has to go when another wants a place: the first of these, of several the oldest. One that
  // has just come may be about to ask, so it is given up last; who is proven keeps its place. On a
  // TLS listener that needs more between two requests than to have had an answer: a certificate
  // that is trusted.
  enum class Standing { kSilent, kDawdling, kIdleStranger, kNewAndSilent, kNew, kProven };
  Standing standing(base::Steady now) const;
  // No more requests; closes at once if none is in progress.
  void Retire();
  // Closes whatever is going on.
  void Cut();

 private:
  enum class State { kHandshake, kReading, kRunning, kWriting, kDraining, kClosed };

  void Wait(Transport::Io want);
  void Drive();
  // Each does one step and returns whether to go on at once.
  bool StepHandshake();
  bool StepRead();
  bool StepWrite();
  bool StepDrain();

  bool Parse();
  void Dispatch();
  void JudgeAgain();
  void AwaitReply();
  void Reply(bool keep_alive);
  void RefuseRequest(int status, std::string_view reason, std::string_view message);
  void Close();
  bool Gone() const;
  std::string_view Date();

  ServerShared& server_;
  IoThread& thread_;
  boost::asio::ip::tcp::socket socket_;
  const std::shared_ptr<const TlsContext> tls_;
  unsigned judged_under_ = 0;  // generation of the trust pools that judged the certificate
  base::Steady judged_at_{};
  Transport transport_;
  Connections::iterator self_;

  const base::Steady born_ = base::SystemClock().SteadyNow();
  State state_ = State::kHandshake;
  unsigned wait_id_ =
      0;  // of the wait that may drive; an older one woke for something that is over
  base::Steady deadline_ = base::Steady::max();
  std::size_t answered_ = 0;
  bool replied_ = true;  // false while an answer that comes later is awaited
  bool head_begun_ = false;
  bool body_begun_ = false;

  RequestParser parser_;
  std::string in_;  // in_[begin_, end_) was read and not yet parsed
  std::size_t begin_ = 0;
  std::size_t end_ = 0;

  base::Steady request_read_{};
  Response response_;
  bool close_after_ = false;
  std::size_t drained_ = 0;
  std::string out_;
  std::string_view out_rest_;   // of out_
  std::string_view body_rest_;  // of response_, when it is too large to be copied behind the head
};

}  // namespace plimsoll::http::detail
