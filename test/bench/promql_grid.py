# SPDX-License-Identifier: Apache-2.0
"""Queries and rules beside another program that speaks Prometheus's configuration and API.

Both programs scrape the same page at the same time. Its samples have timestamps, and each program gets page after page, so
that both hold the same samples, which is checked before queries are asked; a row counts only if both give the same answer
(values within 1e-9, relative).
"""
import http.client
import json
import math
import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse

from harness import BINARY, Target, eventually, write
from process import cpu, forget_peak, free_port, resident

SIZES = (100, 1000, 10000)
TICKS = 128
BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "+Inf")

# Name and expression; N is the number of series.
INSTANT = (
    ("selector", "load_N_total"),
    ("rate", "rate(load_N_total[1m])"),
    ("sum by rate", "sum by (catalog) (rate(load_N_total[1m]))"),
    ("topk of rate", "topk(5, rate(load_N_total[1m]))"),
    ("histogram_quantile", "histogram_quantile(0.9, sum by (catalog, le) (rate(load_N_seconds_bucket[1m])))"),
    ("join", "load_N_a / on (node, op) load_N_b"),
    ("max_over_time", "max_over_time(load_N_a[1m])"),
    ("max_over_time, fractions", "max_over_time(load_N_b[1m])"),
    ("sum by rate, varying growth", "sum by (catalog) (rate(load_N_seconds_bucket[1m]))"),
    ("regex selector", 'load_N_total{node=~".*[13579]"}'),
    ("count by name regex (4 x series)", 'count({__name__=~"load_N_.+"})'),
)
# Name, expression, steps, milliseconds between them, at most so many series.
RANGE = (
    ("selector", "load_N_total", 60, 1000, 10000),
    ("rate", "rate(load_N_total[10s])", 60, 1000, 10000),
    ("sum by rate", "sum by (catalog) (rate(load_N_total[10s]))", 60, 1000, 10000),
    ("subquery", "max_over_time(rate(load_N_total[10s])[30s:5s])", 60, 1000, 10000),
    ("selector", "load_N_total", 1000, 100, 1000),
    ("selector, fractions", "load_N_b", 1000, 100, 1000),
    ("rate", "rate(load_N_total[10s])", 1000, 100, 1000),
    ("sum by rate", "sum by (catalog) (rate(load_N_total[10s]))", 1000, 100, 1000),
)
RULES = (
    'sum by (catalog) (rate(load_N_total{{op="op_{i}"}}[1m]))',
    'avg by (node) (load_N_a{{op="op_{i}"}})',
    'topk(3, rate(load_N_total{{op="op_{i}"}}[30s]))',
    'histogram_quantile(0.9, sum by (le) (rate(load_N_seconds_bucket{{catalog="catalog_{c}"}}[1m])))',
    "max by (op) (load_N_a) / on (op) avg by (op) (load_N_b)",
)
RULE_COUNT = 50
EVERY = 5  # seconds between evaluations, and between the scrapes meanwhile


