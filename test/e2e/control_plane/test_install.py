# SPDX-License-Identifier: Apache-2.0
"""manifests/components/standalone as they are: the API is there before the coordinator is ready, clients find it, and its HPA scales."""
import json
import os

from harness import ROOT, Target, eventually, page
from readers import Readers
from scene import Scene, main
from standalone import Standalone

QUEUED = os.path.join(ROOT, "test/fixtures/trino-483/07-queued-1w/metrics-filtered.prom")


class Install(Scene):
    """The coordinator has one worker, two running and three queued queries, and is not ready until a test says so."""

    @classmethod
    def setUpClass(cls):
        cls.start("install")
        with open(QUEUED, encoding="utf-8") as source:
            cls.trino = Target(page(source.read(), "application/openmetrics-text; version=1.0.0; charset=utf-8"), port=8080)
        cls.node.unready("trino-coordinator")
        cls.standalone = Standalone(cls.cluster)
        cls.standalone.available()

    def endpoints(self, service):
        """Whether each address of the Service is ready."""
        path = f"/apis/discovery.k8s.io/v1/namespaces/trino/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D{service}"
        return [endpoint["conditions"]["ready"] for item in self.cluster.get(path)["items"] for endpoint in item["endpoints"] or []]

    def replicas(self):
        return self.cluster.get("/apis/apps/v1/namespaces/trino/deployments/trino-worker")["spec"]["replicas"]

    def condition(self):
        path = "/apis/autoscaling/v2/namespaces/trino/horizontalpodautoscalers/trino-worker"
        conditions = self.cluster.get(path).get("status", {}).get("conditions", [])
        return {each["type"]: (each["status"], each["reason"], each["message"]) for each in conditions}.get("ScalingActive")

    def test_1_a_coordinator_that_is_not_ready_does_not_take_the_api_away(self):
        self.assertEqual(self.cluster.available(), ("True", "Passed", "all checks passed"))
        eventually(lambda: self.endpoints("trino") == [False], lambda: self.endpoints("trino"))
        eventually(lambda: self.endpoints("plimsoll") == [True], lambda: self.endpoints("plimsoll"))

    def test_2_the_queue_scales_out_while_nothing_is_known_of_the_memory(self):
        eventually(lambda: self.replicas() == 5, lambda: f"five workers, not {self.replicas()}: {self.condition()}")
        eventually(lambda: self.condition() == (
            "True", "ValidMetricFound",
            "the HPA was able to successfully calculate a replica count from external metric trino-workers-for-queue(nil)"),
            self.condition)
        status, document = self.cluster.read("trino", "trino-workers-for-memory")
        self.assertEqual((status, document["reason"]), (503, "ServiceUnavailable"))
        self.assertEqual(document["message"], "external metric trino-workers-for-memory in namespace trino has no value (empty): "
                                              "its query gives no series")

    def test_3_a_coordinator_that_becomes_ready_late_joins_its_service_and_stays_and_no_read_fails(self):
        """The test says when: what happens does not depend on how long it takes, 90 s or hours."""
        readers = Readers(self.cluster, "trino", "trino-workers-for-queue", "5")
        self.addCleanup(readers.stop)
        eventually(lambda: readers.good() >= 100, "reads")
        self.assertEqual(self.endpoints("trino"), [False])
        self.node.unready("trino-coordinator", False)
        eventually(lambda: self.endpoints("trino") == [True], "the coordinator is in its Service")
        before = readers.good()
        while readers.good() < before + 100 and not readers.failures():
            self.assertEqual(self.endpoints("trino"), [True])
            self.assertEqual(self.endpoints("plimsoll"), [True])
            self.assertEqual(self.cluster.available()[0], "True")
        self.assertEqual(readers.failures(), [])

    def test_4_clients_discover_the_group(self):
        told = self.cluster.kubectl("api-resources", "--api-group=external.metrics.k8s.io", "--no-headers")
        self.assertEqual(told.stdout.split(), ["externalmetrics", "external.metrics.k8s.io/v1beta1", "true", "ExternalMetricValueList"])
        self.assertEqual(told.stderr, "")
        _, document = self.cluster.request("GET", "/apis", headers={
            "Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"})
        group, = [item for item in document["items"] if item["metadata"]["name"] == "external.metrics.k8s.io"]
        self.assertEqual(group["versions"], [{
            "version": "v1beta1", "freshness": "Current", "resources": [{
                "resource": "externalmetrics", "scope": "Namespaced", "singularResource": "", "verbs": ["get"],
                "responseKind": {"group": "external.metrics.k8s.io", "version": "v1beta1", "kind": "ExternalMetricValueList"}}]}])

    def test_5_a_value_is_read_by_kubectl(self):
        told = self.cluster.kubectl("get", "--raw", "/apis/external.metrics.k8s.io/v1beta1/namespaces/trino/trino-workers-for-queue")
        item, = json.loads(told.stdout)["items"]
        self.assertEqual((item["metricName"], item["value"]), ("trino-workers-for-queue", "5"))

    def test_6_applied_again_nothing_changes(self):
        told = self.standalone.apply().stdout.splitlines()
        # kubectl always says that of the Secret, whose base64 it folds.
        self.assertEqual([line for line in told if not line.endswith(" unchanged")], ["secret/plimsoll-serving-cert configured"])

    def test_7_it_runs_as_nobody_with_no_right_over_the_machine(self):
        with open(f"/proc/{self.plimsoll().containers['plimsoll'].process.pid}/status", encoding="utf-8") as source:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in source)
        self.assertEqual(set(status["Uid"].split()), {"65532"})
        self.assertEqual({status[name] for name in ("CapEff", "CapPrm", "CapBnd")}, {"0" * 16})

    def test_8_its_log_has_no_error(self):
        self.assertEqual([line for line in self.plimsoll().log().splitlines() if "error" in line.lower()], [])


if __name__ == "__main__":
    main()
