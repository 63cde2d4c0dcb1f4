# SPDX-License-Identifier: Apache-2.0
"""What the process costs from outside. Prints tables; judges nothing.

usage: PLIMSOLL=build/plimsoll python3 test/bench/measure.py start      from exec to the first served value, and the binary
                                                             memory     with the Trino preset on a complete recorded page
                                                             hpa        CPU and latency of an HPA's read over TLS
                                                             scrape     CPU per scraped sample, and memory per series
                                                             query      CPU, latency and memory of PromQL (promql_grid.py)
                                                             rules      CPU and memory of recording rules
                                                             hub        CPU and memory of a hub and its sidecars (hub_load.py)
                                                             latency    an HPA's read in every state (latency.py)
                                                             reaction   engine change to value and replicas (reaction.py)

  --rival COMMAND   scrape, query, rules: also measure this one; {config}, {data} and {port} are put in
  --only TEXT       query: the rows with this text in "SERIES KIND: NAME"
  --rounds N        query: how often each row is measured; the least counts
  --bare COMMAND    hpa: also ask this TLS server for a constant; {port}, {cert}, {key} and {ca} are put in
  --bare-path PATH  what to ask it for
  --seconds N       latency: for each row
  --alone           latency: without prometheus-adapter
  --changes N       reaction: of the engine, for each way
  --way NAME        reaction: this one alone

`latency` and `reaction` need root, and what `python3 test/e2e/control_plane/build.py etcd kubernetes adapter prometheus` builds.

CPU is user and system time of the process, in steps of 10 ms, over all its threads.
"""
import argparse
import gzip
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import BINARY, ROOT, Pki, Plimsoll, Target, eventually, run, write  # noqa: E402

import hub_load  # noqa: E402
import latency  # noqa: E402
import promql_grid  # noqa: E402
import reaction  # noqa: E402
from process import answers, cpu, free_port, resident  # noqa: E402

LOAD = os.path.join(os.path.dirname(BINARY) or ".", "test", "bench")

# A coordinator's own page and what a JMX agent makes of it; the newest release that was recorded.
PAGES = {"native": ("07-queued-1w/metrics-full", "application/openmetrics-text;charset=utf-8;version=1.0.0"),
         "JMX agent": ("01-idle-0w/jmx-agent-full", "text/plain; version=0.0.4; charset=utf-8")}


def answer_with(make, content_type):
    """A target that answers with make() -> (body, headers)."""

    def respond(handler):
        body, headers = make()
        handler.send_response(200)
        handler.send_header("Content-Type", content_type)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def trino(pki, kind="native"):
    name, content_type = PAGES[kind]
    with gzip.open(os.path.join(ROOT, "test/fixtures/trino-483", name + ".complete.prom.gz")) as page:
        body = page.read()
    packed = gzip.compress(body)
    target = Target(answer_with(lambda: (packed, [("Content-Encoding", "gzip")]), content_type))
    config = run("config", "--engine", "trino", "--target", target.address).stdout
    config = config.replace("scrape_interval: 15s", "scrape_interval: 1s").replace("scrape_timeout: 10s", "scrape_timeout: 1s")
    return f"{kind}, trino-483/{name}, {len(body)} bytes", target, write(pki.folder, "plimsoll.yml", config)


def started(pki, path, *more):
    return Plimsoll("--config.file", path, "--web.listen-address=127.0.0.1:0", *pki.flags(), *more, api=True)


def start(_):
    pki = Pki()
    name, target, path = trino(pki)
    starts = []
    for _unused in range(20):
        begin = time.perf_counter()
        plimsoll = started(pki, path)
        while plimsoll.external(pki, "default", "trino-queued").status != 200:
            pass
        starts.append(time.perf_counter() - begin)
        plimsoll.stop()
    starts.sort()
    target.close()
    pki.remove()
    print(f"page: {name}")
    print(f"exec to first served value over TLS: least {starts[0]:.3f} s, median {starts[10]:.3f} s, most {starts[-1]:.3f} s (20 starts)")
    print(f"binary: {os.path.getsize(BINARY) / 1e6:.1f} MB, stripped {stripped():.1f} MB")


