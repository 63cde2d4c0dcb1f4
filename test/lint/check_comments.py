# SPDX-License-Identifier: Apache-2.0
"""Every source says whose it is and what it is for; no TODO without a number; names stay neutral.

usage: check_comments.py SOURCE_ROOT
"""
import pathlib
import re
import subprocess
import sys

SOURCE = {".h", ".cc", ".py"}
LICENCE = "SPDX-License-Identifier: Apache-2.0"


def files(root):
    try:
        names = subprocess.run(["git", "ls-files", "exporter", "test"], cwd=root, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        names = []
    if names:
        return [root / name for name in names if (root / name).exists()]
    return [p for top in ("exporter", "test") for p in (root / top).rglob("*") if p.is_file()]


def main():
    root = pathlib.Path(sys.argv[1])
    found = []
    for path in files(root):
        if path.suffix not in SOURCE or "fixtures" in path.parts or "corpus" in path.parts:
            continue
        where = path.relative_to(root)
        text = path.read_text(encoding="utf-8")
        head = text[:200]
        if LICENCE not in head:
            found.append(f"{where}:1: no line '{LICENCE}'")
        opening = text.split("\n", 3)
        is_unit_test = where.parts[0] == "test" and path.name.endswith("_test.cc")
        if path.suffix == ".cc" and not is_unit_test and not any(line.startswith("// ") for line in opening[1:3]):
            found.append(f"{where}:2: no opening comment that says what the file is for")
        if path.suffix == ".h":
            if "#pragma once" not in text:
                found.append(f"{where}: no #pragma once")
            if not re.match(r"// SPDX[^\n]*\n//\n// \S", text):
                found.append(f"{where}:1: a header opens with the licence, an empty comment line and a sentence")
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b", line) and "check_comments" not in path.name and not re.search(r"TODO\(#\d+\)", line):
                found.append(f"{where}:{number}: a TODO carries a number or is not written")
    rooms = [p for p in (root / "exporter").iterdir() if p.is_dir() and any(p.glob("*.h"))]
    for room in rooms:
        if not (room / "README.md").exists():
            found.append(f"exporter/{room.name}: no README.md that lists its doors")
    print("\n".join(found) if found else "every file says what it is for")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
