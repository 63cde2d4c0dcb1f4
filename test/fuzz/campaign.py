#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a fuzz target is worth: how long it ran, how much of its parser it reaches, whether it finds a bug.

usage: campaign.py run     SECONDS [TARGET...]   fuzzes for so many seconds of CPU time each, from the committed corpus
       campaign.py cover   [TARGET...]           lines of the parser's own files that the corpora reach; below 85 % fails
       campaign.py planted [TARGET...]           builds each target with one bug in its parser; not finding it fails

`./dev fuzz` builds what `run` needs. Inputs that `run` found are kept in .cache/fuzz/TARGET and used by the others.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOUND = ROOT / ".cache" / "fuzz"
LEAST_COVER = 85.0  # percent
PLANTED_SECONDS = 300

# Target: the files that are the parser under test, and a bug to plant: file, the text, what replaces it.
TARGETS = {
    "api_request": (["serve/detail/api_parameters.cc", "exposition/name_escape.cc"],
                    ("exposition/name_escape.cc", "if (end == 0) {", "if (end == kMostDigits + 1) {")),
    "flink": (["engines/flink.cc", "engines/detail/flink_answers.cc", "engines/detail/flink_page.cc"],
              ("engines/detail/flink_answers.cc", "if (known || !IsId(read.vertex)) continue;", "if (!IsId(read.vertex)) continue;")),
    "pravega": (["engines/pravega.cc", "engines/detail/pravega_answers.cc", "engines/detail/pravega_page.cc"],
                ("engines/detail/pravega_answers.cc", "if (!CoverAllKeys(std::move(ranges))) {",
                 "if (!ranges.empty() && !CoverAllKeys(std::move(ranges))) {")),
    "spark": (["engines/spark.cc", "engines/detail/spark_answers.cc", "engines/detail/spark_metrics.cc",
               "engines/detail/spark_page.cc"],
              ("engines/detail/spark_page.cc", "if (round.metrics->gauges.contains(total)) continue;", "")),
    "gunzip": (["http/gzip.cc"],
               ("http/gzip.cc", "out.size() + produced >= limit", "out.size() + produced > limit + 16384")),
    "http_message": (["http/message.cc"], ("http/message.cc", "c == '.' || c == '_' || c == '~'",
                                           "c == '.' || c == '_' || c == '~' || c == '+'")),
    "http_parser": (["http/http_parser.cc"], ("http/http_parser.cc", "fields.back().second.assign(value);",
                                               "if (!value.empty()) fields.back().second.assign(value);")),
    "external_path": (["serve/external_metrics.cc", "serve/detail/discovery.cc", "serve/authentication.cc"],
                      ("serve/external_metrics.cc", "\"only application/json is served here\"", "\"\"")),
    "label_selector": (["serve/label_selector.cc"],
                       ("serve/label_selector.cc", "if (i > 0) text += ',';", "if (i > 0 && i != 3) text += ',';")),
    "text": (["exposition/page_parser.cc", "exposition/detail/lexer.cc", "exposition/detail/entry_reader.cc",
              "exposition/detail/number.cc", "exposition/detail/series_decoder.cc", "exposition/name_filter.cc"],
             ("exposition/detail/series_decoder.cc", "(quotes && next == '\"')", "next == '\"'")),
    "openmetrics": (["exposition/page_parser.cc", "exposition/detail/lexer.cc", "exposition/detail/entry_reader.cc",
                     "exposition/detail/number.cc", "exposition/detail/series_decoder.cc",
                     "exposition/name_filter.cc"],
                    ("exposition/detail/series_decoder.cc", "text += \".0\";", "text += \".00\";")),
    "config": (["config/load.cc", "config/preset.cc", "config/print.cc", "config/detail/exports.cc",
                "config/detail/http_client.cc", "config/detail/relabel.cc", "config/detail/scrape.cc"],
               ("config/print.cc", "if (c == '\"' || c == '\\\\')", "if (c == '\"')")),
    "hub_policy": (["hub/policy.cc"],
                   ("hub/policy.cc", "policy.when_empty && !inside(*policy.when_empty)", "policy.when_empty && *policy.when_empty < policy.valid_min")),
    "kube_discovery": (["discovery/detail/kubernetes_objects.cc", "discovery/detail/kubernetes_targets.cc"],
                       ("discovery/detail/kubernetes_targets.cc", "if (!good) c = '_';", "if (!good && c != '-') c = '_';")),
    "json": (["document/json.cc"], ("document/json.cc", "value.number == 0 && std::signbit(value.number)", "false")),
    "kube_object": (["kube/kubeconfig.cc", "kube/watch_event.cc", "kube/review_bodies.cc", "kube/base64.cc",
                     "kube/serving_objects.cc", "serve/trust.cc"],
                    ("kube/watch_event.cc", "begun_.size() + part.size() > limit_", "begun_.size() > limit_")),
    "web_config": (["config/web_config.cc"],
                   ("config/web_config.cc", "value.find_first_of(\"\\r\\n\")", "value.find_first_of(\"\\r\")")),
    "relabel": (["discovery/relabel.cc"], ("discovery/relabel.cc", "name) && !name.empty()) labels", "name)) labels")),
    "xor_chunk": (["store/detail/chunk.cc", "store/detail/chunk_reader.h", "store/detail/chunk_fields.h"],
                  ("store/detail/chunk.cc", "if (Fits(lag, kShortLag))", "if (Fits(lag, kShortLag + 1))")),
    "promql": (["promql/lexer.cc", "promql/parser.cc", "promql/parse_selector.cc", "promql/parse_duration.cc",
                "promql/parse_postfix.cc", "promql/lexer_literals.cc", "promql/check.cc", "promql/print.cc", "promql/prettify.cc",
                "promql/ast.cc", "promql/reach.cc", "promql/functions.cc", "promql/text.cc"],
               ("promql/print.cc", "model::IsLegacyLabelName(labels[i]) ? labels[i] : QuoteLiteral(labels[i])", "labels[i]")),
    "rule_test": (["promql/parse_series.cc", "ruler/rule_test_file.cc"],
                  ("promql/parse_series.cc", "base::AppendApiFloat(*value, out);", "out += base::format(\"{:.15g}\", *value);")),
    "rules": (["ruler/rule_file.cc", "ruler/print_rules.cc", "ruler/dependencies.cc"],
              ("ruler/print_rules.cc", "c < 0x20 || c == 0x7F", "c < 0x20")),
}


