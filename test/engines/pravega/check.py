# SPDX-License-Identifier: Apache-2.0
"""Runs plimsoll beside a real Pravega and compares what it says with what is true of its streams.

usage: check.py VERSION HOME FOLDER

The truth is what was created, scaled, deleted and killed here, and what a client of Pravega finds by its own protocol. Two
plimsolls look on: the preset, which reads every stream, and one whose configuration names a stream, as the HPA of Pravega's
example needs it, and two controllers, of which one is never there. A watch reads both five times a second for the whole run: no number of test/stream may ever
be shown that was not true of it, and no internal stream at all.
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
PROGRAM = os.environ.get("PLIMSOLL", os.path.join(ROOT, "build", "plimsoll"))
SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$", re.M)
STREAM, NOISE, LATE = 'scope="test",stream="stream"', 'scope="other",stream="noise"', 'scope="late",stream="comer"'
SEED_METRIC = "pravega_controller_segments_count"
QUIET_SECONDS = 190  # longer than the controllers keep a gauge that nothing is written to
SCRAPE = 10
MAX_AGE = 30  # of a number that is fresh; the preset's is longer


class Plimsoll:
    def __init__(self, folder, name, *arguments):
        self.port = free_port()
        self.log = open(os.path.join(folder, name + ".log"), "ab")
        self.process = subprocess.Popen([PROGRAM, *arguments, "--web.listen-address", f"127.0.0.1:{self.port}"],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def page(self):
        """Returns: (name, labels) to value; {} when it does not answer."""
        try:
            status, body = fetch(self.port, "/metrics")
        except OSError:
            return {}
        return {(name, labels): float(value) for name, labels, value in SAMPLE.findall(body)} if status == 200 else {}

    def external(self, name=SEED_METRIC, selector=""):
        """What an HPA is served, as (value, state) or (None, reason)."""
        try:
            query = "?labelSelector=" + selector.replace("=", "%3D").replace(",", "%2C") if selector else ""
            body = json.loads(fetch(self.port, f"/api/v1/external/default/{name}{query}")[1])
        except OSError:
            return None, "no answer"
        return (body["value"], body["state"]) if "value" in body else (None, body["reason"])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.log.close()


def pick(page, name, part=""):
    return [value for (known, labels), value in page.items() if known == name and part in labels]


class Watch(threading.Thread):
    """What was ever seen, and for how long the segments were silent while they could be known."""

    def __init__(self, everything, named):
        super().__init__(daemon=True)
        self.everything, self.named, self.ended = everything, named, threading.Event()
        self.truths = []  # of test/stream: (since when, number)
        self.wrong, self.reads, self.silence, self.knowable = [], 0, 0.0, False

    def truth(self, number):
        self.truths.append((time.monotonic(), number))

    def was_true(self, value, now):
        """At some time since the scrape before the last one."""
        for at, (since, number) in enumerate(self.truths):
            until = self.truths[at + 1][0] if at + 1 < len(self.truths) else now
            if number == value and since <= now and until >= now - 2 * SCRAPE - 3:
                return True
        return False

    def run(self):
        last = None
        while not self.ended.wait(0.2):
            page, (served, state), now = self.everything.page(), self.named.external(), time.monotonic()
            self.reads += 1
            for (name, labels), value in page.items():
                if name.startswith(("pravega_", "flink_")) and not math.isfinite(value):
                    self.wrong.append(f"{name}{labels} {value}")
                if name.startswith("pravega_") and ('stream="_' in (labels or "") or 'scope="_' in (labels or "")):
                    self.wrong.append(f"{name}{labels}")
            for value in pick(page, "pravega_stream_segments", STREAM):
                if not self.was_true(value, now):
                    self.wrong.append(f"segments {value}")
                last = now
            if last is not None and self.knowable:
                self.silence = max(self.silence, now - last)
            if not self.knowable:
                last = None
            # What is held may be as old as the controllers are silent, but it was true.
            if served is not None and served not in [number for _, number in self.truths]:
                self.wrong.append(f"served {served} {state}")

    def end(self):
        self.ended.set()
        self.join()


class Check:
    def __init__(self):
        self.rows, self.failed = [], 0

    def that(self, state, what, condition, within=2 * SCRAPE):
        """Waits until `condition()` holds."""
        begun = time.monotonic()
        while time.monotonic() - begun < within:
            if condition():
                return self.row(state, what, True, f"{time.monotonic() - begun:.1f} s")
            time.sleep(0.2)
        self.row(state, what, False, f"not within {within} s")

    def row(self, state, what, good, note=""):
        self.failed += not good
        self.rows.append((state, what, good, note))
        print(f"{time.strftime('%H:%M:%S')} {state:22} {what:66} {'yes' if good else 'NO':4} {note}", flush=True)


def write_config(folder, cluster):
    """The preset, for one stream by name and two controllers."""
    text = subprocess.run([PROGRAM, "config", "--engine", "pravega", "--target", f"127.0.0.1:{cluster.rest}"], check=True,
                          capture_output=True, text=True).stdout
    changed = text.replace('stream: ["*"]', "stream: [test/stream]").replace(
        f'["127.0.0.1:{cluster.rest}"]', f'["127.0.0.1:{cluster.rest}", "127.0.0.1:{cluster.second_rest}"]')
    changed = changed.replace("max_age: 90s", f"max_age: {MAX_AGE}s")
    assert all(part in changed for part in ("[test/stream]", str(cluster.second_rest), f"max_age: {MAX_AGE}s"))
    path = os.path.join(folder, "plimsoll.yml")
    with open(path, "w", encoding="utf-8") as out:
        out.write(changed)
    return path


def cost(check, cluster, everything, named, watch):
    """What the preset asks of the controller, and what answering takes of it: with both plimsolls asking, and with none."""
    def counts():
        page = everything.page()
        return [sum(pick(page, name, 'job="pravega"')) for name in
                ("plimsoll_collector_requests_total", "plimsoll_collector_bytes_total", "plimsoll_collector_duration_seconds_count",
                 "plimsoll_collector_duration_seconds_sum")]

    def load(seconds):
        """Per cent of a core."""
        before = cluster.cpu_seconds("standalone")
        time.sleep(seconds)
        return 100 * (cluster.cpu_seconds("standalone") - before) / seconds
    before = counts()
    asked = load(40)
    requests, size, scrapes, seconds = (after - first for first, after in zip(before, counts()))
    watch.knowable = False
    for plimsoll in (everything, named):
        plimsoll.process.send_signal(signal.SIGSTOP)
    alone = load(20)
    for plimsoll in (everything, named):
        plimsoll.process.send_signal(signal.SIGCONT)
    time.sleep(2 * SCRAPE)
    watch.knowable = True
    scrapes = max(scrapes, 1)
    check.row("cost", "requests, kB and ms of a scrape of two streams", requests > 0,
              f"{requests / scrapes:.1f}, {size / scrapes / 1000:.1f}, {1000 * seconds / scrapes:.0f}")
    check.row("cost", "CPU of the controller asked by two plimsolls, and by none", True, f"{asked:.1f} % and {alone:.1f} %")


def states(check, cluster, everything, named, watch):
    page = everything.page
    segments = lambda part=STREAM: pick(page(), "pravega_stream_segments", part)  # noqa: E731
    found = lambda scope="test", stream="stream": float(cluster.ask("count", scope, stream))  # noqa: E731

    check.that("no controller", "nothing of Pravega is served",
               lambda: page() and not pick(page(), "pravega_controllers_answering"))
    check.that("no controller", "an HPA's read is an error, not 0", lambda: named.external() in [(None, "never_scraped"), (None, "empty")])
    cluster.start_standalone()
    check.that("no stream", "the controller answers, and has no stream",
               lambda: pick(page(), "pravega_controllers_answering") == [1] and not segments(""))
    check.row("no stream", "its own gauges add up to 11, of internal streams", sum(cluster.gauges().values()) == 11)

    watch.truth(3)
    cluster.create("test", "stream", 3)
    check.that("created with 3", "3 segments, as a client finds", lambda: segments() == [3] == [found()])
    watch.knowable = True
    check.that("created with 3", "the HPA of the example is served 3", lambda: named.external() == (3, "fresh"))
    watch.truth(5)
    check.row("scaled to 5", "the client's scaling is accepted", cluster.ask("scale", "test", "stream", 5) == "true")
    check.that("scaled to 5", "5 segments, as a client finds", lambda: segments() == [5] == [found()])
    check.that("scaled to 5", "and as the HPA of the example is served", lambda: named.external() == (5, "fresh"))
    check.that("scaled to 5", "five TaskManagers", lambda: pick(page(), "flink_taskmanagers_for_stream", STREAM) == [5])
    begun = time.monotonic()  # from here on nothing is done to the first stream
    once = subprocess.run([PROGRAM, "--engine", "pravega", "--target", f"127.0.0.1:{cluster.rest}", "--once"], check=False,
                          capture_output=True, text=True, timeout=30)
    check.row("scaled to 5", "the first command of the page shows it", "\npravega_stream_segments{" in once.stdout and
              f"{STREAM}}} 5\n" in once.stdout, f"exit {once.returncode}")

    check.row("one of two is down", "one controller answers, and that is enough",
              pick(named.page(), "pravega_controllers_answering") == [1] and named.external() == (5, "fresh"))

    cluster.create("other", "noise", 4)
    check.row("second stream", "a reader group, which brings an internal stream",
              cluster.ask("group", "test", "stream", "readers") == "true")
    check.that("second stream", "4 segments of it", lambda: segments(NOISE) == [4] == [found("other", "noise")], 75)
    check.row("second stream", "5 segments of the first, and two streams",
              segments() == [5] and pick(page(), "pravega_streams") == [2])
    check.row("second stream", "the HPA of the example is served 5", named.external() == (5, "fresh"))
    check.row("second stream", "where every stream is read it is an error, not 9", everything.external() == (None, "several"))
    check.row("second stream", "and by labels 5", everything.external(selector="scope=test,stream=stream") == (5, "fresh"))
    gauges = cluster.gauges()
    check.row("second stream", "all gauges of that name add up to more", sum(gauges.values()) > 9, f"{sum(gauges.values()):.0f}")
    cost(check, cluster, everything, named, watch)

    time.sleep(max(0.0, QUIET_SECONDS - (time.monotonic() - begun)))
    check.row("quiet", f"5 segments after {QUIET_SECONDS} s without a change", segments() == [5] == [found()])
    cluster.create("late", "comer", 6)
    check.that("quiet", "another stream is created: the gauge of the first is gone", lambda: "test/stream" not in cluster.gauges(), 30)
    check.that("quiet", "6 segments of the new one", lambda: segments(LATE) == [6], 75)
    check.row("quiet", "and still 5 of the first", segments() == [5] == [found()] and named.external() == (5, "fresh"))
    check.that("quiet", "the gauge is said to disagree", lambda: pick(page(), "pravega_stream_gauge_agrees", STREAM) == [0], 75)

    watch.truth(4)
    check.row("scaled to 4", "the client's scaling is accepted", cluster.ask("scale", "test", "stream", 4) == "true")
    check.that("scaled to 4", "4 segments, as a client finds", lambda: segments() == [4] == [found()])
    check.that("scaled to 4", "and as the HPA of the example is served", lambda: named.external() == (4, "fresh"))
    check.that("scaled to 4", "two scalings were seen", lambda: pick(page(), "pravega_stream_scalings_15m", STREAM) == [2])
    cluster.delete("other", "noise")
    check.that("deleted", "the deleted stream is gone", lambda: not segments(NOISE) and segments() == [4])

    watch.knowable = False
    cluster.close_client()
    cluster.kill("standalone")
    check.that("killed", "nothing of Pravega is served", lambda: not pick(page(), "pravega_controllers_answering"))
    time.sleep(MAX_AGE + 5)
    check.row("killed", f"{MAX_AGE} s later 4 is held", named.external() == (4, "held"), named.external()[1])

    cluster.start_standalone()  # what was in memory is gone
    watch.truth(2)
    cluster.create("test", "stream", 2)
    check.that("back", "2 segments of a new stream of that name", lambda: segments() == [2] == [found()], 75)
    check.that("back", "and as the HPA of the example is served", lambda: named.external() == (2, "fresh"), 30)


def main():
    version, home, folder = sys.argv[1], os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
    os.makedirs(folder)
    check, begun = Check(), time.monotonic()
    print(f"Pravega {version}, logs in {folder}", flush=True)
    cluster = Cluster(home, folder, find_java())
    everything = Plimsoll(folder, "plimsoll-preset", "--engine", "pravega", "--target", f"127.0.0.1:{cluster.rest}")
    named = Plimsoll(folder, "plimsoll-named", "--config.file", write_config(folder, cluster))
    watch = Watch(everything, named)
    watch.start()
    try:
        states(check, cluster, everything, named, watch)
    finally:
        watch.end()
        everything.stop()
        named.stop()
        cluster.stop()
    check.row("all along", f"{watch.reads} reads, nothing but what was true", not watch.wrong, "; ".join(watch.wrong[:3]))
    check.row("all along", "the segments were never silent for two scrapes while a controller lived", watch.silence < 2 * SCRAPE + 2,
              f"{watch.silence:.1f} s at most")
    print(f"Pravega {version}: {len(check.rows) - check.failed} of {len(check.rows)} right, {time.monotonic() - begun:.0f} s")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
