// SPDX-License-Identifier: Apache-2.0
//
// What both servers do with a request besides reading and writing it.
#include "http/detail/answer.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <ctime>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>

#include "base/format.h"
#include "base/log.h"

namespace plimsoll::http::detail {
namespace {

// Not strftime: the names of days and months must not follow the locale.
constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void AppendNumber(std::uint64_t number, std::string& out) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

// A header value may come from a request by way of a handler: it must not start a line of its own.
void AppendField(std::string_view name, std::string_view value, std::string& out) {
  out.append(name).append(": ");
  const std::size_t start = out.size();
  out.append(value);
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(start), out.end(),
      [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  out.append("\r\n");
}

}  // namespace

base::Result<Address> ParseAddress(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return base::BadInput(base::format("listen address \"{}\": {}", text, why));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("expected host:port");
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  Address address;
  const auto [end, failure] =
      std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (failure != std::errc() || end != digits.data() + digits.size())
    return bad("expected a port from 0 to 65535 after the last colon");
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 address is written in brackets");
  }
  address.host = host == "localhost" ? "127.0.0.1" : std::string(host);
  return address;
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";  // the phrase carries no meaning, but must not be empty for old clients
  }
}

bool HasBody(int status) { return status >= 200 && status != 204 && status != 304; }

void AppendHead(const Response& response, bool keep_alive, std::string_view date,
                std::string& out) {
  out.append("HTTP/1.1 ");
  AppendNumber(static_cast<std::uint64_t>(response.status), out);
  out.append(" ").append(ReasonPhrase(response.status)).append("\r\n");
  if (!response.content_type.empty()) AppendField("Content-Type", response.content_type, out);
  for (const auto& [name, value] : response.headers) AppendField(name, value, out);
  if (response.rest) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (HasBody(response.status)) {
    out.append("Content-Length: ");
    AppendNumber(response.Body().size(), out);
    out.append("\r\n");
  }
  out.append("Date: ").append(date).append(keep_alive ? "\r\n\r\n"
                                                      : "\r\nConnection: close\r\n\r\n");
}

std::string HttpDate(base::Time now) {
  const std::time_t seconds = now / 1000;
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  return base::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[parts.tm_wday], parts.tm_mday,
                      kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                      parts.tm_sec);
}

std::optional<base::Time> ParseHttpDate(std::string_view text) {
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" ||
      text[19] != ':' || text[22] != ':')
    return std::nullopt;
  const auto month = std::find(std::begin(kMonths), std::end(kMonths), text.substr(8, 3));
  std::tm parts = {};
  const auto read = [&](std::size_t at, std::size_t size, int& into) {
    const char* end = text.data() + at + size;
    const auto [stop, failure] = std::from_chars(text.data() + at, end, into);
    return failure == std::errc() && stop == end;
  };
  if (month == std::end(kMonths) || !read(5, 2, parts.tm_mday) || !read(12, 4, parts.tm_year) ||
      !read(17, 2, parts.tm_hour) || !read(20, 2, parts.tm_min) || !read(23, 2, parts.tm_sec))
    return std::nullopt;
  parts.tm_mon = static_cast<int>(month - std::begin(kMonths));
  parts.tm_year -= 1900;
  return static_cast<base::Time>(timegm(&parts)) * 1000;
}

Response Call(const Handler& handler, const ServerOptions& options, const Request& request,
              bool whole) {
  try {
    Response response = handler(request);
    if (whole) Complete(response);
    return response;
  } catch (const std::exception& failure) {
    base::LogError("msg=\"handler failed\" listener={} path=\"{}\" err=\"{}\"", options.listener,
                   request.raw_path, failure.what());
    return Refuse(options, 500, "internal error");
  }
}

Response Refuse(const ServerOptions& options, int status, std::string_view message) {
  if (options.refusal) return options.refusal(status, message);
  Response response{.status = status, .content_type = "text/plain; charset=utf-8"};
  response.body = base::format("{} {}: {}\n", status, ReasonPhrase(status), message);
  return response;
}

ServerCounters::ServerCounters(telemetry::Telemetry* telemetry, std::string listener)
    : telemetry_(telemetry), listener_(std::move(listener)) {
  if (telemetry_ != nullptr)
    duration_ = telemetry_->HistogramOf(telemetry::MetricId::kHttpRequestDuration, {listener_});
}

void ServerCounters::Answered(int status, base::Steady took) {
  if (telemetry_ == nullptr) return;
  Slot& slot = by_code_[static_cast<std::size_t>(std::clamp(status, 100, 599) - 100)];
  if (!slot.ready.load(std::memory_order_acquire)) {
    const std::lock_guard lock(creating_);
    if (!slot.ready.load(std::memory_order_relaxed)) {
      slot.counter = telemetry_->CounterOf(telemetry::MetricId::kHttpRequests,
                                           {listener_, std::to_string(status)});
      slot.ready.store(true, std::memory_order_release);
    }
  }
  slot.counter.Add();
  duration_.Observe(std::chrono::duration<double>(took).count());
}

void ServerCounters::Refused(std::string_view reason) {
  if (telemetry_ != nullptr)
    telemetry_->CounterOf(telemetry::MetricId::kHttpRefused, {listener_, reason}).Add();
}

}  // namespace plimsoll::http::detail
