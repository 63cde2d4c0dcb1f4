# SPDX-License-Identifier: Apache-2.0
"""docs/metrics.md names every metric of the catalogue, with its kind, labels and help, and no other.

usage: check_metrics_page.py SOURCE_ROOT [--write]
"""
import pathlib
import re
import sys

ROW = re.compile(r'X\(\w+,\s*k(\w+),\s*"(plimsoll_\w+)",\s*((?:"[^"]*"\s*)+),\s*"([^"]*)"\)')

HEAD = """# plimsoll's own metrics

On `/metrics`, beside the signals. Names do not change. The list is made from
`exporter/telemetry/catalogue.h`, and a test holds it to it.

| Name | Kind | Labels | What it says |
|---|---|---|---|
"""


def page(root):
    text = (root / "exporter/telemetry/catalogue.h").read_text(encoding="utf-8").replace("\\\n", " ")
    rows = []
    for kind, name, help_parts, labels in ROW.findall(text):
        words = " ".join("".join(re.findall(r'"([^"]*)"', help_parts)).split())
        rows.append(f"| `{name}` | {kind.lower()} | {labels.replace(',', ', ')} | {words} |")
    assert len(rows) > 10, "the catalogue could not be read"
    return HEAD + "\n".join(sorted(rows)) + "\n"


def main():
    root = pathlib.Path(sys.argv[1])
    wanted = page(root)
    path = root / "docs/metrics.md"
    if "--write" in sys.argv:
        path.write_text(wanted, encoding="utf-8")
        return 0
    if not path.exists() or path.read_text(encoding="utf-8") != wanted:
        print("docs/metrics.md is not what exporter/telemetry/catalogue.h says: check_metrics_page.py . --write")
        return 1
    print("docs/metrics.md lists the catalogue")
    return 0


if __name__ == "__main__":
    sys.exit(main())
