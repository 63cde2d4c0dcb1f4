// SPDX-License-Identifier: Apache-2.0
//
// What a cluster tells extension API servers about its callers: the ConfigMap
// kube-system/extension-apiserver-authentication.
//
// Threads: a pure function.
// See:     kubernetes/apiserver pkg/server/dynamiccertificates,
// pkg/authentication/request/headerrequest
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/api.h"
#include "serve/authentication.h"

namespace plimsoll::serve {

constexpr std::string_view kTrustNamespace = "kube-system";
constexpr std::string_view kTrustName = "extension-apiserver-authentication";

struct ClusterTrust {
  AuthenticationOptions options = {};
  std::string client_ca = {};         // PEM; "": no client certificate is a user
  std::string requestheader_ca = {};  // PEM; "": nobody may forward
  bool operator==(const ClusterTrust&) const = default;
};

// Lists that are absent or empty have the defaults, except that no allowed name allows all.
// Fails with: kBadInput naming the key.
base::Result<ClusterTrust> ReadClusterTrust(const kube::ConfigMap& map);

}  // namespace plimsoll::serve
