#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs unit-test files of rules in promtool and in plimsoll and compares the verdict of every test.

usage: compare_rule_tests.py PLIMSOLL PROMTOOL FILE_OR_FOLDER...

Of a folder every *.yml and *.yaml with a key `tests:` is taken. Both programs write JUnit, which names each
test; promtool runs five times without group_eval_order, because the order of its groups is random then. A
difference is excused when plimsoll says that it left something out (alerting rules, native histograms), and
is counted under that reason. Exit code 1 on any other difference.
"""
import collections
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from pathlib import Path

RUNS_WITHOUT_ORDER = 5


def tests_of(arguments):
    for argument in map(Path, arguments):
        if argument.is_file():
            yield argument
            continue
        for path in sorted([*argument.rglob("*.yml"), *argument.rglob("*.yaml")]):
            if re.search(r"^tests:", path.read_text(encoding="utf-8", errors="replace"), re.M):
                yield path


def run(program, path):
    """Returns: the exit code, and by test: whether it passed, and what was left out."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as junit:
        done = subprocess.run([program, "test", "rules", f"--junit={junit.name}", str(path)], capture_output=True)
        suite = xml.parse(junit.name).getroot().find("testsuite")
    cases = {}
    for case in suite.findall("testcase"):
        good = case.find("failure") is None and not (case.findtext("error") or "")
        cases[case.get("name")] = (good, [note.text for note in case.findall("system-out")])
    return done.returncode, cases


def reason_of(skips):
    text = " ".join(skips)
    return "alerting rules" if "alert" in text else "native histograms" if "histogram" in text else ""


def compare(plimsoll, promtool, path):
    code, ours = run(plimsoll, path)
    ordered = re.search(r"^group_eval_order:", path.read_text(encoding="utf-8"), re.M)
    theirs = [run(promtool, path) for _ in range(1 if ordered else RUNS_WITHOUT_ORDER)]
    counts = collections.Counter()
    wrong = []
    for name in dict.fromkeys([*ours, *(n for _, cases in theirs for n in cases)]):
        verdicts = {cases.get(name, (None, []))[0] for _, cases in theirs}
        mine, skips = ours.get(name, (None, []))
        if mine in verdicts:
            counts["same"] += 1
            counts["left out in part"] += bool(skips)
            counts["promtool wavers"] += len(verdicts) > 1
        elif mine and skips and reason_of(skips):
            counts["excused: " + reason_of(skips)] += 1
        else:
            counts["different"] += 1
            wrong.append(f"{path}: {name}: plimsoll {mine}, promtool {sorted(map(str, verdicts))}")
    if code not in {c for c, _ in theirs} and not any(key.startswith("excused") for key in counts):
        counts["different exit code"] += 1
        wrong.append(f"{path}: plimsoll exits with {code}, promtool with {theirs[0][0]}")
    return counts, wrong


def main():
    plimsoll, promtool, *arguments = sys.argv[1:]
    total = collections.Counter()
    wrong = []
    for path in tests_of(arguments):
        counts, found = compare(plimsoll, promtool, path)
        total += counts
        total["files"] += 1
        wrong += found
        print(f"{path.name}: " + ", ".join(f"{count} {what}" for what, count in counts.items() if count))
    print("total: " + ", ".join(f"{count} {what}" for what, count in total.items() if count))
    print("\n".join(wrong))
    return 1 if wrong or not total["files"] else 0


if __name__ == "__main__":
    sys.exit(main())
