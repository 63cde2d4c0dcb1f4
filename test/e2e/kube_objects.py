# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API server as far as managed certificates ask it: objects by collection and name, listed by name, watched,
read, and changed by merge patches that name a version. Reviews are answered, too."""
import base64
import copy
import http.server
import json
import ssl
import threading
import urllib.parse

SECRETS = "/api/v1/namespaces/default/secrets"
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
MAPS = "/api/v1/namespaces/kube-system/configmaps"
SERVICE_NAME = "v1beta1.external.metrics.k8s.io"


class KubeObjects:
    def __init__(self, pki):
        self.changed = threading.Condition()
        self.version = 1
        self.objects = {}    # (collection, name): object
        self.history = []    # (version, collection, type, object)
        self.refused = {}    # "METHOD collection": status
        self.calls = []      # (method, path, authorization)
        self.conflicts = 0
        self.broken = False
        self.closing = False
        self.allowed = lambda spec: True
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                    self.close_connection = True

            def do_GET(self):
                outer.get(self)

            def do_PATCH(self):
                outer.patch(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def do_POST(self):
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                review["status"] = {"allowed": bool(outer.allowed(review["spec"]))}
                outer.answer(self, 201, review)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.file("serving.crt"), pki.file("serving.key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.address = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @staticmethod
    def answer(handler, status, document):
        body = json.dumps(document).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def refuses(self, handler, collection):
        self.calls.append((handler.command, handler.path, handler.headers.get("Authorization")))
        status = 500 if self.broken else self.refused.get(f"{handler.command} {collection}")
        if status:
            self.answer(handler, status, {"kind": "Status", "message": "refused by the test"})
        return bool(status)

    def get(self, handler):
        path, _, query = handler.path.partition("?")
        fields = urllib.parse.parse_qs(query)
        if "fieldSelector" not in fields:
            collection, _, name = path.rpartition("/")
            if self.refuses(handler, collection):
                return
            with self.changed:
                found = copy.deepcopy(self.objects.get((collection, name)))
            return self.answer(handler, 200 if found else 404, found or {"kind": "Status", "message": f"{name} not found"})
        if self.refuses(handler, path):
            return
        name = fields["fieldSelector"][0].partition("=")[2]
        if "watch" in fields:
            return self.watch(handler, path, name, int(fields["resourceVersion"][0]))
        with self.changed:
            items = [copy.deepcopy(self.objects[key]) for key in self.objects if key == (path, name)]
            version = self.version
        self.answer(handler, 200, {"metadata": {"resourceVersion": str(version)}, "items": items})

    def watch(self, handler, collection, name, seen):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.flush()
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.version > seen or self.closing or self.broken)
                if self.closing or self.broken:
                    handler.close_connection = True
                    return
                events = [{"type": kind, "object": thing} for version, place, kind, thing in self.history
                          if version > seen and place == (collection, name)]
                seen = self.version
            for event in events:
                line = json.dumps(event).encode() + b"\n"
                handler.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            handler.wfile.flush()

    def patch(self, handler, patch):
        collection, _, name = handler.path.rpartition("/")
        if self.refuses(handler, collection):
            return
        with self.changed:
            found = self.objects.get((collection, name))
            if found is None:
                return self.answer(handler, 404, {"message": f"{name} not found"})
            if patch["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
                self.conflicts += 1
                return self.answer(handler, 409, {"message": "the object has been modified"})
            merged = copy.deepcopy(found)
            for section, values in patch.items():
                if section != "metadata":
                    merged.setdefault(section, {}).update(values)
            self._put(collection, name, merged)
            done = copy.deepcopy(merged)
        self.answer(handler, 200, done)

    def _put(self, collection, name, thing):
        self.version += 1
        thing["metadata"]["resourceVersion"] = str(self.version)
        kind = "MODIFIED" if (collection, name) in self.objects else "ADDED"
        self.objects[(collection, name)] = thing
        self.history.append((self.version, (collection, name), kind, copy.deepcopy(thing)))
        self.changed.notify_all()

    def put(self, collection, name, **sections):
        kind = {SECRETS: "Secret", SERVICES: "APIService", MAPS: "ConfigMap"}[collection]
        with self.changed:
            self._put(collection, name, {"kind": kind, "metadata": {"name": name}, **sections})

    def put_secret(self, data=None):
        self.put(SECRETS, "plimsoll-serving-cert", data={key: base64.b64encode(text.encode()).decode()
                                                         for key, text in (data or {}).items()})

    def put_service(self, name="plimsoll", bundle=""):
        self.put(SERVICES, SERVICE_NAME, spec={"service": {"namespace": "default", "name": name, "port": 443},
                                               "caBundle": base64.b64encode(bundle.encode()).decode()})

    def bundle(self):
        with self.changed:
            return base64.b64decode(self.objects[(SERVICES, SERVICE_NAME)]["spec"].get("caBundle", "")).decode()

    def secret(self):
        with self.changed:
            data = self.objects[(SECRETS, "plimsoll-serving-cert")].get("data", {})
            return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def breaks(self, broken):
        with self.changed:
            self.broken = broken
            self.changed.notify_all()

    def count(self, method, collection):
        return sum(1 for each, path, _ in self.calls if each == method and path.startswith(collection))

    def close(self):
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
