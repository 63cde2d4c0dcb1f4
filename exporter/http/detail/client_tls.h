// SPDX-License-Identifier: Apache-2.0
//
// The client's side of TLS: what a configuration says, read again at each use, and the contexts
// made of it.
//
// Making a context parses every CA, so contexts are kept as long as the bytes they were made of are
// the same: a rotated file makes a new one, and connections under the old one are no longer used
// again.
//
// Threads: ClientTlsCache belongs to one thread.
// Bounds:  ClientLimits::tls_contexts and secret_bytes.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "config/config.h"
#include "http/detail/transport.h"

struct ssl_ctx_st;

namespace plimsoll::http::detail {

// Returns: the contents. Fails with: kBadInput "read FILE: REASON".
base::Result<std::string> ReadFile(const std::string& file, std::size_t limit);
// Returns: the secret; from a file, without blanks around it.
base::Result<std::string> ReadSecret(const config::Secret& secret, std::size_t limit);

class ClientTls {
 public:
  ClientTls(ssl_ctx_st* context, std::string server_name, bool verify)
      : context_(context), server_name_(std::move(server_name)), verify_(verify) {}
  ~ClientTls();
  ClientTls(const ClientTls&) = delete;
  ClientTls& operator=(const ClientTls&) = delete;

  // Returns: a session that checks the certificate against `host`, or the configured server name.
  SslPtr NewSession(const std::string& host) const;

 private:
  ssl_ctx_st* context_;
  const std::string server_name_;
  const bool verify_;
};

class ClientTlsCache {
 public:
  ClientTlsCache(std::size_t contexts, std::size_t file_bytes)
      : limit_(contexts), file_bytes_(file_bytes) {}
  // Fails with: kBadInput naming the file or key that cannot be used.
  base::Result<std::shared_ptr<const ClientTls>> Get(const config::TlsConfig& config);

 private:
  const std::size_t limit_;
  const std::size_t file_bytes_;
  std::map<std::string, std::shared_ptr<const ClientTls>> made_;  // by everything that went in
};

}  // namespace plimsoll::http::detail
