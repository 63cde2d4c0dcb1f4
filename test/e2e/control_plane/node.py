# SPDX-License-Identifier: Apache-2.0
"""The only node: it runs the plimsoll containers of the pods that are bound to it, and says of every pod that it runs.

What else a pod contains is taken as running. A pod is ready when none of its readiness probes fails and its name is not
held back by unready(). Volumes change when refresh() is called, which kubelet does within a minute.
"""
import http.client
import json
import os
import socket
import ssl
import threading
import time

from container import Container, user_of
from harness import eventually
from sandbox import SUBNET
from volumes import NotYet, Volumes

NAME = "node"
PAUSE = 0.1


class Node:
    def __init__(self, cluster):
        self.cluster = cluster
        self.lock = threading.Lock()
        self.pods = {}  # uid: Pod
        self.held = {}  # beginning of a name: names that are not meant
        self.addresses = 0
        size = {"cpu": "1000", "memory": "1000Gi", "pods": "10000"}
        cluster.create("/api/v1/nodes", {"metadata": {"name": NAME, "labels": {"kubernetes.io/hostname": NAME}}})
        cluster.patch(f"/api/v1/nodes/{NAME}/status", {"status": {
            "capacity": size, "allocatable": size, "conditions": [{"type": "Ready", "status": "True", "reason": "Test"}]}})
        threading.Thread(target=self._follow, daemon=True).start()

    # ---- what tests do ----

    def unready(self, name, held=True, but=()):
        """Holds back, or no longer, the readiness of every pod whose name begins so; not of the pods named in `but`."""
        with self.lock:
            self.held.pop(name, None)
            if held:
                self.held[name] = frozenset(but)
            pods = [pod for pod in self.pods.values() if pod.name.startswith(name)]
        for pod in pods:
            pod.report()

    def pod(self, name):
        """The pod whose name begins so, once it runs; its newest when there are several."""
        def running():
            with self.lock:
                found = [pod for pod in self.pods.values() if pod.name.startswith(name) and pod.containers]
            return found[-1] if found else None
        return eventually(running, f"a running pod {name}")

    def is_held(self, name):
        return any(name.startswith(prefix) and name not in but for prefix, but in self.held.items())

    def next_address(self):
        with self.lock:
            self.addresses += 1
            return f"{SUBNET}.{1 + self.addresses // 250}.{1 + self.addresses % 250}"

    # ---- what the cluster says ----

    def _follow(self):
        while True:
            try:
                self._watch()
            except (OSError, http.client.HTTPException, ssl.SSLError, json.JSONDecodeError):
                time.sleep(PAUSE)

    def _watch(self):
        path = f"/api/v1/pods?fieldSelector=spec.nodeName%3D{NAME}"
        listed = self.cluster.get(path)
        for pod in listed["items"]:
            self._saw("ADDED", pod)
        connection = self.cluster.connection()
        connection.request("GET", f"{path}&watch=1&resourceVersion={listed['metadata']['resourceVersion']}")
        for line in connection.getresponse():
            event = json.loads(line)
            if event["type"] == "ERROR":
                return
            self._saw(event["type"], event["object"])

    def _saw(self, kind, document):
        uid = document["metadata"]["uid"]
        with self.lock:
            pod = self.pods.get(uid)
            if pod is None and kind != "DELETED":
                pod = self.pods[uid] = Pod(self, document)
            if kind == "DELETED":
                self.pods.pop(uid, None)
        if pod is None:
            return
        if kind == "DELETED" or document["metadata"].get("deletionTimestamp"):
            pod.end(document)
        else:
            pod.begin()


