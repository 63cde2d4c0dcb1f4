# SPDX-License-Identifier: Apache-2.0
"""What a control plane requires of the external metrics API, R1 to R20, each by name, against the binary and a
played API server: the requests of a real kube-apiserver, its HPA controller and kubectl byte for byte
(test/fixtures/control-plane), and what no recording shows: other identities, bad values, aborted probes."""
import calendar
import gzip
import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import struct
import tempfile
import threading
import time
import unittest
import warnings

from authentication_api import ApiServer
from fake_api import authentication
from harness import PATIENCE, ROOT, Pki, Plimsoll, Target, eventually, free_tcp_port_without_listener, page, run, write

API = "/apis/external.metrics.k8s.io/v1beta1"
HPA = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
FIXTURES = os.path.join(ROOT, "test/fixtures/control-plane")
NAME = "plimsoll.plimsoll.svc"  # what kube-apiserver asks for: <service>.<namespace>.svc
V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VALUES = {  # on the page: what is served, or why not
    "0": "0", "-0": "0", "40": "40", "4e1": "40", "1.5": "1500m", "12.3456": "12346m", "39.9999": "40", "0.001": "1m",
    "9.1e15": "9100000000000000", "NaN": "not_finite", "+Inf": "not_finite", "-Inf": "not_finite", "-1": "out_of_range",
    "-1e-9": "out_of_range", "9.3e15": "out_of_range", "1e18": "out_of_range", "1e300": "out_of_range"}


