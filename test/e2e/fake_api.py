# SPDX-License-Identifier: Apache-2.0
"""What every pretended Kubernetes API server of these tests shares: a server on a free port, answers in JSON, watches that
send a line at a time and end when the server closes or breaks, and the kubeconfig that leads to it.

A server keeps its objects itself; `changed` guards them, `version` is the newest resourceVersion."""
import http.server
import json
import ssl
import threading

from harness import write

GONE = (BrokenPipeError, ConnectionResetError, ssl.SSLError)
OUT_OF_ORDER = {"kind": "Status", "message": "out of order"}


class Handler(http.server.BaseHTTPRequestHandler):
    """A request; the subclass has the methods. A client that goes away is nobody's error."""
    protocol_version = "HTTP/1.1"

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except GONE:
            self.close_connection = True

    def document(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_lines(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def send_lines(self, documents):
        for document in documents:
            line = json.dumps(document).encode() + b"\n"
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.flush()

    def log_message(self, *args):
        pass


class FakeApi:
    """`methods` is a subclass of Handler. With `pki` the server speaks TLS with its serving pair."""

    def __init__(self, methods, pki=None):
        self.changed = threading.Condition()
        self.version = 1
        self.broken = False  # answers by 500, and ends its watches
        self.closing = False
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), methods)
        self.server.daemon_threads = True
        self.pki = pki
        if pki:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pki.file("serving.crt"), pki.file("serving.key"))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.address = f"http{'s' if pki else ''}://127.0.0.1:{self.server.server_address[1]}"

    def begin(self):
        """Serves from here on; the subclass has all that its methods need."""
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def watch(self, handler, news, seen):
        """Sends what `news(version)` has of what came after it, until the server closes or breaks."""
        handler.begin_lines()
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.version > seen or self.closing or self.broken)
                if self.closing or self.broken:
                    handler.close_connection = True
                    return
                lines = news(seen)
                seen = self.version
            handler.send_lines(lines)

    def breaks(self, broken):
        with self.changed:
            self.broken = broken
            self.changed.notify_all()

    def close(self):
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()

    def kubeconfig(self, folder, token):
        """Writes a kubeconfig that leads here with this token, and says where it is."""
        write(folder, "token", token + "\n")
        return write(folder, "kubeconfig", f"""
apiVersion: v1
kind: Config
current-context: c
contexts: [{{name: c, context: {{cluster: h, user: u}}}}]
clusters: [{{name: h, cluster: {{server: "{self.address}", certificate-authority: {self.pki.file("ca.crt")}}}}}]
users: [{{name: u, user: {{tokenFile: token}}}}]
""")


def authentication(pki, authority="proxy-ca", **more):
    """The data of the ConfigMap extension-apiserver-authentication."""
    def text(name):
        with open(pki.file(name), encoding="utf-8") as source:
            return source.read()

    return {"client-ca-file": text("ca.crt"),
            "requestheader-client-ca-file": text(f"{authority}.crt"),
            "requestheader-allowed-names": '["front-proxy-client"]',
            "requestheader-username-headers": '["X-Remote-User"]',
            "requestheader-group-headers": '["X-Remote-Group"]',
            "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
            **{name.replace("_", "-"): value for name, value in more.items()}}
