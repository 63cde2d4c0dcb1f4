# SPDX-License-Identifier: Apache-2.0
"""Writes rules/flink/parity.test.yml: what Flink's own autoscaler recommends, as a test of the pack.

usage: parity.py FOLDER

Fetches flink-autoscaler from Maven Central into FOLDER, runs Recommend.java over the cases below, and writes each case as the
series that the collector would have made of it, with the autoscaler's answers as what is expected. The file is committed, so
that everybody's tests compare; this is run again when the pack's arithmetic or the release changes.
"""
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, *[os.pardir] * 4))
RELEASE, FLINK = "1.10.0", "1.20.0"
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>plimsoll</groupId><artifactId>autoscaler</artifactId><version>0</version><packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.flink</groupId><artifactId>flink-autoscaler</artifactId><version>{RELEASE}</version></dependency>
<dependency><groupId>org.apache.flink</groupId><artifactId>flink-clients</artifactId><version>{FLINK}</version></dependency>
<dependency><groupId>org.apache.flink</groupId><artifactId>flink-runtime</artifactId><version>{FLINK}</version></dependency>
</dependencies></project>
"""
MINUTES = 20


class Vertex:
    def __init__(self, name, parallelism, busy, read, sent=None, inputs="", most=128, partitions=0, lag=0, growth=0):
        self.name, self.parallelism, self.busy, self.read = name, parallelism, busy, read
        self.sent = read if sent is None else sent
        self.inputs = [tuple(item.split(":")) for item in inputs.split()]
        self.most, self.partitions, self.lag, self.growth = most, partitions, lag, growth


def chain(parallelism, busy, read, lag=0, growth=0, ship="REBALANCE", most=128, partitions=0, source_busy=50):
    """A source and what works on its records, with half as many going on to a sink."""
    return [Vertex("s", parallelism, source_busy, read, most=most, partitions=partitions, lag=lag, growth=growth),
            Vertex("m", parallelism, busy, read, read / 2, f"s:{ship}", most=most),
            Vertex("k", parallelism, busy / 3, read / 2, 0, "m:FORWARD", most=most)]


def cases():
    yield "busy", chain(2, 900, 2000), {}
    yield "idle", chain(8, 40, 2000), {}
    yield "steady", chain(4, 650, 8000), {}
    yield "growing", chain(2, 950, 2000, lag=240000, growth=200), {}
    yield "shrinking", chain(6, 990, 9000, lag=600000, growth=-400), {}
    yield "saturated", chain(3, 1000, 3000, lag=400000, growth=300), {}
    yield "capped", chain(100, 950, 90000), {}
    # Key groups.
    for most, parallelism, busy in ((128, 5, 900), (128, 20, 700), (720, 20, 650), (360, 7, 990), (7, 2, 800), (9, 3, 700), (100, 30, 800),
                                    (97, 20, 900), (128, 50, 990), (60, 11, 500)):
        yield f"keys-{most}-{parallelism}", chain(parallelism, busy, 1000 * parallelism, ship="HASH", most=most), {}
    # Partitions of a source that is the bottleneck.
    for partitions, parallelism, busy in ((12, 4, 900), (10, 4, 950), (8, 6, 990), (5, 4, 980), (100, 30, 700), (7, 2, 900)):
        yield f"partitions-{partitions}-{parallelism}", chain(parallelism, 100, 1000 * parallelism, partitions=partitions, source_busy=busy), {}
    # Backlogs: more than five minutes of records.
    yield "backlog-idle", chain(4, 50, 1000, lag=400000), {}
    yield "backlog-busy", chain(4, 990, 4000, lag=6000000, growth=-500), {}
    yield "backlog-growing", chain(4, 1000, 4000, lag=2000000, growth=900), {}
    yield "backlog-not-yet", chain(4, 500, 1000, lag=299000), {}
    # Nothing comes in.
    yield "nothing", chain(4, 0, 0, source_busy=0), {}
    yield "nothing-but-lag", chain(4, 0, 0, lag=5000, source_busy=0), {}
    yield "filtered", [Vertex("s", 3, 300, 3000), Vertex("m", 3, 600, 3000, 0, "s:REBALANCE"), Vertex("k", 3, 0, 0, 0, "m:FORWARD")], {}
    yield "no-lag-but-late", [Vertex("s", 3, 0, 0), Vertex("m", 3, 20, 0, 0, "s:REBALANCE")], {}
    # Memory.
    yield "gc", chain(2, 900, 2000), {"gc": 350, "heap": 0.5}
    yield "heap", chain(2, 900, 2000), {"gc": 20, "heap": 0.95}
    yield "gc-and-heap", chain(2, 900, 2000), {"gc": 400, "heap": 0.95}
    yield "memory-to-spare", chain(2, 900, 2000), {"gc": 290, "heap": 0.89}
    # Several inputs.
    yield "join", [Vertex("a", 2, 200, 3000, 3000, lag=30000, growth=20), Vertex("b", 2, 300, 500, 500),
                   Vertex("j", 4, 800, 3500, 1000, "a:HASH b:HASH"), Vertex("k", 2, 500, 1000, 0, "j:REBALANCE")], {}
    yield "join-behind-maps", [Vertex("a", 2, 100, 4000), Vertex("b", 2, 100, 1000, lag=60000, growth=40),
                               Vertex("c", 3, 700, 4000, 2000, "a:REBALANCE"), Vertex("d", 2, 300, 1000, 3000, "b:REBALANCE"),
                               Vertex("j", 5, 850, 5000, 0, "c:HASH d:HASH")], {}
    yield "diamond", [Vertex("s", 2, 100, 2000, 4000, lag=50000), Vertex("l", 2, 400, 2000, 2000, "s:REBALANCE"),
                      Vertex("r", 2, 700, 2000, 1000, "s:REBALANCE"), Vertex("j", 4, 900, 3000, 0, "l:HASH r:HASH")], {}
    yield "shared-input", [Vertex("a", 2, 100, 2000, 4000), Vertex("b", 2, 100, 1000, 2000, lag=20000, growth=10),
                           Vertex("x", 3, 600, 3000, 0, "a:REBALANCE b:REBALANCE"), Vertex("y", 3, 800, 3000, 0, "a:HASH b:HASH")], {}
    yield "two-jobs-in-one", [Vertex("a", 2, 100, 2000, lag=90000, growth=60), Vertex("m", 2, 900, 2000, 0, "a:REBALANCE"),
                              Vertex("b", 2, 100, 5000), Vertex("n", 2, 300, 5000, 0, "b:REBALANCE")], {}
    yield "long", [Vertex("s", 2, 100, 2000, lag=10000)] + [
        Vertex(f"v{i}", 2, 100 * i, 2000, 2000, f"{'s' if i == 1 else f'v{i - 1}'}:REBALANCE") for i in range(1, 10)], {}
    dice = random.Random(7)
    for number in range(12):
        read = dice.randrange(1000, 20000)
        growth = dice.randrange(0, read // 10)
        yield f"random-{number}", chain(dice.randrange(1, 40), dice.randrange(50, 1000), read,
                                        growth * 60 * MINUTES + dice.randrange(0, 200) * read, growth, dice.choice(["HASH", "REBALANCE"]),
                                        dice.choice([128, 128, 256, 180, 90]), dice.choice([0, 0, 16, 24, 30])), {}


def ask(folder, all_cases):
    if not os.path.isdir(os.path.join(folder, "lib")):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "pom.xml"), "w", encoding="utf-8") as out:
            out.write(POM)
        subprocess.run(["mvn", "--quiet", "--batch-mode", "--file", os.path.join(folder, "pom.xml"),
                        "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies", "-DincludeScope=runtime",
                        f"-DoutputDirectory={os.path.abspath(folder)}/lib"], check=True)
    subprocess.run(["javac", "-nowarn", "-d", f"{folder}/classes", "-cp", f"{folder}/lib/*", f"{HERE}/Recommend.java"], check=True)
    with open(f"{folder}/cases.txt", "w", encoding="utf-8") as out:
        for name, vertices, more in all_cases:
            out.write(f"case {name} {more.get('gc', 0)} {more.get('heap', 0)}\n")
            for v in vertices:
                inputs = " ".join(":".join(pair) for pair in v.inputs)
                out.write(f"vertex {v.name} {v.parallelism} {v.most} {v.partitions} {v.busy} {v.read} {v.sent} {v.lag} {v.growth} {inputs}\n")
            out.write("end\n")
    text = subprocess.run(["java", "-cp", f"{folder}/classes:{folder}/lib/*", "org.apache.flink.autoscaler.Recommend",
                           f"{folder}/cases.txt"], check=True, capture_output=True, text=True).stdout
    answers = {}
    for line in text.splitlines():
        case, what, *rest = line.split()
        answers.setdefault(case, {})[(what, rest[0]) if what == "vertex" else what] = int(rest[-1])
    return answers


def alignment(whole, most):
    """The collector's table, written a second time: as loops, the way the autoscaler has it."""
    steps = []
    for wanted in range(1, most + 1):
        last = min(whole if wanted > whole // 2 else whole // 2, most)
        aligned = next((p for p in range(wanted, last + 1) if whole % p == 0), None)
        if aligned is None:
            aligned = wanted
            while aligned > 0 and whole // aligned <= whole // wanted:
                aligned -= 1
            if aligned > 0 and whole % aligned != 0:
                aligned += 1
            aligned = max(aligned, 1)
        if steps and steps[-1][1] == aligned:
            steps[-1] = (wanted, aligned)
        else:
            steps.append((wanted, aligned))
    return steps


def series(vertices, more):
    count = MINUTES + 5
    levels = {}
    while len(levels) < len(vertices):
        for v in vertices:
            if all(i in levels for i, _ in v.inputs):
                levels[v.name] = max((levels[i] + 1 for i, _ in v.inputs), default=0)
    job = 'job="f",job_id="1",job_name="j"'
    for name, value in (("utilization_target", 0.7), ("utilization_boundary", 0.3), ("catchup_seconds", 1800), ("restart_seconds", 300),
                        ("backlog_seconds", 300), ("gc_limit", 0.3), ("heap_limit", 0.9)):
        yield f'plimsoll_param{{name="flink_{name}"}}', f"{value}x{count}"
    yield 'flink_taskmanagers{job="f"}', f"2x{count}"
    yield f"flink_job_running{{{job}}}", f"1x{count}"
    for name, value in (("gc_ms_per_second", more.get("gc", 0)), ("heap_used_bytes", more.get("heap", 0) * 1000), ("heap_max_bytes", 1000)):
        yield f'flink_taskmanagers_{name}{{job="f",agg="max"}}', f"{value:g}x{count}"
    for v in vertices:
        labels = f'{job},vertex_id="{v.name}",vertex_name="{v.name}",is_source="{0 if v.inputs else 1}"'
        constant = {"busyTimeMsPerSecond": ("max", v.busy), "numRecordsInPerSecond": ("sum", v.read), "numRecordsOutPerSecond": ("sum", v.sent)}
        for name, (agg, value) in constant.items():
            yield f'flink_vertex_{name}{{{labels},agg="{agg}"}}', f"{value:.10g}x{count}"
        if not v.inputs:
            first = v.lag - v.growth * 60 * MINUTES
            assert first >= 0, v.name
            yield f'flink_vertex_pendingRecords{{{labels},agg="sum"}}', f"{first}{v.growth * 60:+d}x{count}"
        for name, value in (("parallelism", v.parallelism), ("max_parallelism", v.most), ("level", levels[v.name]),
                            ("outputs", sum(v.name == i for other in vertices for i, _ in other.inputs))):
            yield f"flink_vertex_{name}{{{labels}}}", f"{value}x{count}"
        for before, ship in v.inputs:
            yield f'flink_vertex_input{{{labels},input_vertex_id="{before}",ship_strategy="{ship}"}}', f"1x{count}"
        whole = v.partitions or (v.most if any(ship == "HASH" for _, ship in v.inputs) else 0)
        for number, (upto, aligned) in enumerate(alignment(whole, v.most) if whole else []):
            yield f'flink_vertex_alignment_upto{{{labels},step="{number}"}}', f"{upto}x{count}"
            yield f'flink_vertex_alignment{{{labels},step="{number}"}}', f"{aligned}x{count}"


def main():
    all_cases = list(cases())
    answers = ask(sys.argv[1], all_cases)
    out = [f"""# SPDX-License-Identifier: Apache-2.0
#
# Written by test/engines/flink/autoscaler/parity.py: the recommendations of flink-autoscaler {RELEASE} for {len(all_cases)} jobs.
#
# Steps down are not limited there either: that is left to an HPA's policies. Where a source takes nothing in while
# records wait, the autoscaler recommends less and never acts on it; the pack says nothing.
rule_files: [flink.rules.yml]
evaluation_interval: 1m
group_eval_order: [flink-jobs, flink-vertices, flink-cluster]

tests:"""]
    for name, vertices, more in all_cases:
        out += [f"  - name: {name}", "    interval: 1m", "    input_series:"]
        out += [f"      - {{series: '{labels}', values: '{values}'}}" for labels, values in series(vertices, more)]
        out.append("    promql_expr_test:")
        stuck = any(not v.inputs and v.read == 0 and v.lag > 0 for v in vertices)
        samples = []
        for v in sorted(vertices, key=lambda v: v.name):
            if not (stuck and v.read == 0):
                samples.append(f"{{labels: 'flink_parallelism_aligned{{job=\"f\",job_id=\"1\",job_name=\"j\",vertex_id=\"{v.name}\","
                               f"vertex_name=\"{v.name}\"}}', value: {answers[name][('vertex', v.name)]}}}")
        out.append(f"      - {{expr: flink_parallelism_aligned, eval_time: {MINUTES}m, exp_samples: [{', '.join(samples)}]}}")
        out.append(f"      - {{expr: flink_backlog, eval_time: {MINUTES}m, exp_samples: [{{labels: 'flink_backlog{{job=\"f\",job_id=\"1\","
                   f"job_name=\"j\"}}', value: {answers[name]['backlog']}}}]}}")
        out.append(f"      - {{expr: flink_memory_pressure, eval_time: {MINUTES}m, exp_samples: [{{labels: 'flink_memory_pressure{{job=\"f\"}}', "
                   f"value: {answers[name]['pressure']}}}]}}")
    with open(os.path.join(ROOT, "rules/flink/parity.test.yml"), "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")
    print(f"{len(all_cases)} cases, {sum(len(vertices) for _, vertices, _ in all_cases)} vertices")


if __name__ == "__main__":
    main()
