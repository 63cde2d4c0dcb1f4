# SPDX-License-Identifier: Apache-2.0
"""The query API of plimsoll beside a real Prometheus 3.15: the same requests to both, every byte compared.

  python3 test/conformance/compare_api.py --prometheus PATH [--plimsoll build/plimsoll] [--promtool PATH]
                                          [--queries FILE]... [--show]

Both scrape the same pages (api_world.py), so they hold identical samples. Status, Content-Type, CORS headers
and the body are compared; what cannot be equal (when something was scraped, how long it took) is masked by
name in masks() and nothing else is. What is known to differ is in KNOWN, with its line in docs/differences.md;
a difference that is not there makes the exit code 1. --queries adds lines of {"expr": ...}, or plain expressions, for
format_query. Nothing of this runs in ./dev test: it needs a Prometheus.
"""
import argparse
import collections
import gzip
import http.client
import json
import os
import re
import subprocess
import sys
import urllib.parse
import zlib

import api_requests
from api_world import World

HEADERS = ["Content-Type", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers",
           "Access-Control-Expose-Headers", "Vary", "Allow", "X-Content-Type-Options"]


def ask(port, request):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(request.method, request.target, body=request.body, headers=dict(request.headers))
        response = connection.getresponse()
        body = response.read()
        headers = {name: ", ".join(sorted(response.headers.get_all(name) or [])) for name in HEADERS}
        if response.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        elif response.headers.get("Content-Encoding") == "deflate":
            body = zlib.decompress(body)
        return response.status, headers, body.decode("utf-8", "replace")
    finally:
        connection.close()


def masks(request, body):
    """What two servers cannot have in common."""
    if "/targets" in request.target:
        body = re.sub(r'"lastScrape":"[^"]*"', '"lastScrape":"*"', body)
        body = re.sub(r'"lastScrapeDuration":[0-9.e+-]+', '"lastScrapeDuration":*', body)
        body = re.sub(r'"globalUrl":"[^"]*"', '"globalUrl":"*"', body)
        body = re.sub(r'"lastError":"(Get[^"]*\\"[^"]*\\").*?refused"', r'"lastError":"\1: refused"', body, flags=re.I)
    if "/rules" in request.target:
        body = re.sub(r'"lastEvaluation":"[^"]*"', '"lastEvaluation":"*"', body)
        body = re.sub(r'"evaluationTime":[0-9.e+-]+', '"evaluationTime":*', body)
        body = body.replace('"lastError":"alerting rules are not supported: plimsoll records and does not alert",', "")
        body = re.sub(r'"groupNextToken":"[0-9a-f]+"', '"groupNextToken":"*"', body)
    for kind in ("warnings", "infos"):
        # Which of many are shown is left open by Prometheus: that they are as many, of this kind, is not.
        many = re.search(rf'"{kind}":\[("[^\]]*\d+ more \w+ annotations omitted")\]', body)
        if many:
            texts = json.loads(f"[{many.group(1)}]")
            shown = sorted({re.sub(r"[\d.]+", "N", text) for text in texts})
            body = body.replace(many.group(0), f'"{kind}":{json.dumps([len(texts), texts[-1], shown])}')
    if "stats=" in request.target:
        body = re.sub(r'Time":[0-9.e+-]+', 'Time":*', body)
    return body


def canonical(value):
    """Order of lists aside, for a second look."""
    if isinstance(value, dict):
        return {name: canonical(item) for name, item in sorted(value.items())}
    if isinstance(value, list):
        return sorted((canonical(item) for item in value), key=json.dumps)
    return value


def same_but_order(a, b):
    try:
        return canonical(json.loads(a)) == canonical(json.loads(b))
    except ValueError:
        return sorted(a.splitlines()) == sorted(b.splitlines())


def known(request):
    """The reason why an answer may differ, from docs/differences.md; None: it may not."""
    for pattern, reason in api_requests.KNOWN:
        if re.search(pattern, request.method + " " + request.target):
            return reason
    return None