def text(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


def fixture(name):
    with open(os.path.join(FIXTURES, name), "rb") as source:
        return source.read()


def request(path, *headers, method="GET"):
    """A request of the front proxy, put together here."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def speaking_for(user, *groups):
    return ["X-Remote-User: " + user, *("X-Remote-Group: " + group for group in groups)]


ADMIN = speaking_for("root", "system:masters")


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)


class Wire:
    """One TLS connection: bytes out, answers in."""

    def __init__(self, port, pki, certificate="proxy", protocols=("h2", "http/1.1"), name=NAME):
        context = ssl.create_default_context(cafile=pki.file("ca.crt"))
        context.set_alpn_protocols(protocols)
        if certificate:
            context.load_cert_chain(pki.file(certificate + ".crt"), pki.file(certificate + ".key"))
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE), server_hostname=name)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError(f"the connection ended after {self.buffer!r}")
        self.buffer += piece

    def receive(self):
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status, *lines = head.decode().split("\r\n")
        headers = [tuple(line.split(": ", 1)) for line in lines]
        reply = Reply(int(status.split()[1]), headers, b"")
        length = int(reply.header("Content-Length") or 0)
        while len(self.buffer) < length:
            self._more()
        reply.body, self.buffer = self.buffer[:length], self.buffer[length:]
        return reply

    def ask(self, data):
        self.send(data)
        return self.receive()

    def close(self):
        self.socket.close()


def serial(port, pki):
    wire = Wire(port, pki)
    try:
        return wire.socket.getpeercert()["serialNumber"]
    finally:
        wire.close()


class Cluster:
    """The binary before a played API server and a played engine, as in a pod of a real cluster."""

    def __init__(self, respond=None, target=None, more=""):
        self.cleanups = []
        self.pki = Pki()
        self.cleanups.append(self.pki.remove)
        self.pki._ca("proxy-ca")
        client = "extendedKeyUsage=clientAuth"
        self.pki.leaf("proxy", "proxy-ca", "front-proxy-client", client)
        self.pki.leaf("wrong-name", "proxy-ca", "somebody-else", client)
        self.folder = tempfile.mkdtemp(prefix="plimsoll-requirements-")
        self.cleanups.append(lambda: shutil.rmtree(self.folder, ignore_errors=True))
        self.scraped_at = int(time.time()) - 30
        self.engine = Target(respond or page(self.page()))
        self.cleanups.append(self.engine.close)
        self.server = ApiServer(self.pki, authentication(self.pki, requestheader_uid_headers='["X-Remote-Uid"]'))
        self.cleanups.append(self.server.close)
        self.server.allowed = lambda spec: spec["user"] in (HPA, "reader")
        self.server.tokens = {"good-token": "reader", "other-token": "stranger"}
        self.kubeconfig = self.server.kubeconfig(self.folder, "first-token")
        self.config = write(self.folder, "plimsoll.yml", f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: engine
    static_configs: [{{targets: ["{target or self.engine.address}"]}}]
external_metrics:
  - {{name: rec, type: AverageValue, query: 'sum by (cluster, env) (rec)', namespaces: [hpa], max_age: 1h}}
  - {{name: queued, type: AverageValue, query: 'sum by (cluster, env) (queued)', namespaces: [default], max_age: 1h}}
  - {{name: queued-max, type: AverageValue, query: 'sum(max_over_time(queued[1m]))', namespaces: [default], max_age: 1h}}
  - {{name: empty, type: AverageValue, query: nosuch, namespaces: [hpa], max_age: 1h}}
  - {{name: number, type: AverageValue, query: 'sum by (i) (number)', namespaces: [default], max_age: 1h}}
  - {{name: number-up, type: AverageValue, query: 'sum by (i) (number)', namespaces: [default], max_age: 1h, round: up}}
  - {{name: wide, type: AverageValue, query: 'sum by (text) (wide)', namespaces: [default], max_age: 1h}}
  - {{name: old, type: AverageValue, query: 'sum(old)', namespaces: [default], max_age: 1h}}
  - {{name: too-old, type: AverageValue, query: 'sum(old)', namespaces: [default], max_age: 10s}}
  - {{name: held, type: AverageValue, query: 'sum(queued)', namespaces: [default], max_age: 2s, when_stale: {{hold: 1h}}}}
{more}""")
        self.processes = []

    def page(self):
        numbers = "".join(f'number{{i="{i}"}} {value}\n' for i, value in enumerate(VALUES))
        return (numbers + 'number{i="tiny"} 1e-9\n'
                'rec{cluster="A",env="dev"} 40\nrec{cluster="A",env="old"} 2\nrec{cluster="B",env="dev"} 3\n'
                'queued{cluster="a",env="x"} 1.5\nqueued{cluster="b",env="z"} 9\n'
                f'wide{{text="{"w" * 1500}"}} 1\nold 5 {self.scraped_at}000\n')

    def start(self, *more, wait=True):
        plimsoll = Plimsoll(
            "--config.file", self.config, "--web.listen-address=127.0.0.1:0", "--secure-port=-1", "--bind-address=127.0.0.1",
            "--tls-cert-file", self.pki.file("serving.crt"), "--tls-private-key-file", self.pki.file("serving.key"),
            "--authentication-kubeconfig", self.kubeconfig, "--authorization-kubeconfig", self.kubeconfig, *more, api=True)
        self.processes.append(plimsoll)
        if wait:
            eventually(lambda: plimsoll.get("/-/ready").status == 200, "ready")
            read = request(API + "/namespaces/default/old", *ADMIN)
            eventually(lambda: self.once(plimsoll, read).status == 200, "the first value")
        return plimsoll

    def once(self, plimsoll, data, certificate="proxy"):
        wire = Wire(plimsoll.api, self.pki, certificate)
        try:
            return wire.ask(data)
        finally:
            wire.close()

    def close(self):
        for plimsoll in self.processes:
            plimsoll.stop()
        for cleanup in reversed(self.cleanups):
            cleanup()