class Load:
    """Of each size a steady counter, gauges of whole numbers (a) and of fractions (b) that jump, and the buckets of a histogram
    whose growth varies; all values change from page to page."""

    def __init__(self, step, ticks):
        self.step, self.ticks, self.lines, self.values = step, ticks, [], []
        for size in SIZES:
            self.add(f"load_{size}_total", "counter", size, lambda i, k: 100000000 + 131 * i + k * (1 + i * 7919 % 10007))
            self.add(f"load_{size}_a", "gauge", size, lambda i, k: (977 * i + k * k * (1 + i * 13 % 1009)) % 100003)
            self.add(f"load_{size}_b", "gauge", size, lambda i, k: 1 + (353 * i + k * (1 + i * 17 % 509)) % 500009 / 1000)
            self.add(f"load_{size}_seconds", "histogram", size, lambda i, k: (1 + i % 10) * (90 * k + k * k * 7919 % 61 + i // 10 % 5))
        self.template = "".join(self.lines)
        self.last, self.handed, self.lock = None, {}, threading.Lock()
        self.asking = {}  # by path: the handler, which is the connection, that asked last
        # So that the last page is of now, when pages come faster than their time.
        self.start = int(time.time()) - (ticks * step if ticks else 0)
        self.target = Target(self.respond)

    def add(self, name, kind, size, value):
        self.lines.append(f"# HELP {name} Load.\n# TYPE {name} {kind}\n")
        for i in range(size):
            if kind == "histogram":
                labels = f'catalog="catalog_{i // 10 % 8}",node="node_{i // 10:04d}",le="{BOUNDS[i % 10]}"'
            else:
                labels = f'catalog="catalog_{i // 10 % 8}",node="node_{i // 10:04d}",op="op_{i % 10}"'
            self.lines.append(f"{name}{'_bucket' if kind == 'histogram' else ''}{{{labels}}} %r @\n")
            self.values.append((value, i))

    def time(self, tick):
        return self.start + tick * self.step

    def page(self, tick):
        with self.lock:
            if self.last is None or self.last[0] != tick:
                text = self.template % tuple(value(i, tick) for value, i in self.values)
                self.last = tick, text.replace("@", str(1000 * self.time(tick))).encode()
            return self.last[1]

    def respond(self, handler):
        """A program that comes on another connection has given up the one before, perhaps in the middle of a page that had been
        sent whole. It gets that page again; what it has of it is the same samples once more. Connections are kept otherwise."""
        tick = self.handed.get(handler.path, 0)
        if tick > 0 and self.asking[handler.path] is not handler:
            tick -= 1
        self.asking[handler.path] = handler
        body = self.page(tick) if not self.ticks or tick < self.ticks else b""
        handler.send_response(200)
        handler.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        if self.asking[handler.path] is handler:
            self.handed[handler.path] = tick + 1


class Program:
    def __init__(self, name, command, load, interval, rules=False):
        self.name, self.path = name, "/" + name.replace(" ", "_")
        self.folder = tempfile.TemporaryDirectory()
        text = f"global: {{scrape_interval: {interval}s, scrape_timeout: {interval}s, evaluation_interval: {EVERY}s}}\n"
        if rules:
            text += "rule_files: [rules.yml]\n"
            self.write_rules(0)
        text += f'scrape_configs:\n- job_name: load\n  metrics_path: {self.path}\n  static_configs:\n  - targets: ["{load.target.address}"]\n'
        self.port = free_port()
        full = command.format(config=write(self.folder.name, "p.yml", text), data=os.path.join(self.folder.name, "data"), port=self.port)
        self.process = subprocess.Popen(shlex.split(full), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def write_rules(self, size):
        """The rules over that many series; 0: none. Returns: their expressions."""
        expressions = []
        for i in range(RULE_COUNT if size else 0):
            expressions.append(RULES[i % len(RULES)].replace("_N_", f"_{size}_").format(i=i // 5, c=i // 5 % 8))
        text = "groups:\n"
        if size:
            text += f"- name: of_{size}\n  interval: {EVERY}s\n  query_offset: 30s\n  rules:\n"
        else:
            text = "groups: []\n"
        for i, expression in enumerate(expressions):
            text += f"  - record: made:rule_{i}\n    expr: '{expression}'\n"
        write(self.folder.name, "rules.yml", text)
        return expressions

    def ask(self, path, form):
        try:
            self.connection.request("POST", "/api/v1/" + path, body=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
            response = self.connection.getresponse()
        except (ConnectionError, http.client.RemoteDisconnected):  # it was idle for too long
            self.connection.close()
            return self.ask(path, form)
        body = response.read()
        if response.status != 200:
            raise AssertionError(f"{self.name}: {response.status} {body[:500]!r} to {path}?{form.decode()}")
        return body

    def instant(self, expression, at):
        form = urllib.parse.urlencode({"query": expression, "time": f"{at:.3f}"}).encode()
        return json.loads(self.ask("query", form))["data"]

    def stop(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.folder.cleanup()


def start_both(rival, load, interval, rules=False):
    ours = (f"{BINARY} --config.file={{config}} --web.listen-address=127.0.0.1:{{port}} --secure-port=0 "
            "--storage.retention.time=1h --log.level=error")
    commands = [("plimsoll", ours)] + ([("rival", rival)] if rival else [])
    return [Program(name, command, load, interval, rules) for name, command in commands]


def check_held(program, end):
    """Fails unless the program holds every sample of every page: otherwise answers differ because data do."""
    for size in SIZES:
        for metric in ("total", "a", "b", "seconds_bucket"):
            whole = f"count(count_over_time(load_{size}_{metric}[{TICKS}s]) == {TICKS})"
            result = program.instant(whole, end)["result"]
            if not result or int(result[0]["value"][1]) != size:
                raise AssertionError(f"{program.name} lacks samples of load_{size}_{metric}: {whole} is {result}")


def close_to(a, b):
    a, b = float(a), float(b)
    return a == b or math.isnan(a) and math.isnan(b) or abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def canonical(data):
    """Series or elements by their labels: a list of (time, value) each."""
    if data["resultType"] == "scalar":
        return {"": [data["result"]]}
    points = {}
    for item in data["result"]:
        points[json.dumps(item["metric"], sort_keys=True)] = item["values"] if "values" in item else [item["value"]]
    return points


def difference(ours, theirs):
    """Returns: None, or what differs between two answers."""
    if ours["resultType"] != theirs["resultType"]:
        return f"{ours['resultType']} and {theirs['resultType']}"
    a, b = canonical(ours), canonical(theirs)
    if a.keys() != b.keys():
        return f"{len(a)} and {len(b)} series, for one {next(iter(a.keys() ^ b.keys()))}"
    for labels, points in a.items():
        others = b[labels]
        if len(points) != len(others):
            return f"{len(points)} and {len(others)} points of {labels}"
        for one, other in zip(points, others):
            if one[0] != other[0] or not close_to(one[1], other[1]):
                return f"{one} and {other} of {labels}"
    return None


def grid(end):
    """Rows: series, what, name, path, form."""
    rows = [(1, "instant", "floor: 1 + 1", "query", {"query": "1 + 1", "time": end})]
    for size in SIZES:
        for name, expression in INSTANT:
            rows.append((size, "instant", name, "query", {"query": expression.replace("_N_", f"_{size}_"), "time": end}))
        for name, expression, steps, step, most in RANGE:
            if size <= most:
                form = {"query": expression.replace("_N_", f"_{size}_"), "start": f"{end - (steps - 1) * step / 1000:.3f}",
                        "end": end, "step": step / 1000}
                rows.append((size, f"{steps} steps", name, "query_range", form))
    return [(*row[:4], urllib.parse.urlencode(row[4]).encode()) for row in rows]


def peak_of(program, path, form):
    """Returns: how far the query drives memory, and how much of that it adds, in MiB."""
    before = resident(program.pid)
    forget_peak(program.pid)
    for _ in range(3):
        program.ask(path, form)
    peak = resident(program.pid, "VmHWM")
    return peak, peak - before


def cost_of(program, path, form, idle, least):
    """Returns: CPU and median wall time of one request in ms."""
    walls = []
    program.ask(path, form)
    used, begin = cpu(program.pid), time.perf_counter()
    while len(walls) < 5 or walls[-1] - begin < least:
        program.ask(path, form)
        walls.append(time.perf_counter())
    used = cpu(program.pid) - used - idle * (walls[-1] - begin)
    took = sorted(b - a for a, b in zip([begin] + walls, walls))
    return 1000 * max(used, 0) / len(walls), 1000 * took[len(took) // 2]


def idle_rate(program, seconds=5):
    before = cpu(program.pid)
    time.sleep(seconds)
    return (cpu(program.pid) - before) / seconds


def ratio(ours, theirs):
    return f"{theirs / ours:.1f}" if ours > 0 else "-"


def query(arguments):
    load = Load(1, TICKS)
    programs = start_both(arguments.rival, load, 1)
    while any(load.handed.get(program.path, 0) <= TICKS for program in programs):
        time.sleep(1)
    load.target.close()
    for program in programs:
        check_held(program, load.time(TICKS - 1))
    idle = [idle_rate(program) for program in programs]
    rows = [row for row in grid(load.time(TICKS - 1)) if arguments.only in f"{row[0]} {row[1]} {row[2]}"]
    print("held: " + ", ".join(f"{program.name} {resident(program.pid):.0f} MiB" for program in programs), flush=True)
    print("| Series | Query | Answer B | CPU ms | rival's | ratio | p50 ms | rival's | Added MiB | rival's | Peak MiB | rival's |\n"
          "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    misses = 0
    for size, what, name, path, form in rows:
        bodies = [program.ask(path, form) for program in programs]
        wrong = difference(*(json.loads(body)["data"] for body in bodies)) if arguments.rival else None
        length = len(bodies[0])
        bodies = None
        peaks = [peak_of(program, path, form) for program in programs]
        costs = [(math.inf, math.inf)] * len(programs)
        for _ in range(arguments.rounds):
            for i, program in enumerate(programs):
                costs[i] = tuple(map(min, costs[i], cost_of(program, path, form, idle[i], arguments.least)))
        if len(programs) == 1:
            costs, peaks = costs * 2, peaks * 2
        print(f"| {size} | {what}: {name} | {length} | {costs[0][0]:.3f} | {costs[1][0]:.3f} | {ratio(costs[0][0], costs[1][0])} | "
              f"{costs[0][1]:.2f} | {costs[1][1]:.2f} | {peaks[0][1]:.1f} | {peaks[1][1]:.1f} | {peaks[0][0]:.0f} | {peaks[1][0]:.0f} |", flush=True)
        if wrong:
            misses += 1
            print(f"DIFFERENT ANSWERS: {wrong}", flush=True)
    print(f"{len(rows) - misses} of {len(rows)} answers are the same; {arguments.rounds} rounds, the least of each")
    for program in programs:
        program.stop()


def recorded(program, now):
    """By rule: when it last ran, and what it recorded then."""
    rules = {}
    for series in program.instant('{__name__=~"made:rule_.+"}[1m]', now)["result"]:
        name = series["metric"].pop("__name__")
        stamp, value = series["values"][-1]
        rules.setdefault(name, {}).setdefault(stamp, []).append({"metric": series["metric"], "value": [stamp, value]})
    return {name: max(runs.items()) for name, runs in rules.items()}


def check_rules(programs, expressions, now):
    """Returns: how many recorded results are what both programs answer to the rule's expression at that time."""
    good, told = 0, 0
    for program in programs:
        results = recorded(program, now)
        for i, expression in enumerate(expressions):
            stamp, elements = results.get(f"made:rule_{i}", (now, []))
            wrong = [difference({"resultType": "vector", "result": elements}, other.instant(expression, stamp)) for other in programs]
            if any(wrong):
                told += 1
                if told <= 2:
                    print(f"DIFFERENT: {program.name} recorded at {stamp} for {expression}: {wrong}", flush=True)
            else:
                good += 1
    return good


def rules(arguments):
    load = Load(EVERY, 0)
    programs = start_both(arguments.rival, load, EVERY, rules=True)
    eventually(lambda: all(load.handed.get(program.path, 0) > 1 for program in programs), "two scrapes")
    time.sleep(100)

    def window(seconds):
        before = [cpu(program.pid) for program in programs]
        time.sleep(seconds)
        return [(cpu(program.pid) - used) / seconds for program, used in zip(programs, before)]

    base = window(60)
    held = [resident(program.pid) for program in programs]
    print(f"{RULE_COUNT} rules every {EVERY} s; without them " +
          ", ".join(f"{p.name} {100 * used:.2f} % of a core, {mib:.0f} MiB" for p, used, mib in zip(programs, base, held)), flush=True)
    print("| Series | CPU us/rule | rival's | ratio | Added MiB | rival's |\n|--:|--:|--:|--:|--:|--:|")
    for size in SIZES:
        expressions = [program.write_rules(size) for program in programs][0]
        for program in programs:
            program.process.send_signal(signal.SIGHUP)
        time.sleep(3 * EVERY)
        for program in programs:
            forget_peak(program.pid)
        costs = [1e6 * (used - idle) * EVERY / RULE_COUNT for used, idle in zip(window(60), base)]
        added = [resident(program.pid, "VmHWM") - before for program, before in zip(programs, held)]
        good = check_rules(programs, expressions, time.time())
        if len(programs) == 1:
            costs, added = costs * 2, added * 2
        print(f"| {size} | {costs[0]:.1f} | {costs[1]:.1f} | {ratio(costs[0], costs[1])} | {added[0]:.1f} | {added[1]:.1f} |\n"
              f"{good} of {RULE_COUNT * len(programs)} recorded results are what both answer", flush=True)
    load.target.close()
    for program in programs:
        program.stop()