def compare(world, requests, show):
    counts = collections.Counter()
    reasons = collections.Counter()
    for request in requests:
        theirs, ours = (ask(world.ports[name], request) for name in ("prometheus", "plimsoll"))
        counts["requests"] += 1
        bodies = [masks(request, answer[2]) for answer in (theirs, ours)]
        parts = []
        if theirs[0] != ours[0]:
            parts.append(f"status {theirs[0]} {ours[0]}")
        parts += [f"{name}: {theirs[1][name]!r} {ours[1][name]!r}" for name in HEADERS if theirs[1][name] != ours[1][name]]
        if bodies[0] != bodies[1]:
            if same_but_order(*bodies) and request.any_order:
                counts["same in another order"] += 1
            else:
                parts.append("body" if not same_but_order(*bodies) else "order")
        if not parts:
            counts["same"] += 1
            continue
        reason = known(request)
        if reason:
            counts["known to differ"] += 1
            reasons[reason] += 1
            continue
        counts["DIFFERENT"] += 1
        print(f"--- {request.method} {urllib.parse.unquote(request.target)[:300]} {request.headers or ''}\n    {'; '.join(parts)}")
        if show or "body" in parts or "order" in parts:
            print(f"  theirs {bodies[0][:show]}\n  ours   {bodies[1][:show]}")
    return counts, reasons


def promtool(world, path):
    """promtool's questions, answered alike; times of Prometheus's own aside."""
    end, start = world.end, world.start
    runs = [["instant", "URL", "a_gauge", f"--time={end}"], ["instant", "URL", "1+1", f"--time={end}"],
            ["instant", "URL", "a_gauge[10s]", f"--time={end}"], ["instant", "URL", "(", f"--time={end}"],
            ["instant", "--format=json", "URL", "sum(b_requests_total)", f"--time={end}"],
            ["range", "URL", "rate(b_requests_total[1m])", f"--start={start}", f"--end={end}", "--step=15s"],
            ["series", "URL", "--match=b_requests_total", f"--start={start}", f"--end={end}"],
            ["labels", "URL", "l"], ["labels", "URL", "code", "--match=b_requests_total"], ["labels", "URL", "nobody"]]
    different = 0
    for run in runs:
        answers = []
        for name in ("prometheus", "plimsoll"):
            command = [path, "query"] + [world.url(name) if word == "URL" else word for word in run]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            answers.append((done.returncode, sorted(done.stdout.splitlines()), done.stderr.replace(world.url(name), "URL")))
        if answers[0] != answers[1]:
            different += 1
            print(f"--- promtool query {' '.join(run)}\n  theirs {answers[0]}\n  ours   {answers[1]}")
    print(f"promtool query: {len(runs)} runs, {different} different")
    return different


def scraping(world, prometheus):
    """A real Prometheus scrapes /federate and /metrics in every format: all targets up, the same samples in each."""
    state, held = world.scraped(os.path.abspath(prometheus))
    faults = [f"{job}: {health} {error} {samples} samples" for job, (health, error, samples) in sorted(state.items())
              if health != "up" or error or not samples]
    first = held.get("text", [])
    faults += [f"/federate as {name}: {len(rows)} series, {len(first)} as text, or other values" for name, rows in held.items() if rows != first]
    if len(held) != 4 or not first:
        faults.append(f"formats with samples: {sorted(held)}")
    for fault in faults:
        print("--- scraped by Prometheus: " + fault)
    print(f"scraped by Prometheus: {len(state)} targets, {len(first)} federated series, {len(faults)} faults")
    return len(faults)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prometheus", required=True)
    parser.add_argument("--plimsoll", default="build/plimsoll")
    parser.add_argument("--promtool")
    parser.add_argument("--queries", action="append", default=[])
    parser.add_argument("--show", type=int, default=600, help="bytes of a body that differs")
    options = parser.parse_args()
    world = World(os.path.abspath(options.prometheus), os.path.abspath(options.plimsoll))
    try:
        requests = api_requests.everything(world, options.queries)
        counts, reasons = compare(world, requests, options.show)
        different = counts["DIFFERENT"]
        different += scraping(world, options.prometheus)
        if options.promtool:
            different += promtool(world, options.promtool)
    finally:
        world.close()
    for reason, count in sorted(reasons.items()):
        print(f"known: {count:4}  {reason}")
    print(", ".join(f"{name} {count}" for name, count in counts.items()))
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
