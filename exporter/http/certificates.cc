// SPDX-License-Identifier: Apache-2.0
//
// Reading and making certificates with OpenSSL.
#include "http/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <utility>

#include "base/format.h"
#include "http/detail/pem.h"

namespace plimsoll::http {
namespace {

using base::Error;
using base::Result;

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<&EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Free<&BIO_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Free<&GENERAL_NAMES_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Free<&X509_EXTENSION_free>>;

Error Broken(std::string_view what) {
  return {Error::Kind::kInternal, base::format("cannot {}: {}", what, detail::SslErrorText())};
}

// An encrypted key must fail, not ask on the terminal.
int NoPassword(char*, int, int, void*) { return 0; }

KeyPtr ReadKey(std::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr));
  ERR_clear_error();
  return key;
}

template <typename Write>
std::string Written(Write&& write) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || write(bio.get()) != 1) return "";
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

std::string PemOf(X509* certificate) {
  return Written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::string PemOf(EVP_PKEY* key) {
  return Written([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

base::Time TimeOf(const ASN1_TIME* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<base::Time>(timegm(&parts)) * 1000;
}

std::string TextOf(const ASN1_STRING* text) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, text);
  std::string copy;
  if (size > 0) copy.assign(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return copy;
}

CertificateFacts FactsOf(X509* certificate) {
  CertificateFacts facts;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest = {};
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  for (unsigned i = 0; i < size; ++i) facts.id += base::format("{:02x}", digest[i]);
  X509_NAME* subject = X509_get_subject_name(certificate);
  if (const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); at >= 0)
    facts.name = TextOf(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) facts.dns_names.push_back(TextOf(name->d.dNSName));
  }
  facts.valid = {TimeOf(X509_get0_notBefore(certificate)), TimeOf(X509_get0_notAfter(certificate))};
  facts.pem = PemOf(certificate);
  ERR_clear_error();
  return facts;
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Not through the text form of extensions, in which a name could say more than a name.
bool AddNames(X509* certificate, const std::vector<std::string>& dns_names) {
  const NamesPtr names(GENERAL_NAMES_new());
  for (const std::string& text : dns_names) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_IA5STRING* dns = ASN1_IA5STRING_new();
    if (name == nullptr || dns == nullptr ||
        ASN1_STRING_set(dns, text.data(), static_cast<int>(text.size())) != 1) {
      GENERAL_NAME_free(name);
      ASN1_IA5STRING_free(dns);
      return false;
    }
    GENERAL_NAME_set0_value(name, GEN_DNS, dns);
    if (sk_GENERAL_NAME_push(names.get(), name) == 0) {
      GENERAL_NAME_free(name);
      return false;
    }
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1;
}

// A certificate with a random number, a subject and a time, for the holder of `key`.
detail::X509Ptr Begin(const std::string& name, const Validity& valid, EVP_PKEY* key) {
  detail::X509Ptr made(X509_new());
  std::array<unsigned char, 16> number = {};
  if (!made || RAND_bytes(number.data(), number.size()) != 1) return nullptr;
  number[0] = static_cast<unsigned char>((number[0] & 0x7F) | 0x40);  // positive, all its bytes
  const std::unique_ptr<BIGNUM, Free<&BN_free>> serial(
      BN_bin2bn(number.data(), static_cast<int>(number.size()), nullptr));
  X509_NAME* subject = X509_get_subject_name(made.get());
  const bool good =
      X509_set_version(made.get(), 2) == 1 && serial &&
      BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(made.get())) != nullptr &&
      ASN1_TIME_set(X509_getm_notBefore(made.get()), valid.from / 1000) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(made.get()), valid.until / 1000) != nullptr &&
      X509_set_pubkey(made.get(), key) == 1 &&
      X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(name.data()),
                                 static_cast<int>(name.size()), -1, 0) == 1;
  return good ? std::move(made) : nullptr;
}

Result<detail::X509Ptr> FirstOf(std::string_view pem, std::string_view what) {
  auto certificates = detail::ReadCertificates(pem, what);
  if (!certificates) return std::move(certificates).error();
  return std::move(certificates->front());
}

}  // namespace

Result<std::vector<CertificateFacts>> ReadBundle(std::string_view pem, std::string_view what) {
  const auto certificates = detail::ReadCertificates(pem, what);
  if (!certificates) return certificates.error();
  if (certificates->size() > kBundleCertificates) {
    return Error{Error::Kind::kLimit, base::format("{}: {} certificates, expected at most {}", what,
                                                   certificates->size(), kBundleCertificates)};
  }
  std::vector<CertificateFacts> facts;
  for (const detail::X509Ptr& certificate : *certificates)
    facts.push_back(FactsOf(certificate.get()));
  return facts;
}

bool KeyFits(const KeyPair& pair) {
  const auto certificate = FirstOf(pair.certificate_pem, "certificate");
  const KeyPtr key = ReadKey(pair.key_pem);
  const bool fits =
      certificate && key && X509_check_private_key(certificate->get(), key.get()) == 1;
  ERR_clear_error();
  return fits;
}

bool SignedBy(std::string_view certificate_pem, std::string_view authority_pem) {
  const auto certificate = FirstOf(certificate_pem, "certificate");
  const auto authority = FirstOf(authority_pem, "authority");
  const bool is = certificate && authority &&
                  X509_check_issued(authority->get(), certificate->get()) == X509_V_OK &&
                  X509_verify(certificate->get(), X509_get0_pubkey(authority->get())) == 1;
  ERR_clear_error();
  return is;
}

Result<KeyPair> MakeAuthority(const std::string& name, const Validity& valid) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return Broken("make a key");
  const detail::X509Ptr made = Begin(name, valid, key.get());
  if (!made || X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) != 1 ||
      !AddExtension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !AddExtension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !AddExtension(made.get(), made.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(made.get(), key.get(), EVP_sha256()) == 0)
    return Broken("make a certificate authority");
  return KeyPair{PemOf(made.get()), PemOf(key.get())};
}

Result<KeyPair> IssueServing(const KeyPair& authority, const std::vector<std::string>& dns_names,
                             const Validity& valid) {
  if (dns_names.empty()) return base::BadInput("a serving certificate needs a name");
  const auto issuer = FirstOf(authority.certificate_pem, "certificate authority");
  if (!issuer) return issuer.error();
  const KeyPtr signer = ReadKey(authority.key_pem);
  if (!signer || X509_check_private_key(issuer->get(), signer.get()) != 1) {
    ERR_clear_error();
    return base::BadInput("the key of the certificate authority does not belong to it");
  }
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return Broken("make a key");
  Validity within = valid;
  within.until = std::min(within.until, TimeOf(X509_get0_notAfter(issuer->get())));
  // A common name has a place for sixty-four characters; nobody reads it, the names count.
  const detail::X509Ptr made = Begin(dns_names.front().substr(0, 64), within, key.get());
  if (!made || X509_set_issuer_name(made.get(), X509_get_subject_name(issuer->get())) != 1 ||
      !AddExtension(made.get(), issuer->get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !AddExtension(made.get(), issuer->get(), NID_key_usage, "critical,digitalSignature") ||
      !AddExtension(made.get(), issuer->get(), NID_ext_key_usage, "serverAuth") ||
      !AddExtension(made.get(), issuer->get(), NID_authority_key_identifier, "keyid") ||
      !AddNames(made.get(), dns_names) || X509_sign(made.get(), signer.get(), EVP_sha256()) == 0)
    return Broken("make a serving certificate");
  return KeyPair{PemOf(made.get()), PemOf(key.get())};
}

}  // namespace plimsoll::http
