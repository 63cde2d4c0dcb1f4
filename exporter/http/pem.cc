// SPDX-License-Identifier: Apache-2.0
//
// Certificates and keys out of PEM text, with errors that name which one is broken.
#include "http/detail/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cstddef>

#include "base/format.h"

namespace plimsoll::http::detail {
namespace {

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;

BioPtr Over(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// An encrypted key must fail, not ask on the terminal.
int NoPassword(char*, int, int, void*) { return 0; }

}  // namespace

void X509Free::operator()(x509_st* certificate) const { X509_free(certificate); }

std::string SslErrorText() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown TLS error";
}

base::Result<std::vector<X509Ptr>> ReadCertificates(std::string_view pem, std::string_view what) {
  std::vector<X509Ptr> certificates;
  const BioPtr bio = Over(pem);
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, &NoPassword, nullptr))
    certificates.emplace_back(certificate);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = SslErrorText();
  if (!at_end)
    return base::BadInput(
        base::format("{}: certificate {} is broken: {}", what, certificates.size() + 1, why));
  if (certificates.empty())
    return base::BadInput(base::format("{}: no PEM certificate found", what));
  return certificates;
}

base::Result<void> UseCertificate(ssl_ctx_st* context, std::string_view certificate_pem,
                                  std::string_view key_pem) {
  auto chain = ReadCertificates(certificate_pem, "TLS certificate");
  if (!chain) return chain.error();
  const BioPtr bio = Over(key_pem);
  struct KeyFree {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  const std::unique_ptr<EVP_PKEY, KeyFree> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr));
  if (!key) return base::BadInput("TLS key: no usable PEM private key found: " + SslErrorText());
  if (SSL_CTX_use_certificate(context, chain->front().get()) != 1)
    return base::BadInput("TLS certificate: " + SslErrorText());
  for (std::size_t i = 1; i < chain->size(); ++i)
    SSL_CTX_add1_chain_cert(context, (*chain)[i].get());
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return base::BadInput("TLS key: it does not belong to the certificate: " + SslErrorText());
  }
  return {};
}

}  // namespace plimsoll::http::detail
