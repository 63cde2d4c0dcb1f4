// SPDX-License-Identifier: Apache-2.0
//
// The CivetWeb server. What to know about the library:
// - One thread serves one connection, idle ones included. Hence idle connections get no longer than
//   a slow request head, and keep-alive ends while most threads are taken.
// - It decodes the path in place and removes dot segments unless told otherwise; we want the bytes.
// - It reports its own refusals through http_error; we write them, so that both servers refuse
//   alike.
// - A client that dawdles with a head or a body costs a thread. Hence those that do are cut off
//   while there are more connections than threads (IdleCutter).
// - No call of it tells whether a client is still there, and none gives the socket (own_sockets.h).
// - It calls a head that does not fit its buffer malformed. Hence the buffer is twice as large as
//   what we allow, and heads in between get their proper refusal from us.
#include <civetweb.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/format.h"
#include "base/guarded.h"
#include "base/log.h"
#include "http/detail/answer.h"
#include "http/detail/own_sockets.h"
#include "http/server.h"

namespace plimsoll::http {
namespace {

using detail::Refuse;

bool Contains(std::string_view text, std::string_view part) {
  for (std::size_t i = 0; i + part.size() <= text.size(); ++i) {
    if (mg_strncasecmp(text.data() + i, part.data(), part.size()) == 0) return true;
  }
  return false;
}

struct Refusal {
  int status;
  std::string_view reason, message;
};

const Refusal& RefusalOf(int status) {
  static constexpr Refusal kRefusals[] = {
      {408, "body_timeout", "the request body did not arrive in time"},
      {413, "body_bytes", "the request body is too large"},
      {414, "url_bytes", "the URL is too long"},
      {431, "header_bytes", "the request head is too large"},
      {400, "malformed", "the request body could not be read"}};
  for (const Refusal& refusal : kRefusals) {
    if (refusal.status == status) return refusal;
  }
  return kRefusals[4];
}

// This server has a thread for each connection, so an answer that comes later is waited for.
Response Await(const Response& response) {
  const auto answer = std::make_shared<std::promise<Response>>();
  auto future = answer->get_future();
  response.later([answer](Response later) { answer->set_value(std::move(later)); });
  return future.get();
}

constexpr std::chrono::milliseconds kCutInterval{20};
constexpr std::chrono::milliseconds kCrowdInterval{100};

class CivetServer final : public Server {
 public:
  CivetServer(ServerOptions options, Handler handler, telemetry::Telemetry* telemetry)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        counters_(telemetry, options_.listener) {}
  ~CivetServer() override { Stop({}); }

  base::Result<void> Start() override;
  std::uint16_t port() const override { return port_; }
  base::Result<void> SetCredentials(const TlsCredentials&) override {
    return base::BadInput("the listener \"" + options_.listener + "\" serves plain HTTP");
  }
  void Stop(std::chrono::milliseconds deadline) override;

 private:
  static CivetServer& Of(const mg_connection* connection) {
    return *static_cast<CivetServer*>(mg_get_user_data(mg_get_context(connection)));
  }
  static int OnRequest(mg_connection* connection) { return Of(connection).Serve(connection); }
  static int OnError(mg_connection* connection, int status, const char* message) {
    return Of(connection).ServeError(connection, status, message);
  }
  static int OnLog(const mg_connection* connection, const char* message);

  int Serve(mg_connection* connection);
  int ServeError(mg_connection* connection, int status, const char* message);
  void WatchCrowd(std::stop_token stop);
  // Returns: 0, or the status of the refusal.
  int ReadBody(mg_connection* connection, const mg_request_info& info, Request& request);
  int Send(mg_connection* connection, const Response& response, bool head_only, bool close);
  void SendPieces(mg_connection* connection, const Response& response, std::string head);
  bool MustClose(const mg_request_info& info) const;

