# SPDX-License-Identifier: Apache-2.0
"""plimsoll beside a real Trino: no workers, a queue, a draining worker, a dead coordinator.

usage: check.py VERSION HOME FOLDER

Two plimsolls watch one cluster: `preset` is `--engine trino` as it is; `tuned` is what `plimsoll config` prints, with
shorter times, a smaller memory target and metrics with every kind of hold and fallback. In each state every external
metric of the preset is read over TLS with a client certificate and compared with what evidence.py says. All the while
every metric is read twice a second, and in the end every value served must have been true a scrape earlier.
"""
import os
import re
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "e2e"))

from cluster import Cluster  # noqa: E402
from evidence import MEMORY_LAG, NEXT_LOOK, QUERY_LAG, Evidence, Expected  # noqa: E402
from harness import Pki, Plimsoll, run, write  # noqa: E402
from policies import TUNED, policies, transitions, tuned  # noqa: E402
from reads import Reader, Watch  # noqa: E402

MEMORY = ("trino-workers-for-memory", "trino-memory-headroom-ratio", "trino-memory-pressure-index")
SIGNALS = ("trino_waiting", "trino_workers_active", "trino_draining_workers", "trino_pool_workers", "trino_total_gib",
           "trino_free_gib")
EMPTY, NEVER = "empty", "never_scraped"


class Instance:
    """A running plimsoll and the watch over its external metrics."""

    def __init__(self, name, pki, target_free_gib, config_text, *arguments):
        self.name, self.target_free_gib = name, target_free_gib
        self.policies = policies(config_text)
        self.process = Plimsoll(*arguments, "--web.listen-address=127.0.0.1:0", "--namespace=default", *pki.flags(),
                                "--requestheader-client-ca-file", pki.file("ca.crt"),
                                "--requestheader-allowed-names", "front-proxy-client", api=True)
        self.reader = Reader(pki, self.process.api)
        self.watch = Watch(pki, self.process.api, list(self.policies))
        self.watch.start()

    def state(self, metric):
        """What /metrics says the metric is in: fresh, held, fallback or error."""
        found = self.process.query(f'plimsoll_external_metric_state{{metric="{metric}"}} == 1')
        if not found:
            page = self.process.get("/metrics").body
            found = re.findall(rf'plimsoll_external_metric_state{{[^}}]*metric="{metric}"[^}}]*}} 1$', page, re.M)
            return re.search(r'state="(\w+)"', found[0]).group(1) if found else None
        return found[0][0]["state"]

    def stop(self):
        self.watch.ended.set()
        self.watch.join(timeout=30)
        return self.process.stop()


