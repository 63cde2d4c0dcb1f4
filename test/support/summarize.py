# SPDX-License-Identifier: Apache-2.0
"""Adds up what a `meson test` run did, in test cases, and prints one plain line.

A doctest program counts each of its cases; any other test counts once. A suite that was skipped is
named, so that nobody can miss it; with CI=true it is a failure.
usage: summarize.py TESTLOG_JSON [LABEL]
"""
import json
import os
import re
import sys

CASES = re.compile(r"test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped")


def main():
    passed = failed = skipped = 0
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            result = test["result"]
            cases = CASES.search(re.sub(r"\x1b\[[0-9;]*m", "", test.get("stdout") or ""))
            if result in ("SKIP",):
                skipped += 1
                print(f"skipped: {test['name']}: {(test.get('stdout') or '').strip()[-300:]}")
            elif cases and result in ("OK", "FAIL"):
                passed += int(cases.group(2))
                failed += int(cases.group(3))
                if result == "FAIL" and int(cases.group(3)) == 0:
                    failed += 1
            elif result in ("OK", "EXPECTEDFAIL"):
                passed += 1
            else:
                failed += 1
    if os.environ.get("CI") and skipped:
        print(f"{skipped} skipped in CI: a missing tool is a failure there")
        failed += skipped
        skipped = 0
    with open(os.path.join(os.path.dirname(sys.argv[1]), "summary.txt"), "w", encoding="utf-8") as out:
        out.write(f"{passed} {failed} {skipped}\n")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
