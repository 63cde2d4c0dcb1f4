# SPDX-License-Identifier: Apache-2.0
"""A Trino cluster with manifests/components/standalone, applied by kubectl as they are, and what a user has to bring.

That is the serving certificate and its authority in the APIService. A scenario may replace the configuration by its own.
"""
import base64
import json
import os

from certificates import SERVER
from harness import ROOT, eventually, write

HERE = os.path.dirname(os.path.abspath(__file__))
MANIFESTS = os.path.join(ROOT, "manifests", "components", "standalone")
CRDS = os.path.join(ROOT, ".cache", "control-plane", "crds")
NAMES = ["DNS:plimsoll.trino.svc", "DNS:plimsoll.trino.svc.cluster.local"]


def bundle(cluster, *authorities):
    return base64.b64encode("".join(cluster.certificates.text(name + ".crt") for name in authorities).encode()).decode()


def define(cluster, module):
    """Defines the custom resources that a Go module brings."""
    cluster.kubectl("apply", "--server-side", "-f", os.path.join(CRDS, module))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all")


def define_monitors(cluster):
    define(cluster, "prometheus-operator")


class Standalone:
    """The applied manifests; apply() again applies them with what has changed."""

    def __init__(self, cluster, config=None, arguments=()):
        self.cluster, self.config, self.arguments = cluster, config, list(arguments)
        self.folder = os.path.join(cluster.folder, "standalone")
        os.makedirs(self.folder, exist_ok=True)
        self.authorities, self.serving = ["serving-ca"], "serving"
        cluster.certificates.leaf("serving", "serving-ca", "/CN=plimsoll", SERVER, NAMES)
        define_monitors(cluster)
        self.apply()

    def patches(self):
        patches = [{"target": {"kind": "APIService"},
                    "patch": [{"op": "add", "path": "/spec/caBundle", "value": bundle(self.cluster, *self.authorities)}]}]
        if self.config is not None:
            patches.append({"target": {"kind": "ConfigMap", "name": "plimsoll"},
                            "patch": [{"op": "replace", "path": "/data/plimsoll.yml", "value": self.config}]})
            # The HPA of the manifests asks for what this configuration does not have.
            patches.append({"target": {"kind": "HorizontalPodAutoscaler"},
                            "patch": {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                                      "metadata": {"name": "trino-worker", "namespace": "trino"}, "$patch": "delete"}})
        if self.arguments:
            # What a window file takes: the arguments, and a volume that outlives the container.
            container = "/spec/template/spec/containers/0"  # patches put the sidecar in front
            patches.append({"target": {"kind": "Deployment", "name": "trino-coordinator"}, "patch": [
                *({"op": "add", "path": container + "/args/-", "value": argument} for argument in self.arguments),
                {"op": "add", "path": container + "/volumeMounts/-", "value": {"name": "scratch", "mountPath": "/scratch"}},
                {"op": "add", "path": "/spec/template/spec/volumes/-", "value": {"name": "scratch", "emptyDir": {}}}]})
        return [{**entry, "patch": json.dumps(entry["patch"])} for entry in patches]

    def apply(self):
        """kubectl apply -k, as docs/engines/trino.md says."""
        made = self.cluster.certificates
        for suffix, name in (("crt", "tls.crt"), ("key", "tls.key")):
            write(self.folder, name, made.text(f"{self.serving}.{suffix}"))
        write(self.folder, "kustomization.yaml", json.dumps({
            "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
            "components": [os.path.relpath(os.path.join(HERE, "trino"), os.path.realpath(self.folder)),
                           os.path.relpath(MANIFESTS, os.path.realpath(self.folder))],
            "secretGenerator": [{"name": "plimsoll-serving-cert", "namespace": "trino", "type": "kubernetes.io/tls",
                                 "files": ["tls.crt", "tls.key"]}],
            "generatorOptions": {"disableNameSuffixHash": True},
            "patches": self.patches()}))
        return self.cluster.kubectl("apply", "-k", self.folder)

    def available(self):
        eventually(lambda: (self.cluster.available() or ("",))[0] == "True", "the APIService is available")
