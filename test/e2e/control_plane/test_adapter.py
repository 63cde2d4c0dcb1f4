# SPDX-License-Identifier: Apache-2.0
"""A hub before a real prometheus-adapter on a real Prometheus: what it does not know comes from there, as it is, and a peer
that is gone costs nobody anything."""
import os
import signal
import threading

from autoscaler import Autoscaler, external
from harness import ROOT, Target, eventually, page
from hub import Hub, config
from peers import Prometheus, PrometheusAdapter, may_forward
from readers import Readers
from scene import Numbers, Scene, main
from test_install import QUEUED

OURS = "trino-workers-for-queue"
THEIRS = 'peers_queued{namespace="trino"}'


class Adapter(Scene):
    @classmethod
    def setUpClass(cls):
        cls.start("adapter")
        with open(QUEUED, encoding="utf-8") as source:
            cls.trino = Target(page(source.read(), "application/openmetrics-text; version=1.0.0; charset=utf-8"), port=8080)
        cls.engine = Numbers(**{THEIRS: 7})
        cls.prometheus = Prometheus(cls.cluster, cls.engine.address)
        cls.adapter = PrometheusAdapter(cls.cluster, "peers_")
        may_forward(cls.cluster)
        cls.hub = Hub(cls.cluster, config(["trino"], f"\n  forward: [{cls.adapter.forward()}]"))
        cls.hub.available()
        eventually(lambda: cls.cluster.value("trino", OURS) == "5", "the first value of ours", within=120)
        eventually(lambda: cls.cluster.value("trino", "peers_queued") == "7", lambda: cls.cluster.read("trino", "peers_queued"), within=120)

    def same(self, metric, status):
        """That a read is answered as the peer answers it. Returns: the message."""
        eventually(lambda: self.adapter.asked("trino", metric)[0] == status, lambda: self.adapter.asked("trino", metric))
        theirs, ours = self.adapter.asked("trino", metric), self.cluster.read("trino", metric)
        self.assertEqual(ours, theirs)
        return ours[1]["message"]

    def test_1_what_the_hub_does_not_know_is_read_from_the_peer(self):
        _, document = self.cluster.read("trino", "peers_queued")
        _, theirs = self.adapter.asked("trino", "peers_queued")
        for each in (document, theirs):
            for item in each["items"]:
                item.pop("timestamp")
        self.assertEqual(document, theirs)
        self.engine[THEIRS] = 9
        eventually(lambda: self.cluster.value("trino", "peers_queued") == "9", "the new value")

    def test_2_an_autoscaler_scales_by_it(self):
        self.engine[THEIRS] = 6
        scaler = Autoscaler(self.cluster, "trino", "forwarded", [external("peers_queued", "AverageValue", 1)])
        scaler.reaches(6)
        self.assertEqual(scaler.becomes("True", "ValidMetricFound"), "the HPA was able to successfully calculate a replica count "
                                                                     "from external metric peers_queued(nil)")

    def test_3_the_peers_status_comes_back_unchanged(self):
        print("unknown:", self.same("nobodys", 404), flush=True)
        self.prometheus.stop()
        print("Prometheus gone:", self.same("peers_queued", 500), flush=True)
        self.prometheus.start()
        eventually(lambda: self.cluster.value("trino", "peers_queued") == "6", lambda: self.cluster.read("trino", "peers_queued"))

    def test_4_a_peer_that_hangs_or_is_gone_costs_nobody_anything(self):
        process = self.cluster.processes["prometheus-adapter"]
        readers = Readers(self.cluster, "trino", OURS, "5")
        self.addCleanup(readers.stop)
        self.addCleanup(lambda: process.poll() is None and process.send_signal(signal.SIGCONT))
        process.send_signal(signal.SIGSTOP)
        self.crowd(readers)
        process.send_signal(signal.SIGCONT)
        eventually(lambda: self.cluster.value("trino", "peers_queued") == "6", lambda: self.cluster.read("trino", "peers_queued"))
        process.kill()
        self.crowd(readers)
        status, document = self.cluster.read("trino", "peers_queued")
        self.assertIn(status, (503, 504))
        self.assertIn("the metric is not known here, and the adapter prometheus_adapter", document["message"])
        print(f"{readers.good()} reads of ours, {readers.rate():.0f} a second, none failed", flush=True)

    def crowd(self, readers):
        """Eight callers ask for the peer's metric; none of ours fails."""
        stop, codes = threading.Event(), []

        def ask():
            while not stop.is_set():
                codes.append(self.cluster.read("trino", "peers_queued")[0])

        crowd = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
        for caller in crowd:
            caller.start()
        before = readers.good()
        eventually(lambda: readers.failures() or (readers.good() >= before + 300 and len(codes) >= 16), "reads go on")
        stop.set()
        for caller in crowd:
            caller.join()
        self.assertEqual(readers.failures(), [])
        self.assertLessEqual(set(codes), {503, 504})


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
