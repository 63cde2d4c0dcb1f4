# SPDX-License-Identifier: Apache-2.0
"""The binary as a process, targets that behave as told, and certificates made for one test.

Everything listens on loopback and on ports that the system chooses. Waiting is asking again until a
deadline that is far beyond what is needed; no test passes or fails by how fast the machine is.
"""
import http.client
import http.server
import json
import os
import queue
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse

BINARY = os.environ.get("PLIMSOLL", "build/plimsoll")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 60


def eventually(ask, what, within=PATIENCE):
    """Calls ask() until it returns something true, and returns it. `what` may be a function that says what is wrong."""
    end = time.monotonic() + within
    pause = threading.Event()
    while True:
        last = ask()
        if last:
            return last
        if time.monotonic() > end:
            raise AssertionError(f"never came true: {what() if callable(what) else what}")
        pause.wait(0.05)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Target:
    """A server whose answers are a function: respond(handler) writes to the socket what it likes."""

    def __init__(self, respond, port=0):
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append((self.path, dict(self.headers)))
                try:
                    respond(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def page(text, content_type="text/plain; version=0.0.4", status=200, headers=()):
    """A respond function for a fixed page; `text` may be a function that returns it."""

    def respond(handler):
        body = text() if callable(text) else text
        body = body.encode() if isinstance(body, str) else body
        handler.send_response(status)
        if content_type:
            handler.send_header("Content-Type", content_type)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


class Plimsoll:
    """The running sidecar; ports are read from its log."""

    def __init__(self, *arguments, api=False):
        self.log = []
        self.process = subprocess.Popen(
            [BINARY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.ops = self._port("ops")
        self.api = self._port("api") if api else None

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def _port(self, listener):
        while True:
            line = self._lines.get(timeout=PATIENCE)
            if line is None:
                raise AssertionError("the process left: " + "".join(self.log))
            match = re.search(rf"{listener} listener on port (\d+)", line)
            if match:
                return int(match.group(1))

    def get(self, path, headers=None, method="GET", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.ops, timeout=PATIENCE)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode("utf-8", "replace"))
        finally:
            connection.close()

    def query(self, expression):
        answer = self.get("/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        return [(item["metric"], float(item["value"][1])) for item in answer.json()["data"]["result"]]

    def metric(self, series):
        """The value of a series of /metrics, spelled as there; None when it is absent."""
        for line in self.get("/metrics").body.splitlines():
            if line.startswith(series + " "):
                return float(line.split()[-1])
        return None

    def external(self, pki, namespace, name, selector="", certificate="hpa", headers=None, path=None):
        context = ssl.create_default_context(cafile=pki.file("ca.crt"))
        if certificate:
            context.load_cert_chain(pki.file(certificate + ".crt"), pki.file(certificate + ".key"))
        if path is None:
            path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{name}"
            if selector:
                path += "?" + urllib.parse.urlencode({"labelSelector": selector})
        connection = http.client.HTTPSConnection("127.0.0.1", self.api, context=context, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=headers or {"Accept": "application/json"})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        """Returns: the exit code and how long it took to leave, in seconds."""
        start = time.monotonic()
        if self.process.poll() is None:
            self.send(number)
        code = self.process.wait(timeout=PATIENCE)
        took = time.monotonic() - start
        self.process.stdout.close()
        return code, took


class Pki:
    """A CA, a serving certificate and client certificates, in a folder of their own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="plimsoll-pki-")
        self._ca("ca")
        self._ca("stranger-ca")
        self.leaf("serving", "ca", "plimsoll", "subjectAltName=DNS:plimsoll.plimsoll.svc,IP:127.0.0.1\nextendedKeyUsage=serverAuth")
        client = "extendedKeyUsage=clientAuth"
        self.leaf("hpa", "ca", "hpa-controller", client)
        self.leaf("proxy", "ca", "front-proxy-client", client)
        self.leaf("stranger", "stranger-ca", "hpa-controller", client)

    def file(self, name):
        return os.path.join(self.folder, name)

    def _openssl(self, *arguments, text=None):
        subprocess.run(["openssl", *arguments], check=True, cwd=self.folder, input=text, text=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _ca(self, name):
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", f"/CN={name}", "-keyout", name + ".key", "-out", name + ".crt")

    def leaf(self, name, ca, common_name, extensions):
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", f"/CN={common_name}/O=scalers", "-keyout", name + ".key", "-out", name + ".csr")
        with open(self.file(name + ".ext"), "w", encoding="utf-8") as out:
            out.write(extensions + "\n")
        self._openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".crt", "-CAkey", ca + ".key", "-CAcreateserial",
                      "-days", "2", "-extfile", name + ".ext", "-out", name + ".crt")

    def flags(self):
        return ["--secure-port=-1", "--bind-address=127.0.0.1", "--tls-cert-file", self.file("serving.crt"),
                "--tls-private-key-file", self.file("serving.key"), "--client-ca-file", self.file("ca.crt")]

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def run(*arguments, stdin=None):
    """A verb that ends by itself."""
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, cwd=ROOT, input=stdin, timeout=PATIENCE)


_RESERVED = []


def free_tcp_port_without_listener():
    """An address that refuses connections, for as long as the test runs: it is bound and nobody listens."""
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    _RESERVED.append(probe)
    return f"127.0.0.1:{probe.getsockname()[1]}"