def run(command, **more):
    print("+", " ".join(map(str, command)), flush=True)
    return subprocess.run(list(map(str, command)), **more)


def inputs(target):
    return [str(d) for d in (FOUND / target, ROOT / "test/fuzz/corpus" / target) if d.is_dir()]


def dictionary(target):
    path = ROOT / "test/fuzz/dict" / (target + ".dict")
    return [f"-dict={path}"] if path.exists() else []


def setup(folder, *options, source=ROOT):
    os.environ.update(CCACHE_BASEDIR=str(source), CCACHE_NOHASHDIR="1", CCACHE_SLOPPINESS="time_macros")
    if not (folder / "build.ninja").exists():
        clang = {**os.environ, "CC": "ccache clang-16", "CXX": "ccache clang++-16"}
        command = ["meson", "setup", folder, source, "-Doptimization=1", "-Ddebug=false", "-Db_lundef=false", *options]
        run(command, check=True, env=clang, stdout=subprocess.DEVNULL)


def cpu_seconds(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fuzz(target, seconds):
    """CPU time, not wall time: a busy machine must not make the run shorter than it says."""
    (FOUND / target).mkdir(parents=True, exist_ok=True)
    program = ROOT / "build-fuzz/test/fuzz" / ("fuzz_" + target)
    command = [program, *inputs(target), *dictionary(target), "-timeout=10", "-rss_limit_mb=2048",
               "-print_final_stats=1", f"-artifact_prefix={FOUND}/{target}-"]
    log = FOUND / (target + ".log")
    start = time.monotonic()
    with log.open("w") as out:
        process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=out)
        spent = 0.0
        while process.poll() is None and spent < seconds:
            time.sleep(1)
            spent = cpu_seconds(process.pid) or spent
        ended = process.poll() is not None
        if not ended:
            process.send_signal(2)  # libFuzzer prints its figures and ends
            process.wait()
    text = log.read_text(errors="replace")
    units = re.search(r"number_of_executed_units:\s*(\d+)", text)
    cover = re.findall(r"cov: (\d+)", text)
    print(f"{target}: {'FOUND SOMETHING, see ' + str(log) if ended else 'no finding'}, {spent:.0f} s of CPU in "
          f"{time.monotonic() - start:.0f} s, {units[1] if units else '?'} executions, {cover[-1] if cover else '?'} edges",
          flush=True)
    return not ended


