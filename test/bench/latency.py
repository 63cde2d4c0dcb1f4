# SPDX-License-Identifier: Apache-2.0
"""What an HPA's read costs and how long it takes, in every state of the server, beside prometheus-adapter on Prometheus.

Both are asked by the same client (hpa_load) with the same certificate, each in the state that its row names, before the
same kube-apiserver, in a network of their own (test/e2e/control_plane/sandbox.py: root). Both read the same page: of so
many series as there are metrics every 15 s, or of 10,000 every second. Neither asks kube-apiserver about the caller: it
belongs to system:masters.
"""
import json
import os
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e", "control_plane"), os.path.join(HERE, "..", "e2e")]
from process import cpu, resident  # noqa: E402

METRICS = (10, 1000, 10000)
CONNECTIONS = (1, 8, 64)
SERIES = 10000  # while scraping
SLOW = 200  # clients
PATH = "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/load_{}"
HEAD = ("| Server | State | Metrics | TLS | Connections | p50 ms | p99 ms | CPU us/request | requests/s | MiB |\n"
        "|---|---|--:|---|--:|--:|--:|--:|--:|--:|")


class Page:
    """Series load_0, load_1, ...; every value changes at every scrape."""

    def __init__(self):
        from harness import Target, page
        self.scrapes = 0
        self.size(0)
        self.target = Target(page(self.text))
        self.address = self.target.address

    def size(self, series):
        self.body = "".join(f'load_{i}{{namespace="default"}} {i % 900 + 100}@@@@@@\n' for i in range(series))

    def text(self):
        self.scrapes += 1
        return self.body.replace("@@@@@@", "%06d" % self.scrapes)


class SlowClients:
    """Clients that begin a handshake, or a request, and send a byte twice a second; who is cut off comes again."""

    def __init__(self, *places):
        self.places = places
        self.stopping = threading.Event()
        self.clients = {}
        self.keep()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def keep(self):
        for address, port, start in self.places:
            for number in range(SLOW):
                key = (address, port, number)
                try:
                    if key not in self.clients:
                        self.clients[key] = socket.create_connection((address, port), timeout=5)
                        self.clients[key].sendall(start)
                    else:
                        self.clients[key].send(b"\x01")
                except OSError:
                    client = self.clients.pop(key, None)
                    if client:
                        client.close()

    def run(self):
        while not self.stopping.wait(0.5):
            self.keep()

    def stop(self):
        self.stopping.set()
        self.thread.join()
        for client in self.clients.values():
            client.close()


HANDSHAKE = b"\x16\x03\x01\x02\x00\x01"
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-Slow: "


def config(metrics, address, interval):
    lines = ["scrape_configs:", f"- {{job_name: engine, scrape_interval: {interval}, scrape_timeout: 1s, "
             f'static_configs: [{{targets: ["{address}"]}}]}}', "external_metrics:"]
    lines += [f"- {{name: load_{i}, type: AverageValue, namespaces: [default], max_age: 1h, query: load_{i}}}" for i in range(metrics)]
    return "\n".join(lines) + "\n"


class Ask:
    """Runs the client against one server and prints a row for each way to ask."""

    def __init__(self, cluster, load, seconds, connections):
        self.cluster, self.load, self.seconds, self.connections = cluster, load, seconds, connections

    def state(self, server, state, metrics, address, pids):
        threading.Event().wait(1)
        base = self.idle(pids)
        for way in ("kept", "new"):
            for connections in self.connections:
                self.row(server, state, metrics, address, pids, base, way, connections)

    def idle(self, pids, seconds=3):
        """Cores that the processes use when nobody asks."""
        before = sum(map(cpu, pids))
        threading.Event().wait(seconds)
        return (sum(map(cpu, pids)) - before) / seconds

    def row(self, server, state, metrics, address, pids, base, way, connections):
        file = self.cluster.certificates.file
        command = [self.load, address, PATH, file("admin.crt"), file("admin.key"), str(connections), str(self.seconds), str(metrics)]
        before, begin = sum(map(cpu, pids)), time.perf_counter()
        done = subprocess.run(command + (["new"] if way == "new" else []), capture_output=True, text=True)
        used, took = sum(map(cpu, pids)) - before, time.perf_counter() - begin
        if done.returncode:
            print(f"| {server} | {state} | {metrics:,} | {way} | {connections} | {done.stderr.strip()[:200]} |", flush=True)
            return
        figures = json.loads(done.stdout)
        requests = figures["requests"] * took / self.seconds  # those of the second before the count also cost
        print(f"| {server} | {state} | {metrics:,} | {way} | {connections} | {figures['p50_ms']:.3f} | {figures['p99_ms']:.3f} | "
              f"{1e6 * (used - base * took) / requests:.1f} | {figures['requests'] / self.seconds:,.0f} | {sum(map(resident, pids)):.1f} |",
              flush=True)


