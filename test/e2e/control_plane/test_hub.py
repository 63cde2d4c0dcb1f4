# SPDX-License-Identifier: Apache-2.0
"""A hub of two replicas before a Trino sidecar: values through it, whose word counts, and replicas that come and go under reads."""
import json
import os

from harness import ROOT, Target, eventually, page
from hub import MANIFESTS, Hub, config
from readers import Readers
from scene import Scene, main
from test_install import QUEUED

METRIC = "trino-workers-for-queue"
TEMPLATE = "/apis/apps/v1/namespaces/{}/deployments/{}"


def peer(handler):
    """Another adapter, which has one metric."""
    name = handler.path.split("?")[0].rsplit("/", 1)[1]
    if name == "peers-own":
        item = {"metricName": name, "metricLabels": None, "timestamp": "2026-01-01T00:00:00Z", "value": "3"}
        body = {"kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "metadata": {}, "items": [item]}
        page(json.dumps(body), "application/json")(handler)
    else:
        body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "NotFound", "code": 404,
                "message": f"the peer has no {name}"}
        page(json.dumps(body), "application/json", 404)(handler)


class HubScene(Scene):
    @classmethod
    def setUpClass(cls):
        cls.start("hub")
        with open(QUEUED, encoding="utf-8") as source:
            cls.trino = Target(page(source.read(), "application/openmetrics-text; version=1.0.0; charset=utf-8"), port=8080)
        cls.peer = Target(peer)
        cls.hub = Hub(cls.cluster, config(["trino", "rogue"], f"\n  forward: [{{name: peer, url: 'http://{cls.peer.address}'}}]"))
        cls.cluster.kubectl("apply", "-f", os.path.join(MANIFESTS, "hpa", "trino-worker.yaml"))
        cls.hub.available()
        eventually(lambda: cls.cluster.value("trino", METRIC) == "5", "the first value", within=120)

    def replaced(self, namespace, name):
        """Rolls a Deployment and waits until only new pods are there."""
        self.cluster.kubectl("-n", namespace, "rollout", "restart", f"deployment/{name}")
        self.cluster.kubectl("-n", namespace, "rollout", "status", f"deployment/{name}", "--timeout=180s")

    def reading(self):
        readers = Readers(self.cluster, "trino", METRIC, "5")
        self.addCleanup(readers.stop)
        eventually(lambda: readers.good() >= 50, "reads")
        self.assertEqual(readers.failures(), [])
        return readers

    def finish(self, readers):
        before = readers.good()
        eventually(lambda: readers.failures() or readers.good() >= before + 100, "reads go on")
        self.assertEqual(readers.failures(), [])

    def test_1_the_autoscaler_of_the_manifests_scales_out_through_the_hub(self):
        """By one worker at first, as its policy says; without a metrics server nothing is known of the processor."""
        eventually(lambda: self.cluster.get(TEMPLATE.format("trino", "trino-worker"))["spec"]["replicas"] == 2, "two workers")
        active = ("True", "ValidMetricFound",
                  f"the HPA was able to successfully calculate a replica count from external metric {METRIC}(nil)")
        eventually(lambda: self.conditions().get("ScalingActive") == active
                   and self.conditions().get("ScalingLimited", ())[:2] == ("True", "ScaleUpLimit"), self.conditions)

    def conditions(self):
        path = "/apis/autoscaling/v2/namespaces/trino/horizontalpodautoscalers/trino-worker"
        found = self.cluster.get(path).get("status", {}).get("conditions", [])
        return {each["type"]: (each["status"], each["reason"], each["message"]) for each in found}

    def test_2_a_rollout_of_the_coordinator_neither_doubles_nor_loses_the_value(self):
        readers = self.reading()
        self.replaced("trino", "trino-coordinator")
        self.finish(readers)

    def test_2_while_a_new_coordinator_is_not_ready_the_old_one_speaks(self):
        """However late it is: the Service keeps the old one, and so does the hub."""
        old = self.node.pod("trino-coordinator")
        self.node.unready("trino-coordinator", but=[old.name])
        self.addCleanup(lambda: self.node.unready("trino-coordinator", False))
        readers = self.reading()
        self.cluster.kubectl("-n", "trino", "rollout", "restart", "deployment/trino-coordinator")
        new = eventually(lambda: self.node.pod("trino-coordinator") is not old and self.node.pod("trino-coordinator"), "the new pod")
        for pod in self.hub_pods():
            eventually(lambda: self.hears(pod, new), lambda: pod.page("/api/v1/targets"))
        self.finish(readers)
        self.assertEqual(self.endpoints("trino"), {old.address: True, new.address: False})
        self.node.unready("trino-coordinator", False)
        eventually(lambda: self.endpoints("trino") == {new.address: True}, lambda: self.endpoints("trino"))
        self.finish(readers)

    @staticmethod
    def hears(pod, sidecar):
        """Whether this replica of the hub has scraped the sidecar."""
        targets = json.loads(pod.page("/api/v1/targets"))["data"]["activeTargets"]
        return any(target["health"] == "up" and f"{sidecar.address}:7546" in target["scrapeUrl"] for target in targets)

    def hub_pods(self):
        with self.node.lock:
            return [pod for pod in self.node.pods.values() if pod.namespace == "plimsoll" and pod.containers]

    def endpoints(self, service):
        """Address to whether it is ready."""
        path = f"/apis/discovery.k8s.io/v1/namespaces/trino/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D{service}"
        return {endpoint["addresses"][0]: endpoint["conditions"]["ready"]
                for item in self.cluster.get(path)["items"] for endpoint in item["endpoints"] or []}

    def test_3_a_rolling_update_of_the_hub_loses_no_read_and_forwards_nothing_that_a_sidecar_has(self):
        eventually(lambda: self.cluster.value("trino", "peers-own") == "3", lambda: self.cluster.read("trino", "peers-own"))
        readers = self.reading()
        self.replaced("plimsoll", "plimsoll")
        self.finish(readers)
        eventually(lambda: self.cluster.read("trino", "nobodys")[1].get("message") == "the peer has no nobodys",
                   lambda: self.cluster.read("trino", "nobodys"))
        self.assertEqual(self.cluster.read("trino", "nobodys")[0], 404)
        asked = {path.rsplit("/", 1)[1].split("?")[0] for path, _ in self.peer.requests}
        self.assertEqual(asked, {"peers-own", "nobodys"})

    def test_4_a_sidecar_that_names_another_namespace_is_not_believed(self):
        self.cluster.kubectl("apply", "-f", "-", stdin=ROGUE)
        eventually(lambda: self.cluster.value("rogue", "rogue-queued") == "7", lambda: self.cluster.read("rogue", "rogue-queued"))
        eventually(lambda: self.cluster.read("trino", "rogue-queued")[0] == 404, lambda: self.cluster.read("trino", "rogue-queued"))
        self.assertEqual(self.cluster.value("trino", METRIC), "5")
        eventually(lambda: self.cluster.value("rogue", METRIC) == "77", lambda: self.cluster.read("rogue", METRIC))

    def test_5_with_one_replica_dead_and_its_endpoint_gone_no_read_fails(self):
        pod = self.node.pod("plimsoll")
        container = pod.containers["plimsoll"]
        container.stopping = True  # and not started again
        container.kill()
        eventually(lambda: pod.address not in self.hub.addresses(), "its endpoint is gone")
        # The API server's proxy learns of it by a watch of its own.
        eventually(lambda: all(self.cluster.read("trino", METRIC)[0] == 200 for _ in range(20)), "it is asked no more")
        self.finish(self.reading())
        self.cluster.delete(pod.path)
        self.hub.available()


