# SPDX-License-Identifier: Apache-2.0
"""The value policies: read from a configuration, made shorter, and held against what was served after a death."""
import re
from dataclasses import dataclass

# With an interval of five seconds. Each falls silent, or back, in a way of its own.
TUNED = {
    "queued-plain": "query: trino_queued, max_age: 20s",
    "queued-hold": "query: trino_queued, max_age: 20s, when_stale: {hold: 20s}",
    "queued-then": "query: trino_queued, max_age: 20s, when_stale: {hold: 20s, then: 8}",
    "queued-then-less": "query: trino_queued, max_age: 20s, when_stale: {hold: 20s, then: 1}",
    "queued-exactly": "query: trino_queued, max_age: 20s, when_stale: {hold: 20s, then: {exactly: 1}}",
    "queued-or-zero": "query: 'sum(trino_queued) or vector(0)', max_age: 90s",
    "queued-ten-minutes": "query: 'max_over_time(trino_queued[10m])', max_age: 90s",
}
SECONDS = {"s": 1, "m": 60, "h": 3600}
# The reading, a busy machine, and a timestamp of whole seconds.
SLACK = 2.5


@dataclass
class Policy:
    type: str
    interval: float
    max_age: float
    hold: float = 0
    then: float = None
    exactly: float = None


def duration(text):
    return sum(int(count) * SECONDS[unit] for count, unit in re.findall(r"(\d+)([smh])", text))


def tuned(preset):
    text = preset.replace("scrape_interval: 15s", "scrape_interval: 5s").replace("scrape_timeout: 10s", "scrape_timeout: 4s")
    text = text.replace("trino_target_free_gib: 100", "trino_target_free_gib: 2")
    return text.rstrip("\n") + "\n\n" + "".join(f"  - {{name: {name}, type: AverageValue, {rest}}}\n" for name, rest in TUNED.items())


def policies(text):
    """Returns: the policy of each external metric, by name."""
    interval = duration(re.search(r"scrape_interval: (\S+)", text).group(1))
    found = {}
    for part in re.split(r"^  - ", text[text.index("\nexternal_metrics:"):], flags=re.M)[1:]:
        name = re.search(r"name: ([\w-]+)", part).group(1)
        policy = Policy(re.search(r"type: (\w+)", part).group(1), interval, duration(re.search(r"max_age: (\w+)", part).group(1)))
        for key, convert in (("hold", duration), ("then", float), ("exactly", float)):
            match = re.search(rf"\b{key}: (\w+)", part)
            if match:
                setattr(policy, key, convert(match.group(1)))
        found[name] = policy
    return found


def transitions(policy, reads, killed, wall):
    """Yields: what happened to a metric after the kill, as rows (what, served, expected, ok).

    `reads` are the reads since; `killed` and `wall` are the moment of the kill on both clocks.
    """
    if not reads or reads[0].status != 200:
        yield "at the kill", reads[0].text() if reads else "no read", "a value", False
        return
    runs = []
    for read in reads:
        if not runs or (runs[-1].status, runs[-1].value) != (read.status, read.value):
            runs.append(read)
    source = max(read.source for read in reads if read.status == 200 and read.value == runs[0].value)
    since = source - wall  # when the last sample was taken, seconds after the kill
    outcome = ", ".join(f"{read.text()} from {max(0, read.time - killed):.1f} s" for read in runs)
    last = runs[0].value
    if policy.type == "Value":
        least, greatest, then = 0, policy.interval + policy.interval / 4 + SLACK, None
    else:
        least = since + policy.max_age + policy.hold - SLACK
        greatest = least + 2 * SLACK
        then = policy.exactly if policy.exactly is not None else None if policy.then is None else max(policy.then, last)
    end = "503" if then is None else f"{then:g}"
    expected = f"{last:g}, then {end} from {least:.0f} to {greatest:.0f} s"
    if then == last:
        yield "", outcome, f"{last:g} all along", len(runs) == 1
        return
    ok = len(runs) == 2 and least <= runs[1].time - killed <= greatest
    ok = ok and (runs[1].status == 503 if then is None else runs[1].value == then)
    ok = ok and -policy.interval - SLACK <= since <= 1
    yield f"last sample {since:+.0f} s", outcome, expected, ok
