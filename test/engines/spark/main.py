# SPDX-License-Identifier: Apache-2.0
"""Fetches each named release of Spark, if it is not there yet, and checks plimsoll against it, one after the other.

usage: main.py [VERSION...]

SPARK_HOME_<VERSION, dots as underscores> names a folder that fetch.sh has filled before; without it that is
.cache/engines/spark-<VERSION>.
"""
import os
import subprocess
import sys
import time

from cluster import find_java

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
TRIED = ["3.5.9", "4.3.0"]


def check(version):
    cache = os.path.join(ROOT, ".cache", "engines")
    home = os.environ.get("SPARK_HOME_" + version.replace(".", "_")) or os.path.join(cache, f"spark-{version}")
    fetched = subprocess.run([os.path.join(HERE, "fetch.sh"), version, home]).returncode
    if fetched:
        return fetched
    folder = os.path.join(cache, f"run-spark-{version}-{time.strftime('%H%M%S')}")
    return subprocess.run([sys.executable, os.path.join(HERE, "check.py"), version, home, folder]).returncode


def main():
    if find_java() is None:
        print("Spark needs a JDK of Java 17 to 21: none found in JAVA_HOME and /usr/lib/jvm", file=sys.stderr)
        return 3
    failed = [version for version in sys.argv[1:] or TRIED if check(version) != 0]
    if failed:
        print("failed: Spark " + ", ".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
