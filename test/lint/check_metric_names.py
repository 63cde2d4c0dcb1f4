#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every metric that a dashboard, an alert or a KEDA query names exists.

usage: check_metric_names.py SOURCE_ROOT [--self-test]

They may use what leaves on /metrics: the signals of the presets and the telemetry catalogue. What an HPA asks for is
checked with the other manifests.
"""
import json
import pathlib
import re
import shutil
import sys
import tempfile

import yaml

CATALOGUE_ROW = re.compile(r'X\(\s*\w+,\s*k(Counter|Gauge|Histogram),\s*"(\w+)"')
KEYWORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset",
            "atan2", "start", "end", "inf", "nan"}


def exported_names(root):
    names = set()
    for kind, name in CATALOGUE_ROW.findall((root / "exporter/telemetry/catalogue.h").read_text()):
        if kind == "Histogram":
            names.update(name + suffix for suffix in ("_bucket", "_sum", "_count"))
        else:
            names.add(name)
    for preset in sorted(root.glob("rules/*/preset.yml")):
        names.update(signal["name"] for signal in yaml.safe_load(preset.read_text()).get("signals", []))
    return names


def names_in_promql(expr):
    """The metric names of an expression: identifiers that are no function, label, keyword or text."""
    expr = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', '""', expr)
    expr = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", expr)
    expr = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", expr)
    for match in re.finditer(r"[A-Za-z_:][\w:]*", expr):
        before = expr[match.start() - 1] if match.start() else " "
        after = expr[match.end():].lstrip()[:1]
        if not before.isdigit() and before not in ".$" and after != "(" and match[0].lower() not in KEYWORDS:
            yield match[0]


def dashboard_problems(root, known):
    for path in sorted(root.glob("dashboards/*.json")):
        board = json.loads(path.read_text())
        where = path.relative_to(root)
        asked = [(f"panel '{panel['title']}'", target["expr"])
                 for panel in board["panels"] for target in panel.get("targets", [])]
        for variable in board["templating"]["list"]:
            match = re.match(r"label_values\((.*),\s*\w+\)$", str(variable.get("definition", "")))
            if match:
                asked.append((f"variable '{variable['name']}'", match[1]))
        variables = {variable["name"] for variable in board["templating"]["list"]}
        for needed in {"datasource", "namespace", "job"} - variables:
            yield f"{where}: no variable '{needed}'"
        for place, expr in asked:
            for name in sorted(set(names_in_promql(expr)) - known):
                yield f"{where}: {place}: no pack and no telemetry has '{name}'"


def manifest_problems(root, known):
    """Alerts and KEDA's queries."""
    alerts = root / "manifests/alerts/plimsoll.rules.yml"
    asked = [(alerts, rule["alert"], rule["expr"]) for group in yaml.safe_load(alerts.read_text())["groups"] for rule in group["rules"]]
    for path in sorted(root.glob("manifests/keda/*.yaml")):
        for trigger in yaml.safe_load(path.read_text())["spec"].get("triggers", []):
            if trigger["type"] == "prometheus":
                asked.append((path, "trigger", trigger["metadata"]["query"]))
    for path, place, expr in asked:
        for name in sorted(set(names_in_promql(expr)) - known):
            yield f"{path.relative_to(root)}: {place}: no pack and no telemetry has '{name}'"


def problems(root):
    known = exported_names(root)
    yield from dashboard_problems(root, known)
    yield from manifest_problems(root, known)


def self_test(root):
    """Each kind of mistake is found in a copy of the tree."""
    mistakes = [
        ("dashboards/trino.json", '"trino_workers_wanted{', '"trino_workers_wished{', "trino_workers_wished"),
        ("manifests/alerts/plimsoll.rules.yml", "plimsoll_ticks_skipped_total", "plimsoll_ticks_missed_total", "ticks_missed"),
        ("manifests/keda/scaled-object-prometheus.yaml", "query: trino_workers_for_queue", "query: trino_wished", "trino_wished"),
    ]
    for file, right, wrong, expected in mistakes:
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder)
            for part in ("dashboards", "manifests", "rules", "exporter/telemetry"):
                shutil.copytree(root / part, copy / part)
            text = (copy / file).read_text()
            assert right in text, f"{file} has no '{right}'"
            (copy / file).write_text(text.replace(right, wrong))
            found = list(problems(copy))
            assert any(expected in problem for problem in found), (file, wrong, found)
    assert list(names_in_promql('sum by (le) (rate(a_b{c="d",e=~"f"}[5m] offset 1m)) / on (x) 2e3 > bool g:h')) == ["a_b", "g:h"]
    print("finds what it should")


def main():
    root = pathlib.Path(sys.argv[1])
    if "--self-test" in sys.argv:
        self_test(root)
        return 0
    found = list(problems(root))
    print("\n".join(found) or "every metric that is named exists")
    return 1 if found else 0


sys.exit(main())
