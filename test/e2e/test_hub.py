# SPDX-License-Identifier: Apache-2.0
"""Sidecars and a hub as processes: a cluster's API server says where the sidecars are, the hub serves what they export,
and what it does not know goes to another adapter."""
import os
import signal
import socket
import tempfile
import threading
import time
import unittest
import urllib.parse

from fake_api import OUT_OF_ORDER, FakeApi, Handler
from harness import PATIENCE, Pki, Plimsoll, Target, eventually, page, run, write, ROOT

KINDS = {"pods": "/api/v1", "services": "/api/v1", "endpointslices": "/apis/discovery.k8s.io/v1"}


class Cluster(FakeApi):
    """An API server with pods, services and endpointslices that can be listed and watched."""

    def __init__(self):
        self.objects = {kind: {} for kind in KINDS}
        self.events = []  # (version, kind, namespace, type, object)
        outer = self

        class Methods(Handler):
            def do_GET(self):
                path, _, query = self.path.partition("?")
                query = dict(urllib.parse.parse_qsl(query))
                parts = path.split("/")
                kind = parts[-1]
                namespace = parts[-2] if "namespaces" in parts else None
                if outer.broken:
                    self.answer(500, OUT_OF_ORDER)
                elif query.get("watch"):
                    outer.watch(self, lambda seen: outer.news(kind, namespace, seen), int(query["resourceVersion"]))
                else:
                    self.answer(200, outer.list(kind, namespace))

        super().__init__(Methods)
        self.begin()

    def list(self, kind, namespace):
        with self.changed:
            return {"metadata": {"resourceVersion": str(self.version)}, "items": [
                one for (its, _), one in self.objects[kind].items() if namespace in (None, its)]}

    def news(self, kind, namespace, seen):
        return [{"type": type_, "object": one} for version, its_kind, its, type_, one in self.events
                if version > seen and its_kind == kind and namespace in (None, its)]

    def put(self, kind, namespace, name, gone=False, labels=None, **fields):
        with self.changed:
            self.version += 1
            metadata = {"name": name, "namespace": namespace, "resourceVersion": str(self.version), **fields.pop("metadata", {})}
            if labels:
                metadata["labels"] = labels
            one = {"metadata": metadata, **fields}
            if gone:
                self.objects[kind].pop((namespace, name), None)
            else:
                self.objects[kind][(namespace, name)] = one
            self.events.append((self.version, kind, namespace, "DELETED" if gone else "MODIFIED", one))
            self.changed.notify_all()

    def sidecar(self, namespace, owner, port, name=None, created="2026-01-01T00:00:00Z", ready=True, gone=False):
        """A pod of a Deployment, and the slice of its Service; all pods have the address 127.0.0.1."""
        name = name or owner + "-1-x"
        self.put("services", namespace, owner)
        self.put("pods", namespace, name, gone=gone, labels={"pod-template-hash": "1"}, metadata={
            "creationTimestamp": created,
            "ownerReferences": [{"kind": "ReplicaSet", "name": owner + "-1", "controller": True}]}, status={
                "podIP": "127.0.0.1", "conditions": [{"type": "Ready", "status": str(ready)}]})
        self.put("endpointslices", namespace, name, gone=gone, labels={"kubernetes.io/service-name": owner}, addressType="IPv4",
                 ports=[{"name": "ops", "port": port, "protocol": "TCP"}], endpoints=[{
                     "addresses": ["127.0.0.1"], "conditions": {"ready": ready},
                     "targetRef": {"kind": "Pod", "namespace": namespace, "name": name}}])


