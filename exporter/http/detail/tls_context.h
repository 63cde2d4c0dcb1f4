// SPDX-License-Identifier: Apache-2.0
//
// The TLS side of a listener: its certificate, and the judgement of the certificates of clients.
//
// The handshake accepts any client certificate, because who may come in is decided per request and
// with an explanation. It is judged against every trust pool, and again when the pools change.
// Other rules (TlsRules) let the handshake refuse.
//
// Sessions are not resumed: a ticket would not carry the client's chain, and the callers we have
// never resume.
//
// Threads: immutable; may be used from any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/detail/transport.h"
#include "http/message.h"
#include "http/server.h"

struct ssl_ctx_st;
struct x509_store_st;

namespace plimsoll::http::detail {

class TlsContext {
 public:
  // Fails with: kBadInput naming what cannot be used.
  static base::Result<std::shared_ptr<const TlsContext>> Make(const TlsCredentials& credentials);
  ~TlsContext();

  // Returns: the state of one accepted connection; null for lack of memory.
  SslPtr NewSession() const;
  // Requires: the handshake is over. Returns: null when the client presented none.
  std::shared_ptr<const ClientCertificate> Judge(const SslPtr& session) const;

 private:
  // OpenSSL takes the first authority of a name and gives up when its key does not fit, but during
  // a rotation there are two of one name. Hence no two of one name are in the same store.
  struct Pool {
    std::string name;
    std::vector<x509_store_st*> stores;
  };
  TlsContext() = default;
  base::Result<void> AddPool(const TrustPool& pool);
  base::Result<void> Apply(const TlsRules& rules);

  ssl_ctx_st* context_ = nullptr;
  std::vector<Pool> pools_;
  TlsRules rules_;  // what the handshake of a client is held against
};

}  // namespace plimsoll::http::detail