class Run:
    def __init__(self, version, home, folder):
        self.version = version
        self.cluster = Cluster(version, home, folder)
        self.evidence = Evidence(self.cluster)
        self.pki = Pki()
        self.rows, self.bad, self.texts, self.begun = [], 0, {}, time.monotonic()
        target = f"127.0.0.1:{self.cluster.coordinator.port}"
        preset = run("config", "--engine", "trino", "--target", target).stdout
        config = write(folder, "tuned.yml", tuned(preset))
        self.preset = Instance("preset", self.pki, 100, preset, "--engine", "trino", "--target", target)
        self.tuned = Instance("tuned", self.pki, 2, tuned(preset), "--config.file", config)
        self.instances = (self.preset, self.tuned)
        self.metrics = list(self.preset.policies)

    def say(self, text):
        print(f"{time.monotonic() - self.begun:6.0f} s  {text}", flush=True)

    def row(self, state, metric, served, expected, ok):
        self.rows.append((state, metric, served, expected, ok))
        self.bad += not ok
        if not ok:
            self.say(f"WRONG: {state}: {metric}: served {served}, expected {expected}")

    def wait(self, what, true, seconds=180):
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise RuntimeError(f"never came true: {what}")
            time.sleep(0.25)

    def now(self):
        samples = self.evidence.between(time.monotonic() - 8, time.monotonic())
        return samples[-1] if samples else None

    def situation(self):
        """Returns: running, queued and waiting queries, and the states of the workers; None when nobody knows."""
        sample = self.now()
        return sample and (sample.running, sample.queued, sample.waiting, *(worker.state for worker in sample.workers))

    def reach(self, *situation):
        self.wait(f"running, queued, waiting, workers: {situation}", lambda: self.situation() == situation)
        return situation

    # ---- one state ----
    def expected(self, instance):
        return Expected(self.evidence, time.monotonic(), self.version, instance.target_free_gib, query_lag=2, memory_lag=2)

    def judge(self, instance, name, served, errors, exact, expected):
        """Returns: what should be served, as text, and whether it is."""
        if name in errors:
            return f"503 {errors[name]}", served == f"503 {errors[name]}"
        pair = expected.of(name)
        if pair is None:
            return "(no evidence)", False
        least, greatest = pair
        text = f"{least:g}" if f"{least:g}" == f"{greatest:g}" else f"{least:g} to {greatest:g}"
        try:
            value = float(served)
        except ValueError:
            return text, False
        measured = name in MEMORY or name.endswith("_gib")
        close = abs(value) * 1e-6 + 0.0011 if measured else 1e-9
        certain = not exact or greatest - least <= (greatest * 0.02 if measured else 0)
        return text, certain and least - close <= value <= greatest + close

    def check(self, state, errors=None, seconds=120, exact=True, signals=True, holds=None):
        """Reads every metric again and again until all are as they must be, or the time is over: then says which are not.

        `holds` is what makes the state, as `situation` says it: the moment it is over the check has failed.
        """
        errors, begun = errors or {}, time.monotonic()
        while True:
            if holds and self.situation() != holds:
                self.row(state, "the state itself", str(self.situation()), str(holds), False)
                return
            rows, texts = [], {}
            for instance in self.instances:
                expected = self.expected(instance)
                for name in self.metrics if instance is self.preset else MEMORY[:2] + ("trino-workers-wanted",):
                    read = instance.reader.read(name)
                    if read.status != 200:
                        texts.setdefault((state, instance.name, read.reason, self.preset.policies[name].type), read.message)
                    label = name if instance is self.preset else f"{name} (free 2 GiB)"
                    rows.append((label, read.text(), *self.judge(instance, name, read.text(), errors, exact, expected)))
            for name in SIGNALS if signals else ():
                found = self.preset.process.query(name)
                served = f"{found[0][1]:.6g}" if len(found) == 1 else f"{len(found)} series"
                rows.append((f"signal {name}", served, *self.judge(self.preset, name, served, {}, exact, self.expected(self.preset))))
            took = time.monotonic() - begun
            if all(row[-1] for row in rows) or took > seconds:
                break
            time.sleep(1)
        self.say(f"{state}: {'as it must be' if all(row[-1] for row in rows) else 'NOT as it must be'} after {took:.0f} s")
        self.texts |= texts
        for label, served, expected, ok in rows:
            self.row(state, label, served, expected, ok)

    def authorisation(self):
        path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/trino-queued"
        proxied = {"X-Remote-User": "system:serviceaccount:kube-system:horizontal-pod-autoscaler"}
        for who, certificate, headers, expected in (("no certificate", None, {}, 403), ("a stranger's certificate", "stranger", {}, 401),
                                                    ("front proxy", "proxy", proxied, 200), ("client certificate", "hpa", {}, 200)):
            served = Reader(self.pki, self.preset.process.api, certificate, headers).get(path)[0]
            self.row("who may read", who, str(served), str(expected), served == expected)

    # ---- the states ----
    def states(self):
        self.check("coordinator not there yet", {name: NEVER for name in self.metrics}, 30, signals=False)
        self.say(f"coordinator started in {self.cluster.coordinator.start():.1f} s")
        self.evidence.start()
        self.no_workers()
        self.queue()
        self.drain()
        self.death()

    def no_workers(self):
        self.first = self.cluster.submit()
        holds = self.reach(0, 0, 1)
        without_memory = {name: EMPTY for name in MEMORY}
        self.check("a no workers, 1 waiting, first two minutes", {**without_memory, "trino-workers-wanted": EMPTY}, 60, holds=holds)
        self.authorisation()
        self.check("a no workers, 1 waiting", without_memory, 180, holds=holds)
        self.say(f"worker 1 started in {self.cluster.workers[0].start():.1f} s")

    def queue(self):
        self.reach(1, 0, 0, "ACTIVE")
        for _ in range(2):
            self.cluster.submit()
        self.check("b 1 worker, 1 running, 2 queued", seconds=240, holds=self.reach(1, 2, 0, "ACTIVE"))

    def drain(self):
        worker = self.cluster.workers[1]
        self.say(f"worker 2 started in {worker.start():.1f} s")
        self.reach(1, 2, 0, "ACTIVE", "ACTIVE")
        time.sleep(30)  # the coordinator learns of a worker within so many seconds, and the next query uses both
        self.first.cancel()
        self.cluster.queries.remove(self.first)
        self.reach(1, 1, 0, "ACTIVE", "ACTIVE")
        self.wait("the query holds memory on both", lambda: self.now() and all(w.free < w.total for w in self.now().workers))
        time.sleep(10)
        asked, word = ("SHUTTING_DOWN", "shutting down") if self.version <= 435 else ("DRAINING", "draining")
        self.say(f"PUT {asked}: {worker.put_state(asked)}")
        self.check(f"c 2 workers, 1 {word}, 1 running, 1 queued", seconds=240, holds=self.reach(1, 1, 0, "ACTIVE", asked))
        self.cluster.cancel_all()
        if asked == "DRAINING":
            self.reach(0, 0, 0, "ACTIVE", "DRAINED")
            time.sleep(6)
            self.nodes()
            self.say(f"PUT ACTIVE: {worker.put_state('ACTIVE')}")
            self.check("c 2 workers, both active again, idle", seconds=240, holds=self.reach(0, 0, 0, "ACTIVE", "ACTIVE"))
            worker.stop()
        self.wait("worker 2 left", lambda: not worker.alive())
        self.check("c worker 2 left, idle", seconds=240, holds=self.reach(0, 0, 0, "ACTIVE"))
        self.nodes()

    def nodes(self):
        """What the cluster says of itself to those who ask in SQL."""
        self.say("system.runtime.nodes: " + str(self.cluster.select("SELECT node_id, state FROM system.runtime.nodes ORDER BY 1")))

    def death(self):
        for _ in range(3):
            self.cluster.submit()
        self.check("d 1 worker, 1 running, 2 queued, before the kill", seconds=240, holds=self.reach(1, 2, 0, "ACTIVE"))
        killed, wall = time.monotonic(), time.time()
        self.cluster.coordinator.stop(signal.SIGKILL)
        self.cluster.queries = []
        self.say("coordinator killed")
        values = {name: EMPTY for name, policy in self.preset.policies.items() if policy.type == "Value"}
        time.sleep(25)
        self.check("d dead for 25 s", values, 5, signals=False)
        time.sleep(max(0, killed + 120 - time.monotonic()))
        # The tuned one holds the preset's metrics just as long.
        self.check("d dead for 120 s", values, 5, signals=False)
        for metric in ("trino-queued", "trino-workers-wanted", "trino-queued-average"):
            wanted = "error" if metric in values else "held"
            state = self.preset.state(metric)
            self.row("d dead for 120 s", f"state of {metric}", str(state), wanted, state == wanted)
        time.sleep(max(0, killed + 216 - time.monotonic()))
        self.check("d dead for 216 s", {name: EMPTY for name in self.metrics}, 5, signals=False)
        for instance in self.instances:
            for name, policy in instance.policies.items():
                for what, served, expected, ok in transitions(policy, instance.watch.of(name, killed), killed, wall):
                    self.row(f"d {instance.name}: from the kill on", f"{name}: {what}", served, expected, ok)
        for name in TUNED:
            read = self.tuned.reader.read(name)
            if read.status != 200:
                self.texts[("d dead for 216 s", "tuned", read.reason, name)] = read.message
        self.back()

    def back(self):
        self.say(f"coordinator back in {self.cluster.coordinator.start():.1f} s")
        ready = time.monotonic()
        self.wait("a fresh value", lambda: any(r.status == 200 for r in self.preset.watch.of("trino-queued", ready)), 60)
        self.say(f"first value {self.preset.watch.of('trino-queued', ready)[-1].time - ready:.1f} s later")
        without = {name: EMPTY for name in (*MEMORY, "trino-workers-wanted")}
        self.check("d back, nothing submitted", without, 30, exact=False, signals=False)
        self.cluster.submit()
        self.check("d back, 1 worker, 1 running", seconds=240, holds=self.reach(1, 0, 0, "ACTIVE"))
        self.cluster.cancel_all()

    # ---- the end ----
    def explain(self):
        """Every value that was served in the whole run must have been true a scrape earlier."""
        for instance in self.instances:
            if instance.watch.failure:
                self.row("all reads", f"the watch of {instance.name}", instance.watch.failure, "no failure", False)
            reads = [read for read in instance.watch.reads if read.metric in self.metrics]
            values, unexplained = 0, []
            cache = {}
            for read in reads:
                if read.status not in (200, 503) or (read.status == 503 and read.reason is None):
                    unexplained.append(read)
                elif read.status == 200:
                    values += 1
                    key = int(read.time * 2)
                    if key not in cache:
                        # The evidence looks once a second: a scrape may have seen first what it says next.
                        cache = {key: Expected(self.evidence, read.time + NEXT_LOOK, self.version, instance.target_free_gib,
                                               QUERY_LAG + NEXT_LOOK, MEMORY_LAG + NEXT_LOOK)}
                    pair = cache[key].of(read.metric)
                    slack = 0.0011 + abs(read.value) * 0.005
                    if pair is None or not pair[0] - slack <= read.value <= pair[1] + slack:
                        unexplained.append(read)
            for read in unexplained[:20]:
                self.say(f"unexplained: {instance.name} {read.metric} {read.text()} at {read.time - self.begun:.1f} s {read.message}")
            self.row("all reads", f"{instance.name}: {len(reads)} reads, {values} values, {len(reads) - values} errors",
                     f"{len(unexplained)} unexplained", "0 unexplained", not unexplained)

    def stop(self):
        self.evidence.ended.set()
        for instance in self.instances:
            code, took = instance.stop()
            self.row("all reads", f"{instance.name}: exit status and seconds to leave", f"{code}, {took:.2f}", "0, under 1",
                     code == 0 and took < 1)
        self.cluster.stop()
        self.pki.remove()

    def report(self):
        print(f"\nTrino {self.version}\n| State | Metric | Served | Expected | |\n|---|---|---|---|---|")
        for state, metric, served, expected, ok in self.rows:
            print(f"| {state} | {metric} | {served} | {expected} | {'ok' if ok else 'WRONG'} |")
        print("\nThe texts of the errors:")
        for (state, instance, *_), text in self.texts.items():
            print(f"- {state}, {instance}:\n  {text}")
        print(f"\nTrino {self.version}: {len(self.rows) - self.bad} ok, {self.bad} wrong, {time.monotonic() - self.begun:.0f} s")


def main():
    version, home, folder = int(sys.argv[1]), sys.argv[2], os.path.abspath(sys.argv[3])
    os.makedirs(folder, exist_ok=True)
    this = Run(version, home, folder)
    try:
        this.states()
        this.explain()
    except Exception as error:  # noqa: BLE001 - the report comes all the same
        this.row("the run", "ended early", f"{type(error).__name__}: {error}", "its end", False)
    finally:
        this.stop()
    this.report()
    return 1 if this.bad else 0


if __name__ == "__main__":
    sys.exit(main())
