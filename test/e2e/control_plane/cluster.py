# SPDX-License-Identifier: Apache-2.0
"""etcd, kube-apiserver and kube-controller-manager, started for one test program in its own network.

What they write is in the folder LOGS. The HPA controller looks every second and has no scale-in window of its own.
"""
import atexit
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import threading

from certificates import CLIENT, SERVER, Certificates
from harness import PATIENCE, ROOT, eventually
from sandbox import SUBNET

BINARIES = os.environ.get("CONTROL_PLANE", os.path.join(ROOT, ".cache", "control-plane"))
ADDRESS = f"{SUBNET}.0.1"
PORT = 6443
ETCD = "http://127.0.0.1:2379"
CONTROLLERS = ["clusterrole-aggregation-controller", "deployment-controller", "endpoints-controller", "endpointslice-controller",
               "garbage-collector-controller", "horizontal-pod-autoscaler-controller", "namespace-controller",
               "replicaset-controller", "root-ca-certificate-publisher-controller", "serviceaccount-controller",
               "serviceaccount-token-controller"]
EXTERNAL = "/apis/external.metrics.k8s.io/v1beta1"
API_SERVICE = "v1beta1.external.metrics.k8s.io"


class Cluster:
    """The running control plane; `certificates` holds what it was started with, and it reads these files again."""

    def __init__(self, name, gates=""):
        self.gates = gates
        self.folder = tempfile.mkdtemp(prefix=f"plimsoll-{name}-")
        self.logs = os.path.join(os.environ.get("LOGS", self.folder), name)
        os.makedirs(self.logs, exist_ok=True)
        self.processes = {}
        self.local = threading.local()
        self.certificates = Certificates(os.path.join(self.folder, "pki"))
        self._make_certificates()
        atexit.register(self.stop)
        self._start_etcd()
        self._start_apiserver()
        eventually(lambda: self.answers("/readyz"), "kube-apiserver is ready")
        self._start_controllers()
        for namespace in ("default", "kube-system"):
            eventually(lambda: self.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/default"), "service accounts")

    def _make_certificates(self):
        made = self.certificates
        for authority in ("ca", "front-proxy-ca", "serving-ca"):
            made.authority(authority)
        made.write("clients.crt", made.text("ca.crt"))
        made.leaf("apiserver", "ca", "/CN=kube-apiserver", SERVER,
                  ["DNS:kubernetes.default.svc", "DNS:localhost", "IP:127.0.0.1", f"IP:{ADDRESS}"])
        made.leaf("admin", "ca", "/O=system:masters/CN=admin", CLIENT)
        made.leaf("controllers", "ca", "/CN=system:kube-controller-manager", CLIENT)
        made.leaf("front-proxy-client", "front-proxy-ca", "/CN=front-proxy-client", CLIENT)
        made.signing_key("service-accounts")
        for user in ("admin", "controllers"):
            self.kubeconfig(user)
        self.admin = made.file("admin.kubeconfig")

    def kubeconfig(self, user, certificate=None):
        """Writes USER.kubeconfig for a client certificate."""
        certificate = certificate or user
        self.certificates.write(user + ".kubeconfig", json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": f"https://{ADDRESS}:{PORT}",
                                                   "certificate-authority": self.certificates.file("ca.crt")}}],
            "users": [{"name": "u", "user": {"client-certificate": self.certificates.file(certificate + ".crt"),
                                             "client-key": self.certificates.file(certificate + ".key")}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}))

    def start(self, name, *command):
        with open(self.log_file(name), "ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                                    cwd=self.folder)

    def log_file(self, name):
        return os.path.join(self.logs, name + ".log")

    def log(self, name):
        with open(self.log_file(name), encoding="utf-8", errors="replace") as log:
            return log.read()

    def _start_etcd(self):
        self.start("etcd", os.path.join(BINARIES, "etcd"), "--name=e", "--data-dir", os.path.join(self.folder, "etcd"),
                   "--unsafe-no-fsync", "--log-level=warn",
                   f"--listen-client-urls={ETCD}", f"--advertise-client-urls={ETCD}",
                   "--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380",
                   "--initial-cluster=e=http://127.0.0.1:2380")

    def _start_apiserver(self):
        file = self.certificates.file
        self.start("kube-apiserver", os.path.join(BINARIES, "kube-apiserver"),
                   f"--etcd-servers={ETCD}", f"--bind-address={ADDRESS}", f"--advertise-address={ADDRESS}",
                   f"--secure-port={PORT}", "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16",
                   "--tls-cert-file", file("apiserver.crt"), "--tls-private-key-file", file("apiserver.key"),
                   "--client-ca-file", file("clients.crt"),
                   "--requestheader-client-ca-file", file("front-proxy-ca.crt"),
                   "--requestheader-allowed-names=front-proxy-client", "--requestheader-username-headers=X-Remote-User",
                   "--requestheader-uid-headers=X-Remote-Uid", "--requestheader-group-headers=X-Remote-Group",
                   "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                   "--proxy-client-cert-file", file("front-proxy-client.crt"),
                   "--proxy-client-key-file", file("front-proxy-client.key"),
                   # There is no kube-proxy: Services are resolved to the addresses of their EndpointSlices.
                   "--enable-aggregator-routing=true",
                   "--service-account-key-file", file("service-accounts.pub"),
                   "--service-account-signing-key-file", file("service-accounts.key"),
                   "--service-account-issuer=https://kubernetes.default.svc", "--authorization-mode=RBAC",
                   "--cert-dir", os.path.join(self.folder, "apiserver"), "--feature-gates", self.gates, "-v=2")

    def _start_controllers(self):
        file = self.certificates.file
        self.start("kube-controller-manager", os.path.join(BINARIES, "kube-controller-manager"),
                   "--kubeconfig", file("controllers.kubeconfig"), "--secure-port=0", "--leader-elect=false",
                   "--use-service-account-credentials=true",
                   "--service-account-private-key-file", file("service-accounts.key"), "--root-ca-file", file("ca.crt"),
                   "--controllers=" + ",".join(CONTROLLERS),
                   "--horizontal-pod-autoscaler-sync-period=1s",
                   "--horizontal-pod-autoscaler-downscale-stabilization=0s",
                   "--horizontal-pod-autoscaler-initial-readiness-delay=1s",
                   "--horizontal-pod-autoscaler-cpu-initialization-period=1s",
                   # Many HPAs shall wait for us and not for the client's own limit.
                   "--kube-api-qps=500", "--kube-api-burst=1000", "-v=2")

    def stop(self):
        for name in reversed(list(self.processes)):
            process = self.processes.pop(name)
            process.kill()
            process.wait()

    # ---- asking ----

    def connection(self, user="admin"):
        context = ssl.create_default_context(cafile=self.certificates.file("ca.crt"))
        if user:
            context.load_cert_chain(self.certificates.file(user + ".crt"), self.certificates.file(user + ".key"))
        return http.client.HTTPSConnection(ADDRESS, PORT, context=context, timeout=PATIENCE)

    def answers(self, path):
        try:
            return self.request("GET", path)[0] == 200
        except OSError:
            if self.processes["kube-apiserver"].poll() is not None:
                raise AssertionError("kube-apiserver left:\n" + self.log("kube-apiserver")[-4000:]) from None
            return False

    def request(self, method, path, body=None, content_type="application/json", headers=None):
        """As admin, on a connection of the calling thread. Returns: status, document or text."""
        for attempt in (0, 1):
            kept = getattr(self.local, "connection", None)
            if kept is None:
                kept = self.local.connection = self.connection()
            try:
                kept.request(method, path, None if body is None else json.dumps(body),
                             {"Content-Type": content_type, "Accept": "application/json", **(headers or {})})
                response = kept.getresponse()
                text = response.read().decode("utf-8", "replace")
                return response.status, json.loads(text) if text.startswith("{") else text
            except (http.client.HTTPException, OSError):
                kept.close()
                self.local.connection = None
                if attempt:
                    raise
        return None

    def get(self, path):
        """The object, or None when there is none."""
        status, document = self.request("GET", path)
        if status == 404:
            return None
        if status != 200:
            raise AssertionError(f"GET {path}: {status} {document}")
        return document

    def create(self, path, document):
        status, answer = self.request("POST", path, document)
        if status not in (200, 201):
            raise AssertionError(f"POST {path}: {status} {answer}")
        return answer

    def delete(self, path, body=None):
        self.request("DELETE", path, body)

    def patch(self, path, document, kind="strategic-merge-patch"):
        status, answer = self.request("PATCH", path, document, f"application/{kind}+json")
        if status != 200:
            raise AssertionError(f"PATCH {path}: {status} {answer}")
        return answer

    def kubectl(self, *arguments, stdin=None, check=True):
        """Returns: the finished process; its output as text."""
        done = subprocess.run([os.path.join(BINARIES, "kubectl"), "--kubeconfig", self.admin,
                               "--cache-dir", os.path.join(self.folder, "kubectl"), *arguments],
                              capture_output=True, text=True, input=stdin, cwd=ROOT)
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done

    # ---- what the tests look at ----

    def available(self):
        """The condition Available of our APIService as (status, reason, message)."""
        document = self.get(f"/apis/apiregistration.k8s.io/v1/apiservices/{API_SERVICE}") or {}
        for condition in document.get("status", {}).get("conditions", []):
            if condition["type"] == "Available":
                return condition["status"], condition["reason"], condition["message"]
        return None

    def read(self, namespace, metric, selector=""):
        """One external metric through kube-apiserver: (status, document)."""
        path = f"{EXTERNAL}/namespaces/{namespace}/{metric}"
        return self.request("GET", path + (f"?labelSelector={selector}" if selector else ""))

    def value(self, namespace, metric, selector=""):
        """The quantity that is served, or None; other adapters may answer with an empty list."""
        status, document = self.read(namespace, metric, selector)
        return document["items"][0]["value"] if status == 200 and document["items"] else None
