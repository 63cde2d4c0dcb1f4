# SPDX-License-Identifier: Apache-2.0
"""One world for two servers: a Prometheus and a plimsoll that scrape the same pages under one configuration.

The pages carry whole histories with timestamps, so both hold identical samples whenever each of them scrapes.
"""
import http.server
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

STEP = 5
SAMPLES = 60
RULES = """
groups:
  - name: numbers
    interval: 1h
    limit: 3
    rules:
      - {record: "one:constant", expr: "vector(1)"}
      - {record: "two:constant", expr: "1 + vector(1)", labels: {team: "a<b>&c"}}
  - name: "g<2>"
    interval: 2h
    labels: {of: group}
    rules:
      - {record: "three:constant", expr: 'label_replace(vector(3), "a", "b", "", "")'}
      - {record: "fails", expr: 'label_replace(vector(3), "a.b", "b", "c", "(")'}
  - name: "g<3>"
    interval: 3h
    rules:
      - {alert: Never, expr: "vector(0) > 1", for: 5m, keep_firing_for: 1m, labels: {team: "a<b>&c"}, annotations: {summary: "<none>"}}
      - {record: "four:constant", expr: "vector(4)"}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def history(name, labels, start, value):
    """Lines of one series: value(i) at every step; None leaves a gap."""
    for i in range(SAMPLES):
        v = value(i)
        if v is not None:
            yield f"{name}{labels} {v}", start + i * STEP


def series(start):
    """(family, type, help, unit, [lines with their time]) sorted as a storage sorts them."""
    def counter(i):
        return i * 7 % 103 if i != 40 else 0
    families = [
        ("a_gauge", "gauge", "A gauge, with \\\\ and < > &.", "", [
            history("a_gauge", '{l="x"}', start, lambda i: i),
            history("a_gauge", '{l="y"}', start, lambda i: None if i % 4 == 3 else -i / 3),
            history("a_gauge", '{l="z",m="q<\\"&>\\\\ \u20ac"}', start, lambda i: 1e-7 * i)]),
        ("b_requests_total", "counter", "Requests.", "", [
            history("b_requests_total", f'{{code="{code}",pod="{pod}"}}', start,
                    lambda i, c=code, p=pod: counter(i) + int(c) + p)
            for code in ("200", "500") for pod in range(3)]),
        ("c_seconds", "histogram", "How long.", "seconds", [
            *(history("c_seconds_bucket", f'{{le="{le}"}}', start, lambda i, n=n: i * n)
              for n, le in enumerate(("0.1", "1.0", "+Inf"), 1)),
            history("c_seconds_count", "", start, lambda i: 3 * i),
            history("c_seconds_sum", "", start, lambda i: 1.5 * i)]),
        ("d_odd", "unknown", "", "", [
            history("d_odd", f'{{v="{name}"}}', start, lambda i, v=v: v)
            for name, v in (("big", "1e21"), ("inf", "+Inf"), ("largest", "1.7976931348623157e308"), ("minf", "-Inf"),
                            ("nan", "NaN"), ("small", "1e-7"), ("tiny", "5e-324"), ("zero", "-0"))]),
        ("e.utf8", "gauge", "Dots.", "", [history('{"e.utf8","l.m"="x"}', "", start, lambda i: i * i)]),
    ]
    return families


def text_page(start):
    out = []
    for name, kind, help_text, _, histories in series(start):
        shown = f'"{name}"' if "." in name else name
        if help_text:
            out.append(f"# HELP {shown} {help_text}")
        out.append(f"# TYPE {shown} {'untyped' if kind == 'unknown' else kind}")
        out.extend(f"{line} {when * 1000}" for lines in histories for line, when in lines)
    return "\n".join(out) + "\n"


def open_metrics_page(start):
    """A second target with units, an info and times with milliseconds."""
    out = ["# HELP om_size_bytes Sizes.", "# TYPE om_size_bytes gauge", "# UNIT om_size_bytes bytes"]
    out += [f'om_size_bytes{{d="{d}"}} {i * d} {start + i * STEP + 0.123:.3f}' for d in (1, 2) for i in range(SAMPLES)]
    out += ["# TYPE om_build info", f'om_build_info{{v="1"}} 1 {start + (SAMPLES - 1) * STEP}', "# EOF"]
    return "\n".join(out) + "\n"


class Pages:
    def __init__(self, start):
        pages = {"/text": ("text/plain; version=1.0.0; escaping=allow-utf-8", text_page(start)),
                 "/om": ("application/openmetrics-text; version=1.0.0", open_metrics_page(start))}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                kind, body = pages.get(self.path, ("text/plain", ""))
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class World:
    def __init__(self, prometheus, plimsoll):
        self.folder = tempfile.TemporaryDirectory(prefix="plimsoll-api-")
        # On a whole step, so that times are the same whenever this runs within one.
        self.start = int(time.time()) // STEP * STEP - SAMPLES * STEP
        self.end = self.start + (SAMPLES - 1) * STEP
        self.pages = Pages(self.start)
        self.dead = f"127.0.0.1:{free_port()}"
        self.write("rules.yml", RULES)
        self.config = self.write("config.yml", f"""
