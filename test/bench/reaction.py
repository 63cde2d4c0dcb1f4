# SPDX-License-Identifier: Apache-2.0
"""From a change of the engine to the value that is served and to spec.replicas, before a real HPA controller.

Three ways, one after the other, each before a control plane of its own: a sidecar that owns the API, a hub that scrapes
that sidecar, prometheus-adapter on Prometheus. All scrape every second, and the controller looks every second. The engine
changes at random moments; served values are asked for every few milliseconds, spec.replicas is watched.
"""
import http.client
import json
import os
import random
import ssl
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e", "control_plane"), os.path.join(HERE, "..", "e2e")]

WAYS = ("standalone", "hub", "adapter")
PAUSE = 0.005  # between two questions for the served value
VALUES = (3, 5)
HEAD = "| Way | Step | p50 s | p90 s | most s |\n|---|---|--:|--:|--:|"

SIDECAR = """
apiVersion: v1
kind: Namespace
metadata: {name: work}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: plimsoll-discovery, namespace: work}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: plimsoll-discovery}
subjects: [{kind: ServiceAccount, name: plimsoll, namespace: plimsoll}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: sidecar, namespace: work}
data: {plimsoll.yml: CONFIG}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: engine, namespace: work}
spec:
  selector: {matchLabels: {app: engine}}
  template:
    metadata: {labels: {app: engine, plimsoll/engine: engine}}
    spec:
      nodeName: node
      automountServiceAccountToken: false
      containers:
        - name: plimsoll
          image: plimsoll:latest
          args: [--config.file=/etc/plimsoll/plimsoll.yml, "--web.listen-address=0.0.0.0:7546", --secure-port=0]
          ports: [{name: plimsoll-http, containerPort: 7546}]
          volumeMounts: [{name: config, mountPath: /etc/plimsoll, readOnly: true}]
      volumes: [{name: config, configMap: {name: sidecar}}]
"""


class Engine:
    """One number, which changes at a moment that is written down, and so is the first scrape that has it."""

    def __init__(self, namespace):
        from harness import Target, page
        self.namespace = namespace
        self.value, self.scraped = VALUES[0], None
        self.target = Target(page(self.text, headers=[("Connection", "close")]))
        self.address = self.target.address

    def text(self):
        if self.scraped is None:
            self.scraped = time.monotonic()
        return f'queued{{namespace="{self.namespace}"}} {self.value}\n'

    def change(self, value):
        self.value, self.scraped = value, None
        return time.monotonic()


class Moments:
    """When each value was first seen."""

    def __init__(self):
        self.seen = {}
        self.lock = threading.Condition()

    def forget(self):
        with self.lock:
            self.seen.clear()

    def note(self, value):
        with self.lock:
            self.seen.setdefault(value, time.monotonic())
            self.lock.notify_all()

    def when(self, value):
        with self.lock:
            if not self.lock.wait_for(lambda: value in self.seen, timeout=60):
                raise AssertionError(f"{value} was never seen")
            return self.seen[value]


def poll(read, moments):
    """Asks for ever on a thread of its own; read() returns a number or None."""

    def run():
        while True:
            value = read()
            if value is not None:
                moments.note(value)
            time.sleep(PAUSE)

    threading.Thread(target=run, daemon=True).start()


def served(cluster, address, namespace):
    """Reads at the server itself on a kept connection, as kube-apiserver's administrator."""
    context = ssl._create_unverified_context()
    context.load_cert_chain(cluster.certificates.file("admin.crt"), cluster.certificates.file("admin.key"))
    kept = [None]
    path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/queued"

    def read():
        try:
            kept[0] = kept[0] or http.client.HTTPSConnection(address, 6443, context=context, timeout=30)
            kept[0].request("GET", path, headers={"Accept": "application/json"})
            response = kept[0].getresponse()
            body = response.read()
            return int(json.loads(body)["items"][0]["value"]) if response.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            kept[0] = None
            return None

    return read


def exported(pod):
    """Reads a sidecar's own answer on the ops port."""

    def read():
        try:
            return json.loads(pod.page("/api/v1/external/work/queued")).get("value")
        except (OSError, http.client.HTTPException, ValueError):
            return None

    return read


