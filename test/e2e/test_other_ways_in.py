# SPDX-License-Identifier: Apache-2.0
"""What KEDA and scripts are given: the JSON endpoint over a life of its engine, each ScaledObject's triggers as KEDA
reads them, and the configurations that manifests and docs show."""
import glob
import json
import os
import re
import tempfile
import threading
import unittest

import yaml

from harness import ROOT, Pki, Plimsoll, Target, eventually, page, run, write

TRINO = os.path.join(ROOT, "test/fixtures/trino-483/07-queued-1w/metrics-filtered.prom")
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def text(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


def manifests(pattern):
    return [(path, yaml.safe_load(text(path))) for path in sorted(glob.glob(os.path.join(ROOT, "manifests", pattern)))]


class JsonEndpoint(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.alive = threading.Event()
        self.alive.set()
        self.target = Target(lambda handler: page('queued{pool="a"} 3\nqueued{pool="b"} 4.25\n', status=200 if self.alive.is_set() else 500)(handler))
        self.addCleanup(self.target.close)
        metric = "{{name: {0}, type: AverageValue, query: '{1}', namespaces: [n], max_age: 2s{2}}}"
        config = write(folder.name, "plimsoll.yml", f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: engine
    static_configs: [{{targets: ["{self.target.address}"]}}]
external_metrics:
  - {metric.format("queued", "sum by (pool) (queued)", ", when_stale: {hold: 1h}")}
  - {metric.format("replaced", "sum(queued)", ", when_stale: {then: 8}")}
  - {metric.format("plain", "sum(queued)", "")}
""")
        self.plimsoll = Plimsoll("--config.file", config, "--web.listen-address=127.0.0.1:0")
        self.addCleanup(self.plimsoll.stop)
        eventually(lambda: self.get("plain").status == 200, "the first value")

    def get(self, name, method="GET"):
        answer = self.plimsoll.get("/api/v1/external/n/" + name, method=method)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertIsNone(answer.headers.get("Retry-After"))
        return answer

    def test_it_says_what_an_hpa_would_be_served_and_why(self):
        fresh = eventually(lambda: (a := self.get("queued?labelSelector=pool%3Db").json())["state"] == "fresh" and a, "a value")
        self.assertEqual({**fresh, "time": ""}, {"namespace": "n", "name": "queued", "labels": {"pool": "b"}, "value": 4.25,
                                                "time": "", "state": "fresh", "reason": ""})
        self.assertRegex(fresh["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        self.alive.clear()
        gone = eventually(lambda: (a := self.get("plain").json())["state"] == "error" and a["reason"] == "empty" and a, "an error")
        self.assertEqual((gone["state"], gone["reason"]), ("error", "empty"))
        self.assertNotIn("value", gone)
        self.assertIn("has failed since", gone["message"])
        held = self.get("queued?labelSelector=pool%3Da").json()
        self.assertEqual((held["value"], held["state"], held["reason"]), (3, "held", "empty"))
        replaced = eventually(lambda: (a := self.get("replaced").json())["state"] == "fallback" and a, "the fallback")
        self.assertEqual((replaced["value"], replaced["reason"]), (8, "empty"))
        self.assertGreater(self.plimsoll.metric('plimsoll_external_metric_errors_total{reason="empty"}'), 0)

    def test_what_is_asked_wrongly_is_said(self):
        for name, status, reason in [("queued", 503, "several"), ("queud", 404, "not_found"), ("queued?labelSelector=%21", 400, "bad_selector")]:
            with self.subTest(name):
                answer = self.get(name)
                self.assertEqual((answer.status, answer.json()["reason"]), (status, reason))
                self.assertNotIn("value", answer.json())
        self.assertEqual(self.get("plain", method="POST").status, 405)
        self.assertIn("did you mean queued?", self.get("queud").json()["message"])


class Shown(unittest.TestCase):
    """With the page of a real coordinator: one worker, two running and three queued queries."""

    @classmethod
    def setUpClass(cls):
        cls.target = Target(page(text(TRINO), OPENMETRICS))
        cls.pki = Pki()
        cls.plimsoll = Plimsoll("--engine=trino", "--target", cls.target.address, "--namespace=trino", "--web.listen-address=127.0.0.1:0",
                                *cls.pki.flags(), api=True)
        eventually(lambda: cls.plimsoll.get("/api/v1/external/trino/trino-workers-for-queue").status == 200, "the first value")

    @classmethod
    def tearDownClass(cls):
        cls.plimsoll.stop()
        cls.target.close()
        cls.pki.remove()

    def test_each_trigger_of_the_scaled_objects_is_answered_as_keda_reads_it(self):
        asked = 0
        for path, document in manifests("keda/scaled-object-*.yaml"):
            for trigger in document["spec"]["triggers"]:
                metadata = trigger["metadata"]
                with self.subTest(os.path.basename(path), trigger=metadata):
                    asked += 1
                    if trigger["type"] == "prometheus":
                        # Nothing is known of the memory for two minutes after the start; an empty result is then the truth.
                        found = self.plimsoll.query(metadata["query"])
                        self.assertEqual([value for _, value in found], [5.0] if "queue" in metadata["query"] else [])
                        continue
                    answer = self.plimsoll.get("/" + metadata["url"].split("/", 3)[3])
                    if "queue" in metadata["url"]:
                        self.assertEqual((answer.status, answer.json()[metadata["valueLocation"]]), (200, 5))
                    else:
                        self.assertEqual((answer.status, answer.json()["reason"]), (503, "empty"))
        self.assertEqual(asked, 4)

    def test_each_external_metric_of_the_hpas_is_known(self):
        asked = 0
        for path, document in manifests("hpa/trino-*.yaml"):
            for metric in document["spec"]["metrics"]:
                if metric["type"] == "External":
                    asked += 1
                    name = metric["external"]["metric"]["name"]
                    self.assertIn(self.plimsoll.external(self.pki, "trino", name).status, (200, 503), f"{path}: {name}")
        self.assertGreaterEqual(asked, 4)

    def test_the_configurations_of_manifests_and_docs_can_be_used(self):
        configurations = []
        for path, document in manifests("**/config-map.yaml") + manifests("*/*/config-map.yaml"):
            configurations += [(path, name, body) for name, body in document["data"].items()]
        blocks = re.findall(r"```yaml\n(.*?)```", text(os.path.join(ROOT, "docs/migrate-keda.md")), re.S)
        configurations += [("docs/migrate-keda.md", "plimsoll.yml", block) for block in blocks if "external_metrics:" in block]
        self.assertGreaterEqual(len(configurations), 4)
        with tempfile.TemporaryDirectory() as folder:
            for path, name, body in configurations:
                with self.subTest(path):
                    checked = run("check", "config", write(folder, name, body))
                    self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_a_driver_is_read_as_its_sidecar_reads_it(self):
        recorded = os.path.join(ROOT, "test/fixtures/spark-3.5.9/s2-backlog-1w/driver1-")
        files = {"/api/v1/applications": "applications", "/metrics/json/": "metrics-json", "executors": "executors",
                 "stages?status=active": "stages-active", "stages?status=pending": "stages-pending"}

        def respond(handler):
            """A driver in a recorded state; what it does not know, and its settings, it answers with a web page."""
            file = files.get(handler.path) or files.get(handler.path.rpartition("/")[2])
            if file is None:
                return page("<html></html>", "text/html;charset=utf-8")(handler)
            return page(text(f"{recorded}{file}.json"), "application/json")(handler)

        target = Target(respond)
        self.addCleanup(target.close)
        plimsoll = Plimsoll("--engine=spark", "--target=" + target.address, "--namespace=n", "--web.listen-address=127.0.0.1:0")
        self.addCleanup(plimsoll.stop)
        # Without its settings no bound is known: six is what the driver itself asked for by then, of 57 that it could use.
        for name, value in {"spark-executors-short": 5, "spark-executors-wanted": 6, "spark-cores-wanted": 6}.items():
            answer = eventually(lambda: (a := plimsoll.get("/api/v1/external/n/" + name)).status == 200 and a, name)
            self.assertEqual(answer.json()["value"], value)

    def test_pravega_is_read_as_its_configmap_says_for_the_hpa_of_its_example(self):
        recorded = os.path.join(ROOT, "test/fixtures/pravega-0.13.0")
        state = "p2-scaled"

        def respond(handler):
            """A controller in a recorded state; of a stream's events the last one, as the real one answers to a time behind it."""
            path = handler.path.partition("?")[0]
            events = re.fullmatch(r"/v1/scopes/([^/]+)/streams/([^/]+)/scaling-events", path)
            if path == "/prometheus":
                return page(text(f"{recorded}/{state}/prometheus.prom"), "text/plain")(handler)
            if events:
                body = json.loads(text(f"{recorded}/{state}/scaling-events-{events[1]}-{events[2]}.json"))
                return page(json.dumps(body[-1:]), "application/json")(handler)
            return page("", "", 404)(handler)

        target = Target(respond)
        self.addCleanup(target.close)
        (_, document), = manifests("components/pravega/config-map.yaml")
        config = re.sub(r'targets: \[".*"\]', f'targets: ["{target.address}"]', document["data"]["plimsoll.yml"])
        config = config.replace("scrape_interval: 10s", "scrape_interval: 1s").replace("scrape_timeout: 10s", "scrape_timeout: 1s")
        with tempfile.TemporaryDirectory() as folder:
            plimsoll = Plimsoll("--config.file", write(folder, "plimsoll.yml", config), "--namespace=default",
                                "--web.listen-address=127.0.0.1:0", *self.pki.flags(), api=True)
            self.addCleanup(plimsoll.stop)

            def read(name="pravega_controller_segments_count"):
                answer = plimsoll.external(self.pki, "default", name)
                return [item["value"] for item in answer.json()["items"]] if answer.status == 200 else answer.status

            # Scaled to five; a second stream and the internal ones are not added; scaled to four.
            eventually(lambda: read() == ["5"], "five segments")
            state = "p3-second-stream"
            asked = len(target.requests)
            eventually(lambda: len(target.requests) > asked + 2, "another scrape")
            self.assertEqual(read(), ["5"])
            self.assertEqual(read("flink-taskmanagers-for-stream"), ["5"])
            state = "p6-rescaled"
            eventually(lambda: read() == ["4"], "four segments")
            self.assertEqual({path.partition("?")[0] for path, _ in target.requests},
                             {"/v1/scopes/test/streams/stream/scaling-events", "/prometheus"})

    def test_each_container_of_the_manifests_starts_with_its_arguments(self):
        configurations = {(d["metadata"]["namespace"], d["metadata"]["name"]): d["data"]
                          for _, d in manifests("*/config-map.yaml") + manifests("*/*/config-map.yaml")}
        started = 0
        for path, document in manifests("*/deployment.yaml") + manifests("*/*/*.yaml"):
            if document.get("kind") != "Deployment":
                continue
            spec, namespace = document["spec"]["template"]["spec"], document["metadata"]["namespace"]
            for container in spec.get("containers", []):  # a patch may have none
                if container["name"] != "plimsoll" or "--manage-certificates" in container["args"]:
                    continue
                with self.subTest(path), tempfile.TemporaryDirectory() as folder:
                    volumes = {v["name"]: v["configMap"]["name"] for v in spec.get("volumes", []) if "configMap" in v}
                    name = volumes.get("plimsoll-config", "plimsoll")
                    if any("hub:" in body for body in configurations.get((namespace, name), {}).values()):
                        continue
                    for file, body in configurations.get((namespace, name), {}).items():
                        write(folder, file, body)
                    here = {"/etc/plimsoll/": folder + "/", "/etc/plimsoll-tls/tls.crt": self.pki.file("serving.crt"),
                            "/etc/plimsoll-tls/tls.key": self.pki.file("serving.key"), "0.0.0.0:7546": "127.0.0.1:0",
                            "--secure-port=6443": "--secure-port=-1"}
                    arguments = container["args"] + ["--bind-address=127.0.0.1"]
                    for there, instead in here.items():
                        arguments = [argument.replace(there, instead) for argument in arguments]
                    plimsoll = Plimsoll(*arguments)
                    self.addCleanup(plimsoll.stop)
                    self.assertEqual(plimsoll.get("/-/healthy").status, 200)
                    started += 1
        self.assertGreaterEqual(started, 4)

    def test_the_page_of_configuration_shows_what_is_answered(self):
        shown = json.loads(re.search(r"```json\n(\{.*\})\n```", text(os.path.join(ROOT, "docs/configuration.md")))[1])
        answered = self.plimsoll.get("/api/v1/external/trino/trino-workers-for-queue").json()
        self.assertEqual({**answered, "time": shown["time"], "value": shown["value"]}, shown)


if __name__ == "__main__":
    unittest.main()
