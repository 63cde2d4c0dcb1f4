// SPDX-License-Identifier: Apache-2.0
//
// Four texts to facts, and a decision to four texts.
#include "kube/detail/material.h"

#include <algorithm>
#include <utility>

#include "base/format.h"

namespace plimsoll::kube::detail {
namespace {

using base::Result;
using http::CertificateFacts;

constexpr std::string_view kAuthorityKeys[] = {"ca.crt", "ca.key"};
constexpr std::string_view kPairKeys[] = {"tls.crt", "tls.key"};

std::string TextOf(const Secret& secret, std::string_view key) {
  const auto found = secret.data.find(key);
  return found == secret.data.end() ? "" : found->second;
}

std::string Joined(const std::vector<CertificateFacts>& authorities) {
  std::string pem;
  for (const CertificateFacts& each : authorities) pem += each.pem;
  return pem;
}

void ReadPair(const std::vector<std::string>& names, Material& material) {
  const auto chain = http::ReadBundle(material.pair.certificate_pem, "tls.crt");
  if (!chain || !http::KeyFits(material.pair)) {
    material.view.garbage = true;
    material.pair = {};
    return;
  }
  const CertificateFacts& leaf = chain->front();
  PairView view{.id = leaf.id, .valid = leaf.valid};
  for (const CertificateFacts& each : material.authorities) {
    if (http::SignedBy(leaf.pem, each.pem)) view.issuer = each.id;
  }
  view.names = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::find(leaf.dns_names.begin(), leaf.dns_names.end(), name) != leaf.dns_names.end();
  });
  material.view.pair = std::move(view);
}

Result<http::KeyPair> NewPair(const http::KeyPair& signer, const Maker& maker) {
  return http::IssueServing(signer, maker.names,
                            ValidFrom(maker.now, maker.policy.serving_lifetime));
}

// A new authority in front of those that may still have signed what somebody serves.
Result<SecretData> WithNewAuthority(const Material& material,
                                    const std::vector<CertificateFacts>& published,
                                    const Maker& maker) {
  const auto made = http::MakeAuthority(base::format("plimsoll-ca-{}", maker.now / 1000),
                                        ValidFrom(maker.now, maker.policy.authority_lifetime));
  if (!made) return made.error();
  std::string bundle = made->certificate_pem;
  std::vector<std::string> taken;
  for (const auto* list : {&material.authorities, &published}) {
    for (const CertificateFacts& each : *list) {
      const bool again = std::find(taken.begin(), taken.end(), each.id) != taken.end();
      if (again || IsExpired(each.valid, maker.now) || taken.size() + 1 >= kAuthorities) continue;
      taken.push_back(each.id);
      bundle += each.pem;
    }
  }
  SecretData data{{"ca.crt", std::move(bundle)}, {"ca.key", made->key_pem}};
  if (material.view.pair && !IsExpired(material.view.pair->valid, maker.now)) return data;
  const auto pair = NewPair(*made, maker);
  if (!pair) return pair.error();
  data.insert({{"tls.crt", pair->certificate_pem}, {"tls.key", pair->key_pem}});
  return data;
}

}  // namespace

std::string Material::Bundle() const { return Joined(authorities); }

Material ReadMaterial(const Secret& secret, const std::vector<std::string>& names) {
  Material material;
  SecretView& view = material.view;
  view.state = SecretView::State::kPresent;
  for (const auto& keys : {kAuthorityKeys, kPairKeys}) {
    for (std::size_t i = 0; i < 2; ++i) {
      if (std::string text = TextOf(secret, keys[i]); !text.empty())
        material.data.emplace(keys[i], std::move(text));
    }
  }
  const std::string bundle = TextOf(secret, "ca.crt");
  const std::string key = TextOf(secret, "ca.key");
  material.pair = {TextOf(secret, "tls.crt"), TextOf(secret, "tls.key")};
  if (key.empty() && material.pair != http::KeyPair{}) {
    view.state = SecretView::State::kForeign;
    material.pair = {};
    return material;
  }
  if (!bundle.empty()) {
    if (auto read = http::ReadBundle(bundle, "ca.crt"); read) {
      material.authorities = *std::move(read);
    } else {
      view.garbage = true;
    }
  }
  for (const CertificateFacts& each : material.authorities) {
    view.authorities.push_back({each.id, each.valid});
    if (key.empty() || !view.signer.empty() || !http::KeyFits({each.pem, key})) continue;
    view.signer = each.id;
    material.signer = {each.pem, key};
  }
  if (view.signer.empty() && !(key.empty() && bundle.empty())) view.garbage = true;
  if (material.pair != http::KeyPair{}) ReadPair(names, material);
  return material;
}

Result<http::KeyPair> OwnPair(const Material& material, const Maker& maker) {
  http::Validity valid = ValidFrom(maker.now, maker.policy.serving_lifetime);
  if (material.view.pair) {
    valid.from = std::min(valid.from, material.view.pair->valid.from);
  } else if (const AuthorityView* signer = material.view.Signer(); signer != nullptr) {
    valid.from = std::min(valid.from, signer->valid.from);
  }
  return http::IssueServing(material.signer, maker.names, valid);
}

Result<SecretData> DataOf(Decision::Write write, const Material& material,
                          const Material* remembered,
                          const std::vector<CertificateFacts>& published, const Maker& maker) {
  switch (write) {
    case Decision::Write::kNone:
      return SecretData{};
    case Decision::Write::kRestore:
      return remembered->data;
    case Decision::Write::kNewAuthority:
      return WithNewAuthority(material, published, maker);
    case Decision::Write::kNewPair: {
      const auto pair = NewPair(material.signer, maker);
      if (!pair) return pair.error();
      return SecretData{{"tls.crt", pair->certificate_pem}, {"tls.key", pair->key_pem}};
    }
    case Decision::Write::kDropAuthorities:
      return SecretData{{"ca.crt", material.signer.certificate_pem}};
  }
  return SecretData{};
}

}  // namespace plimsoll::kube::detail
