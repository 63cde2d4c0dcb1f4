// SPDX-License-Identifier: Apache-2.0
//
// PEM text to OpenSSL objects, for the server and the client.
//
// Threads: every function may be called from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct ssl_ctx_st;
struct x509_st;

namespace plimsoll::http::detail {

struct X509Free {
  void operator()(x509_st* certificate) const;
};
using X509Ptr = std::unique_ptr<x509_st, X509Free>;

// Fails with: kBadInput when `what` holds no certificate, or a broken one.
base::Result<std::vector<X509Ptr>> ReadCertificates(std::string_view pem, std::string_view what);
// Uses the leaf, its chain and its key.
base::Result<void> UseCertificate(ssl_ctx_st* context, std::string_view certificate_pem,
                                  std::string_view key_pem);
// Returns: OpenSSL's last error, cleared.
std::string SslErrorText();

}  // namespace plimsoll::http::detail