def stripped():
    with tempfile.NamedTemporaryFile() as copy:
        subprocess.run(["strip", "-o", copy.name, BINARY], check=True)
        return os.path.getsize(copy.name) / 1e6


def memory(_):
    for kind in PAGES:
        pki = Pki()
        name, target, path = trino(pki, kind)
        plimsoll = started(pki, path)
        print(f"page: {name}\nonce it listens: peak {resident(plimsoll.process.pid, 'VmHWM'):.1f} MiB")
        for scrapes in (20, 50):
            eventually(lambda: len(target.requests) >= scrapes, "scrapes")
            pid = plimsoll.process.pid
            answer = plimsoll.external(pki, "default", "trino-queued")
            series = plimsoll.query('count({__name__!=""})')
            print(f"after {scrapes} scrapes, one a second: resident {resident(pid):.1f} MiB, of these {resident(pid, 'RssAnon'):.1f} no file, "
                  f"peak {resident(pid, 'VmHWM'):.1f} MiB, "
                  f"{series[0][1]:.0f} series, trino-queued {answer.status}", flush=True)
        plimsoll.stop()
        target.close()
        pki.remove()


class Load:
    """A page of N series whose values all change from scrape to scrape."""

    def __init__(self, series):
        lines = []
        for i in range(series):
            if i % 1000 == 0:
                lines.append(f"# HELP engine_requests_{i // 1000}_total Requests.\n# TYPE engine_requests_{i // 1000}_total counter\n")
            lines.append(f'engine_requests_{i // 1000}_total{{catalog="c{i % 10}",op="op{i // 10 % 10}",node="node-{i // 100 % 10:03d}"}} '
                         f"{i % 9000 + 1000}@@@@@@\n")
        self.page = "".join(lines).encode()
        self.scrapes = 0
        self.target = Target(answer_with(self.next, "text/plain; version=0.0.4; charset=utf-8"))

    def next(self):
        self.scrapes += 1
        return self.page.replace(b"@@@@@@", b"%06d" % self.scrapes), []


def hpa(arguments):
    pki = Pki()
    load = Load(10000)
    config = ["scrape_configs:", "- job_name: load", "  static_configs:", f'  - targets: ["{load.target.address}"]',
              "  scrape_interval: {interval}", "external_metrics:"]
    for i in range(1000):
        config.append(f"- {{name: load-{i}, type: Value, namespaces: [default], "
                      f'query: \'engine_requests_{i // 100}_total{{catalog="c{i % 10}",op="op{i // 10 % 10}",node="node-000"}}\'}}')
    path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/load-{}"
    print("| Server | Connections | CPU us/request | p50 ms | p90 ms | p99 ms | requests/s |\n|---|--:|--:|--:|--:|--:|--:|")
    for name, interval in (("plimsoll, 1,000 metrics, idle", "1h"), ("plimsoll, 1,000 metrics, 10k series scraped every second", "1s")):
        written = write(pki.folder, "plimsoll.yml", "\n".join(config).replace("{interval}", interval) + "\n")
        plimsoll = started(pki, written)
        eventually(lambda: plimsoll.external(pki, "default", "load-999").status == 200, "a value")
        for connections in (1, 8):
            base = cpu_rate(plimsoll.process.pid, 5)
            ask(name, plimsoll.process.pid, plimsoll.api, path, pki, connections, base)
        plimsoll.stop()
    load.target.close()
    for name, command, asked in (("this project's TLS server, constant answer", f"{LOAD}/http_tls_server 127.0.0.1:{{port}} {{cert}} {{key}} {{ca}}", "/"),
                                 ("given bare server", arguments.bare, arguments.bare_path)):
        if not command:
            continue
        port = free_port()
        command = command.format(port=port, cert=pki.file("serving.crt"), key=pki.file("serving.key"), ca=pki.file("ca.crt"))
        process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: answers(port), "a listener")
        for connections in (1, 8):
            ask(name, process.pid, port, asked, pki, connections, 0)
        process.terminate()
        process.wait()
    pki.remove()


