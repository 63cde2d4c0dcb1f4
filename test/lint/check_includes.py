# SPDX-License-Identifier: Apache-2.0
"""The room table as a test: order, "never", library ownership, private headers, cycles with oneself.

usage: check_includes.py SOURCE_ROOT [--self-test]
"""
import json
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def problems(root):
    table = json.loads((root / "test/lint/rooms.json").read_text())["rooms"]
    order = [entry["room"] for entry in table]
    never = {entry["room"]: set(entry["never"]) for entry in table}
    owner = {prefix: entry["room"] for entry in table for prefix in entry["owns"]}
    found = []
    for folder in sorted(p.name for p in (root / "exporter").iterdir() if p.is_dir()):
        if folder not in order:
            found.append(f"exporter/{folder}: not in test/lint/rooms.json")
    for room in order:
        for path in sorted((root / "exporter" / room).rglob("*")):
            if path.suffix not in (".h", ".cc"):
                continue
            where = path.relative_to(root)
            text = path.read_text(encoding="utf-8")
            for match in INCLUDE.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                name = match.group(2)
                if match.group(1) == "<":
                    for prefix, owning in owner.items():
                        if (name == prefix or (prefix.endswith("/") and name.startswith(prefix))) and owning != room:
                            found.append(f"{where}:{line}: <{name}> belongs to the room {owning}")
                    continue
                target = name.split("/")[0]
                if target not in order:
                    found.append(f'{where}:{line}: "{name}" is not rooted at a room')
                elif target == room:
                    continue
                elif order.index(target) > order.index(room):
                    found.append(f"{where}:{line}: {room} includes {target}, which is below it")
                elif target in never[room]:
                    found.append(f"{where}:{line}: {room} must never include {target}")
                elif "/detail/" in name:
                    found.append(f'{where}:{line}: "{name}" is private to the room {target}')
                if not (root / "exporter" / name).exists():
                    found.append(f'{where}:{line}: "{name}" does not exist')
    return found


def self_test(root):
    """Each rule must find a planted violation: a check that cannot fail is none."""
    planted = {
        "exporter/store/a.cc": ['#include "scrape/x.h"', '#include "http/y.h"', "#include <re2/re2.h>", '#include "model/detail/z.h"'],
        "exporter/cellar/b.cc": [""],
    }
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder)
        (copy / "test/lint").mkdir(parents=True)
        (copy / "test/lint/rooms.json").write_text((root / "test/lint/rooms.json").read_text())
        for name, lines in planted.items():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text("\n".join(lines))
        found = "\n".join(problems(copy))
    for expected in ("below it", "must never include", "belongs to the room", "is private", "not in test/lint/rooms.json"):
        if expected not in found:
            return [f"self test: no finding with '{expected}'"]
    return []


def main():
    root = pathlib.Path(sys.argv[1])
    found = problems(root) + self_test(root)
    print("\n".join(found) if found else "rooms keep their order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
