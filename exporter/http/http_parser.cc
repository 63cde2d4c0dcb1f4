// SPDX-License-Identifier: Apache-2.0
//
// Beast's parser with our callbacks: fields go straight into strings that outlive the message.
#include "http/detail/http_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>
#include <utility>

namespace plimsoll::http::detail {
namespace {

namespace beast = boost::beast;
using ErrorCode = beast::error_code;
using Text = beast::string_view;
using beast::http::error;

std::string_view View(Text text) { return {text.data(), text.size()}; }

// What is left of a chunked body ends in "0\r\n\r\n", and Beast 1.74 asserts that it is not handed
// less of the last chunk's head twice. In the middle of a chunk each byte counts at once.
constexpr std::size_t kLeastChunked = 5;
template <typename BeastParser>
bool MustWait(const BeastParser& parser, std::size_t bytes) {
  return parser.is_header_done() && parser.chunked() && parser.left_of_chunk == 0 &&
         bytes < kLeastChunked;
}

// Header fields in strings that survive from request to request.
class FieldPool {
 public:
  void Clear(Pairs& fields) {
    while (!fields.empty()) {
      spare_.push_back(std::move(fields.back()));
      fields.pop_back();
    }
  }
  void Add(std::string_view name, std::string_view value, Pairs& fields) {
    if (spare_.empty()) {
      fields.emplace_back(name, value);
      return;
    }
    fields.push_back(std::move(spare_.back()));
    spare_.pop_back();
    fields.back().first.assign(name);
    fields.back().second.assign(value);
  }

 private:
  Pairs spare_;
};

// Beast 1.74 has no way to begin anew, so each message gets a parser; constructing one is a memset.
class Parser final : public beast::http::basic_parser<true> {
 public:
  Parser(const HeadLimits& limits, Request& request, FieldPool& pool)
      : limits_(limits), request_(request), pool_(pool) {
    header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    body_limit(limits.body_bytes);
    eager(true);
  }
  bool line_read = false;  // the request line
  bool url_too_long = false;
  bool expects_continue = false;
  std::uint64_t left_of_chunk = 0;

 private:
  void on_request_impl(beast::http::verb, Text method, Text target, int, ErrorCode& ec) override {
    line_read = true;
    std::string_view rest = View(target);
    if (rest.size() > limits_.url_bytes) {
      url_too_long = true;
      ec = error::bad_target;
      return;
    }
    if (rest.front() != '/' && rest != "*") {  // "http://host/path", as to a proxy
      const std::size_t scheme = rest.find("://");
      if (scheme == std::string_view::npos) {
        ec = error::bad_target;
        return;
      }
      const std::size_t slash = rest.find_first_of("/?", scheme + 3);
      rest = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
    }
    const std::size_t question = rest.find('?');
    request_.method.assign(View(method));
    request_.raw_path.assign(rest.substr(0, question));
    if (request_.raw_path.empty()) request_.raw_path = "/";
    request_.raw_query.assign(question == std::string_view::npos ? std::string_view()
                                                                 : rest.substr(question + 1));
    if (request_.raw_path.find('%') == std::string::npos) {
      request_.path.assign(request_.raw_path);
    } else {
      request_.path = PercentDecode(request_.raw_path, false);
    }
  }
  void on_response_impl(int, Text, int, ErrorCode&) override {}
  void on_field_impl(beast::http::field field, Text name, Text value, ErrorCode&) override {
    if (field == beast::http::field::expect && beast::iequals(value, "100-continue"))
      expects_continue = true;
    pool_.Add(View(name), View(value), request_.headers);
  }
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(Text body, ErrorCode&) override {
    request_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t size, Text, ErrorCode&) override { left_of_chunk = size; }
  std::size_t on_chunk_body_impl(std::uint64_t left, Text body, ErrorCode&) override {
    left_of_chunk = left - body.size();
    request_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(ErrorCode&) override {}

  const HeadLimits& limits_;
  Request& request_;
  FieldPool& pool_;
};

}  // namespace

struct RequestParser::Impl {
  explicit Impl(const HeadLimits& given) : limits(given) { parser.emplace(limits, request, pool); }
  void Fail(int code, std::string_view why, std::string_view text) {
    state = State::kFailed;
    status = code;
    reason = why;
    message = text;
  }