class Requirements(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.plimsoll = cls.cluster.start()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()

    def own(self, *arguments, **named):
        """A cluster that the test may harm."""
        cluster = Cluster(*arguments, **named)
        self.addCleanup(cluster.close)
        return cluster

    def ask(self, path, *headers, certificate="proxy", method="GET", plimsoll=None, cluster=None):
        reply = (cluster or self.cluster).once(plimsoll or self.plimsoll, request(path, *headers, method=method), certificate)
        self.check(reply)
        return reply

    def read(self, rest, *headers):
        return self.ask(API + "/namespaces/" + rest, *(headers or ADMIN))

    def check(self, reply):
        """What holds for every answer."""
        self.assertIsNone(reply.header("Retry-After"))
        if reply.status == 304:
            self.assertEqual(reply.body, b"")
            return
        self.assertTrue(reply.header("Content-Type"))
        if reply.status >= 400:
            status = reply.json()
            self.assertEqual((status["kind"], status["apiVersion"], status["status"], status["code"]),
                             ("Status", "v1", "Failure", reply.status))
            self.assertEqual(reply.header("Content-Type"), "application/json")
            self.assertTrue(status["message"] and status["reason"])

    def value(self, reply):
        items = reply.json()["items"]
        self.assertEqual(len(items), 1)
        return items[0]["value"]

    # The recorded requests.

    def written(self, reply):
        """An answer as its fixture has it."""
        body = reply.body.decode()
        version = text(os.path.join(ROOT, "VERSION")).strip()
        lines = []
        for name, value in sorted(reply.headers):
            if name == "Date":
                self.assertRegex(value, r"^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$")
                value = "{date}"
            if name == "ETag" and reply.status == 200:
                self.assertEqual(value, '"' + hashlib.md5(reply.body).hexdigest().upper() + '"')
            if name == "ETag":
                value = '"{md5}"'
            if name == "Content-Length" and '"swagger"' in body:
                value = "{length}"
            lines.append(f"{name}: {value}")
        for stamp in re.findall(r'"timestamp":"([^"]*)"', body):
            age = time.time() - calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))
            self.assertLess(abs(age), PATIENCE)
            body = body.replace(stamp, "{time}")
        body = body.replace(f'"version":"{version}"', '"version":"{version}"')
        return f"{reply.status}\n" + "".join(line + "\n" for line in lines) + "\n" + body

    def replay(self, wire, entry, etags):
        data = fixture(entry["name"] + ".request")
        self.assertTrue(data.endswith(b"\r\n\r\n") and data.count(b"\n") == data.count(b"\r\n"), entry["name"])
        if "etag_of" in entry:
            data = data.replace(b"{etag}", etags[entry["etag_of"]].encode())
        reply = wire.ask(data)
        self.check(reply)
        if reply.header("ETag"):
            etags[entry["name"]] = reply.header("ETag")
        written = self.written(reply)
        path = os.path.join(FIXTURES, entry["name"] + ".answer")
        if os.environ.get("PLIMSOLL_ACCEPT") == "1":
            with open(path, "w", encoding="utf-8") as out:
                out.write(written)
            self.accepted = True
            return reply
        self.assertEqual(written, text(path), entry["what"])
        return reply

    def replay_of(self, requirement):
        """Replays what was recorded for a requirement, over one connection and over a new one for each."""
        entries = [e for e in json.loads(fixture("manifest.json")) if e["requirement"] == requirement]
        self.assertTrue(entries, requirement)
        etags = {}
        wire = Wire(self.plimsoll.api, self.cluster.pki)
        replies = {entry["name"]: self.replay(wire, entry, etags) for entry in entries}
        wire.close()
        for entry in entries:
            wire = Wire(self.plimsoll.api, self.cluster.pki)
            self.replay(wire, entry, etags)
            wire.close()
        return replies

    def test_every_recorded_request_has_its_answer_in_any_order_on_one_connection(self):
        entries = json.loads(fixture("manifest.json"))
        names = {e["name"] for e in entries}
        there = {name.rsplit(".", 1)[0] for name in os.listdir(FIXTURES) if name.endswith((".request", ".answer"))}
        if os.environ.get("PLIMSOLL_ACCEPT") != "1":
            self.assertEqual(names, there)
        etags = {}
        wire = Wire(self.plimsoll.api, self.cluster.pki)
        self.addCleanup(wire.close)
        for entry in entries:
            self.replay(wire, entry, etags)
        for entry in reversed(entries):
            self.replay(wire, entry, etags)
        # All at once, as HTTP/1.1 allows.
        plain = [entry for entry in entries if "etag_of" not in entry]
        wire.send(b"".join(fixture(entry["name"] + ".request") for entry in plain))
        for entry in plain:
            reply = wire.receive()
            if os.environ.get("PLIMSOLL_ACCEPT") != "1":
                self.assertEqual(self.written(reply), text(os.path.join(FIXTURES, entry["name"] + ".answer")))
        if os.environ.get("PLIMSOLL_ACCEPT") == "1":
            self.skipTest("the answers were written")

    # The requirements.

    def test_r01_it_is_https_for_the_name_of_the_service(self):
        """R1: TLS 1.2 or later, ALPN http/1.1, a certificate for <service>.<namespace>.svc"""
        wire = Wire(self.plimsoll.api, self.cluster.pki)  # checks the chain and the name
        self.addCleanup(wire.close)
        self.assertEqual(wire.socket.selected_alpn_protocol(), "http/1.1")
        self.assertIn(wire.socket.version(), ("TLSv1.2", "TLSv1.3"))
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "other.plimsoll.svc"):
            Wire(self.plimsoll.api, self.cluster.pki, name="other.plimsoll.svc")
        with warnings.catch_warnings(), socket.create_connection(("127.0.0.1", self.plimsoll.api), PATIENCE) as plain:
            warnings.simplefilter("ignore")  # that what is tried here is old
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname = False
            old.verify_mode = ssl.CERT_NONE
            old.set_ciphers("ALL:@SECLEVEL=0")
            old.minimum_version = ssl.TLSVersion.TLSv1
            old.maximum_version = ssl.TLSVersion.TLSv1_1
            with self.assertRaises(ssl.SSLError):
                old.wrap_socket(plain)
        self.assertEqual(self.ask(API, *ADMIN).status, 200)

    def test_r02_five_probes_at_once_are_answered_whatever_the_engine_and_the_api_server_do(self):
        """R2: GET of the group version is 2xx at once, without upstream I/O, and never a redirect"""
        self.assertEqual(self.replay_of("R2")["availability-probe"].status, 200)
        going = threading.Event()
        cluster = self.own()
        self.addCleanup(going.set)
        plimsoll = cluster.start()
        cluster.engine.server.RequestHandlerClass.do_GET = lambda handler: going.wait(PATIENCE)  # from now on silent
        cluster.server.allowed = lambda spec: going.wait(PATIENCE)
        waiting = Wire(plimsoll.api, cluster.pki)
        waiting.send(request(API + "/namespaces/hpa/rec", *speaking_for("joe")))
        self.addCleanup(waiting.close)
        probes = [Wire(plimsoll.api, cluster.pki) for _ in range(5)]
        for probe in probes:
            probe.send(fixture("availability-probe.request"))
        for probe in probes:
            self.assertEqual(probe.receive().status, 200)
            probe.close()

    def test_r03_the_group_version_has_one_resource(self):
        """R3: an APIResourceList that is never empty and does not grow with the metrics"""
        resources = self.replay_of("R3")["kubectl-get-group-version"].json()["resources"]
        self.assertEqual([resource["name"] for resource in resources], ["externalmetrics"])
        for path in (API + "/", API + "?timeout=32s"):
            self.assertEqual(self.ask(path, *ADMIN).json()["resources"], resources)

    def test_r04_aggregated_discovery_has_our_group_version(self):
        """R4: v2 and v2beta1 in one Accept, a strong ETag, 304; 406 so that an aggregator falls back; never 503"""
        replies = self.replay_of("R4")
        first = replies["discovery"]
        self.assertEqual(first.header("Content-Type"), V2)
        self.assertRegex(first.header("ETag"), r'^"[0-9A-F]+"$')
        self.assertEqual(replies["discovery-again"].status, 304)
        version = first.json()["items"][0]["versions"][0]
        self.assertEqual((version["version"], version["freshness"]), ("v1beta1", "Current"))
        self.assertEqual(version["resources"][0]["responseKind"]["kind"], "ExternalMetricValueList")
        self.assertEqual(replies["discovery-v2beta1"].json()["apiVersion"], "apidiscovery.k8s.io/v2beta1")
        self.assertEqual(replies["discovery-legacy"].status, 200)
        self.assertEqual(self.ask("/apis", "Accept: " + V2.replace("v=v2", "v=v9"), *ADMIN).status, 406)

    def test_r05_plain_discovery_is_for_people(self):
        """R5: /apis is an APIGroupList and /apis/<group> an APIGroup"""
        groups = self.ask("/apis", *ADMIN).json()
        self.assertEqual((groups["kind"], [g["name"] for g in groups["groups"]]), ("APIGroupList", ["external.metrics.k8s.io"]))
        group = self.ask("/apis/external.metrics.k8s.io", *ADMIN).json()
        self.assertEqual((group["kind"], group["preferredVersion"]["version"]), ("APIGroup", "v1beta1"))

    def test_r06_the_openapi_document_is_empty_and_there(self):
        """R6: /openapi/v2 with an ETag and 304, because a 404 costs an error line a minute; /openapi/v3 may be 404"""
        replies = self.replay_of("R6")
        document = replies["openapi-v2"].json()
        self.assertEqual((document["swagger"], document["paths"]), ("2.0", {}))
        self.assertEqual(replies["openapi-v2-again"].status, 304)
        self.assertEqual(replies["openapi-v3"].status, 404)

    def test_r07_a_read_is_one_item_of_json(self):
        """R7: ExternalMetricValueList as application/json, never 406 where */* is accepted; gzip where it pays"""
        self.assertEqual(self.value(self.replay_of("R7")["hpa-read"]), "40")
        for accept in ("*/*", "application/*", "application/json;q=0.1, application/vnd.kubernetes.protobuf"):
            self.assertEqual(self.read("default/old", "Accept: " + accept, *ADMIN).header("Content-Type"), "application/json")
        self.assertEqual(self.read("default/old", "Accept: application/vnd.kubernetes.protobuf", *ADMIN).status, 406)
        plain = self.read("default/wide")
        packed = self.read("default/wide", "Accept-Encoding: gzip", *ADMIN)
        self.assertIsNone(plain.header("Content-Encoding"))
        self.assertEqual(packed.header("Content-Encoding"), "gzip")
        self.assertEqual((plain.header("Vary"), packed.header("Vary")), ("Accept-Encoding", "Accept-Encoding"))
        self.assertEqual(json.loads(gzip.decompress(packed.body))["items"][0]["metricLabels"],
                         plain.json()["items"][0]["metricLabels"])
        self.assertIsNone(self.read("default/old", "Accept-Encoding: gzip", *ADMIN).header("Content-Encoding"))

    def test_r08_names_are_lower_case(self):
        """R8: names are matched as client-go asks for them, and a name that cannot be asked for is a load error"""
        self.assertEqual(self.value(self.read("default/Old")), "5")
        for name in ("Queued", "a/b", "a%b", ".", "..", "status", "finalize", "a b", ""):
            with self.subTest(name):
                path = write(self.cluster.folder, "bad.yml", f'external_metrics:\n  - {{name: "{name}", query: up}}\n')
                checked = run("check", "config", path)
                self.assertEqual(checked.returncode, 1, checked.stdout)
                self.assertIn("bad.yml:2:", checked.stdout + checked.stderr)
        path = write(self.cluster.folder, "good.yml", 'external_metrics:\n  - {name: a.dot, query: up}\n')
        self.assertEqual(run("check", "config", path).returncode, 0)
        for name in ("status", "finalize", "a.dot"):
            self.assertEqual(self.read("default/" + name).status, 404)

    def test_r09_a_known_metric_without_a_value_is_an_error(self):
        """R9: never 0, never null, never an empty list: 503 with the reason"""
        self.assertEqual(self.replay_of("R9")["hpa-read-without-value"].status, 503)
        for i, (written, expected) in enumerate(VALUES.items()):
            if expected[0].isdigit():
                continue
            with self.subTest(written):
                reply = self.read(f"default/number?labelSelector=i%3D{i}")
                self.assertEqual((reply.status, reply.json()["details"]["causes"]), (503, [{"reason": expected}]))
        several = self.read("default/queued")
        self.assertEqual((several.status, several.json()["details"]["causes"]), (503, [{"reason": "several"}]))

    def test_r10_every_error_is_a_status_that_says_what_is_wrong(self):
        """R10: metav1.Status with a message, never Retry-After: ten retries would block the HPA's worker"""
        self.assertEqual({name: reply.status for name, reply in self.replay_of("R10").items()},
                         {"kubectl-get-unknown": 404, "kubectl-delete": 405, "curl-watch": 405, "curl-cluster-scope": 404})
        for status, path, headers, certificate in [
                (400, API + "/namespaces/default/old?labelSelector=%21", ADMIN, "proxy"),
                (401, API, ADMIN, "wrong-name"), (403, API, [], None), (404, "/nosuch", ADMIN, "proxy"),
                (406, API, ["Accept: text/html", *ADMIN], "proxy"), (414, "/" + "x" * 40_000, ADMIN, "proxy"),
                (431, API, ["X-Long: " + "x" * 70_000, *ADMIN], "proxy"), (503, API + "/namespaces/hpa/empty", ADMIN, "proxy")]:
            with self.subTest(status):
                self.assertEqual(self.ask(path, *headers, certificate=certificate).status, status)
        wire = Wire(self.plimsoll.api, self.cluster.pki)
        self.addCleanup(wire.close)
        reply = wire.ask(b"GET / HTTP/1.1\r\nbad header\r\n\r\n")
        self.check(reply)
        self.assertEqual(reply.status, 400)

    def test_r11_the_whole_selector_grammar_is_known(self):
        """R11: labels.Selector with set operators; what cannot be parsed is 400 in the parser's words"""
        everything = {"A dev": "40", "A old": "2", "B dev": "3"}
        for selector, matched in [
                ("cluster=A,env=dev", "A dev"), ("cluster==B", "B dev"), ("env=old", "A old"), ("cluster!=A", "B dev"),
                ("env in (old,none)", "A old"), ("env notin (dev)", "A old"), ("cluster,env=old,!legacy", "A old"),
                ("env in (dev,prod),cluster notin (A)", "B dev"), ("legacy notin (x),env=old", "A old"), ("!env", None),
                ("cluster=a", None), ("env in ()", None), ("cluster>1", None)]:
            with self.subTest(selector):
                path = "hpa/rec?labelSelector=" + re.sub(r"[^\w ]", lambda c: f"%{ord(c[0]):02X}", selector).replace(" ", "+")
                reply = self.read(path)
                if matched:
                    self.assertEqual(self.value(reply), everything[matched])
                else:
                    self.assertEqual((reply.status, reply.json()["details"]["causes"]), (503, [{"reason": "empty"}]))
        for selector in ("%3Dx", "a+in+%28", "a%3D%3D%3Db", "a+in+b", "%21", "x%3Eone", "a%3D" + "b" * 64):
            with self.subTest(selector):
                self.assertEqual(self.read("hpa/rec?labelSelector=" + selector).status, 400)

    def test_r12_values_are_quantities_within_bounds(self):
        """R12: finite, not negative, below 9.2e15, at most three decimals, one item, printed as a Quantity"""
        for i, (written, expected) in enumerate(VALUES.items()):
            if expected[0].isdigit():
                with self.subTest(written):
                    self.assertEqual(self.value(self.read(f"default/number?labelSelector=i%3D{i}")), expected)
        self.assertEqual(self.value(self.read("default/number-up?labelSelector=i%3Dtiny")), "1m")
        self.assertEqual(self.value(self.read("default/number?labelSelector=i%3Dtiny")), "0")

    def test_r13_the_time_is_the_samples_and_old_values_end(self):
        """R13: timestamp is the time of the scraped sample, window its range in seconds; max_age is enforced"""
        item = self.read("default/old").json()["items"][0]
        self.assertEqual(item["timestamp"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.cluster.scraped_at)))
        self.assertEqual(item["window"], 0)
        self.assertEqual(self.read("default/queued-max").json()["items"][0]["window"], 60)
        reply = self.read("default/too-old")
        self.assertEqual((reply.status, reply.json()["details"]["causes"]), (503, [{"reason": "stale"}]))

    def test_r14_callers_are_known_in_the_api_servers_order(self):
        """R14: front proxy, then client certificate, then token, then anonymous; an untrusted certificate is 401"""
        path = API + "/namespaces/default/old"
        tokens = self.cluster.server.count("tokenreviews")
        bearer = ["Authorization: Bearer good-token"]
        for what, headers, certificate, status in [
                ("the front proxy speaks before a token does", [*speaking_for("joe"), "Authorization: Bearer good-token"], "proxy", 403),
                ("the front proxy", speaking_for(HPA), "proxy", 200),
                ("the front proxy without a user", [], "proxy", 401),
                ("a name that may not forward", ADMIN, "wrong-name", 401),
                ("an unknown authority", ADMIN, "stranger", 401),
                ("a client certificate is its own user, whatever it claims", ADMIN, "hpa", 403),
                ("headers alone make nobody", ADMIN, None, 403),
                ("nobody", [], None, 403)]:
            with self.subTest(what):
                self.assertEqual(self.ask(path, *headers, certificate=certificate).status, status)
        self.assertEqual(self.cluster.server.count("tokenreviews"), tokens)
        self.assertEqual(self.ask(path, *bearer, certificate=None).status, 200)
        self.assertEqual(self.ask(path, "Authorization: Bearer garbage", certificate=None).status, 401)
        self.assertEqual(self.ask(path, *bearer, certificate="wrong-name").status, 200)
        self.assertIn("hpa-controller", self.ask(path, certificate="hpa").json()["message"])

    def test_r15_access_is_reviewed_and_remembered(self):
        """R15: SubjectAccessReview with a cache; system:masters, health and forwarded discovery ask nobody"""
        server = self.cluster.server
        self.replay_of("R7")  # the HPA controller is allowed, and known for ten seconds
        spec = next(review["spec"] for _, _, review in server.reviews if review["spec"].get("uid"))
        self.assertEqual(spec["resourceAttributes"], {"namespace": "hpa", "verb": "list", "group": "external.metrics.k8s.io",
                                                      "version": "v1beta1", "resource": "rec"})
        self.assertEqual(spec["uid"], "3e8f2b7c-94d1-4a86-b0a5-61c7d9e2f408")
        self.assertEqual(spec["extra"], {"authentication.kubernetes.io/credential-id": ["JTI=c1d6a7a4-54f3-4f0e-a1d7-5f0b7a6e9c21"]})
        self.assertIn("system:serviceaccounts:kube-system", spec["groups"])
        asked = server.count("subjectaccessreviews")
        for _ in range(5):
            self.assertEqual(self.read("default/old").status, 200)
            for name in ("discovery", "discovery-legacy", "openapi-v2", "availability-probe"):
                self.assertEqual(self.cluster.once(self.plimsoll, fixture(name + ".request")).status, 200)
            for path in ("/healthz", "/livez", "/readyz"):
                self.assertEqual(self.cluster.once(self.plimsoll, request(path), certificate=None).status, 200)
        self.assertEqual(server.count("subjectaccessreviews"), asked)
        self.assertEqual(self.read("hpa/rec", *speaking_for("joe")).status, 403)

    def test_r16_whatever_rotates_is_read_again(self):
        """R16: serving certificate, client CA, request-header CA and our own token change without a restart"""
        cluster = self.own()
        plimsoll = cluster.start()
        pki = cluster.pki
        kept = Wire(plimsoll.api, pki)
        self.addCleanup(kept.close)
        read = request(API + "/namespaces/default/old", *ADMIN)
        self.assertEqual(kept.ask(read).status, 200)

        first = serial(plimsoll.api, pki)
        pki.leaf("renewed", "ca", "plimsoll", f"subjectAltName=DNS:{NAME}\nextendedKeyUsage=serverAuth")
        for suffix in (".key", ".crt"):
            os.replace(pki.file("renewed" + suffix), pki.file("serving" + suffix))
        eventually(lambda: serial(plimsoll.api, pki) != first, "the new serving certificate")
        self.assertEqual(kept.ask(read).status, 200)

        pki._ca("next-proxy-ca")
        pki.leaf("next-proxy", "next-proxy-ca", "front-proxy-client", "extendedKeyUsage=clientAuth")
        pki.leaf("next-reader", "next-proxy-ca", "reader", "extendedKeyUsage=clientAuth")
        both = text(pki.file("proxy-ca.crt")) + text(pki.file("next-proxy-ca.crt"))
        cluster.server.change(requestheader_client_ca_file=both, client_ca_file=text(pki.file("next-proxy-ca.crt")))
        eventually(lambda: cluster.once(plimsoll, read, "next-proxy").status == 200, "the new request-header CA")
        self.assertEqual(cluster.once(plimsoll, request(API + "/namespaces/default/old"), "next-reader").status, 200)
        self.assertEqual(kept.ask(read).status, 200)

        write(cluster.folder, "token", "second-token\n")
        self.assertEqual(cluster.once(plimsoll, request(API + "/namespaces/hpa/rec", *speaking_for("ann"))).status, 403)
        self.assertEqual(cluster.server.reviews[-1][1], "Bearer second-token")

    def test_r17_reads_are_answered_from_memory(self):
        """R17: a read asks no engine, and is answered while the engine is silent"""
        cluster = self.own()
        plimsoll = cluster.start()
        read = request(API + "/namespaces/default/held", *ADMIN)
        wire = Wire(plimsoll.api, cluster.pki)
        self.addCleanup(wire.close)
        start, before = time.monotonic(), len(cluster.engine.requests)
        for _ in range(200):
            self.assertEqual(wire.ask(read).status, 200)
        self.assertLessEqual(len(cluster.engine.requests) - before, time.monotonic() - start + 2)  # one scrape a second
        going = threading.Event()
        self.addCleanup(going.set)
        cluster.engine.server.RequestHandlerClass.do_GET = lambda handler: going.wait(PATIENCE)
        eventually(lambda: plimsoll.query("up == 0"), "a scrape that failed")
        self.assertEqual(self.value(wire.ask(read)), "10500m")

    def test_r18_probes_that_are_aborted_are_nothing(self):
        """R18: kube-apiserver drops four of five probes: no line in the log, no error counted"""
        lines, failures = len(self.plimsoll.log), self.failures_counted()
        for reset in (False, True):
            probes = [Wire(self.plimsoll.api, self.cluster.pki) for _ in range(5)]
            for probe in probes:
                probe.send(fixture("availability-probe.request"))
            for probe in probes[1:]:
                if reset:
                    probe.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                probe.close()
            self.assertEqual(probes[0].receive().status, 200)
            probes[0].close()
        self.assertEqual(self.plimsoll.log[lines:], [])
        self.assertEqual(self.failures_counted(), failures)

    def failures_counted(self):
        return [line for line in self.plimsoll.get("/metrics").body.splitlines()
                if line.startswith("plimsoll_http_requests_total") and 'listener="api"' in line and 'code="5' in line]

    def test_r19_a_dead_engine_leaves_the_api_available(self):
        """R19: readiness is configuration, ConfigMap and listener; never an engine"""
        cluster = self.own(target=free_tcp_port_without_listener())
        cluster.server.breaks(True)
        plimsoll = cluster.start(wait=False)
        eventually(lambda: plimsoll.get("/readyz").status == 503, "unready before the ConfigMap was read")
        self.assertEqual(plimsoll.get("/livez").status, 200)
        cluster.server.breaks(False)
        eventually(lambda: plimsoll.get("/readyz").status == 200, "ready, though the engine is dead")
        self.assertEqual(cluster.once(plimsoll, request("/readyz"), certificate=None).status, 200)
        self.assertEqual(cluster.once(plimsoll, fixture("availability-probe.request")).status, 200)
        reply = eventually(lambda: (r := cluster.once(plimsoll, fixture("hpa-read.request"))).status == 503 and b"has failed since" in r.body and r,
                           "an error that says why")
        self.check(reply)
        self.assertIn("has failed since", reply.json()["message"])

    def test_r20_replicas_need_no_leader(self):
        """R20: two processes of one configuration answer alike, and either is enough"""
        cluster = self.own()
        replicas = [cluster.start(), cluster.start()]
        bodies = set()
        for plimsoll in replicas:
            for name in ("discovery", "availability-probe", "openapi-v2"):
                bodies.add((name, cluster.once(plimsoll, fixture(name + ".request")).body))
            items = cluster.once(plimsoll, fixture("hpa-read.request")).json()["items"]
            bodies.add(("hpa-read", json.dumps([{k: v for k, v in item.items() if k != "timestamp"} for item in items])))
            bodies.add(("old", cluster.once(plimsoll, request(API + "/namespaces/default/old", *ADMIN)).body))
        self.assertEqual(len(bodies), 5, bodies)
        replicas[0].stop()
        self.assertEqual(cluster.once(replicas[1], fixture("hpa-read.request")).status, 200)


if __name__ == "__main__":
    unittest.main()
