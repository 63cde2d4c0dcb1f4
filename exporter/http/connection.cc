// SPDX-License-Identifier: Apache-2.0
//
// The state machine of one connection: each step does what the socket allows and says whether to
// go on. Longer than most because its states belong together: handshake, head, body, the handler's
// answer now or later, writing, waiting for the next request.
#include "http/detail/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "base/format.h"
#include "base/log.h"

namespace plimsoll::http::detail {
namespace {

using boost::asio::ip::tcp;

constexpr std::size_t kFirstBuffer = 8192;
constexpr std::size_t kOneWrite = 16000;  // head and body in one TLS record
constexpr std::chrono::seconds kDrainTime{1};
constexpr std::size_t kDrainBytes = 1 << 20;
// How long a connection may take to ask before it counts as one that dawdles.
constexpr std::chrono::milliseconds kNewcomer{250};
// How long a client's certificate is believed to be unexpired.
constexpr std::chrono::seconds kJudgementLasts{30};

base::Steady Now() { return base::SystemClock().SteadyNow(); }

std::string Text(const tcp::endpoint& end) {
  const auto address = end.address();
  return address.is_v6() ? base::format("[{}]:{}", address.to_string(), end.port())
                         : base::format("{}:{}", address.to_string(), end.port());
}

}  // namespace

Connection::Connection(ServerShared& server, IoThread& thread, tcp::socket socket,
                       std::shared_ptr<const TlsContext> tls, SslPtr session)
    : server_(server),
      thread_(thread),
      socket_(std::move(socket)),
      tls_(std::move(tls)),
      transport_(socket_.native_handle(), std::move(session)),
      parser_({server.options.limits.header_bytes, server.options.limits.url_bytes,
               server.options.limits.body_bytes}) {}

void ReplyDoor::Post(std::function<void()> f) {
  context_.With([&](boost::asio::io_context* context) {
    if (context != nullptr) boost::asio::post(*context, std::move(f));
  });
}

void ReplyDoor::Close() {
  context_.With([](boost::asio::io_context*& context) { context = nullptr; });
}

void Connection::Start(Connections::iterator self) {
  self_ = self;
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  Request& request = parser_.request();
  request.tls = tls_ != nullptr;
  if (const auto end = socket_.remote_endpoint(ignored); !ignored)
    request.remote_address = Text(end);
  request.gone = [this] { return Gone(); };
  deadline_ = Now() + server_.options.limits.header_timeout;
  if (!tls_) state_ = State::kReading;
  Drive();
}

Connection::Standing Connection::standing(base::Steady now) const {
  if (state_ == State::kRunning) return Standing::kProven;
  if (answered_ > 0) {
    const bool idle = state_ == State::kReading && !head_begun_;
    const auto& certificate = const_cast<RequestParser&>(parser_).request().certificate;
    const bool trusted = certificate && !certificate->trusted_by.empty();
    return tls_ && idle && !trusted ? Standing::kIdleStranger : Standing::kProven;
  }
  const bool silent =
      tls_ ? state_ == State::kHandshake && !transport_.HasReceived() : !head_begun_;
  const bool is_new = now - born_ < kNewcomer;
  return is_new ? (silent ? Standing::kNewAndSilent : Standing::kNew)
                : (silent ? Standing::kSilent : Standing::kDawdling);
}

bool Connection::Gone() const {
  if (server_.cut) return true;
  pollfd ask = {const_cast<tcp::socket&>(socket_).native_handle(), POLLRDHUP, 0};
  return poll(&ask, 1, 0) > 0 && (ask.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void Connection::Wait(Transport::Io want) {
  const auto kind =
      want == Transport::Io::kWantWrite ? tcp::socket::wait_write : tcp::socket::wait_read;
  socket_.async_wait(
      kind, [self = shared_from_this(), id = ++wait_id_](const boost::system::error_code& failure) {
        if (!failure && id == self->wait_id_) self->Drive();
      });
}

void Connection::Drive() {
  for (bool go_on = true; go_on;) {
    switch (state_) {
      case State::kHandshake:
        go_on = StepHandshake();
        break;
      case State::kReading:
        go_on = StepRead();
        break;
      case State::kWriting:
        go_on = StepWrite();
        break;
      case State::kDraining:
        go_on = StepDrain();
        break;
      case State::kRunning:
      case State::kClosed:
        go_on = false;
        break;
    }
  }
}

bool Connection::StepHandshake() {
  const Transport::Io io = transport_.Handshake();
  if (io == Transport::Io::kDone) {
    SslPtr& session = transport_.session();
    // By the newest pools: they may have changed while the handshake went on.
    judged_under_ = server_.tls_generation.load(std::memory_order_acquire);
    judged_at_ = Now();
    parser_.request().certificate = server_.tls.Get()->Judge(session);
    state_ = State::kReading;
    return true;
  }
  if (io == Transport::Io::kWantRead || io == Transport::Io::kWantWrite) {
    Wait(io);
  } else {
    server_.counters.Refused("tls_handshake");
    Close();
  }
  return false;
}

bool Connection::StepRead() {
  if (begin_ < end_) {
    if (Parse()) return true;
    if (state_ != State::kReading) return false;
  }
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == in_.size()) {
    if (begin_ > 0) {
      std::copy(in_.begin() + static_cast<std::ptrdiff_t>(begin_),
                in_.begin() + static_cast<std::ptrdiff_t>(end_), in_.begin());
      end_ -= begin_;
      begin_ = 0;
    } else {
      in_.resize(
          std::max(kFirstBuffer, in_.size() * 2));  // the parser refuses before this grows far
    }
  }
  std::size_t got = 0;
  const Transport::Io io = transport_.Read(in_.data() + end_, in_.size() - end_, got);
  if (transport_.Renegotiates()) {
    server_.counters.Refused("renegotiation");
    Close();
    return false;
  }
  if (io == Transport::Io::kDone) {
    if (!head_begun_) {
      head_begun_ = true;
      deadline_ = Now() + server_.options.limits.header_timeout;
    }
    end_ += got;
    return true;
  }
  if (io == Transport::Io::kWantRead || io == Transport::Io::kWantWrite) {
    Wait(io);
  } else {
    Close();  // the client went away, which is not an error
  }
  return false;
}

// Returns: whether the state machine can go on without reading more.
bool Connection::Parse() {
  begin_ += parser_.Feed({in_.data() + begin_, end_ - begin_});
  switch (parser_.state()) {
    case RequestParser::State::kHead:
      return false;
    case RequestParser::State::kBody:
      if (!body_begun_) {
        body_begun_ = true;
        deadline_ = Now() + server_.options.limits.body_timeout;
        if (parser_.expects_continue() && begin_ == end_) {
          // Few enough bytes to fit any socket buffer; a client that does not see them sends all
          // the same.
          std::size_t put = 0;
          transport_.Write("HTTP/1.1 100 Continue\r\n\r\n", put);
        }
      }
      return false;
    case RequestParser::State::kDone:
      Dispatch();
      return true;
    case RequestParser::State::kFailed:
      RefuseRequest(parser_.status(), parser_.reason(), parser_.message());
      return true;
  }
  return false;
}

// A certificate authority may have come or gone since the handshake, and a certificate expires.
void Connection::JudgeAgain() {
  const unsigned generation = server_.tls_generation.load(std::memory_order_acquire);
  if (generation == judged_under_ && request_read_ - judged_at_ < kJudgementLasts) return;
  judged_under_ = generation;
  judged_at_ = request_read_;
  if (const auto current = server_.tls.Get())
    parser_.request().certificate = current->Judge(transport_.session());
}

void Connection::Dispatch() {
  request_read_ = Now();
  if (tls_ && parser_.request().certificate) JudgeAgain();
  Request& request = parser_.request();
  request.must_be_quick = !server_.options.slow || !server_.options.slow(request);
  if (request.must_be_quick) {
    response_ = Call(server_.handler, server_.options, request, true);
    if (response_.later) return AwaitReply();
    Reply(parser_.keep_alive());
    return;
  }
  state_ = State::kRunning;
  deadline_ = base::Steady::max();
  const bool taken = server_.slow.Submit([self = shared_from_this()] {
    self->response_ =
        Call(self->server_.handler, self->server_.options, self->parser_.request(), true);
    boost::asio::post(self->thread_.context, [self] {
      if (self->state_ != State::kRunning) return;
      if (self->response_.later) return self->AwaitReply();
      self->Reply(self->parser_.keep_alive());
      self->Drive();
    });
  });
  if (!taken) {
    server_.counters.Refused("slow_queue");
    response_ = Refuse(server_.options, 503, "too many slow requests are waiting");
    Reply(parser_.keep_alive());
  }
}

// Asks for the answer and leaves the io thread to others until it comes.
void Connection::AwaitReply() {
  state_ = State::kRunning;
  replied_ = false;
  deadline_ = Now() + server_.options.limits.write_timeout;
  const auto later = std::move(response_.later);
  response_ = Response{};
  // Nothing that outlives the io thread may keep the connection, whose socket belongs to it.
  auto reply = [door = thread_.door, weak = weak_from_this(),
                id = answered_](Response response) mutable {
    door->Post([weak, id, answer = std::make_shared<Response>(std::move(response))] {
      const auto self = weak.lock();
      if (!self || self->state_ != State::kRunning || self->replied_ || self->answered_ != id)
        return;
      self->replied_ = true;
      self->response_ = std::move(*answer);
      self->response_.later = nullptr;
      self->Reply(self->parser_.keep_alive());
      self->Drive();
    });
  };
  try {
    later(std::move(reply));
  } catch (const std::exception& failure) {
    base::LogError("msg=\"handler failed\" listener={} err=\"{}\"", server_.options.listener,
                   failure.what());
    thread_.door->Post([weak = weak_from_this(), id = answered_] {
      const auto self = weak.lock();
      if (!self || self->state_ != State::kRunning || self->replied_ || self->answered_ != id)
        return;
      self->replied_ = true;
      self->response_ = Refuse(self->server_.options, 500, "internal error");
      self->Reply(self->parser_.keep_alive());
      self->Drive();
    });
  }
}

std::string_view Connection::Date() {
  const base::Time now = base::SystemClock().Now();
  if (now / 1000 != thread_.date_second) {
    thread_.date_second = now / 1000;
    thread_.date = HttpDate(now);
  }
  return thread_.date;
}

void Connection::Reply(bool keep_alive) {
  close_after_ = !keep_alive || server_.stopping.load(std::memory_order_relaxed);
  out_.clear();
  AppendHead(response_, !close_after_, Date(), out_);
  const bool bodiless = !HasBody(response_.status) || parser_.request().method == "HEAD";
  const std::string_view body = bodiless ? std::string_view() : response_.Body();
  if (body.size() <= kOneWrite) {
    out_.append(body);
    body_rest_ = {};
  } else {
    body_rest_ = body;
  }
  out_rest_ = out_;
  const base::Steady now = Now();
  server_.counters.Answered(response_.status, now - request_read_);
  deadline_ = now + server_.options.limits.write_timeout;
  state_ = State::kWriting;
}

void Connection::RefuseRequest(int status, std::string_view reason, std::string_view message) {
  server_.counters.Refused(reason);
  request_read_ = Now();
  response_ = Refuse(server_.options, status, message);
  Reply(false);
}

bool Connection::StepWrite() {
  std::string_view& rest = out_rest_.empty() ? body_rest_ : out_rest_;
  std::size_t put = 0;
  const Transport::Io io = transport_.Write(rest, put);
  if (io == Transport::Io::kWantRead || io == Transport::Io::kWantWrite) {
    Wait(io);
    return false;
  }
  if (io != Transport::Io::kDone) {
    Close();
    return false;
  }
  rest.remove_prefix(put);
  if (!out_rest_.empty() || !body_rest_.empty()) return true;

  ++answered_;
  response_.shared_body.reset();
  if (close_after_) {
    const bool read_all =
        parser_.state() == RequestParser::State::kDone && begin_ == end_ && !transport_.Pending();
    if (read_all) {
      Close();
      return false;
    }
    // Closing with unread bytes would reset the connection and take the answer with it.
    transport_.SayGoodbye();
    boost::system::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    deadline_ = Now() + kDrainTime;
    state_ = State::kDraining;
    return true;
  }
  parser_.Next();
  state_ = State::kReading;
  head_begun_ = begin_ < end_;
  body_begun_ = false;
  const ServerLimits& limits = server_.options.limits;
  if (head_begun_) {  // a pipelined request: others have their turn first
    deadline_ = Now() + limits.header_timeout;
    boost::asio::post(thread_.context, [self = shared_from_this()] { self->Drive(); });
    return false;
  }
  deadline_ = Now() + limits.idle_timeout;
  if (transport_.Pending()) return true;
  Wait(Transport::Io::kWantRead);
  return false;
}

bool Connection::StepDrain() {
  std::array<char, 4096> sink;
  // The peer's bytes after an answer that closes are not looked at, also not as TLS.
  const auto got = recv(socket_.native_handle(), sink.data(), sink.size(), MSG_DONTWAIT);
  if (got > 0) drained_ += static_cast<std::size_t>(got);
  if (got > 0 && drained_ < kDrainBytes) return true;
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    Wait(Transport::Io::kWantRead);
  } else {
    Close();
  }
  return false;
}

void Connection::Sweep(base::Steady now) {
  if (now < deadline_) return;
  const bool in_request = state_ == State::kReading && head_begun_;
  if (state_ == State::kHandshake) {
    server_.counters.Refused("header_timeout");
  } else if (in_request) {
    ++wait_id_;  // forgets the wait for more
    RefuseRequest(408, body_begun_ ? "body_timeout" : "header_timeout",
                  body_begun_ ? "the request body did not arrive in time"
                              : "the request head did not arrive in time");
    Drive();
    return;
  } else if (state_ == State::kWriting) {
    server_.counters.Refused("write_timeout");
  } else if (state_ == State::kRunning) {
    server_.counters.Refused("reply_timeout");
  } else if (state_ == State::kReading && answered_ == 0) {
    server_.counters.Refused("header_timeout");  // connected and said nothing
  }
  Close();
}

void Connection::Retire() {
  if (state_ == State::kHandshake || state_ == State::kDraining ||
      (state_ == State::kReading && !head_begun_))
    Close();
}

void Connection::Cut() {
  if (state_ == State::kRunning && replied_) {
    shutdown(socket_.native_handle(),
             SHUT_RDWR);  // its handler still asks whether the client is gone
    return;
  }
  Close();
}

void Connection::Close() {
  if (state_ == State::kClosed) return;
  const auto keep = shared_from_this();
  if (state_ != State::kDraining) transport_.SayGoodbye();
  state_ = State::kClosed;
  deadline_ = base::Steady::max();
  boost::system::error_code ignored;
  socket_.close(ignored);
  thread_.connections.erase(self_);
  thread_.on_close();
}

}  // namespace plimsoll::http::detail
