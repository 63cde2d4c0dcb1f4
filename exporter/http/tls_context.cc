// SPDX-License-Identifier: Apache-2.0
//
// Making a server's TLS context, and judging the certificate of a client against the trust pools.
#include "http/detail/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "http/detail/pem.h"

namespace plimsoll::http::detail {
namespace {

// Notes on the session that its client wanted to negotiate again: OpenSSL only refuses, and would
// go on to refuse for as long as it is asked.
void NoteRenegotiation(const SSL* session, int where, int value) {
  static char noted;
  if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT &&
      (value & 0xFF) == SSL_AD_NO_RENEGOTIATION)
    SSL_set_app_data(const_cast<SSL*>(session), &noted);
}

// The server's ALPN answer: HTTP/1.1 or, when the client wants only something else, a refusal.
int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* in, unsigned in_size, void*) {
  constexpr std::string_view kHttp11 = "http/1.1";
  for (unsigned i = 0; i < in_size; i += in[i] + 1U) {
    if (std::string_view(reinterpret_cast<const char*>(in) + i + 1, in[i]) == kHttp11) {
      *out = in + i + 1;
      *out_size = in[i];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::vector<std::string> Entries(const X509_NAME* name, int nid) {
  std::vector<std::string> values;
  for (int at = X509_NAME_get_index_by_NID(const_cast<X509_NAME*>(name), nid, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(const_cast<X509_NAME*>(name), nid, at)) {
    unsigned char* text = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size >= 0)
      values.emplace_back(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
  }
  return values;
}

}  // namespace

TlsContext::~TlsContext() {
  for (const Pool& pool : pools_) {
    for (X509_STORE* store : pool.stores) X509_STORE_free(store);
  }
  SSL_CTX_free(context_);
}

base::Result<void> TlsContext::AddPool(const TrustPool& pool) {
  auto certificates = ReadCertificates(pool.pem, base::format("trust pool \"{}\"", pool.name));
  if (!certificates) return certificates.error();
  std::vector<X509_STORE*>& stores = pools_.emplace_back(Pool{pool.name, {}}).stores;
  std::vector<std::vector<const X509_NAME*>> names;  // of each store
  for (const X509Ptr& certificate : *certificates) {
    const X509_NAME* name = X509_get_subject_name(certificate.get());
    std::size_t at = 0;
    const auto same = [&](const X509_NAME* other) { return X509_NAME_cmp(other, name) == 0; };
    while (at < stores.size() && std::any_of(names[at].begin(), names[at].end(), same)) ++at;
    if (at == stores.size()) {
      stores.push_back(X509_STORE_new());
      names.emplace_back();
      // As in Go, any certificate of the pool is an anchor, also an intermediate one.
      X509_VERIFY_PARAM* rules = X509_STORE_get0_param(stores.back());
      X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
      X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_CLIENT);
    }
    X509_STORE_add_cert(stores[at], certificate.get());
    names[at].push_back(name);
    // Clients choose their certificate by these names, so every pool's are sent, each once.
    const STACK_OF(X509_NAME)* sent = SSL_CTX_get_client_CA_list(context_);
    bool known = false;
    for (int i = 0; i < sk_X509_NAME_num(sent); ++i)
      known = known || X509_NAME_cmp(sk_X509_NAME_value(sent, i), name) == 0;
    if (!known) SSL_CTX_add_client_CA(context_, certificate.get());
  }
  return {};
}

base::Result<std::shared_ptr<const TlsContext>> TlsContext::Make(
    const TlsCredentials& credentials) {
  std::shared_ptr<TlsContext> made(new TlsContext());
  made->context_ = SSL_CTX_new(TLS_server_method());
  SSL_CTX* context = made->context_;
  if (context == nullptr)
    return base::Error{base::Error::Kind::kInternal,
                       "cannot make a TLS context: " + SslErrorText()};
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);  // one system call per record instead of two
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  constexpr unsigned char kSessionContext[] = "plimsoll";
  SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_alpn_select_cb(context, &ChooseProtocol, nullptr);
  SSL_CTX_set_info_callback(context, &NoteRenegotiation);
  if (auto applied = made->Apply(credentials.rules); !applied) return applied.error();

  if (auto loaded = UseCertificate(context, credentials.certificate_pem, credentials.key_pem);
      !loaded)
    return loaded.error();
  for (const TrustPool& pool : credentials.trust_pools) {
    if (auto added = made->AddPool(pool); !added) return added.error();
  }
  return std::shared_ptr<const TlsContext>(std::move(made));
}

SslPtr TlsContext::NewSession() const {
  SslPtr session(SSL_new(context_));
  if (session) SSL_set_accept_state(session.get());
  return session;
}

std::shared_ptr<const ClientCertificate> TlsContext::Judge(const SslPtr& session) const {
  X509* presented = SSL_get0_peer_certificate(session.get());
  if (presented == nullptr) return nullptr;
  auto judged = std::make_shared<ClientCertificate>();
  const X509_NAME* subject = X509_get_subject_name(presented);
  // Of several common names the last counts, as in Go.
  if (auto names = Entries(subject, NID_commonName); !names.empty())
    judged->common_name = std::move(names.back());
  judged->organizations = Entries(subject, NID_organizationName);
  std::string problem = "no trust pool is configured";
  const auto verify = [&](X509_STORE* store) {
    X509_STORE_CTX* check = X509_STORE_CTX_new();
    bool good = false;
    if (check == nullptr ||
        X509_STORE_CTX_init(check, store, presented, SSL_get_peer_cert_chain(session.get())) != 1) {
      problem = "cannot check the certificate";
    } else if (!(good = X509_verify_cert(check) == 1)) {
      problem = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check));
    }
    X509_STORE_CTX_free(check);
    return good;
  };
  for (const Pool& pool : pools_) {
    if (std::any_of(pool.stores.begin(), pool.stores.end(), verify))
      judged->trusted_by.push_back(pool.name);
  }
  ERR_clear_error();
  if (judged->trusted_by.empty()) judged->problem = std::move(problem);
  return judged;
}

}  // namespace plimsoll::http::detail