def cpu_rate(pid, seconds):
    """Cores that the process uses when nobody asks."""
    before = cpu(pid)
    threading.Event().wait(seconds)
    return (cpu(pid) - before) / seconds


def ask(name, pid, port, path, pki, connections, base, seconds=10):
    before, begin = cpu(pid), time.perf_counter()
    done = subprocess.run([f"{LOAD}/hpa_load", f"127.0.0.1:{port}", path, pki.file("hpa.crt"), pki.file("hpa.key"), str(connections), str(seconds)],
                          capture_output=True, text=True, check=True)
    used, took = cpu(pid) - before, time.perf_counter() - begin
    figures = json.loads(done.stdout)
    requests = figures["requests"] * took / seconds  # those of the second before the count also cost
    print(f"| {name} | {connections} | {1e6 * (used - base * took) / requests:.1f} | {figures['p50_ms']:.3f} | {figures['p90_ms']:.3f} | "
          f"{figures['p99_ms']:.3f} | {figures['requests'] / seconds:.0f} |", flush=True)


def scrape(arguments):
    print("| Program | Series | Interval | CPU us/sample | Resident MiB | KB a series over idle |\n|---|--:|--:|--:|--:|--:|")
    commands = [("plimsoll", f"{BINARY} --config.file={{config}} --web.listen-address=127.0.0.1:{{port}} --secure-port=0")]
    if arguments.rival:
        commands.append(("rival", arguments.rival))
    for name, command in commands:
        idle = None
        for series, interval, seconds in ((0, 1, 10), (10000, 1, 40), (100000, 5, 60)):
            with tempfile.TemporaryDirectory() as folder:
                load = Load(series)
                text = f"scrape_configs:\n- job_name: load\n  scrape_interval: {interval}s\n  scrape_timeout: {interval}s\n"
                text += f'  static_configs:\n  - targets: ["{load.target.address}"]\n'
                config, port = write(folder, "p.yml", text), free_port()
                full = command.format(config=config, data=os.path.join(folder, "data"), port=port)
                process = subprocess.Popen(shlex.split(full), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                eventually(lambda: load.scrapes >= 3, "three scrapes")
                before, first, begin = cpu(process.pid), load.scrapes, time.perf_counter()
                threading.Event().wait(seconds)
                used, scrapes = cpu(process.pid) - before, load.scrapes - first
                size = resident(process.pid)
                stored = held(port, series)
                process.terminate()
                process.wait()
                load.target.close()
                if series == 0:
                    idle = size
                    print(f"| {name} | 0 | {interval} s | {100 * used / (time.perf_counter() - begin):.2f} % of a core | {size:.1f} | |", flush=True)
                else:
                    print(f"| {name} | {stored} | {interval} s | {1e6 * used / (scrapes * series):.3f} | {size:.1f} | "
                          f"{1024 * (size - idle) / series:.2f} |", flush=True)


def held(port, series):
    if series == 0:
        return 0
    query = "count(%7B__name__%3D~%22engine_requests_.*%22%7D)"
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={query}") as answer:
        return int(json.load(answer)["data"]["result"][0]["value"][1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["start", "memory", "hpa", "scrape", "query", "rules", "hub", "latency", "reaction"])
    parser.add_argument("--rival")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--least", type=float, default=0.7, help="query: seconds per row and round")
    parser.add_argument("--bare")
    parser.add_argument("--bare-path", default="/")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--changes", type=int, default=50)
    parser.add_argument("--way", choices=reaction.WAYS)
    arguments = parser.parse_args()
    {"hub": lambda _: hub_load.hub(trino, Pki()), "latency": latency.latency, "reaction": reaction.reaction, "start": start, "memory": memory, "hpa": hpa, "scrape": scrape, "query": promql_grid.query, "rules": promql_grid.rules}[arguments.what](arguments)


if __name__ == "__main__":
    main()
