# SPDX-License-Identifier: Apache-2.0
"""Runs plimsoll beside a real standalone Spark cluster and compares what it says with what is true of it.

usage: check.py VERSION HOME FOLDER [RECORD]

The truth is what was started, stopped and submitted here, the files that tasks leave when they end, and what Spark's status
tracker says inside of the drivers. A watch reads plimsoll's page five times a second for the whole run: no signal may ever
show a number that was not true at some time. With RECORD what the processes answered is kept there, a folder for each state.
"""
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time

from cluster import Cluster, fetch, find_java, free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$", re.M)
# What /environment says that is of use, and of no machine.
SETTINGS = re.compile(r"spark\.(dynamicAllocation\.(enabled|minExecutors|maxExecutors|shuffleTracking\.enabled)|executor\.(cores|instances|memory)|"
                      r"task\.cpus|cores\.max|app\.name)$")


class Plimsoll:
    """The preset, with all targets of the cluster."""

    def __init__(self, folder, ports):
        program = os.environ.get("PLIMSOLL", os.path.join(ROOT, "build", "plimsoll"))
        preset = subprocess.run([program, "config", "--engine", "spark", "--target", "127.0.0.1:1"], capture_output=True, text=True,
                                check=True).stdout
        targets = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
        assert '"127.0.0.1:1"' in preset
        path = os.path.join(folder, "plimsoll.yml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(preset.replace('"127.0.0.1:1"', targets))
        self.port = free_port()
        self.log = open(os.path.join(folder, "plimsoll.log"), "ab")
        self.process = subprocess.Popen(
            [program, "--config.file", path, "--web.listen-address", f"127.0.0.1:{self.port}", "--namespace", "spark"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def page(self):
        """Returns: (name, labels) to value; {} when it does not answer."""
        try:
            status, _, body = fetch(self.port, "/metrics")
        except OSError:
            return {}
        return {(name, labels): float(value) for name, labels, value in SAMPLE.findall(body)} if status == 200 else {}

    def external(self, name):
        """What an HPA would be given: a number, or the error's reason."""
        try:
            status, _, body = fetch(self.port, f"/api/v1/external/spark/{name}")
            return json.loads(body)["value"] if status == 200 else f"{status}"
        except OSError:
            return "none"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.log.close()


def pick(page, name):
    return [value for (known, _), value in page.items() if known == name]


def one(page, name):
    values = pick(page, name)
    return values[0] if len(values) == 1 else None


class Watch(threading.Thread):
    """What was ever seen, and for how long a signal was silent after it was first there."""

    def __init__(self, plimsoll, may):
        super().__init__(daemon=True)
        self.plimsoll, self.may, self.ended = plimsoll, may, threading.Event()
        self.wrong, self.silence, self.seen, self.reads = [], {}, {}, 0

    def run(self):
        last = {}
        while not self.ended.wait(0.2):
            page, now = self.plimsoll.page(), time.monotonic()
            self.reads += 1
            for (name, labels), value in page.items():
                if name.startswith("spark_") and (not math.isfinite(value) or value < 0):
                    self.wrong.append(f"{name}{labels} {value}")
            for name, good in self.may:
                for value in pick(page, name):
                    self.seen.setdefault(name, set()).add(value)
                    if not good(value):
                        self.wrong.append(f"{name} {value}")
                    if name in last:
                        self.silence[name] = max(self.silence.get(name, 0), now - last[name])
                    last[name] = now

    def end(self):
        self.ended.set()
        self.join()


class Check:
    def __init__(self):
        self.rows, self.failed = [], 0

    def that(self, state, what, condition, within, page):
        """Waits until `condition(page)` holds."""
        begun = time.monotonic()
        while time.monotonic() - begun < within:
            if condition(page()):
                return self.row(state, what, "yes", f"{time.monotonic() - begun:.1f} s")
            time.sleep(0.2)
        self.row(state, what, "NO", f"not within {within} s")

    def row(self, state, what, verdict, note):
        self.failed += verdict != "yes"
        self.rows.append((state, what, verdict, note))
        print(f"{time.strftime('%H:%M:%S')} {state:24} {what:70} {verdict:4} {note}", flush=True)


class Recorder:
    """Keeps what the processes answer, and what was true then."""

    PARTS = {"applications": "/api/v1/applications", "metrics-json": "/metrics/json/", "metrics-prometheus": "/metrics/prometheus/",
             "executors-prometheus": "/metrics/executors/prometheus/", "executors": "/api/v1/applications/{}/executors",
             "stages-active": "/api/v1/applications/{}/stages?status=active",
             "stages-pending": "/api/v1/applications/{}/stages?status=pending", "environment": "/api/v1/applications/{}/environment"}

    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, folder

    def keep(self, state, truth):
        if not self.folder:
            return
        for process in sorted(self.cluster.processes):
            parts = self.PARTS if process.startswith("driver") else {"json": "/json/"}
            applications = self.cluster.get(process, "/api/v1/applications") if process.startswith("driver") else None
            for part, path in parts.items():
                path = path.format(applications[0]["id"] if applications else "")
                status, _, body = fetch(self.cluster.ports[process], path)
                if part == "environment":
                    read = json.loads(body)
                    body = json.dumps({"sparkProperties": [p for p in read["sparkProperties"] if SETTINGS.match(p[0])],
                                       "resourceProfiles": read.get("resourceProfiles", [])}, indent=1)
                elif process.startswith("worker"):
                    # The commands of its executors name folders of the machine.
                    read = json.loads(body)
                    for executor in read["executors"] + read["finishedexecutors"]:
                        executor["appdesc"].pop("command", None)
                    body = json.dumps(read, indent=1)
                name = f"{process}-{part}." + ("prom" if "prometheus" in part else "json")
                os.makedirs(os.path.join(self.folder, state), exist_ok=True)
                with open(os.path.join(self.folder, state, name), "w", encoding="utf-8") as out:
                    out.write(body)
                with open(os.path.join(self.folder, "MANIFEST.tsv"), "a", encoding="utf-8") as out:
                    out.write(f"{state}/{name}\t{path}\t{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}\t{status}\t{truth}\n")


def main():
    version, home, folder = sys.argv[1], os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
    os.makedirs(folder)
    print(f"Spark {version}, logs in {folder}", flush=True)
    check, begun = Check(), time.monotonic()
    cluster = Cluster(home, folder, find_java(), "2.12" if version.startswith("3.") else "2.13")
    record = Recorder(cluster, os.path.abspath(sys.argv[4]) if len(sys.argv) > 4 else None)
    plimsoll = Plimsoll(folder, [cluster.port(name) for name in ("driver1", "driver2", "driver3", "master")])
    page = plimsoll.page
    counts = lambda *values: lambda value: value in values  # noqa: E731
    watch = Watch(plimsoll, [
        # Bounds of the three drivers are 6, 3 and 2; what is wanted is a sum of some of them, or few tasks at the end.
        ("spark_executors_wanted", lambda value: value in range(12)), ("spark_executors", counts(0, 1, 2)),
        ("spark_executors_short", lambda value: value in range(12)), ("spark_tasks_waiting", lambda value: 0 <= value <= 210),
        ("spark_workers", counts(0, 1, 2)), ("spark_workers_wanted", lambda value: value in range(12))])
    dynamic = {"dynamicAllocation_enabled": "true", "dynamicAllocation_shuffleTracking_enabled": "true",
               "dynamicAllocation_minExecutors": 0, "dynamicAllocation_executorIdleTimeout": "10s"}

    def told(name):
        return lambda p: one(p, "spark_executors") == sum(cluster.executors(d) or 0 for d in name)

    watch.start()
    try:
        check.that("nothing", "nothing of Spark is served", lambda p: p and not pick(p, "spark_executors_wanted"), 10, page)
        check.row("nothing", "an HPA gets an error", "yes" if plimsoll.external("spark-executors-short") == "503" else "NO", "")
        cluster.start_master()
        check.that("master alone", "no worker", lambda p: one(p, "spark_workers") == 0 and one(p, "spark_cores") == 0, 20, page)
        record.keep("m0-master-alone", "a master, no worker, no application")

        cluster.start_worker("worker1")
        cluster.start_driver("driver1", **dynamic, dynamicAllocation_maxExecutors=6)
        check.that("idle", "no executor wanted, none short",
                   lambda p: one(p, "spark_executors_wanted") == 0 and one(p, "spark_executors_short") == 0, 20, page)
        check.that("idle", "one worker of one core", lambda p: one(p, "spark_workers") == 1 and one(p, "spark_cores") == 1, 20, page)
        check.row("idle", "though the master says that it waits", "yes" if (cluster.get("master", "/json/")["activeapps"][0]["state"]) == "WAITING" else "NO", "")
        record.keep("s1-idle", "one worker, one application with dynamic allocation (6 executors at most), no job")

        cluster.tell("driver1", "shuffle first 160 2500")
        check.that("backlog, one worker", "six wanted, five short, six workers",
                   lambda p: one(p, "spark_executors_wanted") == 6 and one(p, "spark_executors_short") == 5 and one(p, "spark_workers_wanted") == 6, 60, page)
        check.that("backlog, one worker", "as many executors as the driver knows of", told(["driver1"]), 10, page)

        def left_is_true(p):
            """By the files that tasks left, at some time within the last scrape and a half."""
            left, waiting, running = 160 - cluster.done("driver1", "first"), one(p, "spark_tasks_waiting"), one(p, "spark_tasks_running")
            needed = one(p, "spark_executors_needed")
            return None not in (waiting, running, needed) and abs(waiting + running - left) <= 4 and abs(needed - left) <= 4
        check.that("backlog, one worker", "tasks that are left, and executors for them, by the files that tasks leave", left_is_true, 20, page)
        check.row("backlog, one worker", "an HPA of placeholders gets 5, one of workers 6",
                  "yes" if (plimsoll.external("spark-executors-short"), plimsoll.external("spark-workers-wanted")) == (5, 6) else "NO",
                  f"{plimsoll.external('spark-executors-short')}, {plimsoll.external('spark-workers-wanted')}")
        record.keep("s2-backlog-1w", f"160 tasks of 2.5 s on one core, {cluster.done('driver1', 'first')} of them done")

        cluster.start_worker("worker2")
        check.that("backlog, two workers", "six wanted still, four short", lambda p: one(p, "spark_executors_wanted") == 6
                   and one(p, "spark_executors_short") == 4 and one(p, "spark_workers") == 2, 60, page)
        check.that("backlog, two workers", "as many executors as the driver knows of", told(["driver1"]), 10, page)
        check.row("backlog, two workers", "six workers still", "yes" if one(page(), "spark_workers_wanted") == 6 else "NO", "")
        record.keep("s3-backlog-2w", f"a second worker joined; {cluster.done('driver1', 'first')} of 160 tasks done")

        cluster.start_driver("driver2", **dynamic, dynamicAllocation_maxExecutors=3)
        cluster.tell("driver2", "job second 28 4000")
        check.that("a second application", "nine wanted, seven short, nine workers",
                   lambda p: (one(p, "spark_executors_wanted"), one(p, "spark_executors_short"), one(p, "spark_workers_wanted")) == (9, 7, 9), 60, page)
        record.keep("s4-second-app-waits", "a second application (3 executors at most) with 28 tasks; the first holds both cores")

        cluster.kill("worker2")
        check.that("worker killed", "one executor, eight short", lambda p: one(p, "spark_executors") == 1 and one(p, "spark_executors_short") == 8, 60, page)
        check.that("worker killed", "a loss is told", lambda p: (one(p, "spark_executors_lost_15m") or 0) > 0 and one(p, "spark_scalein_safe") == 0, 20, page)
        check.that("worker killed", "as many executors as the drivers know of", told(["driver1", "driver2"]), 10, page)
        record.keep("s5-worker2-killed", "worker 2 and its executor killed -9")

        cluster.start_worker("worker3")
        check.that("worker with a notice", "two executors", lambda p: one(p, "spark_executors") == 2, 60, page)
        cluster.signal("worker3", signal.SIGPWR)
        check.that("worker with a notice", "eight short", lambda p: one(p, "spark_executors_short") == 8, 30, page)
        check.that("worker with a notice", "a notice is told", lambda p: (one(p, "spark_executors_decommissioned_15m") or 0) > 0, 60, page)
        check.that("worker with a notice", "one worker is alive", lambda p: one(p, "spark_workers") == 1, 30, page)
        record.keep("s6-worker3-decommissioned", "worker 3 got SIGPWR (decommission)")
        cluster.kill("worker3")

        before = one(page(), "spark_executors_wanted")
        cluster.kill("driver1")
        cluster.start_driver("driver1", **dynamic, dynamicAllocation_maxExecutors=6)
        seconds = time.monotonic()
        while time.monotonic() - seconds < 20 and one(page(), "spark_executors_wanted") == before:
            time.sleep(0.2)
        check.row("driver started again", f"{before:.0f} wanted still, 20 s after its start",
                  "yes" if time.monotonic() - seconds >= 20 else "NO", f"{one(page(), 'spark_executors_wanted')}")
        check.that("driver started again", "the second application has the core", told(["driver1", "driver2"]), 60, page)
        check.that("driver started again", "a minute after its start it is taken at its word: three wanted",
                   lambda p: one(p, "spark_executors_wanted") == 3, 80, page)
        record.keep("s7-driver1-again", "driver 1 was killed and started again, and has no job; the second application runs")

        cluster.start_driver("driver3", cores_max=2)
        cluster.tell("driver3", "job third 10 1000")
        check.that("fixed executors", "two more wanted, by the tasks that are left", lambda p: one(p, "spark_executors_wanted") == 5, 60, page)
        record.keep("s8-fixed", "a third application without dynamic allocation, of two cores at most, with 10 tasks")
        check.that("all done", "nothing wanted", lambda p: one(p, "spark_executors_wanted") == 0, 240, page)
        check.row("all done", "every task of the last two jobs left its file",
                  "yes" if (cluster.done("driver2", "second"), cluster.done("driver3", "third")) == (28, 10) else "NO",
                  f"{cluster.done('driver2', 'second')}, {cluster.done('driver3', 'third')}")
        record.keep("s9-done", "every job is done")
        silence = dict(watch.silence)
        for name, seconds in sorted(silence.items()):
            check.row("all along", f"{name} was never silent for 10 s while a driver was there", "yes" if seconds < 10 else "NO", f"{seconds:.1f} s at most")
    finally:
        watch.end()
        plimsoll.stop()
        cluster.stop()
    check.row("all along", f"{watch.reads} reads, nothing but what was true", "yes" if not watch.wrong else "NO", "; ".join(watch.wrong[:3]))
    print(f"Spark {version}: {len(check.rows) - check.failed} of {len(check.rows)} right, {time.monotonic() - begun:.0f} s")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
