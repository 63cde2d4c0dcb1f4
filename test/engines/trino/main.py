# SPDX-License-Identifier: Apache-2.0
"""Fetches each named release of Trino, if it is not there yet, and checks plimsoll against it, one after the other.

usage: main.py [VERSION...]

TRINO_<VERSION>_HOME names a folder that fetch.sh has filled before; without it that is .cache/engines/trino-<VERSION>.
"""
import os
import subprocess
import sys
import time

from cluster import find_java, java_wanted

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
TRIED = ["435", "483"]


def check(version):
    if find_java(int(version)) is None:
        print(f"Trino {version} needs {java_wanted(int(version))}: none found in JAVA_HOME and /usr/lib/jvm", file=sys.stderr)
        return 3
    cache = os.path.join(ROOT, ".cache", "engines")
    home = os.environ.get(f"TRINO_{version}_HOME") or os.path.join(cache, f"trino-{version}")
    fetched = subprocess.run([os.path.join(HERE, "fetch.sh"), version, home]).returncode
    if fetched:
        return fetched
    folder = os.path.join(cache, f"run-{version}-{time.strftime('%H%M%S')}")
    return subprocess.run([sys.executable, os.path.join(HERE, "check.py"), version, home, folder]).returncode


def main():
    failed = [version for version in sys.argv[1:] or TRIED if check(version) != 0]
    if failed:
        print("failed: Trino " + ", ".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
