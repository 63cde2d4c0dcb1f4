// SPDX-License-Identifier: Apache-2.0
//
// Rules of a TLS listener in OpenSSL's words: versions, ciphers, and whose certificate is wanted.
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/format.h"
#include "http/detail/pem.h"
#include "http/detail/tls_context.h"

namespace plimsoll::http {
namespace detail {
namespace {

using Clients = TlsRules::Clients;

base::Result<int> VersionOf(const std::string& name) {
  if (name == "TLS10") return TLS1_VERSION;
  if (name == "TLS11") return TLS1_1_VERSION;
  if (name == "TLS12") return TLS1_2_VERSION;
  if (name == "TLS13") return TLS1_3_VERSION;
  return base::BadInput("unknown TLS version: " + name);
}

bool IsVerified(Clients clients) {
  return clients == Clients::kVerifyIfGiven || clients == Clients::kRequireAndVerify;
}

std::string TextOf(const GENERAL_NAME* name) {
  const auto text = [](const ASN1_STRING* string) {
    return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                       static_cast<std::size_t>(ASN1_STRING_length(string)));
  };
  if (name->type == GEN_DNS || name->type == GEN_EMAIL || name->type == GEN_URI)
    return text(name->d.ia5);
  if (name->type != GEN_IPADD) return "";
  const std::string bytes = text(name->d.ip);
  char address[INET6_ADDRSTRLEN] = {};
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.size() != 4 && bytes.size() != 16) return "";
  return inet_ntop(family, bytes.data(), address, sizeof address) == nullptr ? "" : address;
}

bool HasAllowedName(X509* certificate, const std::vector<std::string>& allowed) {
  if (allowed.empty()) return true;
  struct NamesFree {
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  };
  const std::unique_ptr<GENERAL_NAMES, NamesFree> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const std::string name = TextOf(sk_GENERAL_NAME_value(names.get(), i));
    if (!name.empty() && std::find(allowed.begin(), allowed.end(), name) != allowed.end())
      return true;
  }
  return false;
}

// What the handshake thinks of a client's certificate. `rules`: of the context, which lives as
// long as its sessions.
int Verify(X509_STORE_CTX* check, void* rules_of_context) {
  const auto& rules = *static_cast<const TlsRules*>(rules_of_context);
  if (IsVerified(rules.clients) && X509_verify_cert(check) != 1) return 0;
  if (HasAllowedName(X509_STORE_CTX_get0_cert(check), rules.allowed_sans)) return 1;
  X509_STORE_CTX_set_error(check, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

int ModeOf(Clients clients) {
  switch (clients) {
    case Clients::kNone:
      return SSL_VERIFY_NONE;
    case Clients::kJudge:
    case Clients::kRequest:
    case Clients::kVerifyIfGiven:
      return SSL_VERIFY_PEER;
    case Clients::kRequireAny:
    case Clients::kRequireAndVerify:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_PEER;
}

base::Result<void> SetCiphers(SSL_CTX* context, const TlsRules& rules) {
  if (rules.cipher_suites.empty()) return {};
  std::string list;
  for (const std::string& suite : rules.cipher_suites) {
    if (suite.starts_with("TLS_AES_") || suite.starts_with("TLS_CHACHA20_")) continue;
    list += (list.empty() ? "" : ":") + std::string(OPENSSL_cipher_name(suite.c_str()));
  }
  if (list.empty()) {  // only those of TLS 1.3
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    return {};
  }
  if (SSL_CTX_set_cipher_list(context, list.c_str()) == 1) return {};
  return base::BadInput("cipher_suites: none can be used: " + SslErrorText());
}

}  // namespace

base::Result<void> TlsContext::Apply(const TlsRules& rules) {
  rules_ = rules;
  const auto lowest = VersionOf(rules.min_version);
  if (!lowest) return lowest.error();
  const auto highest = VersionOf(rules.max_version);
  if (!highest) return highest.error();
  // The default level refuses the hashes of the versions before 1.2, which were asked for by name.
  if (*lowest < TLS1_2_VERSION) SSL_CTX_set_security_level(context_, 0);
  SSL_CTX_set_min_proto_version(context_, *lowest);
  SSL_CTX_set_max_proto_version(context_, *highest);
  if (auto set = SetCiphers(context_, rules); !set) return set;
  if (rules.prefer_server) SSL_CTX_set_options(context_, SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (!rules.curves.empty()) {
    std::string list;
    for (const std::string& curve : rules.curves) list += (list.empty() ? "" : ":") + curve;
    if (SSL_CTX_set1_groups_list(context_, list.c_str()) != 1)
      return base::BadInput("curve_preferences: none can be used: " + SslErrorText());
  }
  SSL_CTX_set_verify(context_, ModeOf(rules.clients), nullptr);
  SSL_CTX_set_cert_verify_callback(context_, &Verify, &rules_);
  if (!IsVerified(rules.clients)) return {};
  if (rules.client_ca_pem.empty()) {
    SSL_CTX_set_default_verify_paths(context_);
    return {};
  }
  const auto authorities = ReadCertificates(rules.client_ca_pem, "client CA");
  if (!authorities) return authorities.error();
  X509_STORE* store = SSL_CTX_get_cert_store(context_);
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  for (const X509Ptr& authority : *authorities) {
    X509_STORE_add_cert(store, authority.get());
    SSL_CTX_add_client_CA(context_, authority.get());
  }
  return {};
}

}  // namespace detail

base::Result<void> CheckCredentials(const TlsCredentials& credentials) {
  const auto made = detail::TlsContext::Make(credentials);
  if (!made) return made.error();
  return {};
}

}  // namespace plimsoll::http