def watch_replicas(cluster, scaler, moments):
    path = scaler.deployment.rsplit("/", 1)[0] + f"?watch=1&fieldSelector=metadata.name%3D{scaler.name}"
    connection = cluster.connection()
    connection.timeout = None
    connection.request("GET", path)
    response = connection.getresponse()

    def run():
        for line in response:
            moments.note(json.loads(line)["object"]["spec"].get("replicas"))

    threading.Thread(target=run, daemon=True).start()


def prepare(way, cluster, node):
    """Returns: the engine, the namespace, and (step, read) for each place where the value is served."""
    from harness import eventually
    from hub import Hub, config as hub_config
    from peers import Prometheus, PrometheusAdapter
    from scene import config, metric
    from standalone import Standalone
    namespace = {"standalone": "trino", "hub": "work", "adapter": "work"}[way]
    engine = Engine(namespace)
    own = config(metric("queued", namespaces=f"[{namespace}]", max_age="1m"), engine=engine)
    if way == "standalone":
        Standalone(cluster, own).available()
        pod = node.pod("trino-coordinator")
        return engine, namespace, [("served", served(cluster, pod.address, namespace))]
    if way == "hub":
        hub = Hub(cluster, hub_config(["work"]), components=())
        cluster.kubectl("apply", "-f", "-", stdin=SIDECAR.replace("CONFIG", json.dumps(own)))
        hub.available()
        pod = node.pod("engine")
        address = hub.addresses()[0]
        return engine, namespace, [("served by the sidecar", exported(pod)), ("served by the hub", served(cluster, address, namespace))]
    cluster.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    prometheus = Prometheus(cluster, engine.address)
    eventually(lambda: prometheus.series("queued") == 1, "the first scrape")
    adapter = PrometheusAdapter(cluster, "queued")
    adapter.own()
    return engine, namespace, [("served", served(cluster, adapter.address, namespace))]


def quantiles(values):
    values = sorted(values)
    return values[len(values) // 2], values[int(len(values) * 0.9)], values[-1]


def one(way, changes):
    import sandbox
    sandbox.enter()
    from autoscaler import Autoscaler, external
    from cluster import Cluster
    from harness import eventually
    from node import Node
    cluster = Cluster("reaction-" + way)
    engine, namespace, places = prepare(way, cluster, Node(cluster))
    eventually(lambda: cluster.value(namespace, "queued") == str(VALUES[0]), lambda: cluster.read(namespace, "queued"))
    scaler = Autoscaler(cluster, namespace, "scaled", [external("queued", "AverageValue", 1)], replicas=VALUES[0])
    scaler.becomes("True", "ValidMetricFound")
    moments = {step: Moments() for step, _ in places}
    replicas = Moments()
    for step, read in places:
        poll(read, moments[step])
    watch_replicas(cluster, scaler, replicas)
    chance = random.Random(1)
    took = {}
    for number in range(changes):
        value = VALUES[(number + 1) % 2]
        threading.Event().wait(0.3 + chance.random())  # every phase of the scrapes and of the controller
        for each in (*moments.values(), replicas):
            each.forget()
        changed = engine.change(value)
        last = replicas.when(value)
        for step, each in moments.items():
            when = each.when(value)
            took.setdefault("engine to " + step, []).append(when - changed)
            took.setdefault("first scrape to " + step, []).append(when - engine.scraped)
        took.setdefault("engine to spec.replicas", []).append(last - changed)
        took.setdefault("first scrape to spec.replicas", []).append(last - engine.scraped)
    for step, values in sorted(took.items()):
        p50, p90, most = quantiles(values)
        print(f"| {way} | {step} | {p50:.3f} | {p90:.3f} | {most:.3f} |", flush=True)
    cluster.stop()


def reaction(arguments):
    if arguments.way:
        return one(arguments.way, arguments.changes)
    print(HEAD, flush=True)
    for way in WAYS:
        subprocess.run([sys.executable, sys.argv[0], "reaction", "--way", way, "--changes", str(arguments.changes)], check=True)
    return None