class Hub(unittest.TestCase):
    def setUp(self):
        self.pki = Pki()
        self.addCleanup(self.pki.remove)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.cluster = Cluster()
        self.addCleanup(self.cluster.close)

    def engine(self, value):
        """An engine with one number, which the test may change."""
        box = [value]
        target = Target(page(lambda: f"queued {box[0]}\n"))
        self.addCleanup(target.close)
        return target, box

    def sidecar(self, target, metrics="- {name: queued, query: queued, max_age: 1h}"):
        number = len(os.listdir(self.folder))
        config = write(self.folder, f"sidecar-{number}.yml", f"""
global: {{scrape_interval: 500ms}}
scrape_configs: [{{job_name: engine, static_configs: [{{targets: ["{target.address}"]}}]}}]
external_metrics:
{metrics}
""")
        sidecar = Plimsoll("--config.file", config, "--web.listen-address=127.0.0.1:0")
        self.addCleanup(sidecar.stop)
        return sidecar

    def hub(self, more="", namespaces="[analytics, lab]", wait=True):
        number = len(os.listdir(self.folder))
        config = write(self.folder, f"hub-{number}.yml", f"""
global: {{scrape_interval: 500ms}}
scrape_configs:
  - job_name: sidecars
    kubernetes_sd_configs:
      - {{role: endpointslice, api_server: "{self.cluster.address}", namespaces: {{names: {namespaces}}}}}
hub:
  jobs: [sidecars]
{more}
""")
        hub = Plimsoll("--config.file", config, "--web.listen-address=127.0.0.1:0", *self.pki.flags(), api=True)
        self.addCleanup(hub.stop)
        if wait:
            eventually(lambda: hub.get("/readyz").status == 200, "a hub that is ready")
        return hub

    def read(self, hub, name="queued", namespace="analytics", selector=""):
        answer = hub.external(self.pki, namespace, name, selector)
        body = answer.json()
        if answer.status == 200:
            return body["items"][0]["value"]
        return f"{answer.status} {body['message']}"

    def until(self, hub, value, **what):
        eventually(lambda: self.read(hub, **what) == value, lambda: f"{value}, not {self.read(hub, **what)}")

    def test_what_a_sidecar_exports_is_served_in_its_namespace(self):
        target, box = self.engine("0.1")
        sidecar = self.sidecar(target)
        self.cluster.sidecar("analytics", "trino", sidecar.ops)
        hub = self.hub()
        self.until(hub, "100m")
        body = hub.external(self.pki, "analytics", "queued").json()
        self.assertEqual(body["items"][0]["metricLabels"],
                         {"engine": "trino", "instance": target.address, "job": "engine"})
        self.assertTrue(self.read(hub, namespace="lab").startswith("404 "), self.read(hub, namespace="lab"))
        box[0] = "17"
        self.until(hub, "17")
        eventually(lambda: hub.metric('plimsoll_hub_sidecars{state="heard"}') == 1, "one sidecar that is heard")
        # The API server goes: nothing else does.
        self.cluster.breaks(True)
        eventually(lambda: hub.metric('plimsoll_discovery_watches_failing{job="sidecars"}') == 6, "failing watches")
        box[0] = "18"
        self.until(hub, "18")
        self.cluster.breaks(False)

        def well():  # a watch is well again once it has told of something
            for kind in KINDS:
                for namespace in ("analytics", "lab"):
                    self.cluster.put(kind, namespace, "sign-of-life")
            return hub.metric('plimsoll_discovery_watches_failing{job="sidecars"}') == 0

        eventually(well, "watches that are well")
        eventually(lambda: any("can be watched again" in line for line in hub.log), "a word about it")
        # Another sidecar comes, and goes.
        other, _ = self.engine("5")
        second = self.sidecar(other, "- {name: waiting, query: queued}")
        self.cluster.sidecar("lab", "flink", second.ops)
        self.until(hub, "5", name="waiting", namespace="lab")
        self.cluster.sidecar("lab", "flink", second.ops, gone=True)
        eventually(lambda: hub.metric('plimsoll_hub_sidecars{state="heard"}') == 1, "one sidecar")
        self.assertEqual(self.read(hub, name="waiting", namespace="lab"), "5")  # young enough still

    def test_a_rollout_and_two_engines(self):
        blue, _ = self.engine("7")
        green, _ = self.engine("1")
        old, young, other = self.sidecar(blue), self.sidecar(green), self.sidecar(green)
        self.cluster.sidecar("analytics", "trino", old.ops, name="trino-1-old")
        self.cluster.sidecar("analytics", "trino", young.ops, name="trino-1-young", created="2026-01-02T00:00:00Z", ready=False)
        hub = self.hub()
        self.until(hub, "7")
        self.cluster.sidecar("analytics", "trino", young.ops, name="trino-1-young", created="2026-01-02T00:00:00Z")
        self.until(hub, "1")
        self.cluster.sidecar("analytics", "presto", other.ops)
        eventually(lambda: self.read(hub).startswith("503 ") and "2 engines export it" in self.read(hub), "two engines")
        self.until(hub, "1", selector="engine=presto")
        self.until(hub, "1", selector="engine=trino")

    def test_a_sidecar_that_was_not_scraped_yet_is_never_a_404_and_never_forwarded(self):
        asked = []

        def respond(handler):
            asked.append(handler.path)
            page('{"kind":"Status","status":"Failure","message":"from the peer","code":404}', "application/json", 404)(handler)

        peer = Target(respond)
        self.addCleanup(peer.close)
        going = threading.Event()
        slow = Target(lambda handler: going.wait(PATIENCE) and page("")(handler))
        self.addCleanup(slow.close)
        self.cluster.sidecar("analytics", "trino", int(slow.address.partition(":")[2]))
        hub = self.hub(f"  forward: [{{name: peer, url: 'http://{peer.address}'}}]", wait=False)
        eventually(lambda: "was not scraped yet" in self.read(hub), "a known sidecar")
        self.assertIn("sidecars http://127.0.0.1:", self.read(hub))
        self.assertEqual(asked, [])
        # Nor is anything forwarded before all namespaces were listed.
        self.until(hub, "404 from the peer", namespace="lab")
        self.assertEqual(set(asked), {"/apis/external.metrics.k8s.io/v1beta1/namespaces/lab/queued"})
        going.set()

    def test_a_dead_peer_costs_nobody_else_anything(self):
        target, _ = self.engine("3")
        sidecar = self.sidecar(target)
        self.cluster.sidecar("analytics", "trino", sidecar.ops)
        with socket.socket() as silent:  # takes connections and says nothing
            silent.bind(("127.0.0.1", 0))
            silent.listen(64)
            hub = self.hub(f"  forward: [{{name: peer, url: 'http://127.0.0.1:{silent.getsockname()[1]}', timeout: 700ms}}]")
            self.until(hub, "3")
            answers = []
            readers = [threading.Thread(target=lambda: answers.append(self.read(hub, name="other"))) for _ in range(20)]
            for reader in readers:
                reader.start()
            slowest = 0
            while any(reader.is_alive() for reader in readers):
                begun = time.monotonic()
                self.assertEqual(self.read(hub), "3")
                slowest = max(slowest, time.monotonic() - begun)
            for reader in readers:
                reader.join()
            # The first ones wait for their deadline; once five have failed the others are told at once.
            self.assertLessEqual({answer[:4] for answer in answers}, {"504 ", "503 "})
            self.assertTrue(all("the adapter peer" in answer for answer in answers), answers)
            self.assertLess(slowest, PATIENCE / 2)
            resting = "is not asked: it has not answered the last requests"
            said = eventually(lambda: resting in (answer := self.read(hub, name="other")) and answer, "it rests")
            self.assertTrue(said.startswith("503 "), said)
            self.assertGreaterEqual(hub.metric('plimsoll_forwarded_reads_total{adapter="peer",outcome="timeout"}'), 5)

    def test_two_hubs_that_forward_to_each_other_answer(self):
        first = self.hub(namespaces="[a]")
        flags = f"tls_config: {{ca_file: {self.pki.file('ca.crt')}, cert_file: {self.pki.file('hpa.crt')}, key_file: {self.pki.file('hpa.key')}}}"
        second = self.hub(f"  forward: [{{name: peer, url: 'https://127.0.0.1:{first.api}', {flags}}}]", namespaces="[a]")
        configs = sorted(name for name in os.listdir(self.folder) if name.startswith("hub-"))
        path = os.path.join(self.folder, configs[0])
        with open(path, encoding="utf-8") as source:
            text = source.read()
        write(self.folder, configs[0], text + f"  forward: [{{name: peer, url: 'https://127.0.0.1:{second.api}', {flags}}}]\n")
        first.send(signal.SIGHUP)
        eventually(lambda: "forwarded to us already" in self.read(first, namespace="b"), "the end of the loop")
        eventually(lambda: self.read(first, namespace="b").startswith("404 "), "a plain answer")
        loops = second.metric('plimsoll_forwarded_reads_total{adapter="peer",outcome="loop"}')
        found = first.metric('plimsoll_forwarded_reads_total{adapter="peer",outcome="404"}')
        self.assertGreater(found, 0)
        self.assertGreaterEqual(loops, found)  # of a read that took too long we know only there

    def test_the_example_is_a_good_configuration(self):
        checked = run("check", "config", os.path.join(ROOT, "docs", "hub.example.yml"))
        self.assertEqual(checked.returncode, 0, checked.stderr)


if __name__ == "__main__":
    unittest.main()
