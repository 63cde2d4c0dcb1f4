// SPDX-License-Identifier: Apache-2.0
//
// Reading secrets and certificates, and making client contexts of them.
#include "http/detail/client_tls.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "http/detail/pem.h"

namespace plimsoll::http::detail {
namespace {

struct Material {
  std::string ca, certificate, key;
};

base::Result<int> VersionOf(const std::string& name, int otherwise) {
  if (name.empty()) return otherwise;
  if (name == "TLS10") return TLS1_VERSION;
  if (name == "TLS11") return TLS1_1_VERSION;
  if (name == "TLS12") return TLS1_2_VERSION;
  if (name == "TLS13") return TLS1_3_VERSION;
  return base::BadInput(
      base::format("TLS version \"{}\": expected TLS10, TLS11, TLS12 or TLS13", name));
}

bool IsAddress(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextFree>;

base::Result<void> SetTrust(SSL_CTX* context, const config::TlsConfig& config,
                            const Material& material) {
  if (config.insecure_skip_verify) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return {};
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (material.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return {};
  }
  auto authorities = ReadCertificates(material.ca, config.ca_file.empty() ? "ca" : config.ca_file);
  if (!authorities) return authorities.error();
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const X509Ptr& authority : *authorities) X509_STORE_add_cert(store, authority.get());
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

base::Result<ContextPtr> MakeContext(const config::TlsConfig& config, const Material& material) {
  const auto lowest = VersionOf(config.min_version, TLS1_2_VERSION);
  if (!lowest) return lowest.error();
  const auto highest = VersionOf(config.max_version, 0);
  if (!highest) return highest.error();
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context)
    return base::Error{base::Error::Kind::kInternal,
                       "cannot make a TLS context: " + SslErrorText()};
  // Debian's default level refuses the hashes of the versions before 1.2, which were asked for by
  // name.
  if (*lowest < TLS1_2_VERSION) SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), *lowest);
  SSL_CTX_set_max_proto_version(context.get(), *highest);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);
  constexpr unsigned char kProtocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context.get(), kProtocols, sizeof kProtocols - 1);
  if (auto trusted = SetTrust(context.get(), config, material); !trusted) return trusted.error();
  if (!material.certificate.empty() || !material.key.empty()) {
    if (auto used = UseCertificate(context.get(), material.certificate, material.key); !used)
      return used.error();
  }
  return context;
}

}  // namespace

base::Result<std::string> ReadFile(const std::string& file, std::size_t limit) {
  const auto bad = [&](std::string_view why) {
    return base::BadInput(base::format("read {}: {}", file, why));
  };
  struct Close {
    void operator()(std::FILE* handle) const { std::fclose(handle); }
  };
  const std::unique_ptr<std::FILE, Close> handle(std::fopen(file.c_str(), "rbe"));
  if (!handle) return bad(std::strerror(errno));
  std::string text(limit + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), handle.get()));
  if (std::ferror(handle.get()) != 0) return bad(std::strerror(errno));
  if (text.size() > limit) return bad(base::format("larger than {} bytes", limit));
  return text;
}

base::Result<std::string> ReadSecret(const config::Secret& secret, std::size_t limit) {
  if (secret.file.empty()) return secret.value;
  auto text = ReadFile(secret.file, limit);
  if (!text) return text;
  constexpr std::string_view kBlank = " \t\r\n";
  text->erase(text->find_last_not_of(kBlank) + 1);
  text->erase(0, text->find_first_not_of(kBlank));
  return text;
}

ClientTls::~ClientTls() { SSL_CTX_free(context_); }

SslPtr ClientTls::NewSession(const std::string& host) const {
  SslPtr session(SSL_new(context_));
  if (!session) return session;
  const std::string& name = server_name_.empty() ? host : server_name_;
  const bool address = IsAddress(name);
  if (!address) SSL_set_tlsext_host_name(session.get(), name.c_str());
  if (verify_) {
    X509_VERIFY_PARAM* rules = SSL_get0_param(session.get());
    // As Go: the common name has not been a host name for a long time.
    X509_VERIFY_PARAM_set_hostflags(
        rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (address) {
      X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str());
    } else {
      X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size());
    }
  }
  SSL_set_connect_state(session.get());
  return session;
}

base::Result<std::shared_ptr<const ClientTls>> ClientTlsCache::Get(
    const config::TlsConfig& config) {
  Material material{config.ca, config.cert, config.key.value};
  const auto load = [&](const std::string& file, std::string& into) -> base::Result<void> {
    if (file.empty()) return {};
    auto text = ReadFile(file, file_bytes_);
    if (!text) return text.error();
    into = std::move(*text);
    return {};
  };
  if (auto read = load(config.ca_file, material.ca); !read) return read.error();
  if (auto read = load(config.cert_file, material.certificate); !read) return read.error();
  const std::string& key_file = config.key_file.empty() ? config.key.file : config.key_file;
  if (auto read = load(key_file, material.key); !read) return read.error();

  std::string everything = base::format(
      "{}\n{}\n{}\n{}\n{}\n{}\n", config.server_name, config.insecure_skip_verify,
      config.min_version, config.max_version, material.ca.size(), material.certificate.size());
  everything.append(material.ca).append(material.certificate).append(material.key);
  if (const auto known = made_.find(everything); known != made_.end()) return known->second;
  auto context = MakeContext(config, material);
  if (!context) return context.error();
  if (made_.size() >= limit_)
    made_.clear();  // connections keep theirs; the rest is made again when asked for
  auto tls = std::make_shared<const ClientTls>(context->release(), config.server_name,
                                               !config.insecure_skip_verify);
  made_.emplace(std::move(everything), tls);
  return std::shared_ptr<const ClientTls>(std::move(tls));
}

}  // namespace plimsoll::http::detail
