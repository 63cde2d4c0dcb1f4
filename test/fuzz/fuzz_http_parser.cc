// SPDX-License-Identifier: Apache-2.0
//
// The request parser of the Beast server and the response parser of the client (for bytes that
// begin with "HTTP/"): the bytes may come in any pieces, limits hold, every refusal says why, and a
// request parser that is used again says what a new one says.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/detail/http_parser.h"

using namespace plimsoll::http;
using detail::RequestParser;
using detail::ResponseParser;

namespace {

constexpr detail::HeadLimits kLimits = {4096, 1024, 2000};

// Feeds as a connection does: what was not used is offered again with more.
void Run(RequestParser& parser, std::string_view bytes, std::size_t step) {
  std::string buffer;
  while (!bytes.empty() && parser.state() != RequestParser::State::kDone &&
         parser.state() != RequestParser::State::kFailed) {
    buffer += bytes.substr(0, step);
    bytes.remove_prefix(std::min(step, bytes.size()));
    const std::size_t used = parser.Feed(buffer);
    if (used > buffer.size()) std::abort();
    buffer.erase(0, used);
  }
}

// A response as a connection that is then closed gives it.
struct Answer {
  Answer(std::string_view bytes, std::size_t step, bool to_head_request)
      : parser(kLimits.header_bytes, to_head_request, [this](std::string_view piece) {
          body += piece;
          return body.size() < kLimits.body_bytes;
        }) {
    std::string buffer;
    while (!bytes.empty() && !parser.done() && !parser.failed()) {
      buffer += bytes.substr(0, step);
      bytes.remove_prefix(std::min(step, bytes.size()));
      const std::size_t used = parser.Feed(buffer);
      if (used > buffer.size()) std::abort();
      buffer.erase(0, used);
    }
    if (!parser.done() && !parser.failed()) parser.End();
  }
  std::string body;
  ResponseParser parser;
};

void CheckResponse(std::string_view bytes, bool to_head_request) {
  const Answer whole(bytes, bytes.size() + 1, to_head_request);
  const Answer pieces(bytes, 3, to_head_request);
  if (whole.parser.failed() == whole.parser.error().empty()) std::abort();
  if (whole.parser.failed() != pieces.parser.failed()) {
    // Beast counts a head that ends at the limit by the pieces that it is given.
    constexpr std::string_view kTooLarge = "the response head is too large";
    if (whole.parser.error() != kTooLarge && pieces.parser.error() != kTooLarge) std::abort();
    return;
  }
  if (whole.parser.failed()) return;
  if (whole.parser.head_done() && (whole.parser.status() < 0 || whole.parser.status() > 999))
    std::abort();
  if (whole.parser.status() != pieces.parser.status() ||
      whole.parser.phrase() != pieces.parser.phrase() ||
      whole.parser.headers() != pieces.parser.headers() || whole.body != pieces.body ||
      whole.parser.keep_alive() != pieces.parser.keep_alive())
    std::abort();
  if (to_head_request && !whole.body.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.starts_with("HTTP/")) {
    CheckResponse(bytes, false);
    CheckResponse(bytes, true);
    return 0;
  }
  RequestParser whole(kLimits);
  Run(whole, bytes, size + 1);
  RequestParser pieces(kLimits);
  Run(pieces, "GET /first HTTP/1.1\r\nA: b\r\n\r\n", 1);
  if (pieces.state() != RequestParser::State::kDone) std::abort();
  pieces.Next();
  Run(pieces, bytes, 5);

  if (whole.state() == RequestParser::State::kFailed) {
    if (whole.status() < 400 || whole.status() > 499 || whole.reason().empty() ||
        whole.message().empty())
      std::abort();
    return 0;
  }
  if (whole.state() != RequestParser::State::kDone) return 0;
  const Request& a = whole.request();
  const Request& b = pieces.request();
  if (pieces.state() != RequestParser::State::kDone) {
    if (pieces.reason() != "header_bytes") std::abort();
    return 0;  // likewise
  }
  if (whole.keep_alive() != pieces.keep_alive() ||
      whole.expects_continue() != pieces.expects_continue())
    std::abort();
  if (a.method != b.method || a.raw_path != b.raw_path || a.raw_query != b.raw_query ||
      a.path != b.path || a.headers != b.headers || a.body != b.body)
    std::abort();
  if (a.raw_path.size() + a.raw_query.size() > kLimits.url_bytes ||
      a.body.size() > kLimits.body_bytes)
    std::abort();
  return 0;
}
