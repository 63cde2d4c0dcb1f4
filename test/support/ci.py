# SPDX-License-Identifier: Apache-2.0
"""Runs the stages of continuous integration one after the other, each with its time.

Stops at the first stage that fails. Ends with one plain line over all stages.
"""
import os
import subprocess
import sys
import time

# Stage, command, and the file with its numbers of passed, failed and skipped tests.
STAGES = [
    ("test", ["./dev", "test"], "build/meson-logs/summary.txt"),
    ("lint", ["./dev", "lint"], None),
    ("conform", ["./dev", "conform"], None),
    ("asan+ubsan, fuzz replay", ["./dev", "asan"], "build-asan/meson-logs/summary.txt"),
    ("tsan", ["./dev", "tsan"], "build-tsan/meson-logs/summary.txt"),
    ("e2e", ["./dev", "e2e"], ".cache/control-plane/summary.txt"),
]


def main():
    total = [0, 0, 0]
    times = []
    status = 0
    for name, command, counts in STAGES:
        print(f"=== {name}: {' '.join(command)}", flush=True)
        start = time.monotonic()
        if counts and os.path.exists(counts):
            os.remove(counts)
        status = subprocess.run(command, env={**os.environ, "CI": "true"}).returncode
        times.append(f"{name} {time.monotonic() - start:.0f} s")
        if counts:
            try:
                with open(counts, encoding="utf-8") as summary:
                    total = [a + int(b) for a, b in zip(total, summary.read().split())]
            except OSError:
                total[1] += 1
        elif status:
            total[1] += 1
        else:
            total[0] += 1
        print(f"=== {times[-1]}, exit status {status}", flush=True)
        if status:
            break
    print("stages: " + "; ".join(times))
    if status and total[1] == 0:
        total[1] = 1
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if status or total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
