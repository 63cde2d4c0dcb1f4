# SPDX-License-Identifier: Apache-2.0
"""Other people's adapters as processes beside the control plane: prometheus-adapter on Prometheus, and KEDA.

`build.py adapter prometheus` and `build.py keda` build them. They ask the API server as its administrator; nothing of
them runs in a pod, so what they would find by a Service's name is in /etc/hosts, which belongs to this program alone.
"""
import base64
import http.client
import json
import os
import socket
import ssl
import subprocess
import tempfile
import urllib.parse

from certificates import SERVER
from cluster import API_SERVICE, BINARIES, EXTERNAL
from harness import PATIENCE, eventually, write
from sandbox import SUBNET

PROMETHEUS = "127.0.0.1:9090"
PORT = 6443
READY = 180  # seconds that one of them may take to begin


def listens(address, port):
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def as_admin(cluster):
    return [f"--{use}-kubeconfig={cluster.admin}" for use in ("lister", "authentication", "authorization")]


def stop(cluster, name):
    process = cluster.processes.pop(name)
    process.kill()
    process.wait()


def name_service(cluster, name, address):
    """Gives a Service's name an address."""
    hosts = write(cluster.folder, "hosts", f"127.0.0.1 localhost\n{address} {name}\n")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)


def may_forward(cluster):
    """The right that docs/hub.md asks for: our service account reads what the peer has."""
    cluster.create("/apis/rbac.authorization.k8s.io/v1/clusterroles", {
        "metadata": {"name": "plimsoll-forward"},
        "rules": [{"apiGroups": ["external.metrics.k8s.io"], "resources": ["*"], "verbs": ["list"]}]})
    for namespace, name in (("plimsoll", "plimsoll"), ("trino", "trino")):
        cluster.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
            "metadata": {"name": f"plimsoll-forward-{namespace}"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "plimsoll-forward"},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]})


class Peer:
    """An adapter with a serving certificate of an authority of its own."""

    def __init__(self, cluster, name, address):
        self.cluster, self.name, self.address = cluster, name, address
        cluster.certificates.authority(name + "-ca")
        cluster.certificates.leaf(name, name + "-ca", "/CN=" + name, f"{SERVER},clientAuth",
                                  [f"IP:{address}", "DNS:localhost", f"DNS:{name}.{name}.svc"])

    def file(self, suffix):
        return self.cluster.certificates.file(f"{self.name}.{suffix}")

    def forward(self, selector_labels=()):
        """Its entry in `forward`."""
        return json.dumps({
            "name": self.name.replace("-", "_"), "url": f"https://{self.address}:{PORT}",
            **({"selector_labels": list(selector_labels)} if selector_labels else {}),
            "authorization": {"credentials_file": "/var/run/secrets/kubernetes.io/serviceaccount/token"},
            "tls_config": {"ca": self.cluster.certificates.text(self.name + "-ca.crt")}})

    def own(self):
        """Makes it the owner of the API, as Service NAME of namespace NAME; there is no pod that a selector could find."""
        bundle = base64.b64encode(self.cluster.certificates.text(self.name + "-ca.crt").encode()).decode()
        meta = {"name": self.name, "namespace": self.name}
        self.cluster.create("/api/v1/namespaces", {"metadata": {"name": self.name}})
        self.cluster.create(f"/api/v1/namespaces/{self.name}/services", {
            "metadata": meta, "spec": {"ports": [{"name": "https", "port": 443, "targetPort": PORT}]}})
        self.cluster.create(f"/apis/discovery.k8s.io/v1/namespaces/{self.name}/endpointslices", {
            "metadata": {**meta, "labels": {"kubernetes.io/service-name": self.name}}, "addressType": "IPv4",
            "ports": [{"name": "https", "port": PORT, "protocol": "TCP"}],
            "endpoints": [{"addresses": [self.address], "conditions": {"ready": True}}]})
        self.cluster.create("/apis/apiregistration.k8s.io/v1/apiservices", {
            "metadata": {"name": API_SERVICE}, "spec": {
                "group": "external.metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
                "service": {"name": self.name, "namespace": self.name, "port": 443}, "caBundle": bundle}})
        eventually(lambda: (self.cluster.available() or ("",))[0] == "True", lambda: self.cluster.available(), within=READY)

    def asked(self, namespace, metric, selector=""):
        """What it answers itself: (status, document or text)."""
        context = ssl.create_default_context(cafile=self.cluster.certificates.file(self.name + "-ca.crt"))
        context.load_cert_chain(*(self.cluster.certificates.file(f"admin.{part}") for part in ("crt", "key")))
        connection = http.client.HTTPSConnection(self.address, PORT, context=context, timeout=PATIENCE)
        try:
            path = f"{EXTERNAL}/namespaces/{namespace}/{metric}" + (f"?labelSelector={selector}" if selector else "")
            connection.request("GET", path, headers={"Accept": "application/json"})
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            return response.status, json.loads(text) if text.startswith("{") else text
        finally:
            connection.close()


