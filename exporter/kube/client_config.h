// SPDX-License-Identifier: Apache-2.0
//
// Where a Kubernetes API server is, whom to trust there, and who we are.
//
// Either the pod's own service account, or a kubeconfig file. What stands in files (tokens,
// certificates, CAs) is named here and read again at each use, because kubelet and cert-manager
// replace them. What would start a program (exec, auth-provider) is refused by name.
//
// Threads: pure functions, except those that read a file.
// Bounds:  a kubeconfig has at most kKubeconfigBytes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace plimsoll::kube {

constexpr std::size_t kKubeconfigBytes = 1 << 20;

struct ClientConfig {
  std::string server = {};      // "https://10.96.0.1:443", without a slash at its end
  std::string name_space = {};  // our own; "" when nothing says so
  std::shared_ptr<const config::HttpClientConfig> http = {};  // never null
};

// What a pod is told about its cluster.
struct PodEnvironment {
  std::string host = {};  // $KUBERNETES_SERVICE_HOST
  std::string port = {};  // $KUBERNETES_SERVICE_PORT
  std::string folder = "/var/run/secrets/kubernetes.io/serviceaccount";

  static PodEnvironment OfProcess();
  // Whether there is a cluster and a service account's token for it.
  bool InCluster() const;
};

// Fails with: kUnavailable when this is no pod, or one without a service account's token.
base::Result<ClientConfig> InClusterConfig(const PodEnvironment& environment);

// The cluster and user of the current context. Files are relative to the kubeconfig's folder.
// Fails with: kBadInput with a place; kLimit.
base::Result<ClientConfig> ParseKubeconfig(std::string_view text, const std::string& file);
// Fails also with: kUnavailable when the file cannot be read.
base::Result<ClientConfig> LoadKubeconfig(const std::string& file);

}  // namespace plimsoll::kube
