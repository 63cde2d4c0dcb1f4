# SPDX-License-Identifier: Apache-2.0
"""Hostile clients at both listeners: what they cost is bounded and counted by reason, and who reads meanwhile - over a kept
connection and over new ones, as kube-apiserver does - sees nothing of them."""
import http.client
import os
import re
import socket
import ssl
import struct
import tempfile
import threading
import time
import unittest

from harness import PATIENCE, Pki, Plimsoll, Target, eventually, page, write

READ = "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queued"
LISTENERS = ("api", "ops")


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = Pki()
        cls.folder = tempfile.TemporaryDirectory()
        cls.target = Target(page("queued 3\n"))
        config = write(cls.folder.name, "plimsoll.yml", f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: engine
    static_configs: [{{targets: ["{cls.target.address}"]}}]
external_metrics:
  - {{name: queued, type: AverageValue, query: queued, namespaces: [default], max_age: 1h}}
""")
        cls.plimsoll = Plimsoll("--config.file", config, "--web.listen-address=127.0.0.1:0", *cls.pki.flags(), api=True)
        eventually(lambda: cls.plimsoll.external(cls.pki, "default", "queued").status == 200, "the first value")

    @classmethod
    def tearDownClass(cls):
        cls.plimsoll.stop()
        cls.target.close()
        cls.folder.cleanup()
        cls.pki.remove()

    # --- who reads meanwhile

    def secure(self, certificate="hpa"):
        context = ssl.create_default_context(cafile=self.pki.file("ca.crt"))
        if certificate:
            context.load_cert_chain(self.pki.file(certificate + ".crt"), self.pki.file(certificate + ".key"))
        return context

    def good_reads(self, attack, ops=True):
        """Runs attack() while good clients read. Returns the slowest read of the API listener in seconds."""
        stop, failures, slowest = threading.Event(), [], []
        reads = {"kept": 0, "new": 0, "ops": 0}

        def reader(kind):
            context = self.secure()
            kept = None
            knocks = 0
            while not stop.is_set():
                begun = time.monotonic()
                try:
                    if kind == "ops":
                        connection = http.client.HTTPConnection("127.0.0.1", self.plimsoll.ops, timeout=PATIENCE)
                        path = "/metrics"
                    else:
                        connection = kept or http.client.HTTPSConnection(
                            "127.0.0.1", self.plimsoll.api, context=context, timeout=PATIENCE)
                        path = READ
                    connection.request("GET", path)
                    response = connection.getresponse()
                    response.read()
                    if response.status != 200:
                        failures.append((kind, response.status))
                    if kind == "kept":
                        kept = connection
                    else:
                        connection.close()
                    knocks = 0
                except (OSError, http.client.HTTPException) as failure:
                    # Who is new has a quarter of a second to ask. A reader that shares this interpreter with the attack
                    # may need longer, and knocks again; a kept connection never loses its place.
                    knocks += 1
                    kept = None
                    if kind != "kept" and knocks < 4:
                        continue
                    failures.append((kind, repr(failure)))
                reads[kind] += 1
                if kind != "ops":
                    slowest.append(time.monotonic() - begun)
                stop.wait(0.02)
            if kept:
                kept.close()

        kinds = ["kept", "new"] + (["ops"] if ops else [])
        readers = [threading.Thread(target=reader, args=(kind,)) for kind in kinds]
        for each in readers:
            each.start()
        try:
            eventually(lambda: all(reads[kind] for kind in kinds), "the first good reads")
            attack()
        finally:
            enough = {kind: reads[kind] + 3 for kind in kinds}
            eventually(lambda: all(reads[kind] >= enough[kind] for kind in kinds) or failures, "good reads afterwards")
            stop.set()
            for each in readers:
                each.join()
        self.assertEqual(failures, [])
        self.assertLess(max(slowest), 10)
        return max(slowest)

    # --- who attacks

    def port(self, listener):
        return self.plimsoll.api if listener == "api" else self.plimsoll.ops

    def refused(self, listener, *reasons):
        return sum(self.plimsoll.metric(f'plimsoll_http_connections_refused_total{{listener="{listener}",reason="{reason}"}}') or 0
                   for reason in reasons)

    def connect(self, listener, tls=True):
        raw = socket.create_connection(("127.0.0.1", self.port(listener)), timeout=PATIENCE)
        if listener == "api" and tls:
            try:
                return self.secure(None).wrap_socket(raw, server_hostname="127.0.0.1")
            except OSError:
                raw.close()
                raise
        return raw

    def crowd(self, listener, size, begin, drip, seconds, reasons):
        """Connections that begin and then drip, until some were given up for one of the reasons; those come again."""
        attackers = [None] * size
        end = time.monotonic() + seconds
        before = self.refused(listener, *reasons)

        def going_on():
            now = time.monotonic()
            return now < end or (now < end + PATIENCE and self.refused(listener, *reasons) == before)

        while going_on():
            for at, each in enumerate(attackers):
                try:
                    if each is None:
                        attackers[at] = each = self.connect(listener)
                        each.sendall(begin)
                    elif drip:
                        each.sendall(drip)
                except OSError:
                    if each:
                        each.close()
                    attackers[at] = None
        for each in attackers:
            if each:
                each.close()
        self.assertGreater(self.refused(listener, *reasons), before)

    def test_slow_heads(self):
        begin = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "
        for listener in LISTENERS:
            with self.subTest(listener):
                self.good_reads(lambda: self.crowd(listener, 300, begin, b"a", 12, ("evicted", "header_timeout")))

    def test_slow_bodies(self):
        begin = b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
        for listener in LISTENERS:
            with self.subTest(listener):
                self.good_reads(lambda: self.crowd(listener, 300, begin, b"a", 6, ("evicted", "body_timeout", "malformed")))

    def test_half_open_handshakes(self):
        hello = bytes.fromhex("16030100c8010000c40303") + bytes(40)  # the beginning of a ClientHello
        before = self.refused("api", "evicted", "header_timeout", "tls_handshake")

        def attack():
            attackers = []
            for round_ in range(1200):
                each = self.connect("api", tls=False)
                if round_ % 2:
                    each.sendall(hello)
                attackers.append(each)
                if len(attackers) > 600:
                    attackers.pop(0).close()
            for each in attackers:
                each.close()

        self.good_reads(attack)
        eventually(lambda: self.refused("api", "evicted", "header_timeout", "tls_handshake") > before + 500, "the count")

    def test_ten_thousand_connections(self):
        for listener in LISTENERS:
            with self.subTest(listener):
                reasons = ("evicted", "connections", "tls_handshake")
                before = self.refused(listener, *reasons)
                resident = self.resident()

                def attack():
                    attackers = []
                    for _ in range(10_000):
                        each = socket.socket()
                        each.setblocking(False)
                        each.connect_ex(("127.0.0.1", self.port(listener)))
                        attackers.append(each)
                        if len(attackers) > 1000:
                            attackers.pop(0).close()
                    eventually(lambda: self.refused(listener, *reasons) > before, "a counted refusal")
                    for each in attackers:
                        each.close()

                self.good_reads(attack)
                if not self.sanitized():  # a sanitizer keeps what was freed
                    self.assertLess(self.resident() - resident, 64 << 20)
                self.assertLess(len(os.listdir(f"/proc/{self.plimsoll.process.pid}/fd")), 1000)

    def memory(self, kind):
        with open(f"/proc/{self.plimsoll.process.pid}/status", encoding="utf-8") as status:
            return int(re.search(kind + r":\s+(\d+)", status.read()).group(1)) << 10

    def resident(self):
        return self.memory("VmRSS")

    def sanitized(self):
        return self.memory("VmSize") > 1 << 40  # their shadow memory is as large as all addresses

    def test_huge_urls_and_heads_without_end(self):
        for listener in LISTENERS:
            for what, text in (("url", b"GET /" + b"x" * 1_000_000), ("head", b"GET / HTTP/1.1\r\n" + b"X-Long: y\r\n" * 100_000)):
                with self.subTest(listener + " " + what):
                    before = self.refused(listener, "url_bytes", "header_bytes", "malformed")

                    def attack():
                        for _ in range(20):
                            each = self.connect(listener)
                            try:
                                each.sendall(text)
                                each.settimeout(PATIENCE)
                                self.assertIn(each.recv(12)[9:12], (b"414", b"431", b"400", b""))
                            except OSError:
                                pass  # it was cut off while it still talked
                            each.close()

                    self.good_reads(attack)
                    self.assertGreater(self.refused(listener, "url_bytes", "header_bytes", "malformed"), before)

    def test_pipelines_are_answered_in_order_and_hold_up_nobody(self):
        for listener in LISTENERS:
            with self.subTest(listener):

                def attack():
                    talking = self.connect(listener)
                    silent = [self.connect(listener) for _ in range(5)]
                    for each in silent:  # they never read
                        each.settimeout(0.2)
                        try:
                            for _ in range(200):
                                each.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
                        except OSError:
                            pass
                    talking.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 1999 +
                                    b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    text = b""
                    while piece := talking.recv(65536):
                        text += piece
                    self.answers = text.count(b"HTTP/1.1 200")
                    for each in [talking, *silent]:
                        each.close()

                self.good_reads(attack)
                self.assertGreaterEqual(self.answers, 1 if listener == "ops" else 2000)

    def test_aborted_probes_are_no_errors(self):
        log = len(self.plimsoll.log)
        errors = self.plimsoll.get("/metrics").body.count('code="5')

        def attack():
            for listener in LISTENERS:
                for _ in range(300):
                    each = self.connect(listener)
                    each.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset
                    each.close()

        self.good_reads(attack)
        self.assertEqual(self.plimsoll.get("/metrics").body.count('code="5'), errors)
        self.assertEqual(self.plimsoll.log[log:], [])


if __name__ == "__main__":
    unittest.main()
