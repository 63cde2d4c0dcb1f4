// SPDX-License-Identifier: Apache-2.0
//
// Certificates and keys as PEM text: what they say, and new ones.
//
// For who keeps a certificate authority of its own: a handshake needs none of this. Keys are ECDSA
// on P-256, which every TLS stack knows and which costs a fraction of RSA in a handshake. The
// beginning of a certificate lies a little in the past, because the clocks of others may be behind.
//
// Threads: every function may be called from any thread.
// Bounds:  kBundleCertificates.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace plimsoll::http {

// A bundle with more is refused.
constexpr std::size_t kBundleCertificates = 16;

struct Validity {
  base::Time from = 0;
  base::Time until = 0;
  bool operator==(const Validity&) const = default;
};

struct CertificateFacts {
  std::string id = {};    // SHA-256 of the certificate, hexadecimal
  std::string name = {};  // common name of the subject
  std::vector<std::string> dns_names = {};
  Validity valid = {};
  std::string pem = {};  // of this certificate alone
};

struct KeyPair {
  std::string certificate_pem = {};
  std::string key_pem = {};
  bool operator==(const KeyPair&) const = default;
};

// The certificates of a PEM text, in its order.
// Fails with: kBadInput naming `what`; kLimit.
base::Result<std::vector<CertificateFacts>> ReadBundle(std::string_view pem, std::string_view what);
// Whether the key belongs to the first certificate.
bool KeyFits(const KeyPair& pair);
// Whether the first certificate of `certificate_pem` was signed by the first of `authority_pem`.
bool SignedBy(std::string_view certificate_pem, std::string_view authority_pem);

// A certificate authority that signs itself and no other authority.
// Fails with: kInternal.
base::Result<KeyPair> MakeAuthority(const std::string& name, const Validity& valid);
// A serving certificate for these names; it ends no later than its authority.
// Fails with: kBadInput when the authority cannot be used or there is no name; kInternal.
base::Result<KeyPair> IssueServing(const KeyPair& authority,
                                   const std::vector<std::string>& dns_names,
                                   const Validity& valid);

}  // namespace plimsoll::http