  const ServerOptions options_;
  const Handler handler_;
  detail::ServerCounters counters_;
  mg_context* context_ = nullptr;
  std::atomic<std::uint16_t> port_ = 0;
  std::atomic<bool> stopping_ = false;
  base::Guarded<unsigned> busy_;  // handlers that run
  // Whose request is whole and is being answered.
  base::Guarded<std::set<std::pair<std::string, int>>> answering_;
  std::jthread crowd_;
  std::mutex log_mutex_;
  std::string first_log_;  // guarded by log_mutex_: why mg_start2 failed
};

base::Result<void> CivetServer::Start() {
  static const unsigned initialised = mg_init_library(0);
  (void)initialised;
  auto address = detail::ParseAddress(options_.address);
  if (!address) return address.error();
  if (address->host.find(':') != std::string::npos)
    return base::BadInput("listen address \"" + options_.address +
                          "\": this server speaks IPv4 only");
  const std::string where =
      (address->host.empty() ? "" : address->host + ":") + std::to_string(address->port);
  const ServerLimits& limits = options_.limits;
  const auto milliseconds = [](std::chrono::milliseconds time) {
    return std::to_string(time.count());
  };
  const std::string threads = std::to_string(limits.threads);
  const std::string queue =
      std::to_string(limits.connections > limits.threads ? limits.connections - limits.threads : 1);
  const std::string request_timeout = milliseconds(limits.header_timeout);
  const std::string idle_timeout =
      milliseconds(std::min(limits.idle_timeout, limits.header_timeout));
  const std::string head_size =
      std::to_string(std::max<std::size_t>(2 * limits.header_bytes, 1024));
  const std::array<const char*, 23> settings = {"listening_ports",
                                                where.c_str(),
                                                "num_threads",
                                                threads.c_str(),
                                                "connection_queue",
                                                queue.c_str(),
                                                "enable_keep_alive",
                                                "yes",
                                                "keep_alive_timeout_ms",
                                                idle_timeout.c_str(),
                                                "request_timeout_ms",
                                                request_timeout.c_str(),
                                                "max_request_size",
                                                head_size.c_str(),
                                                "decode_url",
                                                "no",
                                                "decode_query_string",
                                                "no",
                                                "tcp_nodelay",
                                                "1",
                                                "enable_directory_listing",
                                                "no",
                                                nullptr};

  mg_callbacks callbacks = {};
  callbacks.begin_request = &OnRequest;
  callbacks.http_error = &OnError;
  callbacks.log_message = &OnLog;
  callbacks.log_access = [](const mg_connection*, const char*) { return 1; };
  mg_init_data init = {};
  init.callbacks = &callbacks;
  init.user_data = this;
  init.configuration_options = const_cast<const char**>(settings.data());
  std::array<char, 256> text = {};
  mg_error_data error = {};
  error.text = text.data();
  error.text_buffer_size = text.size();
  context_ = mg_start2(&init, &error);
  if (context_ == nullptr) {
    const std::lock_guard lock(log_mutex_);
    return base::Error{base::Error::Kind::kUnavailable,
                       base::format("cannot listen on {}: {}", options_.address,
                                    first_log_.empty() ? text.data() : first_log_)};
  }
  mg_server_port ports[1] = {};
  if (mg_get_server_ports(context_, 1, ports) == 1)
    port_ = static_cast<std::uint16_t>(ports[0].port);
  crowd_ = std::jthread([this](std::stop_token stop) { WatchCrowd(stop); });
  return {};
}

void CivetServer::WatchCrowd(std::stop_token stop) {
  detail::IdleCutter cutter;
  base::Guarded<bool> never(false);
  while (!never.WaitFor(stop, kCrowdInterval, [](bool) { return false; }) &&
         !stop.stop_requested()) {
    const std::size_t cut =
        cutter.Cut(port_, options_.limits.threads, options_.limits.crowded_patience,
                   [this](const std::string& address, int remote_port) {
                     return answering_.With([&](const auto& those) {
                       return those.contains({address, remote_port});
                     });
                   });
    for (std::size_t i = 0; i < cut; ++i) counters_.Refused("evicted");
  }
}

void CivetServer::Stop(std::chrono::milliseconds deadline) {
  if (context_ == nullptr) return;
  crowd_ = {};
  stopping_ = true;  // no connection outlives its request from here on
  busy_.WaitFor({}, deadline, [](unsigned running) { return running == 0; });
  // The library looks at its stop flag only between waits for clients, which may take seconds.
  std::jthread cutter([this](std::stop_token stop) {
    while (!stop.stop_requested()) {
      detail::CutConnections(port_);
      busy_.WaitFor(stop, kCutInterval, [](unsigned) { return false; });
    }
  });
  mg_stop(context_);
  context_ = nullptr;
}

int CivetServer::OnLog(const mg_connection* connection, const char* message) {
  // The connection is a stand-in without a context while the server starts.
  const mg_context* context = connection == nullptr ? nullptr : mg_get_context(connection);
  if (context == nullptr || mg_get_user_data(context) == nullptr) return 1;
  CivetServer& server = Of(connection);
  const std::lock_guard lock(server.log_mutex_);
  if (server.first_log_.empty()) server.first_log_ = message;  // later ones are consequences
  return 1;
}

bool CivetServer::MustClose(const mg_request_info& info) const {
  const unsigned busy = busy_.With([](unsigned running) { return running; });
  if (stopping_ || busy * 4 > options_.limits.threads * 3) return true;
  const bool old = info.http_version == nullptr || std::strcmp(info.http_version, "1.1") != 0;
  for (int i = 0; i < info.num_headers; ++i) {
    if (mg_strcasecmp(info.http_headers[i].name, "connection") == 0)
      return !Contains(info.http_headers[i].value, "keep-alive");
  }
  return old;
}

int CivetServer::ReadBody(mg_connection* connection, const mg_request_info& info,
                          Request& request) {
  const std::size_t limit = options_.limits.body_bytes;
  if (info.content_length > 0 && static_cast<unsigned long long>(info.content_length) > limit)
    return 413;
  const bool chunked = Contains(request.Header("Transfer-Encoding"), "chunked");
  if (info.content_length <= 0 && !chunked) return 0;
  const base::Steady until = base::SystemClock().SteadyNow() + options_.limits.body_timeout;
  std::array<char, 16384> buffer;
  for (;;) {
    const int got = mg_read(connection, buffer.data(), buffer.size());
    if (got < 0) return 400;
    if (got == 0) break;
    if (request.body.size() + static_cast<std::size_t>(got) > limit) return 413;
    request.body.append(buffer.data(), static_cast<std::size_t>(got));
    if (base::SystemClock().SteadyNow() > until) return 408;
  }
  // Fewer bytes than announced: the client gave up, or dripped until the library did.
  if (info.content_length > 0 &&
      request.body.size() < static_cast<std::size_t>(info.content_length))
    return 408;
  return 0;
}

int CivetServer::Serve(mg_connection* connection) {
  const base::Steady start = base::SystemClock().SteadyNow();
  const mg_request_info& info = *mg_get_request_info(connection);
  struct Busy {
    explicit Busy(base::Guarded<unsigned>& handlers) : count(handlers) {
      count.With([](unsigned& running) { ++running; });
    }
    ~Busy() {
      count.Change([](unsigned& running) { --running; });
    }
    base::Guarded<unsigned>& count;
  } busy(busy_);

  Request request;
  request.method = info.request_method;
  std::string_view target = info.request_uri;
  if (const std::size_t scheme = target.find("://");
      scheme != std::string_view::npos && target.front() != '/') {
    const std::size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  request.raw_path = target;
  request.path = PercentDecode(target, false);
  if (info.query_string != nullptr) request.raw_query = info.query_string;
  request.remote_address = base::format("{}:{}", info.remote_addr, info.remote_port);
  request.gone = [peer = detail::Peer(port_, info.remote_addr, info.remote_port)]() mutable {
    return peer.Gone();
  };
  std::size_t head_bytes = request.raw_path.size() + request.raw_query.size();
  for (int i = 0; i < info.num_headers; ++i) {
    const auto& [name, value] =
        request.headers.emplace_back(info.http_headers[i].name, info.http_headers[i].value);
    head_bytes += name.size() + value.size() + 4;
  }

  const bool head_only = request.method == "HEAD";
  bool close = MustClose(info);
  Response response;
  int refused = 0;
  if (request.raw_path.size() + request.raw_query.size() > options_.limits.url_bytes) refused = 414;
  if (refused == 0 && head_bytes > options_.limits.header_bytes) refused = 431;
  if (refused == 0) refused = ReadBody(connection, info, request);
  struct Answering {
    Answering(base::Guarded<std::set<std::pair<std::string, int>>>& set,
              const mg_request_info& from)
        : those(set), who(from.remote_addr, from.remote_port) {
      those.With([&](auto& all) { all.insert(who); });
    }
    ~Answering() {
      those.With([&](auto& all) { all.erase(who); });
    }
    base::Guarded<std::set<std::pair<std::string, int>>>& those;
    const std::pair<std::string, int> who;
  } answering(answering_, info);
  if (refused != 0) {
    const Refusal& why = RefusalOf(refused);
    counters_.Refused(why.reason);
    response = Refuse(options_, refused, why.message);
    close = true;
  } else {
    // Without a length only HTTP/1.1 knows where an answer ends.
    const bool whole = info.http_version == nullptr || std::strcmp(info.http_version, "1.1") != 0;
    response = detail::Call(handler_, options_, request, whole);
    if (response.later) response = Await(response);
  }
  if (response.status == 401) close = true;  // the library closes then, so the head must say so
  const int status = Send(connection, response, head_only, close);
  counters_.Answered(status, base::SystemClock().SteadyNow() - start);
  return status;
}

int CivetServer::ServeError(mg_connection* connection, int status, const char* message) {
  const int answer = status == 413 ? 431 : status;  // it reads no bodies, so a head is meant
  counters_.Refused(answer == 431   ? "header_bytes"
                    : answer == 408 ? "header_timeout"
                    : answer < 500  ? "malformed"
                                    : "internal");
  mg_disable_connection_keep_alive(connection);
  Send(connection,
       Refuse(options_, answer, answer == 431 ? "the request head is too large" : message), false,
       true);
  counters_.Answered(answer, {});
  return 0;
}

int CivetServer::Send(mg_connection* connection, const Response& response, bool head_only,
                      bool close) {
  constexpr std::size_t kOneWrite = 16384;
  if (close) mg_disable_connection_keep_alive(connection);
  std::string out;
  detail::AppendHead(response, !close, detail::HttpDate(base::SystemClock().Now()), out);
  if (response.rest && !head_only) {
    SendPieces(connection, response, std::move(out));
    return response.status;
  }
  const std::string_view body =
      head_only || !detail::HasBody(response.status) ? std::string_view() : response.Body();
  const bool together = body.size() <= kOneWrite;
  if (together) out.append(body);
  // A failed write means that the client went away, which is not our failure.
  if (mg_write(connection, out.data(), out.size()) > 0 && !together)
    mg_write(connection, body.data(), body.size());
  return response.status;
}

// Each piece of the body is a chunk of the transfer coding, written into the same memory. When it
// cannot be made any more, the connection ends without the last chunk, which tells the client.
void CivetServer::SendPieces(mg_connection* connection, const Response& response,
                             std::string head) {
  constexpr std::string_view kSize = "00000000\r\n";  // leading zeros are allowed
  std::string out = std::move(head);
  std::string_view first = response.Body();
  for (bool more = true; more;) {
    const std::size_t size_at = out.size();
    out += kSize;
    if (!first.empty()) {
      out += std::exchange(first, {});
    } else {
      try {
        more = response.rest(out);
      } catch (const std::exception& failure) {
        base::LogError("msg=\"answer broken off\" listener={} err=\"{}\"", options_.listener,
                       failure.what());
        mg_disable_connection_keep_alive(connection);
        return;
      }
    }
    std::size_t size = out.size() - size_at - kSize.size();
    if (size == 0) out.resize(size_at);  // a chunk of no size is the end
    for (std::size_t digit = 8; size != 0; size >>= 4)
      out[size_at + --digit] = "0123456789abcdef"[size & 15];
    if (out.size() > size_at) out += "\r\n";
    if (!more) out += "0\r\n\r\n";
    if (!out.empty() && mg_write(connection, out.data(), out.size()) <= 0) {
      mg_disable_connection_keep_alive(connection);
      return;
    }
    out.clear();
  }
}

}  // namespace

std::unique_ptr<Server> NewCivetServer(ServerOptions options, Handler handler,
                                       telemetry::Telemetry* telemetry) {
  return std::make_unique<CivetServer>(std::move(options), std::move(handler), telemetry);
}

}  // namespace plimsoll::http
