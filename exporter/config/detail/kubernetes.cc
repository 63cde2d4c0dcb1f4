// SPDX-License-Identifier: Apache-2.0
//
// kubernetes_sd_configs: Prometheus's keys and errors for the roles that we have.
//
// One difference is on purpose: `namespaces` is required, because without it Prometheus watches the
// whole cluster, which is a right that a sidecar should have to ask for by name (`names: ["*"]`).
#include <algorithm>

#include "base/format.h"
#include "base/number_text.h"
#include "config/detail/reading.h"

namespace plimsoll::config::detail {

using document::MapReader;
using document::YamlNode;

namespace {

constexpr std::array<std::string_view, 4> kOtherRoles = {"service", "endpoints", "node", "ingress"};

// In Prometheus's words, which do not begin with the key.
void Complain(MapReader& map, std::string_view key, std::string text) {
  map.errors().Add(std::move(text), map.where(key));
}

void ReadRole(MapReader& map, KubernetesDiscovery& discovery) {
  std::string role;
  const bool given = map.Read("role", role);
  if (!given && map.Get("role") != nullptr) return;  // no text: said already
  if (role.empty()) {
    Complain(map, "role", "role missing (one of: pod, endpointslice)");
  } else if (const auto known = MeaningOf(kKubernetesRoles, role)) {
    discovery.role = *known;
  } else if (std::find(kOtherRoles.begin(), kOtherRoles.end(), role) != kOtherRoles.end()) {
    Complain(map, "role",
             fmt::format("role {} is not supported by plimsoll: use pod or endpointslice",
                         base::GoQuote(role)));
  } else {
    Complain(map, "role", "unknown Kubernetes SD role " + base::GoQuote(role));
  }
}

void ReadNamespaces(MapReader& outer, KubernetesDiscovery& discovery, Reading& reading) {
  const YamlNode* node = outer.Map("namespaces");
  if (node != nullptr) {
    MapReader map(*node, "namespaces", reading.errors);
    map.Read("own_namespace", discovery.own_namespace);
    map.Read("names", discovery.namespaces);
    map.Finish();
    for (const std::string& name : discovery.namespaces) {
      const bool all = name == "*" && discovery.namespaces.size() == 1 && !discovery.own_namespace;
      if (!all && !IsNamespaceName(name)) {
        Complain(map, "names",
                 name == "*" ? std::string("\"*\" means all namespaces and stands alone")
                             : base::GoQuote(name) + " is not a namespace's name");
      }
    }
  } else if (outer.Get("namespaces") != nullptr) {
    return;
  }
  if (discovery.namespaces.empty() && !discovery.own_namespace) {
    Complain(outer, "namespaces",
             "'namespaces' is required: own_namespace: true, names: [...], or names: [\"*\"] for "
             "all of them");
  }
}

void ReadSelectors(MapReader& outer, KubernetesDiscovery& discovery, Reading& reading) {
  const YamlNode* list = outer.List("selectors");
  if (list == nullptr) return;
  const bool pod = discovery.role == KubernetesDiscovery::Role::kPod;
  for (const YamlNode* item : list->items) {
    KubernetesDiscovery::Selector selector;
    MapReader map(*item, "selectors", reading.errors);
    map.Read("role", selector.role);
    map.Read("label", selector.label);
    map.Read("field", selector.field);
    map.Finish();
    const bool allowed = selector.role == "pod" ||
                         (!pod && (selector.role == "service" || selector.role == "endpointslice"));
    if (pod && selector.role == "node") {
      Complain(map, "role",
               "a selector of nodes, for metadata to attach, is not supported by plimsoll");
    } else if (!allowed) {
      Complain(map, "role",
               pod ? "pod role supports only pod, node selectors"
                   : "endpointslice role supports only pod, service, endpointslice "
                     "selectors");
    }
    for (const auto& other : discovery.selectors) {
      if (other.role == selector.role)
        Complain(map, "role", "duplicated selector role: " + selector.role);
    }
    discovery.selectors.push_back(std::move(selector));
  }
}

bool IsDefault(const HttpClientConfig& http) {
  const TlsConfig& tls = http.tls;
  return !http.basic_auth && !http.authorization && http.http_headers.empty() &&
         http.follow_redirects && tls.ca.empty() && tls.ca_file.empty() && tls.cert.empty() &&
         tls.cert_file.empty() && tls.key.empty() && tls.server_name.empty() &&
         !tls.insecure_skip_verify && tls.min_version.empty() && tls.max_version.empty();
}

void ReadServer(MapReader& map, KubernetesDiscovery& discovery, Reading& reading) {
  if (map.Read("api_server", discovery.api_server)) {
    std::string& url = discovery.api_server;
    while (url.ends_with('/')) url.pop_back();
    if (!url.starts_with("https://") && !url.starts_with("http://"))
      Complain(map, "api_server",
               "expected a URL such as https://10.0.0.1:6443, found " + base::GoQuote(url));
  }
  if (map.Read("kubeconfig_file", discovery.kubeconfig_file))
    discovery.kubeconfig_file = reading.Resolve(discovery.kubeconfig_file);
  discovery.http = ReadHttpClient(map, reading);
  const bool server = !discovery.api_server.empty(), file = !discovery.kubeconfig_file.empty();
  const bool own_client = !IsDefault(discovery.http);
  if (server && file) {
    Complain(map, "kubeconfig_file",
             "cannot use 'kubeconfig_file' and 'api_server' simultaneously");
  } else if (file && own_client) {
    Complain(map, "kubeconfig_file",
             "cannot use a custom HTTP client configuration together with 'kubeconfig_file'");
  } else if (!server && own_client) {
    Complain(map, "api_server",
             "to use custom HTTP client configuration please provide the 'api_server' URL "
             "explicitly");
  } else if ((server || file) && discovery.own_namespace) {
    Complain(map, server ? "api_server" : "kubeconfig_file",
             fmt::format("cannot use '{}' and 'namespaces.own_namespace' simultaneously",
                         server ? "api_server" : "kubeconfig_file"));
  }
}

void RefuseAttached(MapReader& outer, Reading& reading) {
  const YamlNode* node = outer.Map("attach_metadata");
  if (node == nullptr) return;
  MapReader map(*node, "attach_metadata", reading.errors);
  for (const char* key : {"node", "namespace", "deployment", "job", "cronjob"}) {
    bool attached = false;
    if (map.Read(key, attached) && attached) {
      Complain(map, key,
               fmt::format("'attach_metadata.{}' is not supported by plimsoll: it would need "
                           "rights beyond the targets' own",
                           key));
    }
  }
  map.Finish();
}

}  // namespace

std::vector<KubernetesDiscovery> ReadKubernetesConfigs(const YamlNode* list, Reading& reading) {
  std::vector<KubernetesDiscovery> discoveries;
  if (list == nullptr) return discoveries;
  for (const YamlNode* item : list->items) {
    if (item->kind == YamlNode::Kind::kNull) {
      reading.errors.Add("empty or null section in kubernetes_sd_configs", item->where());
      continue;
    }
    KubernetesDiscovery discovery;
    MapReader map(*item, "kubernetes_sd_configs", reading.errors);
    ReadRole(map, discovery);
    ReadNamespaces(map, discovery, reading);
    ReadSelectors(map, discovery, reading);
    ReadServer(map, discovery, reading);
    RefuseAttached(map, reading);
    map.Finish();
    discoveries.push_back(std::move(discovery));
  }
  return discoveries;
}

}  // namespace plimsoll::config::detail
