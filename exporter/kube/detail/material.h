// SPDX-License-Identifier: Apache-2.0
//
// What a managed Secret holds, read and judged; and what each write of it puts there.
//
//   ca.crt    authorities, newest first: the caBundle      ca.key   of the newest
//   tls.crt   the pair that is served                      tls.key
//
// A Secret with a certificate and no ca.key was filled by somebody else (cert-manager, a user) and
// is left alone. One with a ca.key is ours; what is broken in it is replaced.
//
// Threads: pure functions, but for the randomness of keys.
// Bounds:  kAuthorities.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/certificates.h"
#include "kube/rotation.h"
#include "kube/serving_objects.h"

namespace plimsoll::kube::detail {

// In one Secret: the newest, and those that others may still serve pairs of.
constexpr std::size_t kAuthorities = 4;

using SecretData = std::map<std::string, std::string, std::less<>>;

struct Material {
  SecretView view = {};
  std::vector<http::CertificateFacts> authorities = {};
  http::KeyPair signer = {};  // a certificate of its own with its key; empty without one
  http::KeyPair pair = {};
  SecretData data = {};  // the four keys as they are in the Secret

  std::string Bundle() const;  // ca.crt as we would write it
};

Material ReadMaterial(const Secret& secret, const std::vector<std::string>& names);

struct Maker {
  std::vector<std::string> names = {};
  RotationPolicy policy = {};
  base::Time now = 0;
};

// What a write puts into the Secret. `published`: the authorities of the caBundle, if it is ours.
// Requires: `remembered` is not null for kRestore.
base::Result<SecretData> DataOf(Decision::Write write, const Material& material,
                                const Material* remembered,
                                const std::vector<http::CertificateFacts>& published,
                                const Maker& maker);
// A pair of the material's signer for ourselves alone. It begins when the Secret's did, so that it
// is believed also by a clock with which ours does not agree.
base::Result<http::KeyPair> OwnPair(const Material& material, const Maker& maker);

}  // namespace plimsoll::kube::detail
