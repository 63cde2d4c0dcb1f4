#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the recorded states of an engine through its pack in promtool and compares with the truth table.

usage: check_states.py SOURCE_ROOT ENGINE

Every page under test/fixtures/ENGINE-<version>/<state>/ is fed at each step, together with the workers'
pages of the same state, until every window is full; then each row of test/fixtures/ENGINE-truth.tsv is
asked. A page without a row is an error. The pages come in as promtool's series, so this judges the rules and the
table by Prometheus's own engine; the whole path through plimsoll is the business of an integration test.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

SKIPPED = 77  # what Meson takes for a skipped test
STEP_SECONDS, STEPS = 15, 28
SAMPLE = re.compile(r"([A-Za-z_:][\w:]*)(?:\{(.*?),?\})? (\S+)$")


def read_truth(path):
    """(version, state, dialect) -> rows of (signal, expected, tolerance)."""
    truth = {}
    header = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        if header is None:
            header = fields
            assert header[:6] == ["version", "dialect", "state", "signal", "expected", "tolerance"], header
            continue
        assert len(fields) == len(header), f"{path.name}:{number}: {len(fields)} fields, expected {len(header)}"
        version, dialect, state, signal, expected, tolerance = fields[:6]
        truth.setdefault((version, state, dialect), []).append((signal, expected, tolerance))
    return truth


def series_of(page, labels, names):
    for line in page.read_text().splitlines():
        match = SAMPLE.match(line)
        if match and match[1] in names and match[3] not in ("NaN", "Infinity", "-Infinity"):
            inside = ",".join(filter(None, [match[2], labels]))
            yield f"{match[1]}{{{inside}}}", f"{Decimal(match[3]):f}x{STEPS}"


def expectations(job, rows):
    """promtool compares exactly, so a number is asked as a question about its distance."""
    for signal, expected, tolerance in rows:
        if expected.startswith("exempt:"):
            continue
        if expected == "absent":
            yield f'{signal}{{job="{job}"}}', "[]"
        else:
            near = tolerance or repr(1e-9 * max(1.0, abs(float(expected))))
            question = f'abs({signal}{{job="{job}"}} - ({expected})) <= bool {near}'
            yield question, f"""[{{labels: '{{job="{job}"}}', value: 1}}]"""


def main():
    root, engine = Path(sys.argv[1]).resolve(), sys.argv[2]
    promtool = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if not promtool:
        print("promtool is missing (Debian: package prometheus)")
        return 1 if os.environ.get("CI") == "true" else SKIPPED
    rules = sorted((root / "rules" / engine).glob("*.rules.yml"))
    names = set(re.findall(r"[A-Za-z_:][\w:]*", "\n".join(path.read_text() for path in rules)))
    preset = (root / "rules" / engine / "preset.yml").read_text()
    params = re.findall(rf"^  ({engine}_\w+): ([\d.]+)$", preset, re.M)
    truth = read_truth(root / f"test/fixtures/{engine}-truth.tsv")

    out = ["rule_files:", *(f"  - {path}" for path in rules), f"evaluation_interval: {STEP_SECONDS}s", "tests:"]
    problems, asked, unused = [], 0, set(truth)
    for page in sorted((root / "test/fixtures").glob(f"{engine}-*/*/*.prom")):
        version, state, dialect = page.parts[-3].removeprefix(engine + "-"), page.parts[-2], page.stem
        if dialect.startswith("worker"):
            continue
        key = next((k for k in ((version, state, dialect), (version, state, "*")) if k in truth), None)
        if key is None:
            problems.append(f"{page.relative_to(root)}: no row of {engine}-truth.tsv says what it means")
            continue
        unused.discard(key)
        if key[2] == "*":
            continue  # exempt as a whole
        job = f"{version}/{dialect}/{state}"
        series = list(series_of(page, f'job="{job}",instance="coordinator"', names))
        for worker in sorted(page.parent.glob("worker*.prom")) if dialect == "metrics-filtered" else []:
            series += series_of(worker, f'job="{job}",instance="{worker.stem}"', names)
        series += [(f'plimsoll_param{{name="{name}"}}', f"{value}x{STEPS}") for name, value in params]
        out += [f"  - name: '{job}'", f"    interval: {STEP_SECONDS}s", "    input_series:"]
        out += [f"      - {{series: '{text}', values: '{values}'}}" for text, values in series]
        out.append("    promql_expr_test:")
        for question, samples in expectations(job, truth[key]):
            asked += 1
            at = STEP_SECONDS * (STEPS - 1) + 5
            out.append(f"      - {{expr: '{question}', eval_time: {at}s, exp_samples: {samples}}}")
    problems += [f"{engine}-truth.tsv: no page {'/'.join(key)}" for key in sorted(unused)]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "states.test.yml"
        script.write_text("\n".join(out) + "\n")
        status = subprocess.run([promtool, "test", "rules", str(script)]).returncode
    print("\n".join(problems) or f"{asked} questions about {len(truth)} pages asked")
    return 1 if problems or status else 0


sys.exit(main())
