# SPDX-License-Identifier: Apache-2.0
"""Real HPAs on the segments of a Pravega stream: that of Pravega's own example as it is, and that of the manifests."""
import json
import os
import re

import yaml

from autoscaler import AT_ONCE, Autoscaler, make_namespace
from harness import ROOT, Target, eventually, page
from scene import Scene, main, standalone

RECORDED = os.path.join(ROOT, "test/fixtures/pravega-0.13.0")
# hpa-demo.yaml of pravega-samples, scenario pravega-flink-autoscaling, which says autoscaling/v2beta2.
EXAMPLE = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: podinfo, namespace: default}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: flink-taskmanager}
  minReplicas: 1
  maxReplicas: 32
  metrics:
    - type: External
      external:
        metric: {name: pravega_controller_segments_count}
        target: {type: AverageValue, averageValue: 1}
"""


def text(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


class Controller:
    """A controller in a recorded state."""

    def __init__(self, state):
        self.state = state
        self.target = Target(self.respond)
        self.address = self.target.address

    def respond(self, handler):
        path = handler.path.partition("?")[0]
        once = [("Connection", "close")]  # a connection that is kept would be answered after close()
        events = re.fullmatch(r"/v1/scopes/([^/]+)/streams/([^/]+)/scaling-events", path)
        if path == "/prometheus":
            return page(text(f"{RECORDED}/{self.state}/prometheus.prom"), "text/plain", headers=once)(handler)
        if events:
            # At a time behind them all the real one answers with the last of a stream's events.
            body = json.loads(text(f"{RECORDED}/{self.state}/scaling-events-{events[1]}-{events[2]}.json"))
            return page(json.dumps(body[-1:]), "application/json", headers=once)(handler)
        return page("", "", 404, headers=once)(handler)

    def close(self):
        self.target.close()


def config(*controllers):
    """That of the manifests, every second, for two controllers, in every namespace."""
    document = yaml.safe_load(text(os.path.join(ROOT, "manifests/components/pravega/config-map.yaml")))
    found = yaml.safe_load(document["data"]["plimsoll.yml"])
    found["global"] = {"scrape_interval": "1s", "scrape_timeout": "500ms"}
    found["scrape_configs"][0]["static_configs"] = [{"targets": [controller.address for controller in controllers]}]
    for metric in found["external_metrics"]:
        metric.update(namespaces=["*"], max_age="5s")
    return yaml.safe_dump(found)


class Stream(Scene):
    @classmethod
    def setUpClass(cls):
        cls.start("stream")
        cls.first, cls.second = Controller("p1-created"), Controller("p1-created")
        standalone(cls, config(cls.first, cls.second))
        make_namespace(cls.cluster, "flink")
        eventually(lambda: cls.cluster.value("default", "pravega_controller_segments_count") == "3", "the first value")

    def test_task_managers_follow_the_stream_and_nothing_else(self):
        example = Autoscaler(self.cluster, "default", "flink-taskmanager", document=yaml.safe_load(EXAMPLE))
        ours = yaml.safe_load(text(os.path.join(ROOT, "manifests/hpa/flink-taskmanager-by-stream.yaml")))
        ours["spec"]["behavior"] = AT_ONCE
        both = [example, Autoscaler(self.cluster, "flink", "flink-taskmanager", document=ours)]

        def stay(replicas):
            for scaler in both:
                self.assertEqual(scaler.replicas(), replicas)
                self.assertEqual(scaler.becomes("True", "ValidMetricFound").rsplit(" ", 1)[0],
                                 "the HPA was able to successfully calculate a replica count from external metric")

        def asked_again():
            before = len(self.first.target.requests)
            eventually(lambda: len(self.first.target.requests) > before + 3, "three more scrapes")

        for scaler in both:
            scaler.reaches(3)
        for controller in (self.first, self.second):
            controller.state = "p2-scaled"
        for scaler in both:
            scaler.reaches(5)
        # A second stream, then one whose creation throws the first one's gauge away: not a replica more or less.
        for state in ("p3-second-stream", "p5-late-stream"):
            self.first.state = self.second.state = state
            asked_again()
            stay(5)
        # One controller has heard of the scale-in, the other has not.
        self.second.state = "p6-rescaled"
        for scaler in both:
            scaler.reaches(4)
        self.first.state = "p6-rescaled"
        asked_again()
        self.second.close()
        asked_again()
        stay(4)
        # The last one goes: what is held keeps the replicas, and the HPA is not told an error.
        self.first.close()
        eventually(self.held, "the value is held")
        self.assertEqual(self.cluster.value("default", "pravega_controller_segments_count"), "4")
        stay(4)

    def held(self):
        series = 'plimsoll_external_metric_state{metric="pravega_controller_segments_count",namespace="*",state="held"}'
        return self.plimsoll().metric(series) == 1


if __name__ == "__main__":
    main()
