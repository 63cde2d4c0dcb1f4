# SPDX-License-Identifier: Apache-2.0
"""Builds the control plane when that is needed, and runs the end-to-end tests: each file before a cluster of its own.

Ends with one plain line over all of them. Logs of a file's cluster are in .cache/control-plane/logs/.
usage: run.py [--adapter] [NAME...]; NAME is that of test_NAME.py, and none means all but adapter.

--adapter is the scenario before a real prometheus-adapter and Prometheus, which are built first: some five minutes of
processor time.
"""
import concurrent.futures
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import build

PATIENCE = 900  # for one file
# The longest first.
FIRST = ["idle", "hub", "managed", "scaling"]
# What other people's programs they need.
PEERS = {"adapter": ["adapter", "prometheus"]}


def names():
    found = sorted(os.path.basename(path)[5:-3] for path in glob.glob(os.path.join(build.HERE, "test_*.py")))
    return sorted(found, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))


def run(name, logs):
    """Returns: the name, (passed, failed, skipped), seconds, output."""
    start = time.monotonic()
    counts = [0, 1, 0]
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as result:
        paths = [build.HERE, os.path.dirname(build.HERE)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1",
                       "PYTHONUNBUFFERED": "1", "RESULT": result.name, "LOGS": logs}
        process = subprocess.Popen([sys.executable, os.path.join(build.HERE, f"test_{name}.py")], env=environment,
                                   cwd=build.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            output += f"\nnot finished after {PATIENCE} s\n"
        written = result.read()
        if written:
            counts = json.loads(written)
        if process.returncode and not counts[1]:
            counts[1] += 1
    return name, counts, time.monotonic() - start, output


def main():
    flags = {f"--{name}" for name in PEERS}
    wanted = [argument.removeprefix("--") if argument in flags else argument for argument in sys.argv[1:]]
    wanted = wanted or [name for name in names() if name not in PEERS]
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        sys.exit(f"no such end-to-end tests: {', '.join(unknown)}; there are {', '.join(names())}")
    build.main([*build.MODULES, *(module for name in wanted for module in PEERS.get(name, []))])
    logs = os.path.join(build.CACHE, "logs")
    shutil.rmtree(logs, ignore_errors=True)
    total = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("TEST_JOBS", "2"))) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run, name, logs) for name in wanted]):
            name, counts, seconds, output = future.result()
            print(f"--- {name}: {seconds:.0f} s\n{output}", flush=True)
            total = [a + b for a, b in zip(total, counts)]
    with open(os.path.join(build.CACHE, "summary.txt"), "w", encoding="utf-8") as out:
        out.write("{} {} {}\n".format(*total))
    print("{} passed, {} failed, {} skipped".format(*total))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
