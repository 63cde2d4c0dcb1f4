// SPDX-License-Identifier: Apache-2.0
//
// The state machine of one fetch. Longer than most files because its states belong together:
// prepare, resolve, connect, handshake, send, head, body, and the ways back (retry, redirect).
#include "http/detail/fetch.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "base/format.h"

namespace plimsoll::http::detail {
namespace {

using base::Error;
using boost::asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr int kReadsInARow = 16;  // then other fetches have their turn

base::Steady Now() { return base::SystemClock().SteadyNow(); }

bool SameWithoutCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [&](char x, char y) { return lower(x) == lower(y); });
}

bool BreaksLine(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

std::string Base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += kDigits[(bits >> (count - 6)) & 63];
  }
  if (count > 0) out += kDigits[(bits << (6 - count)) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

std::unique_ptr<ClientConnection> ClientShared::TakeIdle(
    const std::string& origin, const std::shared_ptr<const ClientTls>& with) {
  for (auto at = idle.rbegin(); at != idle.rend(); ++at) {  // the youngest is the likeliest to live
    if ((*at)->origin != origin || (*at)->tls != with) continue;
    auto connection = std::move(*at);
    idle.erase(std::next(at).base());
    char byte = 0;
    const auto seen = recv(connection->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return connection;
    return TakeIdle(origin, with);  // the server closed it, or says something that nobody asked for
  }
  return nullptr;
}

void ClientShared::KeepIdle(std::unique_ptr<ClientConnection> connection) {
  connection->idle_since = Now();
  idle.push_back(std::move(connection));
  if (idle.size() > limits.idle_connections) idle.pop_front();
}

void ClientShared::SweepIdle() {
  const base::Steady oldest = Now() - limits.idle_timeout;
  while (!idle.empty() && idle.front()->idle_since < oldest) idle.pop_front();
}

Fetch::Fetch(ClientShared& client, FetchId id, FetchRequest request, FetchCallback callback)
    : client_(client),
      id_(id),
      request_(std::move(request)),
      callback_(std::move(callback)),
      config_(request_.config ? request_.config
                              : std::make_shared<const config::HttpClientConfig>()),
      deadline_(client.context),
      attempt_(client.context) {}

std::string_view Fetch::Name(Phase phase) {
  switch (phase) {
    case Phase::kPrepare:
      return "prepare";
    case Phase::kResolve:
      return "resolve";
    case Phase::kConnect:
      return "connect";
    case Phase::kHandshake:
      return "tls";
    case Phase::kSend:
      return "send";
    case Phase::kHead:
      return "wait for the answer";
    case Phase::kBody:
      return "read the body";
  }
  return "";
}

void Fetch::Start() {
  if (request_.delay.count() <= 0) return Begin();
  deadline_.expires_after(request_.delay);
  deadline_.async_wait([self = shared_from_this()](const ErrorCode& canceled) {
    if (!canceled && !self->finished_) self->Begin();
  });
}

void Fetch::Begin() {
  until_ = Now() + request_.timeout;
  deadline_.expires_after(request_.timeout);
  deadline_.async_wait([self = shared_from_this()](const ErrorCode& canceled) {
    if (!canceled) self->Fail(Error::Kind::kTimeout, "context deadline exceeded");
  });
  auto url = ParseUrl(request_.url);
  if (!url) return Fail(url.error().kind, url.error().message);
  url_ = std::move(*url);
  body_limit_ = request_.body_limit != 0 ? request_.body_limit : client_.limits.body_bytes;
  body_ = std::move(request_.buffer);
  visited_.push_back(url_.ToString());
  Hop();
}

void Fetch::Cancel(std::string_view why) { Fail(Error::Kind::kCanceled, why); }

void Fetch::Refuse(std::string_view why) { Fail(Error::Kind::kLimit, why); }

base::Result<void> Fetch::AddCredentials() {
  const std::size_t limit = client_.limits.secret_bytes;
  const auto add = [&](std::string_view name, const std::string& value) -> base::Result<void> {
    if (BreaksLine(value))
      return base::BadInput(base::format("the value of header {} contains a line break", name));
    out_.append(name).append(": ").append(value).append("\r\n");
    return {};
  };
  for (const config::HttpHeader& header : config_->http_headers) {
    for (const std::string& value : header.values) {
      if (auto added = add(header.name, value); !added) return added;
    }
    if (!secrets_allowed_) continue;
    for (const std::string& value : header.secrets) {
      if (auto added = add(header.name, value); !added) return added;
    }
    for (const std::string& file : header.files) {
      const auto value = ReadSecret({.file = file}, limit);
      if (!value) return value.error();
      if (auto added = add(header.name, *value); !added) return added;
    }
  }
  if (!secrets_allowed_) return {};
  if (config_->basic_auth) {
    const auto& basic = *config_->basic_auth;
    const auto user = ReadSecret({.value = basic.username, .file = basic.username_file}, limit);
    if (!user) return user.error();
    const auto password = ReadSecret(basic.password, limit);
    if (!password) return password.error();
    return add("Authorization", "Basic " + Base64(*user + ":" + *password));
  }
  if (config_->authorization) {
    const auto secret = ReadSecret(config_->authorization->credentials, limit);
    if (!secret) return secret.error();
    return add("Authorization", config_->authorization->type + " " + *secret);
  }
  return {};
}

base::Result<void> Fetch::ComposeHead() {
  out_.assign(request_.method)
      .append(" ")
      .append(url_.target)
      .append(" HTTP/1.1\r\nHost: ")
      .append(url_.Authority())
      .append("\r\n");
  for (const auto& [name, value] : request_.headers) {
    const bool secret = SameWithoutCase(name, "Authorization") || SameWithoutCase(name, "Cookie");
    if (secret && !secrets_allowed_) continue;
    if (BreaksLine(name) || BreaksLine(value))
      return base::BadInput(base::format("header {} contains a line break", name));
    out_.append(name).append(": ").append(value).append("\r\n");
  }
  if (auto added = AddCredentials(); !added) return added;
  if (FindHeader(request_.headers, "User-Agent").empty()) out_.append("User-Agent: plimsoll\r\n");
  if (FindHeader(request_.headers, "Accept-Encoding").empty())
    out_.append(request_.accept_gzip ? "Accept-Encoding: gzip\r\n"
                                     : "Accept-Encoding: identity\r\n");
  if (!request_.body.empty() || request_.method == "POST" || request_.method == "PUT") {
    out_.append("Content-Length: ").append(std::to_string(request_.body.size())).append("\r\n");
  }
  out_.append("\r\n");
  return {};
}

// Goes to url_, over a kept connection or a new one.
void Fetch::Hop(bool may_reuse) {
  phase_ = Phase::kPrepare;
  if (auto composed = ComposeHead(); !composed)
    return Fail(composed.error().kind, composed.error().message);
  tls_.reset();
  if (url_.tls) {
    auto tls = client_.tls.Get(config_->tls);
    if (!tls) return Fail(tls.error().kind, tls.error().message);
    tls_ = std::move(*tls);
  }
  const std::string origin = (url_.tls ? "https://" : "http://") + url_.host + ":" + url_.port;
  connection_ = may_reuse ? client_.TakeIdle(origin, tls_) : nullptr;
  reused_ = connection_ != nullptr;
  if (reused_) return BeginRequest();
  connection_ = std::make_unique<ClientConnection>(client_.context);
  connection_->origin = origin;
  connection_->tls = tls_;
  addresses_.clear();
  next_address_ = 0;
  ErrorCode not_an_address;
  boost::asio::ip::make_address(url_.host, not_an_address);
  if (!not_an_address) {
    addresses_.push_back(url_.host);
    return ConnectNext("");
  }
  phase_ = Phase::kResolve;
  // The answer may come after this fetch is over, but not after the client is.
  client_.resolver.Ask(url_.host, [weak = weak_from_this(), &context = client_.context](
                                      const base::Result<Resolver::Addresses>& found) {
    boost::asio::post(context, [weak, found] {
      if (const auto self = weak.lock()) self->Resolved(found);
    });
  });
}

void Fetch::Resolved(const base::Result<Resolver::Addresses>& addresses) {
  if (finished_ || phase_ != Phase::kResolve) return;
  if (!addresses) return Fail(addresses.error().kind, addresses.error().message);
  addresses_ = *addresses;
  ConnectNext("no address found");
}

// Of several addresses that fail the first one's failure is told, as Go's dialer does.
void Fetch::ConnectNext(std::string_view failure_before) {
  phase_ = Phase::kConnect;
  attempt_.cancel();
  if (next_address_ <= 1) first_failure_ = failure_before;
  if (next_address_ >= addresses_.size()) return Fail(Error::Kind::kUnavailable, first_failure_);
  const std::string address = addresses_[next_address_++];
  const std::size_t left = addresses_.size() - next_address_;
  ErrorCode failure;
  const tcp::endpoint to(boost::asio::ip::make_address(address, failure),
                         static_cast<std::uint16_t>(std::stoi(url_.port)));
  if (failure) return ConnectNext(failure.message());
  const std::string where = address.find(':') == std::string::npos
                                ? address + ":" + url_.port
                                : "[" + address + "]:" + url_.port;
  ErrorCode ignored;
  connection_->socket.close(ignored);
  const unsigned id = ++wait_id_;
  connection_->socket.async_connect(
      to, [self = shared_from_this(), id, where](const ErrorCode& refused) {
        if (self->finished_ || id != self->wait_id_) return;
        if (refused)
          return self->ConnectNext("dial tcp " + where + ": connect: " + refused.message());
        self->attempt_.cancel();
        self->Connected();
      });
  if (left == 0) return;
  // An address that swallows packets must leave time for the others.
  attempt_.expires_after((until_ - Now()) / static_cast<long>(left + 1));
  attempt_.async_wait([self = shared_from_this(), id, where](const ErrorCode& canceled) {
    if (!canceled && !self->finished_ && id == self->wait_id_)
      self->ConnectNext("dial tcp " + where + ": connect: timed out");
  });
}

void Fetch::Connected() {
  ErrorCode ignored;
  connection_->socket.non_blocking(true, ignored);
  connection_->socket.set_option(tcp::no_delay(true), ignored);
  SslPtr session;
  if (tls_) {
    session = tls_->NewSession(url_.host);
    if (!session) return Fail(Error::Kind::kInternal, "out of memory");
  }
  connection_->transport = Transport(connection_->socket.native_handle(), std::move(session));
  if (!tls_) return BeginRequest();
  phase_ = Phase::kHandshake;
  Drive();
}

void Fetch::BeginRequest() {
  phase_ = Phase::kSend;
  out_rest_ = out_;
  body_rest_ = request_.body;
  if (request_.body.size() < 4096) {  // one packet
    out_.append(request_.body);
    out_rest_ = out_;
    body_rest_ = {};
  }
  MakeParser();
  leftover_.clear();
  body_.clear();
  received_ = head_done_ = body_begun_ = gzip_ = false;
  body_failure_.reset();
  Drive();
}

void Fetch::Wait(Transport::Io want) {
  const auto kind =
      want == Transport::Io::kWantWrite ? tcp::socket::wait_write : tcp::socket::wait_read;
  connection_->socket.async_wait(
      kind, [self = shared_from_this(), id = ++wait_id_](const ErrorCode& failure) {
        if (!failure && !self->finished_ && id == self->wait_id_) self->Drive();
      });
}

void Fetch::Drive() {
  for (int steps = 0;; ++steps) {
    if (steps == kReadsInARow) {
      boost::asio::post(client_.context, [self = shared_from_this(), id = ++wait_id_] {
        if (!self->finished_ && id == self->wait_id_) self->Drive();
      });
      return;
    }
    bool go_on = false;
    switch (phase_) {
      case Phase::kHandshake:
        go_on = StepHandshake();
        break;
      case Phase::kSend:
        go_on = StepSend();
        break;
      case Phase::kHead:
      case Phase::kBody:
        go_on = StepReceive();
        break;
      case Phase::kPrepare:
      case Phase::kResolve:
      case Phase::kConnect:
        break;
    }
    if (!go_on || finished_) return;
  }
}

bool Fetch::StepHandshake() {
  const Transport::Io io = connection_->transport.Handshake();
  if (io == Transport::Io::kWantRead || io == Transport::Io::kWantWrite) {
    Wait(io);
  } else if (io == Transport::Io::kDone) {
    BeginRequest();
  } else {
    Fail(Error::Kind::kUnavailable, connection_->transport.ErrorText());
  }
  return false;
}

bool Fetch::StepSend() {
  std::string_view& rest = out_rest_.empty() ? body_rest_ : out_rest_;
  if (rest.empty()) {
    phase_ = Phase::kHead;
    Wait(Transport::Io::kWantRead);
    return false;
  }
  std::size_t put = 0;
  const Transport::Io io = connection_->transport.Write(rest, put);
  if (io == Transport::Io::kDone) {
    rest.remove_prefix(put);
    return true;
  }
  if (io == Transport::Io::kWantRead || io == Transport::Io::kWantWrite) {
    Wait(io);
  } else if (!Retry()) {
    // The server may have answered before it closed, for instance that the body is too large.
    phase_ = Phase::kHead;
    return true;
  }
  return false;
}

bool Fetch::StepReceive() {
  std::string& piece = client_.piece;
  if (leftover_.size() * 2 > piece.size()) piece.resize(leftover_.size() * 2);
  std::copy(leftover_.begin(), leftover_.end(), piece.begin());
  std::size_t got = 0;
  const Transport::Io io = connection_->transport.Read(piece.data() + leftover_.size(),
                                                       piece.size() - leftover_.size(), got);
  if (io == Transport::Io::kWantRead || io == Transport::Io::kWantWrite) {
    Wait(io);
    return false;
  }
  if (io == Transport::Io::kClosed && received_) parser_->End();
  if (io == Transport::Io::kDone) {
    received_ = true;
    const std::string_view all(piece.data(), leftover_.size() + got);
    const std::size_t used = parser_->Feed(all);
    leftover_.assign(all.substr(used));
  } else if (!parser_->done() || parser_->failed()) {
    if (!received_ && Retry()) return false;
    FailTransport();
    return false;
  }
  if (parser_->head_done() && !HeadDone()) return false;
  if (body_failure_) {
    Fail(body_failure_->kind, body_failure_->message);
    return false;
  }
  if (parser_->failed()) {
    Fail(Error::Kind::kUnavailable, parser_->error());
    return false;
  }
  if (!parser_->done()) return true;
  Complete();
  return false;
}

void Fetch::FailTransport() {
  if (!received_) return Fail(Error::Kind::kUnavailable, "EOF");
  Fail(Error::Kind::kUnavailable, parser_->failed() ? parser_->error() : "unexpected EOF");
}

// Looks at the head once. Returns: false when the fetch goes elsewhere.
bool Fetch::HeadDone() {
  if (head_done_) return true;
  while (parser_->head_done() && parser_->status() / 100 == 1 && parser_->status() != 101) {
    MakeParser();  // the answer itself is still to come
    const std::string rest = std::move(leftover_);
    leftover_ = rest.substr(parser_->Feed(rest));
  }
  if (!parser_->head_done()) return true;
  head_done_ = true;
  phase_ = Phase::kBody;
  TellSuccess();
  return !(config_->follow_redirects && IsRedirect(parser_->status()) && Follow());
}

void Fetch::MakeParser() {
  parser_ =
      std::make_unique<ResponseParser>(client_.limits.header_bytes, request_.method == "HEAD",
                                       [this](std::string_view piece) { return Take(piece); });
}

// A body that came with its head is taken before the head is looked at.
void Fetch::TellSuccess() {
  if (parser_->status() / 100 != 2 || !request_.on_success) return;
  std::exchange(request_.on_success, nullptr)();
}

// Takes a piece of the body. Returns: false when it is one too many.
bool Fetch::Take(std::string_view piece) {
  if (!body_begun_) {
    body_begun_ = true;
    gzip_ = SameWithoutCase(FindHeader(parser_->headers(), "Content-Encoding"), "gzip");
    if (gzip_) inflater_ = std::make_unique<Inflater>();
  }
  if (gzip_) {
    if (auto added = inflater_->Add(piece, body_limit_, body_); !added)
      body_failure_ = added.error();
  } else if (body_.size() + piece.size() >= body_limit_) {
    body_failure_ = Error{Error::Kind::kLimit, "body size limit exceeded"};
  } else {
    body_.append(piece);
  }
  TellSuccess();
  if (!body_failure_ && request_.on_body && parser_->status() / 100 == 2) {
    if (!body_.empty() && !request_.on_body(body_))
      body_failure_ = Error{Error::Kind::kCanceled, "stopped by the reader"};
    body_.clear();
  }
  return !body_failure_;
}

void Fetch::Complete() {
  if (gzip_) {
    if (auto whole = inflater_->Finish(); !whole)
      return Fail(Error::Kind::kUnavailable, whole.error().message);
  }
  FetchResponse response;
  response.status = parser_->status();
  response.phrase = parser_->phrase();
  response.headers = parser_->headers();
  response.url = url_.ToString();
  response.body = std::move(body_);
  ReleaseConnection();
  Finish(std::move(response));
}

void Fetch::ReleaseConnection() {
  const bool clean = parser_->done() && parser_->keep_alive() && leftover_.empty() &&
                     !connection_->transport.Pending();
  if (clean) client_.KeepIdle(std::move(connection_));
  connection_.reset();
}

// A kept connection may have been closed while the request was on its way. Returns: whether it is
// tried again on a new one.
bool Fetch::Retry() {
  const bool nothing_sent = out_rest_.size() == out_.size();
  if (!reused_ || received_ ||
      !(nothing_sent || request_.method == "GET" || request_.method == "HEAD"))
    return false;
  connection_.reset();
  Hop(false);
  return true;
}

// Returns: whether the fetch goes on elsewhere, or failed for trying.
bool Fetch::Follow() {
  const std::string_view location = FindHeader(parser_->headers(), "Location");
  if (location.empty()) return false;
  auto next = Resolve(url_, location);
  if (!next) {
    Fail(Error::Kind::kUnavailable, "redirect: " + next.error().message);
    return true;
  }
  const std::string name = next->ToString();
  const bool loop = std::find(visited_.begin(), visited_.end(), name) != visited_.end();
  visited_.push_back(name);
  if (loop || visited_.size() > client_.limits.redirects + 1) {
    std::string path;
    for (const std::string& each : visited_) path += (path.empty() ? "" : " -> ") + each;
    Fail(Error::Kind::kUnavailable,
         (loop ? "redirect loop: "
               : base::format("stopped after {} redirects: ", client_.limits.redirects)) +
             path);
    return true;
  }
  const int status = parser_->status();
  if (status == 303 || ((status == 301 || status == 302) && request_.method != "HEAD")) {
    if (request_.method != "HEAD") request_.method = "GET";
    request_.body.clear();
  }
  if (!SameHost(*next)) secrets_allowed_ = false;
  ReleaseConnection();
  url_ = std::move(*next);
  Hop();
  return true;
}

void Fetch::Fail(base::Error::Kind kind, std::string_view cause) {
  if (finished_) return;
  constexpr std::string_view kReasons[] = {"bad_input", "not_found",   "limit",     "timeout",
                                           "canceled",  "unavailable", "execution", "internal"};
  if (client_.telemetry != nullptr) {
    client_.telemetry
        ->CounterOf(telemetry::MetricId::kHttpClientErrors,
                    {Name(phase_), kReasons[static_cast<std::size_t>(kind)]})
        .Add();
  }
  std::string verb = request_.method;  // as Go: Get "http://..."
  std::transform(verb.begin(), verb.end(), verb.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (!verb.empty() && verb[0] >= 'a' && verb[0] <= 'z') verb[0] = static_cast<char>(verb[0] - 32);
  Finish(Error{
      kind, base::format("{} \"{}\": {}: {}", verb,
                         url_.host.empty() ? request_.url : url_.ToString(), Name(phase_), cause)});
}

void Fetch::Finish(base::Result<FetchResponse> result) {
  if (finished_) return;
  finished_ = true;
  const auto self = shared_from_this();
  deadline_.cancel();
  attempt_.cancel();
  connection_.reset();
  client_.fetches.erase(id_);
  const FetchCallback callback = std::move(callback_);
  callback(std::move(result));
}

}  // namespace plimsoll::http::detail
