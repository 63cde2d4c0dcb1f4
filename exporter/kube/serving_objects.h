// SPDX-License-Identifier: Apache-2.0
//
// The two objects of a managed certificate as values: the Secret that holds it, and the APIService
// that says who is believed to be us.
//
// Each change names the version that it was made from, so that of two writers one gets a conflict.
// A change is a merge patch of the fields that are ours: whatever else is in the object stays.
//
// Threads: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "document/json.h"

namespace plimsoll::kube {

constexpr std::string_view kApiServiceName = "v1beta1.external.metrics.k8s.io";
constexpr std::string_view kApiServices = "/apis/apiregistration.k8s.io/v1/apiservices";
constexpr std::string_view kMergePatch = "application/merge-patch+json";

struct Secret {
  std::string name = {};
  std::string resource_version = {};
  std::map<std::string, std::string, std::less<>> data = {};  // decoded; empty values are not there
};

// Fails with: kBadInput naming what is not a Secret's, never its contents.
base::Result<Secret> ReadSecret(const document::Json& object);
// Sets these keys.
std::string SecretPatch(std::string_view resource_version,
                        const std::map<std::string, std::string, std::less<>>& data);

struct ApiService {
  std::string name = {};
  std::string resource_version = {};
  std::string service_namespace = {};  // both "" when it names no Service
  std::string service_name = {};
  std::string ca_bundle = {};  // PEM
  bool skips_verification = false;
};

// Fails with: kBadInput naming what is not an APIService's.
base::Result<ApiService> ReadApiService(const document::Json& object);
// Sets spec.caBundle and nothing else.
std::string CaBundlePatch(std::string_view resource_version, std::string_view bundle_pem);

}  // namespace plimsoll::kube
