# SPDX-License-Identifier: Apache-2.0
"""--manage-certificates: replicas that share a Secret, rotations under reads that believe nothing but the caBundle, and
everything that an API server may do to it."""
import http.client
import socket
import ssl
import tempfile
import threading
import time
import unittest

from fake_api import authentication
from harness import PATIENCE, Pki, Plimsoll, Target, eventually, page, run, write
from kube_objects import MAPS, SECRETS, SERVICES, KubeObjects

READ = "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queued"


class Certificates(unittest.TestCase):
    def setUp(self):
        self.pki = Pki()
        self.addCleanup(self.pki.remove)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.target = Target(page("queued 3\n"))
        self.addCleanup(self.target.close)
        self.config = write(self.folder, "plimsoll.yml", f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: engine
    static_configs: [{{targets: ["{self.target.address}"]}}]
external_metrics:
  - {{name: queued, type: AverageValue, query: queued, namespaces: [default], max_age: 1h}}
""")
        self.cluster = KubeObjects(self.pki)
        self.addCleanup(self.cluster.close)
        self.cluster.put(MAPS, "extension-apiserver-authentication", data=authentication(self.pki, "ca"))
        self.kubeconfig = self.cluster.kubeconfig(self.folder, "our-own-secret")

    def flags(self, *more):
        return ["--config.file", self.config, "--web.listen-address=127.0.0.1:0", "--secure-port=-1", "--bind-address=127.0.0.1",
                "--namespace=default", "--manage-certificates", "--kubeconfig", self.kubeconfig,
                "--authentication-kubeconfig", self.kubeconfig, "--authorization-kubeconfig", self.kubeconfig, *more]

    def start(self, *more, api=True):
        plimsoll = Plimsoll(*self.flags(*more), api=api)
        self.addCleanup(plimsoll.stop)
        return plimsoll

    def connect(self, plimsoll, bundle=None):
        """As kube-apiserver does: it believes the caBundle alone, and asks for the Service's name."""
        context = ssl.create_default_context(cadata=bundle or self.cluster.bundle())
        context.load_cert_chain(self.pki.file("proxy.crt"), self.pki.file("proxy.key"))
        raw = socket.create_connection(("127.0.0.1", plimsoll.api), timeout=PATIENCE)
        try:
            secure = context.wrap_socket(raw, server_hostname="plimsoll.default.svc")
        except Exception:
            raw.close()
            raise
        connection = http.client.HTTPConnection("127.0.0.1", plimsoll.api, timeout=PATIENCE)
        connection.sock = secure
        return connection

    def read(self, connection):
        connection.request("GET", READ, headers={"X-Remote-User": "root", "X-Remote-Group": "system:masters"})
        response = connection.getresponse()
        response.read()
        return response.status

    def read_anew(self, plimsoll):
        connection = self.connect(plimsoll)
        try:
            return self.read(connection)
        finally:
            connection.close()

    def ready(self, *replicas):
        for plimsoll in replicas:
            eventually(lambda each=plimsoll: self.cluster.bundle() and self.read_anew(each) == 200, "the first read")

    def test_two_replicas_fill_an_empty_secret_once_and_serve_the_same_pair(self):
        self.cluster.put_secret()
        self.cluster.put_service()
        replicas = [None, None]

        def begin(which):
            replicas[which] = self.start()

        starts = [threading.Thread(target=begin, args=(which,)) for which in (0, 1)]
        for each in starts:
            each.start()
        for each in starts:
            each.join()
        self.ready(*replicas)
        secret = self.cluster.secret()
        self.assertEqual(sorted(secret), ["ca.crt", "ca.key", "tls.crt", "tls.key"])
        eventually(lambda: self.cluster.bundle() == secret["ca.crt"], "the caBundle")
        served = {ssl.get_server_certificate(("127.0.0.1", each.api)) for each in replicas}
        self.assertEqual(served, {secret["tls.crt"]})
        for each in replicas:
            for name in ("owned", "ca_matches"):
                eventually(lambda: each.metric(f"plimsoll_apiservice_{name}") == 1, name)
            for which, days in (("serving", 30), ("ca", 365)):
                ends = each.metric(f'plimsoll_certificate_expiry_timestamp_seconds{{certificate="{which}"}}')
                self.assertAlmostEqual((ends - time.time()) / 86400, days, delta=0.1)
        # What only we may know is nowhere but in the Secret.
        for each in replicas:
            shown = "".join(each.log) + "".join(each.get(path).body for path in (
                "/metrics", "/", "/api/v1/status/config", "/api/v1/status/flags", "/api/v1/targets"))
            for key in (secret["ca.key"], secret["tls.key"]):
                self.assertNotIn(key.splitlines()[1], shown)
            self.assertNotIn("our-own-secret", shown)
            self.assertNotIn("PRIVATE KEY", shown)

    def test_rotations_of_pair_and_authority_fail_no_read_of_who_believes_the_cabundle(self):
        self.cluster.put_secret()
        self.cluster.put_service()
        brief = ["--certificate-lifetime=16s", "--certificate-ca-lifetime=30s"]
        replicas = [self.start(*brief), self.start(*brief)]
        self.ready(*replicas)
        stop, failures, reads = threading.Event(), [], [0, 0]

        def reader(which):
            kept = self.connect(replicas[which])  # stays open over every rotation
            while not stop.is_set():
                for kind, ask in (("kept", lambda: self.read(kept)), ("new", lambda: self.read_anew(replicas[which]))):
                    try:
                        status = ask()
                        if status != 200:
                            failures.append((which, kind, status))
                    except (OSError, http.client.HTTPException) as failure:
                        failures.append((which, kind, repr(failure)))
                    reads[which] += 1
                stop.wait(0.02)
            kept.close()

        readers = [threading.Thread(target=reader, args=(which,)) for which in (0, 1)]
        for each in readers:
            each.start()

        def steps(word):
            return sum(each.metric(f'plimsoll_certificate_steps_total{{step="{word}"}}') or 0 for each in replicas)

        try:
            eventually(lambda: steps("drop") >= 1, "the first authority")
            eventually(lambda: steps("pair") >= 3 and steps("drop") >= 2, "three pairs and two authorities")
        finally:
            stop.set()
            for each in readers:
                each.join()
        self.assertEqual(failures, [])
        self.assertGreater(min(reads), 100)

    def test_what_it_may_not_do_is_said_and_counted_and_it_recovers(self):
        self.cluster.put_service()
        plimsoll = self.start(api=False)
        unready = eventually(lambda: (lambda a: "does not exist" in a.body and a)(plimsoll.get("/readyz")), "unready")
        self.assertEqual(unready.status, 503)
        self.assertIn("Secret default/plimsoll-serving-cert", unready.body)
        self.assertEqual(self.cluster.count("PATCH", SECRETS), 0)
        self.cluster.refused[f"PATCH {SECRETS}"] = 403
        self.cluster.put_secret()
        eventually(lambda: plimsoll.metric('plimsoll_certificate_failures_total{reason="forbidden"}'), "a refusal")
        self.assertIn("403: refused by the test", plimsoll.get("/readyz").body)
        self.assertEqual(plimsoll.get("/livez").status, 200)
        self.cluster.refused.clear()
        plimsoll.api = plimsoll._port("api")
        self.ready(plimsoll)
        eventually(lambda: plimsoll.get("/readyz").status == 200, "ready")

        # Somebody puts their own object back, first where we may not mend it.
        self.cluster.refused[f"PATCH {SERVICES}"] = 403
        self.cluster.put_service(bundle="")
        eventually(lambda: plimsoll.metric("plimsoll_apiservice_ca_matches") == 0, "the difference")
        self.cluster.refused.clear()
        self.ready(plimsoll)
        eventually(lambda: plimsoll.metric("plimsoll_apiservice_ca_matches") == 1, "the repair")
        # It points to somebody else: from then on it is theirs.
        self.cluster.put_service(name="keda-metrics-apiserver", bundle="theirs")
        eventually(lambda: plimsoll.metric("plimsoll_apiservice_owned") == 0, "the loss")
        before = self.cluster.count("PATCH", SERVICES)
        self.cluster.put_secret({"ca.crt": "garbage", "ca.key": "garbage"})
        eventually(lambda: "BEGIN CERTIFICATE" in self.cluster.secret()["ca.crt"], "another authority")
        self.assertEqual(self.cluster.count("PATCH", SERVICES), before)
        self.assertEqual(self.cluster.bundle(), "theirs")

    def test_reads_go_on_while_the_api_server_is_away_and_over_a_restart_of_the_replica(self):
        self.cluster.put_secret()
        self.cluster.put_service()
        first = self.start()
        self.ready(first)
        second = self.start()
        self.ready(second)
        self.cluster.breaks(True)
        for _ in range(3):
            self.assertEqual(self.read_anew(first), 200)
        first.stop()
        self.assertEqual(self.read_anew(second), 200)
        self.cluster.breaks(False)
        third = self.start()
        self.ready(third)
        self.assertEqual(self.cluster.count("PATCH", SECRETS), 1)

    def test_it_does_not_start_where_it_must_not_and_says_why(self):
        no_listener = [flag.replace("--secure-port=-1", "--secure-port=0") for flag in self.flags()]
        for flags, words in [
                (no_listener, "there is no API listener (--secure-port=0)"),
                (self.flags("--tls-cert-file", self.pki.file("serving.crt"), "--tls-private-key-file",
                            self.pki.file("serving.key")), "somebody else keeps the certificate of --tls-cert-file"),
                (self.flags("--once"), "--once has no API listener"),
                (self.flags("--certificate-lifetime=1y", "--certificate-ca-lifetime=1d"), "expected --certificate-lifetime"),
                (["--config.file", self.config, "--manage-certificates"], "no API server to keep the certificate in")]:
            with self.subTest(words):
                ended = run(*flags)
                self.assertEqual(ended.returncode, 1, ended.stderr)
                self.assertIn("--manage-certificates: " + words, ended.stderr)
                self.assertNotIn("our-own-secret", ended.stderr)
        hub = run(*no_listener).stderr
        self.assertIn("A sidecar under a hub has no Kubernetes rights", hub)


if __name__ == "__main__":
    unittest.main()