class Pod:
    def __init__(self, node, document):
        self.node, self.cluster, self.document = node, node.cluster, document
        self.name = document["metadata"]["name"]
        self.namespace = document["metadata"]["namespace"]
        self.path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"
        self.ours = [one for one in document["spec"]["containers"] if one["image"].startswith("plimsoll")]
        self.containers = {}
        self.probed = True
        self.begun = self.ended = False
        self.volumes = None
        self.address = None

    def begin(self):
        if self.begun:
            return
        self.begun = True
        self.address = self.node.next_address()
        self.document.setdefault("status", {})["podIP"] = self.address
        if not self.ours:
            self.report()
        else:
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        folder = os.path.join(self.cluster.folder, "pods", self.document["metadata"]["uid"])
        self.volumes = Volumes(self.cluster, self.document, folder, user_of(self.document, self.ours[0]))
        while not self.ended:
            try:
                self.refresh()
                break
            except NotYet:
                time.sleep(PAUSE)
        for one in self.ours:
            log = os.path.join(self.cluster.logs, f"{self.name}-{one['name']}.log")
            self.containers[one["name"]] = Container(self.document, one, self.volumes, self.address, folder, log)
        self.probed = not any("readinessProbe" in one for one in self.ours)
        self.report()
        while not self.ended:
            self._keep_running()
            self._probe()
            time.sleep(PAUSE)

    def _keep_running(self):
        for container in self.containers.values():
            if container.process.poll() is not None and not container.stopping:
                container.start()
                self.report()

    def _probe(self):
        probes = [(one, one["readinessProbe"]["httpGet"]) for one in self.ours if "readinessProbe" in one]
        now = all(self._asks(one, probe) for one, probe in probes)
        if now != self.probed:
            self.probed = now
            self.report()

    def _asks(self, container, probe):
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", []) if "name" in port}
        port = ports.get(probe["port"], probe["port"])
        if probe.get("scheme") == "HTTPS":
            connection = http.client.HTTPSConnection(self.address, port, timeout=1, context=ssl._create_unverified_context())
        else:
            connection = http.client.HTTPConnection(self.address, port, timeout=1)
        try:
            connection.request("GET", probe["path"])
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def listens(self, port=7546):
        with socket.socket() as probe:
            return probe.connect_ex((self.address, port)) == 0

    def refresh(self):
        self.volumes.refresh()

    def log(self):
        text = ""
        for container in self.containers.values():
            with open(container.log, encoding="utf-8", errors="replace") as log:
                text += log.read()
        return text

    def metric(self, series, port=7546):
        """The value of a series of our /metrics, spelled as there; None when it is absent."""
        for line in self.page("/metrics", port).splitlines():
            if line.startswith(series + " "):
                return float(line.split()[-1])
        return None

    def page(self, path, port=7546):
        connection = http.client.HTTPConnection(self.address, port, timeout=60)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode("utf-8", "replace")
        finally:
            connection.close()

    def report(self):
        """Tells the cluster how the pod is."""
        ready = "True" if self.probed and not self.node.is_held(self.name) else "False"
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        conditions = [{"type": kind, "status": status, "lastTransitionTime": now} for kind, status in [
            ("Initialized", "True"), ("ContainersReady", ready), ("Ready", ready)]]
        statuses = [{"name": one["name"], "image": one["image"], "imageID": "", "ready": ready == "True",
                     "restartCount": self.containers[one["name"]].restarts if one["name"] in self.containers else 0,
                     "state": {"running": {"startedAt": now}}} for one in self.document["spec"]["containers"]]
        self.cluster.request("PATCH", self.path + "/status", {"status": {
            "phase": "Running", "startTime": now, "podIP": self.address, "podIPs": [{"ip": self.address}],
            "hostIP": f"{SUBNET}.0.2", "conditions": conditions, "containerStatuses": statuses,
        }}, "application/strategic-merge-patch+json")

    def end(self, document):
        if self.ended:
            return
        self.ended = True
        if self.containers:
            threading.Thread(target=self._stop, args=(document,), daemon=True).start()
        else:
            self._gone()

    def _stop(self, document):
        grace = document["metadata"].get("deletionGracePeriodSeconds", 30)
        for one in self.ours:
            pause = one.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds")
            if pause:
                time.sleep(pause)
        for container in self.containers.values():
            container.stop(grace)
        self._gone()

    def _gone(self):
        self.cluster.delete(self.path, {"gracePeriodSeconds": 0, "preconditions": {"uid": self.document["metadata"]["uid"]}})
