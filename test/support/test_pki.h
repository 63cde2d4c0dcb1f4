// SPDX-License-Identifier: Apache-2.0
//
// Certificate authorities and certificates, made while a test runs: nothing to expire in the
// repository.
//
// Threads: values.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cassert>
#include <memory>
#include <string>
#include <vector>

namespace plimsoll::test {

struct CertificateSpec {
  std::string common_name = {};
  std::vector<std::string> organizations = {};
  std::string subject_alternative_names = {};  // "DNS:localhost,IP:127.0.0.1"
  std::string extended_key_usage = {};         // "clientAuth", "serverAuth"; "" for none
  long valid_from = -3600;                     // seconds from now
  long valid_until = 3600;
};

struct CertificateAndKey {
  std::string certificate_pem;
  std::string key_pem;
};

class TestCa {
 public:
  explicit TestCa(const std::string& name) : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free) {
    certificate_ = {Make({.common_name = name}, key_.get(), nullptr, true), &X509_free};
  }

  std::string pem() const { return Pem(certificate_.get()); }

  CertificateAndKey Issue(const CertificateSpec& spec) const {
    const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    const Certificate made(Make(spec, key.get(), certificate_.get(), false), &X509_free);
    return {Pem(made.get()), Pem(key.get())};
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  static void Entry(X509_NAME* name, const char* field, const std::string& value) {
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(value.data()),
                               static_cast<int>(value.size()), -1, 0);
  }
  static void Extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    if (value.empty()) return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    assert(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509* Make(const CertificateSpec& spec, EVP_PKEY* key, X509* issuer, bool authority) const {
    X509* made = X509_new();
    X509_set_version(made, 2);
    static long serial = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), spec.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(made), spec.valid_until);
    X509_set_pubkey(made, key);
    X509_NAME* name = X509_get_subject_name(made);
    for (const std::string& organization : spec.organizations) Entry(name, "O", organization);
    Entry(name, "CN", spec.common_name);
    X509_set_issuer_name(made, issuer == nullptr ? name : X509_get_subject_name(issuer));
    X509* signer = issuer == nullptr ? made : issuer;
    Extension(made, signer, NID_basic_constraints,
              authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    Extension(made, signer, NID_key_usage,
              authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    Extension(made, signer, NID_ext_key_usage, spec.extended_key_usage);
    Extension(made, signer, NID_subject_alt_name, spec.subject_alternative_names);
    X509_sign(made, key_.get(), EVP_sha256());
    return made;
  }
  template <typename Write>
  static std::string Written(Write&& write) {
    BIO* bio = BIO_new(BIO_s_mem());
    write(bio);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string pem(text, static_cast<std::size_t>(size));
    BIO_free(bio);
    return pem;
  }
  static std::string Pem(X509* certificate) {
    return Written([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
  }
  static std::string Pem(EVP_PKEY* key) {
    return Written([&](BIO* bio) {
      PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  Key key_;
  Certificate certificate_{nullptr, &X509_free};
};

}  // namespace plimsoll::test
