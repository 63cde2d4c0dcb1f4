# SPDX-License-Identifier: Apache-2.0
"""plimsoll is gone: what HPAs, clients and the deletion of a namespace see, and how it ends when it comes back.

Then the restart of the only replica: with a window file its values are back before the next look of an HPA.
"""
from autoscaler import UNABLE, Autoscaler, external, make_namespace
from harness import eventually
from scene import Numbers, Scene, config, main, metric, standalone

LOOK = 15  # seconds: how often the HPA controller of a cluster looks unless it is told otherwise


class Down(Scene):
    @classmethod
    def setUpClass(cls):
        cls.start("down")
        cls.engine = Numbers(queued=20)
        standalone(cls, config(metric("queued", max_age="1s", when_stale="{hold: 1h}"), engine=cls.engine),
                   arguments=["--storage.window-file=/scratch/window.jsonl"])
        make_namespace(cls.cluster, "work")
        cls.scaler = Autoscaler(cls.cluster, "work", "scaler", [external("queued", "AverageValue", 5)])
        cls.scaler.reaches(4)

    def test_1_killed_and_without_its_engine_it_has_its_value_before_the_next_look(self):
        pod = self.plimsoll()
        eventually(lambda: pod.metric("plimsoll_window_file_last_save_timestamp_seconds"), "a save")
        self.engine.close()
        held = 'plimsoll_external_metric_state{metric="queued",namespace="*",state="held"}'
        eventually(lambda: pod.metric(held) == 1, "the hold")
        pod.containers["plimsoll"].kill()
        eventually(lambda: pod.containers["plimsoll"].restarts == 1, "the restart")
        eventually(lambda: self.cluster.value("work", "queued") == "20", "the value is back", within=LOOK)
        self.assertIn("samples of", pod.log())
        self.scaler.becomes("True", "ValidMetricFound")
        self.assertEqual(self.scaler.replicas(), 4)
        self.assertEqual(self.scaler.events("SuccessfulRescale"), (1, "New size: 4; reason: external metric queued(nil) above target"))

    def test_2_while_it_is_gone_nothing_scales_and_a_namespace_waits(self):
        self.cluster.kubectl("-n", "trino", "scale", "deployment/trino-coordinator", "--replicas=0")
        # For a moment the address that is going is still asked.
        eventually(lambda: self.cluster.available() == (
            "False", "MissingEndpoints", 'endpointslices for service/plimsoll in "trino" have no addresses with port name "https"'),
            lambda: self.cluster.available())
        message = self.scaler.becomes("False", "FailedGetExternalMetric")
        wanted = ("unable to get external metric work/queued/nil: unable to fetch metrics from external metrics API: "
                  "the server is currently unable to handle the request (get queued.external.metrics.k8s.io)")
        self.assertEqual(message, UNABLE + wanted)
        self.scaler.told(3)
        self.assertEqual(self.scaler.replicas(), 4)
        self.assertEqual(self.cluster.kubectl("get", "pods", "-n", "work").stderr, "")

        make_namespace(self.cluster, "doomed")
        self.cluster.kubectl("delete", "namespace", "doomed", "--wait=false")
        failure = eventually(lambda: self.deletion("NamespaceDeletionDiscoveryFailure"), "the deletion waits")
        self.assertEqual(failure, ("True", "DiscoveryFailed", (
            "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: "
            "external.metrics.k8s.io/v1beta1: stale GroupVersion discovery: external.metrics.k8s.io/v1beta1")))

        self.cluster.kubectl("-n", "trino", "scale", "deployment/trino-coordinator", "--replicas=1")
        self.standalone.available()
        eventually(lambda: self.cluster.get("/api/v1/namespaces/doomed") is None, "the namespace is gone", within=180)

    def deletion(self, kind):
        for condition in self.cluster.get("/api/v1/namespaces/doomed")["status"].get("conditions", []):
            if condition["type"] == kind and condition["status"] == "True":
                return condition["status"], condition["reason"], condition["message"]
        return None


if __name__ == "__main__":
    main()
