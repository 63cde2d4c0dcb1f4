# SPDX-License-Identifier: Apache-2.0
"""What the process costs from outside: memory with the Trino preset on a complete recorded page, and the time
from its start to the first served value. Prints a table; judges nothing.

usage: PLIMSOLL=build/plimsoll python3 test/bench/measure.py
"""
import glob
import gzip
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import BINARY, ROOT, Pki, Plimsoll, Target, eventually, run, write  # noqa: E402


def recorded_page():
    names = sorted(glob.glob(os.path.join(ROOT, "test/fixtures/trino-483", "**", "*.complete.prom.gz"), recursive=True))
    with gzip.open(names[0]) as page:
        return os.path.relpath(names[0], ROOT), page.read()


def respond_with(body):
    packed = gzip.compress(body)

    def respond(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/openmetrics-text;charset=utf-8;version=1.0.0")
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(packed)))
        handler.end_headers()
        handler.wfile.write(packed)

    return respond


def resident(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


def main():
    name, body = recorded_page()
    target = Target(respond_with(body))
    pki = Pki()
    config = run("config", "--engine", "trino", "--target", target.address).stdout
    config = config.replace("scrape_interval: 15s", "scrape_interval: 1s").replace("scrape_timeout: 10s", "scrape_timeout: 1s")
    path = write(pki.folder, "plimsoll.yml", config)

    starts = []
    for _ in range(10):
        begin = time.perf_counter()
        plimsoll = Plimsoll("--config.file", path, "--web.listen-address=127.0.0.1:0", *pki.flags(), api=True)
        while plimsoll.external(pki, "default", "trino-queued").status != 200:
            pass
        starts.append(time.perf_counter() - begin)
        plimsoll.stop()
    starts.sort()

    plimsoll = Plimsoll("--config.file", path, "--web.listen-address=127.0.0.1:0", *pki.flags(), api=True)
    eventually(lambda: len(target.requests) >= 11 + 20, "20 scrapes")
    memory, peak = resident(plimsoll.process.pid), resident(plimsoll.process.pid, "VmHWM")
    plimsoll.stop()
    target.close()
    pki.remove()

    print(f"page: {name}, {len(body)} bytes")
    print(f"start to first served value over TLS: least {starts[0]:.3f} s, median {starts[5]:.3f} s (10 starts)")
    print(f"resident after 20 scrapes: {memory:.1f} MiB, peak {peak:.1f} MiB")
    print(f"binary: {os.path.getsize(BINARY) / 1e6:.1f} MB, stripped {stripped():.1f} MB")


def stripped():
    copy = "/tmp/plimsoll-stripped-" + str(os.getpid())
    subprocess.run(["strip", "-o", copy, BINARY], check=True)
    size = os.path.getsize(copy) / 1e6
    os.remove(copy)
    return size


if __name__ == "__main__":
    main()