def cover(targets):
    folder = ROOT / "build-cover"
    flags = "-fprofile-instr-generate -fcoverage-mapping"
    setup(folder, f"-Dcpp_args={flags}", f"-Dcpp_link_args={flags}")
    run(["ninja", "-C", folder, *("test/fuzz/fuzz_" + t for t in targets)], check=True, stdout=subprocess.DEVNULL)
    good = True
    for target in targets:
        program = folder / "test/fuzz" / ("fuzz_" + target)
        raw, merged = folder / (target + ".profraw"), folder / (target + ".profdata")
        subprocess.run([program, *inputs(target)], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "LLVM_PROFILE_FILE": str(raw)})
        subprocess.run(["llvm-profdata-16", "merge", "-sparse", raw, "-o", merged], check=True)
        files = [str(ROOT / "exporter" / f) for f in TARGETS[target][0]]
        export = subprocess.run(["llvm-cov-16", "export", "-summary-only", program, f"-instr-profile={merged}", *files],
                                check=True, capture_output=True, text=True)
        data = json.loads(export.stdout)["data"][0]
        lines = [0, 0]
        for entry in data["files"]:
            one = entry["summary"]["lines"]
            lines = [lines[0] + one["covered"], lines[1] + one["count"]]
            if one["percent"] < LEAST_COVER:
                print(f"  {Path(entry['filename']).relative_to(ROOT)}: {one['percent']:.1f} %")
        percent = 100 * lines[0] / max(1, lines[1])
        good = good and percent >= LEAST_COVER
        print(f"{target}: {percent:.1f} % of {lines[1]} lines in {len(data['files'])} files"
              + ("" if percent >= LEAST_COVER else f", expected {LEAST_COVER:.0f} %"), flush=True)
    return good


def planted(targets):
    """One copy of the tree; each bug is put in, fuzzed for, and taken out again."""
    copy = ROOT / ".cache" / "planted"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("build*", ".cache", ".git"))
    setup(copy / "build", "-Dfuzz=true", "-Db_sanitize=address,undefined", source=copy)
    good = True
    for target in targets:
        name, before, after = TARGETS[target][1]
        path = copy / "exporter" / name
        text = path.read_text()
        if text.count(before) < 1:
            print(f"{target}: {name} has no {before!r} any more; plant another bug", flush=True)
            good = False
            continue
        path.write_text(text.replace(before, after, 1))
        run(["ninja", "-C", copy / "build", "test/fuzz/fuzz_" + target], check=True, stdout=subprocess.DEVNULL)
        work = copy / ("work-" + target)
        work.mkdir()
        start = time.monotonic()
        done = subprocess.run([str(copy / "build/test/fuzz" / ("fuzz_" + target)), str(work),
                               str(ROOT / "test/fuzz/corpus" / target), *dictionary(target),
                               f"-max_total_time={PLANTED_SECONDS}", "-timeout=10", f"-artifact_prefix={work}/"],
                              capture_output=True)
        found = done.returncode != 0
        good = good and found
        path.write_text(text)
        print(f"{target}: planted bug in {name} {'found' if found else 'NOT found'} after {time.monotonic() - start:.0f} s",
              flush=True)
    return good


def main():
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    rest = sys.argv[2:]
    if verb not in ("run", "cover", "planted") or (verb == "run" and (not rest or not rest[0].isdigit())):
        print(__doc__, file=sys.stderr)
        return 2
    seconds = int(rest.pop(0)) if verb == "run" else 0
    unknown = [t for t in rest if t not in TARGETS]
    if unknown:
        print(f"unknown target {unknown[0]}; targets: {' '.join(TARGETS)}", file=sys.stderr)
        return 2
    targets = rest or list(TARGETS)
    if verb == "run":
        good = all([fuzz(t, seconds) for t in targets])
    else:
        good = cover(targets) if verb == "cover" else planted(targets)
    return 0 if good else 1


sys.exit(main())
