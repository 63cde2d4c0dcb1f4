#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every metric that a dashboard or a manifest names exists, and an HPA's target has the declared type.

usage: check_metric_names.py SOURCE_ROOT [--self-test]

A dashboard may use what leaves on /metrics: the signals of the presets and the telemetry catalogue. An
HPA's external metric must be declared in the plimsoll.yml of a ConfigMap beside it, with the type of its
target, and a Value target needs a scale-up policy, because it multiplies the replicas at every sync.
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


def documents(root):
    for path in sorted(root.glob("manifests/**/*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path, document


def declared_metrics(root):
    """(topology folder) -> external metric name -> type, from the plimsoll.yml of its ConfigMaps."""
    declared = {}
    for path, document in documents(root):
        if document and document.get("kind") == "ConfigMap":
            for text in document.get("data", {}).values():
                for metric in (yaml.safe_load(text) or {}).get("external_metrics", []):
                    declared.setdefault(path.parent, {})[metric["name"]] = metric["type"]
    return declared


def manifest_problems(root):
    declared = declared_metrics(root)
    for path, document in documents(root):
        if not document or document.get("kind") != "HorizontalPodAutoscaler":
            continue
        where = path.relative_to(root)
        for metric in document["spec"]["metrics"]:
            if metric["type"] != "External":
                continue
            name, target = metric["external"]["metric"]["name"], metric["external"]["target"]
            kind = declared.get(path.parent, {}).get(name)
            if kind is None:
                yield f"{where}: no ConfigMap beside it declares the external metric '{name}'"
            elif target["type"] != kind:
                yield f"{where}: '{name}' has a target of type {target['type']}, it is declared as {kind}"
            if target["type"] == "Value" and not document["spec"].get("behavior", {}).get("scaleUp", {}).get("policies"):
                yield f"{where}: '{name}' is a Value: without behavior.scaleUp.policies it multiplies the replicas"


def problems(root):
    known = exported_names(root)
    yield from dashboard_problems(root, known)
    yield from manifest_problems(root)


def self_test(root):
    """Each kind of mistake is found in a copy of the tree."""
    mistakes = [
        ("dashboards/trino.json", '"trino_workers_wanted{', '"trino_workers_wished{', "trino_workers_wished"),
        ("manifests/standalone/horizontal-pod-autoscaler.yaml", "name: trino-demand-workers", "name: nobody", "nobody"),
        ("manifests/standalone/horizontal-pod-autoscaler.yaml", "type: AverageValue", "type: Value", "declared as"),
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
