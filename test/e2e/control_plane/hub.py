# SPDX-License-Identifier: Apache-2.0
"""The hub of manifests/base with a Trino sidecar of manifests/components/trino, applied by kubectl.

What differs from the manifests is the configuration, which looks every second; the certificate is managed by the hub itself.
"""
import json
import os

from harness import ROOT, eventually, write
from standalone import HERE, define_monitors

MANIFESTS = os.path.join(ROOT, "manifests")


def config(namespaces, more="", job=""):
    names = ", ".join(f'"{name}"' for name in namespaces)
    return f"""
global: {{scrape_interval: 1s, scrape_timeout: 500ms}}
hub:
  jobs: [sidecars]{more}
scrape_configs:
  - job_name: sidecars
    kubernetes_sd_configs:
      - role: pod
        namespaces: {{names: [{names}]}}
        selectors: [{{role: pod, label: plimsoll/engine}}]
    relabel_configs:
      - {{source_labels: [__meta_kubernetes_pod_container_port_name], action: keep, regex: plimsoll-http}}
      - {{source_labels: [__meta_kubernetes_pod_label_plimsoll_engine], target_label: engine}}{job}
"""


class Hub:
    """The applied manifests; `arguments` are added to those of the hub's container."""

    def __init__(self, cluster, text, components=("trino",), arguments=()):
        self.cluster, self.config, self.components, self.arguments = cluster, text, components, arguments
        self.folder = os.path.join(cluster.folder, "hub")
        os.makedirs(self.folder, exist_ok=True)
        define_monitors(cluster)
        self.apply()

    def relative(self, *path):
        return os.path.relpath(os.path.join(*path), os.path.realpath(self.folder))

    def apply(self):
        patches = [
            {"target": {"kind": "ConfigMap", "name": "plimsoll", "namespace": "plimsoll"},
             "patch": [{"op": "replace", "path": "/data/plimsoll.yml", "value": self.config}]},
            # There is no scheduler.
            {"target": {"kind": "Deployment", "name": "plimsoll", "namespace": "plimsoll"},
             "patch": [{"op": "add", "path": "/spec/template/spec/nodeName", "value": "node"},
                       *({"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": argument}
                         for argument in self.arguments)]}]
        write(self.folder, "kustomization.yaml", json.dumps({
            "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
            "resources": [self.relative(MANIFESTS, "base")],
            "components": [self.relative(HERE, "trino"),
                           *(self.relative(MANIFESTS, "components", name) for name in self.components)],
            "patches": [{**patch, "patch": json.dumps(patch["patch"])} for patch in patches]}))
        return self.cluster.kubectl("apply", "-k", self.folder)

    def available(self):
        eventually(lambda: (self.cluster.available() or ("",))[0] == "True", "the APIService is available")
        deployment = "/apis/apps/v1/namespaces/plimsoll/deployments/plimsoll"
        eventually(lambda: self.cluster.get(deployment).get("status", {}).get("readyReplicas") == 2, "two ready replicas")

    def addresses(self):
        """Of the endpoints of the Service that are ready."""
        path = "/apis/discovery.k8s.io/v1/namespaces/plimsoll/endpointslices"
        return [address for item in self.cluster.get(path)["items"] for endpoint in item["endpoints"] or []
                if endpoint["conditions"]["ready"] for address in endpoint["addresses"]]
