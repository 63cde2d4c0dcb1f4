// SPDX-License-Identifier: Apache-2.0
//
// Requests and responses as values: a handler is a function from one to the other and needs no
// socket.
//
// Both servers carry the same Handler and pass the same route tests.
//
// Threads: values. A Handler is called from several threads at once.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plimsoll::http {

// Header and parameter lists keep their order; names of headers compare without case.
using Pairs = std::vector<std::pair<std::string, std::string>>;

// The certificate that a TLS client presented, as the server judges it: see SetCredentials.
struct ClientCertificate {
  std::string common_name = {};
  std::vector<std::string> organizations = {};
  // Names of the trust pools (TlsServerOptions::trust_pools) to which it chains, unexpired.
  std::vector<std::string> trusted_by = {};
  std::string problem = {};  // why no pool trusts it; "" when one does
};

// Returns: the first value under `name`, compared without case; "" when absent.
std::string_view FindHeader(const Pairs& headers, std::string_view name);

struct Request {
  std::string method = "GET";
  std::string path = "/";      // percent-decoded, without the query
  std::string raw_path = "/";  // as sent
  std::string raw_query = {};  // as sent, without '?'
  Pairs headers = {};
  std::string body = {};
  std::string remote_address = {};
  bool tls = false;
  // The handler runs on a thread on which other connections wait: see ServerOptions::slow.
  bool must_be_quick = false;
  std::shared_ptr<const ClientCertificate> certificate = {};  // null: none presented
  // Returns true when the client has gone away; a long query asks now and then. On the thread of
  // the handler, while it runs. Empty when no server made the request.
  std::function<bool()> gone = {};

  // Returns: "" when absent. Names compare without case.
  std::string_view Header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = {};  // set for every body, also of an error
  Pairs headers = {};             // besides Content-Type, Content-Length, Date
  std::string body = {};
  // Instead of body: bytes shared with a snapshot, so that serving copies nothing.
  std::shared_ptr<const std::string> shared_body = {};
  // What comes after `body` of an answer that is too large to be held whole: each call appends a
  // piece; returns whether there are more. Empty: `body` is all.
  std::function<bool(std::string& out)> rest = {};
  // Instead of all the above: an answer, without a rest, that somebody else has to be asked for
  // first. The server calls it once, with where the answer is to go; that may be called from any
  // thread, once, also when the client or the server is gone by then. The Request is not to be used
  // any more.
  std::function<void(std::function<void(Response)> reply)> later = {};

  std::string_view Body() const {
    return shared_body ? std::string_view(*shared_body) : std::string_view(body);
  }
};

// Takes the rest into the body, for who needs the answer whole.
void Complete(Response& response);

using Handler = std::function<Response(const Request&)>;

// "a=1&b=2", percent- and plus-decoded, in order. A malformed escape is kept as it is.
Pairs ParseQuery(std::string_view raw_query);
std::string PercentDecode(std::string_view text, bool plus_is_space);
std::string PercentEncode(std::string_view text);

// Whether Accept-Encoding allows `coding` ("gzip;q=0" does not).
bool AcceptsEncoding(std::string_view accept_encoding, std::string_view coding);

// Compresses the body (gzip, else deflate) when the request allows it and it pays; sets Vary on
// every body for which it would pay, so that a cache keeps the two apart. A shared body is left
// alone for others: the compressed copy goes to `body`.
void CompressIfAccepted(const Request& request, Response& response);

}  // namespace plimsoll::http
