#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads every pack's rules and runs its rule tests, in promtool and in plimsoll.

usage: check_packs.py SOURCE_ROOT PLIMSOLL

The packs promise to load as they are in Prometheus, so Prometheus's own tool is the judge; ours must agree.
PROMTOOL names another one than that of the PATH. Without promtool the test is skipped, but not where CI=true.

A rule test must name its groups in group_eval_order: without it promtool evaluates them in the order of a Go
map, so that a test of rules that read one another passes in one run and fails in the next.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

SKIPPED = 77  # what Meson takes for a skipped test


def main():
    root = Path(sys.argv[1])
    plimsoll = sys.argv[2]
    promtool = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if not promtool:
        print("promtool is missing (Debian: package prometheus)")
        return 1 if os.environ.get("CI") == "true" else SKIPPED
    packs = sorted(p for p in (root / "rules").iterdir() if p.is_dir())
    failed = 0 if packs else 1
    for pack in packs:
        rules = sorted(pack.glob("*.rules.yml"))
        tests = sorted(pack.glob("*.test.yml"))
        if not rules or not tests:
            print(f"{pack}: a pack has *.rules.yml and *.test.yml")
            failed += 1
            continue
        wanted = [name for file in rules for name in re.findall(r"^  - name: (\S+)$", file.read_text(), re.M)]
        for file in tests:
            order = re.search(r"^group_eval_order: \[(.*)\]$", file.read_text(), re.M)
            if not order or order[1].split(", ") != wanted:
                print(f"{file}: expected 'group_eval_order: [{', '.join(wanted)}]'")
                failed += 1
        for verb, files in (("check", rules), ("test", tests)):
            for tool in (promtool, plimsoll):
                command = [tool, verb, "rules", *map(str, files)]
                print("+", " ".join(command), flush=True)
                failed += subprocess.run(command).returncode != 0
    return 1 if failed else 0


sys.exit(main())