  const HeadLimits limits;
  Request request;
  FieldPool pool;
  std::optional<Parser> parser;
  State state = State::kHead;
  int status = 0;
  std::string_view reason, message;
};

RequestParser::RequestParser(const HeadLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;
RequestParser::State RequestParser::state() const { return impl_->state; }
Request& RequestParser::request() { return impl_->request; }
bool RequestParser::keep_alive() const { return impl_->parser->keep_alive(); }
bool RequestParser::expects_continue() const { return impl_->parser->expects_continue; }
int RequestParser::status() const { return impl_->status; }
std::string_view RequestParser::reason() const { return impl_->reason; }
std::string_view RequestParser::message() const { return impl_->message; }

void RequestParser::Next() {
  constexpr std::size_t kKeep = 64 << 10;  // memory of a large body is given back
  Impl& impl = *impl_;
  impl.pool.Clear(impl.request.headers);
  impl.request.method = "GET";
  impl.request.body.clear();
  if (impl.request.body.capacity() > kKeep) impl.request.body.shrink_to_fit();
  impl.parser.emplace(impl.limits, impl.request, impl.pool);
  impl.state = State::kHead;
}

std::size_t RequestParser::Feed(std::string_view bytes) {
  Impl& impl = *impl_;
  Parser& parser = *impl.parser;
  std::size_t used = 0;
  while (used < bytes.size() && impl.state != State::kDone && impl.state != State::kFailed) {
    if (MustWait(parser, bytes.size() - used)) break;
    ErrorCode ec;
    used += parser.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), ec);
    if (ec == error::need_more) break;
    if (ec == error::header_limit && !parser.line_read &&
        bytes.find('\n') == std::string_view::npos) {
      impl.Fail(414, "url_bytes", "the request line is too long");
    } else if (ec == error::header_limit) {
      impl.Fail(431, "header_bytes", "the request head is too large");
    } else if (ec == error::body_limit) {
      impl.Fail(413, "body_bytes", "the request body is too large");
    } else if (parser.url_too_long) {
      impl.Fail(414, "url_bytes", "the URL is too long");
    } else if (ec) {
      impl.Fail(400, "malformed", "the request is malformed");
    } else if (parser.is_done()) {
      impl.state = State::kDone;
    } else if (parser.is_header_done()) {
      impl.state = State::kBody;
    }
  }
  if (impl.state == State::kHead && parser.is_header_done()) impl.state = State::kBody;
  return used;
}

namespace {

class Receiver final : public beast::http::basic_parser<false> {
 public:
  Receiver(std::size_t header_bytes, bool head_request, ResponseParser::Sink to)
      : sink(std::move(to)) {
    header_limit(static_cast<std::uint32_t>(header_bytes));
    // The sink limits, after decompression; with no limit Beast 1.74 refuses every body.
    body_limit(std::numeric_limits<std::uint64_t>::max());
    eager(true);
    if (head_request) skip(true);
  }
  int status = 0;
  std::string phrase;
  Pairs headers;
  ResponseParser::Sink sink;
  std::uint64_t left_of_chunk = 0;

 private:
  void on_request_impl(beast::http::verb, Text, Text, int, ErrorCode&) override {}
  void on_response_impl(int code, Text reason, int, ErrorCode&) override {
    status = code;
    phrase.assign(View(reason));
  }
  void on_field_impl(beast::http::field, Text name, Text value, ErrorCode&) override {
    headers.emplace_back(View(name), View(value));
  }
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(Text body, ErrorCode& ec) override {
    if (!sink(View(body))) ec = error::body_limit;
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t size, Text, ErrorCode&) override { left_of_chunk = size; }
  std::size_t on_chunk_body_impl(std::uint64_t left, Text body, ErrorCode& ec) override {
    left_of_chunk = left - body.size();
    return on_body_impl(body, ec);
  }
  void on_finish_impl(ErrorCode&) override {}
};

}  // namespace

struct ResponseParser::Impl {
  Impl(std::size_t header_bytes, bool head_request, Sink sink)
      : receiver(header_bytes, head_request, std::move(sink)) {}
  Receiver receiver;
  std::string error;
};

ResponseParser::ResponseParser(std::size_t header_bytes, bool head_request, Sink sink)
    : impl_(std::make_unique<Impl>(header_bytes, head_request, std::move(sink))) {}
ResponseParser::~ResponseParser() = default;
bool ResponseParser::head_done() const { return impl_->receiver.is_header_done(); }
bool ResponseParser::done() const { return impl_->receiver.is_done(); }
bool ResponseParser::failed() const { return !impl_->error.empty(); }
const std::string& ResponseParser::error() const { return impl_->error; }
int ResponseParser::status() const { return impl_->receiver.status; }
const std::string& ResponseParser::phrase() const { return impl_->receiver.phrase; }
const Pairs& ResponseParser::headers() const { return impl_->receiver.headers; }
bool ResponseParser::keep_alive() const { return impl_->receiver.keep_alive(); }

std::size_t ResponseParser::Feed(std::string_view bytes) {
  Receiver& receiver = impl_->receiver;
  std::size_t used = 0;
  while (used < bytes.size() && !receiver.is_done() && impl_->error.empty()) {
    if (MustWait(receiver, bytes.size() - used)) break;
    ErrorCode ec;
    used += receiver.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), ec);
    if (ec == error::need_more) break;
    if (ec == error::header_limit) {
      impl_->error = "the response head is too large";
    } else if (ec) {
      impl_->error = "malformed HTTP response: " + ec.message();
    }
  }
  return used;
}

void ResponseParser::End() {
  ErrorCode ec;
  impl_->receiver.put_eof(ec);
  if (ec) impl_->error = "unexpected EOF";
}

}  // namespace plimsoll::http::detail