global: {{scrape_interval: 2s, evaluation_interval: 1h, external_labels: {{site: here, zone: "a<b>"}}}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: text
    metrics_path: /text
    static_configs: [{{targets: ["{self.pages.address}"], labels: {{extra: label}}}}]
  - job_name: om
    metrics_path: /om
    basic_auth: {{username: reader, password: open-sesame}}
    static_configs: [{{targets: ["{self.pages.address}", "dropped:1"]}}]
    relabel_configs: [{{source_labels: [__address__], regex: "dropped.*", action: drop}}]
  - job_name: dead
    static_configs: [{{targets: ["{self.dead}"]}}]
""")
        self.ports = {"prometheus": free_port(), "plimsoll": free_port()}
        self.processes = []
        try:
            self.start_servers(prometheus, plimsoll)
        except BaseException:
            self.close()
            raise

    def start_servers(self, prometheus, plimsoll):
        self.run("prometheus", [prometheus, f"--config.file={self.config}", f"--storage.tsdb.path={self.folder.name}/data",
                                f"--web.listen-address=127.0.0.1:{self.ports['prometheus']}"])
        self.run("plimsoll", [plimsoll, f"--config.file={self.config}", "--secure-port=0",
                              f"--web.listen-address=127.0.0.1:{self.ports['plimsoll']}"])
        for name in self.ports:
            self.wait(name)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def run(self, name, command):
        log = open(os.path.join(self.folder.name, name + ".log"), "w", encoding="utf-8")
        self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder.name))

    def url(self, name):
        return f"http://127.0.0.1:{self.ports[name]}"

    def wait(self, name):
        """Until every target was scraped a few times."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(self.url(name) + "/api/v1/query?query=count(count_over_time(up[1m])>2)") as answer:
                    if b'"3"]' in answer.read():
                        return
            except OSError:
                pass
            if time.monotonic() > deadline:
                with open(os.path.join(self.folder.name, name + ".log"), encoding="utf-8") as log:
                    raise SystemExit(f"{name} did not come up:\n{log.read()[-2000:]}")
            threading.Event().wait(0.2)

    def scraped(self, prometheus):
        """A Prometheus that scrapes plimsoll's own pages: {job: (up, last error, samples)}, and what it then holds of
        the histories, with their times: {job: [(labels, value, time)]}."""
        protocols = {"openmetrics": ["OpenMetricsText1.0.0"], "old_openmetrics": ["OpenMetricsText0.0.1"],
                     "text": ["PrometheusText0.0.4"], "text1": ["PrometheusText1.0.0"]}
        jobs = ""
        for name, accepted in protocols.items():
            common = f"static_configs: [{{targets: ['127.0.0.1:{self.ports['plimsoll']}']}}], scrape_protocols: [{', '.join(accepted)}]"
            jobs += f"  - {{job_name: federate_{name}, honor_labels: true, metrics_path: /federate, {common}, "
            jobs += "params: {'match[]': ['{job=~\"text|om\",__name__!~\"up|scrape_.*\"}']}, "
            jobs += f"metric_relabel_configs: [{{target_label: by, replacement: {name}}}]}}\n"
            jobs += f"  - {{job_name: metrics_{name}, {common}}}\n"
        port = free_port()
        config = self.write("scraper.yml", f"global: {{scrape_interval: 1s}}\nscrape_configs:\n{jobs}")
        self.run("scraper", [prometheus, f"--config.file={config}", f"--storage.tsdb.path={self.folder.name}/scraper",
                             f"--web.listen-address=127.0.0.1:{port}"])

        def ask(path, **parameters):
            url = f"http://127.0.0.1:{port}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
            with urllib.request.urlopen(url) as answer:
                return json.loads(answer.read())["data"]

        deadline = time.monotonic() + 60
        while True:
            threading.Event().wait(0.5)
            try:
                targets = ask("targets")["activeTargets"]
                if len(targets) == 8 and all(target["health"] != "unknown" for target in targets) or time.monotonic() > deadline:
                    break
            except OSError:
                pass
        samples = {item["metric"]["job"]: int(item["value"][1]) for item in ask("query", query="scrape_samples_scraped")["result"]}
        state = {target["labels"]["job"]: (target["health"], target["lastError"], samples.get(target["labels"]["job"])) for target in targets}
        held = {}
        for series in ask("query", query='{by!=""}[1h]')["result"]:
            labels = dict(series["metric"])
            # A start timestamp or a second scrape adds nothing: the histories have ended.
            spelled = sorted((name.replace(".", "_"), value.replace("e.utf8", "e_utf8")) for name, value in labels.items() if name != "by")
            held.setdefault(labels["by"], []).append((spelled, series["values"][-1][1], series["values"][-1][0]))
        return state, {name: sorted(rows) for name, rows in held.items()}

    def close(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()
        self.pages.server.shutdown()
        self.folder.cleanup()
