# SPDX-License-Identifier: Apache-2.0
"""Turns the files of rules/ that the binary carries into one C++ source.

usage: embed_packs.py RULES_FOLDER OUTPUT DEPFILE

Carried: every preset.yml and *.rules.yml. Rule tests stay files. The depfile names the folders too, so
that a new file is noticed.
"""
import pathlib
import sys

DELIMITER = "PLIMSOLL"


def carried(path):
    return path.name == "preset.yml" or path.name.endswith(".rules.yml")


def main():
    rules, output, depfile = (pathlib.Path(argument) for argument in sys.argv[1:4])
    files = sorted(path for path in rules.glob("*/*") if carried(path))
    lines = [
        "// Written by embed_packs.py.",
        '#include "config/preset.h"',
        "namespace plimsoll::config {",
        "namespace {",
        "constexpr PackFile kFiles[] = {",
    ]
    for path in files:
        text = path.read_text(encoding="utf-8")
        if f"){DELIMITER}\"" in text:
            sys.exit(f"{path}: holds the delimiter of the generated source")
        name = path.relative_to(rules).as_posix()
        lines.append(f'{{"{name}", R"{DELIMITER}({text}){DELIMITER}"}},')
    if not files:
        lines.append('{"", ""},')
    lines += [
        "};",
        "}  // namespace",
        f"std::span<const PackFile> PackFiles() {{ return std::span(kFiles).first({len(files)}); }}",
        "}  // namespace plimsoll::config",
        "",
    ]
    output.write_text("\n".join(lines), encoding="utf-8")
    watched = [rules, *(path for path in rules.glob("*") if path.is_dir()), *files]
    depfile.write_text(f"{output}: " + " ".join(str(path) for path in watched) + "\n", encoding="utf-8")


main()