def states():
    """(name, metrics, series of the page, interval, slow clients)"""
    for metrics in METRICS:
        yield "idle", metrics, metrics, "15s", False
        if metrics == METRICS[1]:
            yield "slow clients", metrics, metrics, "15s", True
            yield "scraping", metrics, SERIES, "1s", False


def plimsoll(cluster, page, ask):
    from harness import Plimsoll, eventually, write
    certificates = cluster.certificates
    for state, metrics, series, interval, slow in states():
        page.size(series)
        written = write(cluster.folder, "plimsoll.yml", config(metrics, page.address, interval))
        process = Plimsoll("--config.file", written, "--web.listen-address=127.0.0.1:0", "--secure-port=-1", "--bind-address=127.0.0.1",
                           "--tls-cert-file", certificates.file("serving.crt"), "--tls-private-key-file", certificates.file("serving.key"),
                           "--client-ca-file", certificates.file("ca.crt"), "--authentication-skip-lookup", api=True)
        last = f"/api/v1/external/default/load_{metrics - 1}"
        eventually(lambda: process.get(last).status == 200, lambda: process.get(last).body)
        clients = SlowClients(("127.0.0.1", process.api, HANDSHAKE), ("127.0.0.1", process.ops, REQUEST)) if slow else None
        ask.state("plimsoll", state, metrics, f"127.0.0.1:{process.api}", [process.process.pid])
        if clients:
            clients.stop()
        process.stop()


def adapter(cluster, page, ask):
    from harness import eventually
    from peers import PORT, Prometheus, PrometheusAdapter
    running = None
    for state, metrics, series, interval, slow in states():
        if running is not None and not (slow and running[0] == metrics):
            running[1].stop()
            running[2].stop()
            running = None
        if running is None:
            page.size(series)
            prometheus = Prometheus(cluster, page.address, interval)
            eventually(lambda: prometheus.series("load_") == series, lambda: f"{prometheus.series('load_')} series")
            running = (metrics, PrometheusAdapter(cluster, "load_", relist="10m"), prometheus)
            last = f"load_{metrics - 1}"
            eventually(lambda: running[1].asked("default", last)[0] == 200, lambda: running[1].asked("default", last))
        address = running[1].address
        clients = SlowClients((address, PORT, HANDSHAKE)) if slow else None
        ask.state("prometheus-adapter and Prometheus", state, metrics, f"{address}:{PORT}",
                  [cluster.processes[name].pid for name in ("prometheus-adapter", "prometheus")])
        if clients:
            clients.stop()
    running[1].stop()
    running[2].stop()


def latency(arguments):
    import sandbox
    sandbox.enter()
    from certificates import SERVER
    from cluster import Cluster
    cluster = Cluster("latency")
    cluster.certificates.leaf("serving", "serving-ca", "/CN=plimsoll", SERVER, ["DNS:plimsoll.plimsoll.svc", "IP:127.0.0.1"])
    controllers = cluster.processes.pop("kube-controller-manager")  # nobody scales here
    controllers.kill()
    controllers.wait()
    load = os.path.join(os.path.dirname(os.environ.get("PLIMSOLL", "build/plimsoll")) or ".", "test", "bench", "hpa_load")
    ask = Ask(cluster, load, arguments.seconds, CONNECTIONS)
    page = Page()
    print(HEAD, flush=True)
    plimsoll(cluster, page, ask)
    if not arguments.alone:
        adapter(cluster, page, ask)
    cluster.stop()