class Prometheus:
    """Reads one upstream; after each start it knows nothing of what was before."""

    def __init__(self, cluster, upstream, interval="1s"):
        self.cluster, self.upstream, self.interval = cluster, upstream, interval
        self.start()

    def start(self):
        config = write(self.cluster.folder, "prometheus.yml", json.dumps({
            "global": {"scrape_interval": self.interval, "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": "engine", "static_configs": [{"targets": [self.upstream]}]}]}))
        data = tempfile.mkdtemp(dir=self.cluster.folder, prefix="prometheus-")
        self.cluster.start("prometheus", os.path.join(BINARIES, "prometheus"), "--config.file", config,
                           "--storage.tsdb.path", data, f"--web.listen-address={PROMETHEUS}")
        host, port = PROMETHEUS.split(":")
        eventually(lambda: listens(host, int(port)), lambda: self.cluster.log("prometheus"), within=READY)

    def stop(self):
        stop(self.cluster, "prometheus")

    def series(self, beginning):
        """How many it has now."""
        connection = http.client.HTTPConnection(PROMETHEUS, timeout=PATIENCE)
        try:
            query = urllib.parse.urlencode({"query": f'count({{__name__=~"{beginning}.*"}})'})
            connection.request("GET", "/api/v1/query?" + query)
            result = json.loads(connection.getresponse().read()).get("data", {}).get("result", [])
            return int(result[0]["value"][1]) if result else 0
        finally:
            connection.close()


class PrometheusAdapter(Peer):
    """On Prometheus; every series whose name begins so is a metric, once it has looked which there are."""

    def __init__(self, cluster, beginning, relist="5s"):
        super().__init__(cluster, "prometheus-adapter", f"{SUBNET}.0.3")
        rules = write(cluster.folder, "adapter.yaml", json.dumps({"externalRules": [{
            "seriesQuery": f'{{__name__=~"{beginning}.*"}}', "resources": {"overrides": {"namespace": {"resource": "namespace"}}},
            "metricsQuery": "sum(<<.Series>>{<<.LabelMatchers>>}) by (namespace)"}]}))
        cluster.start(self.name, os.path.join(BINARIES, self.name), f"--bind-address={self.address}", f"--secure-port={PORT}",
                      "--tls-cert-file", self.file("crt"), "--tls-private-key-file", self.file("key"),
                      *as_admin(cluster),
                      f"--prometheus-url=http://{PROMETHEUS}", "--config", rules, f"--metrics-relist-interval={relist}", "--v=1")
        eventually(lambda: listens(self.address, PORT), lambda: cluster.log(self.name), within=READY)

    def stop(self):
        stop(self.cluster, self.name)


class Keda(Peer):
    """Operator and metrics server."""

    def __init__(self, cluster):
        super().__init__(cluster, "keda", f"{SUBNET}.0.4")
        cluster.create("/api/v1/namespaces", {"metadata": {"name": "keda"}})
        folder = os.path.join(cluster.folder, "keda")
        os.makedirs(folder)
        for name, text in (("tls.crt", "keda.crt"), ("tls.key", "keda.key"), ("ca.crt", "keda-ca.crt")):
            write(folder, name, cluster.certificates.text(text))
        environment = ["env", "WATCH_NAMESPACE=", "POD_NAMESPACE=keda", "KEDA_CLUSTER_OBJECT_NAMESPACE=keda",
                       "OPERATOR_NAME=keda-operator", f"KUBECONFIG={cluster.admin}"]
        cluster.start("keda-operator", *environment, os.path.join(BINARIES, "keda-operator"), f"--cert-dir={folder}",
                      "--enable-cert-rotation=false", "--enable-webhook-patching=false", "--enable-apiservice-patching=false",
                      "--metrics-bind-address=127.0.0.1:8180", "--health-probe-bind-address=127.0.0.1:8181",
                      "--metrics-service-bind-address=127.0.0.1:9666", "--zap-log-level=info")
        cluster.start("keda-adapter", *environment, os.path.join(BINARIES, "keda-adapter"), f"--secure-port={PORT}",
                      f"--bind-address={self.address}", f"--tls-cert-file={folder}/tls.crt", f"--tls-private-key-file={folder}/tls.key",
                      f"--cert-dir={folder}", *as_admin(cluster),
                      "--port=8182", "--metrics-service-address=localhost:9666", "--v=0")
        eventually(lambda: listens(self.address, PORT) and listens("127.0.0.1", 9666),
                   lambda: cluster.log("keda-operator")[-2000:] + cluster.log("keda-adapter")[-2000:], within=READY)
