# SPDX-License-Identifier: Apache-2.0
"""A small Trino cluster on loopback: its processes, and a client that submits queries.

A process is stopped by the object that started it, and by nothing else. What a node writes lies in a folder
of the run; `log` says where.
"""
import glob
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
USER = {"X-Trino-User": "evidence"}
STARTS_WITHIN = 240


def required_java(version):
    """The Java that a release was tried with: 17 up to 435; the later ones ask for ever newer ones."""
    return (17, 21) if version <= 435 else (25, 99)


def java_wanted(version):
    low, high = required_java(version)
    return f"a JDK of Java {low} to {high}" if high < 99 else f"a JDK of Java {low} or later"


def find_java(version):
    """Returns: the program `java` of a JDK that runs this release; None when there is none."""
    low, high = required_java(version)
    homes = [os.environ.get("JAVA_HOME", "-"), *sorted(glob.glob("/usr/lib/jvm/*"))]
    for home in homes:
        try:
            with open(os.path.join(home, "release"), encoding="utf-8") as release:
                major = int(re.search(r'JAVA_VERSION="(\d+)', release.read()).group(1))
        except (OSError, AttributeError):
            continue
        if low <= major <= high and os.path.exists(os.path.join(home, "bin", "javac")):
            return os.path.join(home, "bin", "java")
    return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(port, path, method="GET", body=None, headers=None, timeout=10):
    """Returns: status and body; raises OSError or HTTPException when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers={**USER, **(headers or {})})
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    finally:
        connection.close()


class Node:
    """One Trino process. It keeps its port over a restart."""

    def __init__(self, cluster, name, coordinator):
        self.cluster, self.name, self.coordinator = cluster, name, coordinator
        self.port = free_port()
        self.folder = os.path.join(cluster.folder, name)
        self.log = os.path.join(self.folder, "server.log")
        self.process = None

    def config(self):
        lines = {
            "coordinator": "true" if self.coordinator else "false",
            "node.environment": "plimsoll",
            "node.id": self.name,
            "node.bind-ip": "127.0.0.1",
            "node.internal-address": "127.0.0.1",
            "http-server.http.port": self.port,
            "discovery.uri": f"http://127.0.0.1:{self.cluster.coordinator_port()}",
            "catalog.config-dir": os.path.join(self.folder, "etc", "catalog"),
            "plugin.dir": os.path.join(self.cluster.home, "plugin"),
            "shutdown.grace-period": "20s",
            "task.max-worker-threads": 2,
            "query.max-memory-per-node": "700MB" if self.coordinator else "950MB",
            "memory.heap-headroom-per-node": "200MB" if self.coordinator else "450MB",
        }
        if self.coordinator:
            lines |= {
                "node-scheduler.include-coordinator": "false",
                "query-manager.required-workers": 1,
                "query-manager.required-workers-max-wait": "20m",
                "query.max-concurrent-queries": 1,
            }
        return "".join(f"{key}={value}\n" for key, value in lines.items())

    def write(self, name, text):
        path = os.path.join(self.folder, "etc", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def start(self):
        """Returns: the seconds until it answered that it has started."""
        config = self.write("config.properties", self.config())
        self.write("catalog/tpch.properties", "connector.name=tpch\n")
        # Whoever asks may change a worker's state.
        self.write("access-control.properties", "access-control.name=allow-all\n")
        levels = self.write("log.properties", "io.trino=INFO\n")
        flags = ["-Xmx1G" if self.coordinator else "-Xmx1500M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                 "-XX:+ExitOnOutOfMemoryError", "-Djdk.attach.allowAttachSelf=true", "--add-opens=java.base/java.nio=ALL-UNNAMED",
                 f"-Dconfig={config}", f"-Dlog.levels-file={levels}", f"-Dtrino.version={self.cluster.version}"]
        if self.cluster.version > 435:
            flags += ["--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
                      "--add-modules=jdk.incubator.vector", "-XX:+EnableDynamicAgentLoading"]
        command = [self.cluster.java, *flags, "-cp", os.path.join(self.cluster.home, "lib", "*"),
                   os.path.join(HERE, "StartTrino.java")]
        begun = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while time.monotonic() - begun < STARTS_WITHIN:
            if not self.alive():
                raise RuntimeError(f"{self.name} left while it started: see {self.log}")
            try:
                if json.loads(fetch(self.port, "/v1/info")[1]).get("starting") is False:
                    return time.monotonic() - begun
            except (OSError, http.client.HTTPException, ValueError):
                pass
            time.sleep(0.25)
        raise RuntimeError(f"{self.name} did not start: see {self.log}")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, number=signal.SIGTERM):
        if self.alive():
            self.process.send_signal(number)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def put_state(self, state):
        """Asks a worker for another state, as an operator does. Returns: the status."""
        return fetch(self.port, "/v1/info/state", "PUT", json.dumps(state), {"Content-Type": "application/json"})[0]


class Query(threading.Thread):
    """A query whose client asks for the same page again and again: it runs, and waits for its client, until
    it is cancelled. Its join holds memory on every worker meanwhile, and it costs next to no CPU."""

    SQL = "SELECT l.*, o.comment FROM tpch.sf100.lineitem l JOIN tpch.sf1.orders o ON l.suppkey = o.custkey"

    def __init__(self, port, sql=SQL, read_all=False):
        super().__init__(daemon=True)
        self.port, self.sql, self.read_all = port, sql, read_all
        self.rows, self.error, self.next, self.done = [], None, None, threading.Event()
        self.start()

    def run(self):
        try:
            answer = json.loads(fetch(self.port, "/v1/statement", "POST", self.sql)[1])
            while not self.done.is_set():
                self.rows += answer.get("data") or [] if self.read_all else []
                self.error = answer.get("error", {}).get("message", self.error)
                self.next = answer.get("nextUri") or None
                if not self.next:
                    return
                path = re.sub(r"^http://[^/]+", "", self.next)
                while not self.read_all and "/executing/" in path and answer.get("data"):
                    if self.done.wait(2):
                        return
                    fetch(self.port, path)
                answer = json.loads(fetch(self.port, path)[1])
                self.done.wait(0.1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self.done.set()

    def cancel(self):
        self.done.set()
        self.join(timeout=15)
        if self.next:
            try:
                fetch(self.port, re.sub(r"^http://[^/]+", "", self.next), "DELETE")
            except (OSError, http.client.HTTPException):
                pass


class Cluster:
    def __init__(self, version, home, folder):
        self.version, self.home, self.folder = version, os.path.abspath(home), folder
        self.java = find_java(version)
        self.coordinator = None
        self.coordinator = Node(self, "coordinator", True)
        self.workers = [Node(self, f"worker{n}", False) for n in (1, 2)]
        self.queries = []

    def coordinator_port(self):
        return self.coordinator.port

    def submit(self):
        self.queries.append(Query(self.coordinator.port))
        return self.queries[-1]

    def select(self, sql):
        """Runs a query to its end. Returns: its rows."""
        query = Query(self.coordinator.port, sql, read_all=True)
        query.join(timeout=90)
        if query.error or query.is_alive():
            raise RuntimeError(f"{sql}: {query.error}")
        return query.rows

    def cancel_all(self):
        for query in self.queries:
            query.cancel()
        self.queries = []

    def stop(self):
        for query in self.queries:
            query.done.set()
        for node in [*self.workers, self.coordinator]:
            node.stop()
