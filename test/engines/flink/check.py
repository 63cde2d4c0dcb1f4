# SPDX-License-Identifier: Apache-2.0
"""Runs plimsoll beside a real Flink and compares what it says with what is true of the cluster.

usage: check.py VERSION HOME FOLDER

The truth is what was started, stopped and let arrive here. A watch reads plimsoll's page five times a second for the whole
run: no signal may ever show a number that was not true of the job at some time, whatever restarts meanwhile.
"""
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


class Plimsoll:
    def __init__(self, folder, target):
        program = os.environ.get("PLIMSOLL", os.path.join(ROOT, "build", "plimsoll"))
        self.port = free_port()
        self.log = open(os.path.join(folder, "plimsoll.log"), "ab")
        self.process = subprocess.Popen(
            [program, "--engine", "flink", "--target", f"127.0.0.1:{target}", "--web.listen-address", f"127.0.0.1:{self.port}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def page(self):
        """Returns: (name, labels) to value; {} when it does not answer."""
        try:
            status, body = fetch(self.port, "/metrics")
        except OSError:
            return {}
        return {(name, labels): float(value) for name, labels, value in SAMPLE.findall(body)} if status == 200 else {}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.log.close()


def pick(page, name, part=""):
    return [value for (known, labels), value in page.items() if known == name and part in labels]


class Watch(threading.Thread):
    """What was ever seen, and for how long a signal was silent after it was first there."""

    def __init__(self, plimsoll, may):
        super().__init__(daemon=True)
        self.plimsoll, self.may, self.ended = plimsoll, may, threading.Event()
        self.wrong, self.silence, self.reads = [], {}, 0

    def run(self):
        last = {}
        while not self.ended.wait(0.2):
            page, now = self.plimsoll.page(), time.monotonic()
            self.reads += 1
            for (name, labels), value in page.items():
                if name.startswith("flink_") and not math.isfinite(value):
                    self.wrong.append(f"{name}{labels} {value}")
            for name, part, good in self.may:
                for value in pick(page, name, part):
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
        begun, seen = time.monotonic(), None
        while time.monotonic() - begun < within:
            seen = page()
            if condition(seen):
                return self.row(state, what, "yes", f"{time.monotonic() - begun:.1f} s")
            time.sleep(0.2)
        self.row(state, what, "NO", f"not within {within} s")

    def row(self, state, what, verdict, note):
        self.failed += verdict != "yes"
        self.rows.append((state, what, verdict, note))
        print(f"{time.strftime('%H:%M:%S')} {state:22} {what:62} {verdict:4} {note}", flush=True)


def reactive(check, home, folder, java):
    cluster = Cluster(home, folder, java, "application", slots=1)
    plimsoll = Plimsoll(folder, cluster.rest)
    is_one_of = lambda *values: lambda value: value in values
    watch = Watch(plimsoll, [("flink_parallelism", '"work"', is_one_of(1, 2)), ("flink_taskmanagers", "", is_one_of(0, 1, 2)),
                             ("flink_lag", "", lambda value: 0 <= value <= cluster.arrived() + 1),
                             ("flink_busy_ratio", '"work"', lambda value: 0 <= value <= 1)])
    watch.start()
    page = plimsoll.page
    try:
        check.that("no JobManager", "nothing of Flink is served", lambda p: p and not pick(p, "flink_taskmanagers"), 10, page)
        cluster.rate(50)
        cluster.start_jobmanager()
        check.that("no TaskManager", "the job does not run",
                   lambda p: pick(p, "flink_taskmanagers") == [0] and pick(p, "flink_job_running") == [0], 30, page)
        check.row("no TaskManager", "no parallelism is served", "yes" if not pick(page(), "flink_parallelism") else "NO", "")
        cluster.start("tm-1", "taskmanager")
        check.that("one TaskManager", "parallelism 1",
                   lambda p: pick(p, "flink_parallelism", '"work"') == [1] and pick(p, "flink_job_running") == [1], 90, page)
        check.that("one TaskManager", "a busy time", lambda p: pick(p, "flink_busy_ratio", '"work"'), 30, page)
        check.that("one TaskManager", "a fresh checkpoint", lambda p: pick(p, "flink_checkpoint_fresh") == [1], 30, page)
        time.sleep(20)
        check.that("one TaskManager", "a lag of less than two seconds of arrivals",
                   lambda p: pick(p, "flink_lag") and pick(p, "flink_lag")[0] < 100, 20, page)

        cluster.rate(400)  # one subtask works off two hundred at most
        time.sleep(45)

        def lag_is_true(p):
            """Arrived less emitted, at some time within the last 20 s: values are as old as Flink's own."""
            body = cluster.get("/jobs/" + cluster.job().get("jid", "")) or {}
            emitted = sum(v["metrics"]["write-records"] for v in body.get("vertices", []) if v["name"].startswith("Source"))
            lag = pick(p, "flink_lag")
            return bool(lag) and abs(lag[0] - (cluster.arrived() - emitted)) <= 20 * 400
        check.that("backlog", "the lag is what arrived less what was read", lag_is_true, 20, page)
        check.that("backlog", "the work is more than half busy", lambda p: pick(p, "flink_backpressure_ratio", "Source: log")[:1] > [0], 20, page)

        cluster.start("tm-2", "taskmanager")
        check.that("rescale", "parallelism 2", lambda p: pick(p, "flink_parallelism", '"work"') == [2], 90, page)
        check.that("rescale", "two TaskManagers", lambda p: pick(p, "flink_taskmanagers") == [2], 10, page)
        time.sleep(15)
        check.row("rescale", "no verdict before the job has settled",
                  "yes" if not pick(page(), "flink_taskmanagers_wanted") else "NO", "")
        cluster.kill("tm-2", signal.SIGKILL)
        check.that("TaskManager killed", "the job is seen not to run", lambda p: pick(p, "flink_job_running") == [0], 20, page)
        check.that("TaskManager killed", "parallelism 1",
                   lambda p: pick(p, "flink_job_running") == [1] and pick(p, "flink_parallelism", '"work"') == [1], 120, page)
        requests = pick(page(), "plimsoll_collector_requests_total", 'outcome="ok"')
        cluster.kill("jobmanager", signal.SIGKILL)
        check.that("JobManager killed", "nothing of Flink is served", lambda p: p and not pick(p, "flink_taskmanagers"), 20, page)
    finally:
        watch.end()
        plimsoll.stop()
        cluster.stop()
    check.row("all along", f"{watch.reads} reads, nothing but what was true", "yes" if not watch.wrong else "NO", "; ".join(watch.wrong[:3]))
    for name, seconds in sorted(watch.silence.items()):
        check.row("all along", f"{name} was never silent for 10 s", "yes" if seconds < 10 else "NO", f"{seconds:.1f} s at most")
    print("requests:", requests)


def session(check, home, folder, java):
    cluster = Cluster(home, folder, java, "session", slots=2)
    cluster.start_jobmanager()
    plimsoll = Plimsoll(folder, cluster.rest)
    page = plimsoll.page
    try:
        cluster.start("tm-1", "taskmanager")
        check.that("session, idle", "0 TaskManagers for slots",
                   lambda p: pick(p, "flink_slots_total") == [2] and pick(p, "flink_taskmanagers_for_slots") == [0], 60, page)
        cluster.submit("first", 2)
        check.that("session, one job", "1 TaskManager for slots", lambda p: pick(p, "flink_taskmanagers_for_slots") == [1], 30, page)
        cluster.submit("second", 3)
        check.that("session, one waits", "3 TaskManagers for 5 slots", lambda p: pick(p, "flink_taskmanagers_for_slots") == [3], 30, page)
        check.that("session, one waits", "the second waits",
                   lambda p: pick(p, "flink_job_tasks_scheduled", '"second"')[:1] > [0] and pick(p, "flink_job_running", '"second"') == [0],
                   30, page)
    finally:
        plimsoll.stop()
        cluster.stop()


def main():
    version, home, folder = sys.argv[1], os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
    os.makedirs(folder)
    check, begun = Check(), time.monotonic()
    print(f"Flink {version}, logs in {folder}", flush=True)
    reactive(check, home, os.path.join(folder, "reactive"), find_java())
    session(check, home, os.path.join(folder, "session"), find_java())
    print(f"Flink {version}: {len(check.rows) - check.failed} of {len(check.rows)} right, {time.monotonic() - begun:.0f} s")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