ROGUE = """
apiVersion: v1
kind: Namespace
metadata: {name: rogue}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: plimsoll-discovery, namespace: rogue}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: plimsoll-discovery}
subjects: [{kind: ServiceAccount, name: plimsoll, namespace: plimsoll}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: rogue, namespace: rogue}
data:
  plimsoll.yml: |
    global: {scrape_interval: 1s}
    scrape_configs: [{job_name: trino, static_configs: [{targets: ["127.0.0.1:8080"]}]}]
    external_metrics:
      - {name: rogue-queued, query: "vector(7)", namespaces: [trino, rogue]}
      - {name: trino-workers-for-queue, query: "vector(77)", namespaces: ["*"]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: rogue, namespace: rogue}
spec:
  selector: {matchLabels: {app: rogue}}
  template:
    metadata: {labels: {app: rogue, plimsoll/engine: rogue}}
    spec:
      nodeName: node
      automountServiceAccountToken: false
      containers:
        - name: plimsoll
          image: plimsoll:latest
          args: [--config.file=/etc/plimsoll/plimsoll.yml, "--web.listen-address=0.0.0.0:7546", --secure-port=0]
          ports: [{name: plimsoll-http, containerPort: 7546}]
          volumeMounts: [{name: config, mountPath: /etc/plimsoll, readOnly: true}]
      volumes: [{name: config, configMap: {name: rogue}}]
"""

if __name__ == "__main__":
    os.chdir(ROOT)
    main()
