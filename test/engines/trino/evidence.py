# SPDX-License-Identifier: Apache-2.0
"""What is true of the cluster, learnt without its metrics page, and what must be served then.

Truth comes from the coordinator's list of queries (/v1/query) and from what each worker says of itself
(/v1/status, /v1/info/state). A thread asks once a second; the samples stay, so that a value can be explained
by what was true a scrape ago.
"""
import http.client
import json
import math
import threading
import time
from dataclasses import dataclass, field

from cluster import fetch

# A value may be as old as a scrape interval, the time a scrape takes, and what the coordinator takes to notice.
QUERY_LAG = 30
MEMORY_LAG = 60
AVERAGED = 60
REMEMBERED = 300
# A sample counts as missing when the coordinator has not answered for so long.
DEAD_AFTER = 4
# A look at the evidence happens at the latest so many seconds after a change.
NEXT_LOOK = 3
GIB = 2 ** 30


@dataclass
class Worker:
    name: str
    state: str
    total: float
    free: float


@dataclass
class Sample:
    time: float
    states: dict = field(default_factory=dict)
    workers: list = field(default_factory=list)

    def count(self, state):
        return self.states.get(state, 0)

    @property
    def queued(self):
        return self.count("QUEUED")

    @property
    def running(self):
        return self.count("RUNNING")

    @property
    def waiting(self):
        return self.count("WAITING_FOR_RESOURCES")

    @property
    def free(self):
        return sum(worker.free for worker in self.workers) / GIB

    @property
    def total(self):
        return sum(worker.total for worker in self.workers) / GIB


class Evidence(threading.Thread):
    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.samples, self.ended = cluster, [], threading.Event()

    def run(self):
        while not self.ended.is_set():
            try:
                self.samples.append(self.look())
            except (OSError, http.client.HTTPException, ValueError, KeyError):
                pass  # the coordinator is down: there is no sample of it
            self.ended.wait(1)

    def look(self):
        sample = Sample(time.monotonic())
        for query in json.loads(fetch(self.cluster.coordinator.port, "/v1/query")[1]):
            sample.states[query["state"]] = sample.states.get(query["state"], 0) + 1
        for node in self.cluster.workers:
            if node.alive():
                try:
                    pool = json.loads(fetch(node.port, "/v1/status")[1])["memoryInfo"]["pool"]
                    state = json.loads(fetch(node.port, "/v1/info/state")[1])
                except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
                    continue  # it starts
                free = pool["maxBytes"] - pool["reservedBytes"] - pool["reservedRevocableBytes"]
                sample.workers.append(Worker(node.name, state, pool["maxBytes"], free))
        return sample

    def between(self, begin, end):
        return [sample for sample in list(self.samples) if begin <= sample.time <= end]

    def window(self, now, lag):
        """The samples that can be behind a value that is read now. While the coordinator is dead, and until its
        first scrape afterwards, those are the ones before its death."""
        samples = self.between(now - lag, now)
        last = max((s.time for s in list(self.samples) if s.time <= now), default=None)
        if last is None:
            return samples
        if now - last > DEAD_AFTER:
            return self.between(last - lag, last)
        for before, after in zip(samples, samples[1:]):
            if after.time - before.time > DEAD_AFTER:
                return samples + self.between(before.time - lag, before.time)
        if samples and samples[0].time - (now - lag) > DEAD_AFTER:  # the gap reaches out of the window
            earlier = max((s.time for s in list(self.samples) if s.time < samples[0].time), default=None)
            if earlier is not None:
                samples += self.between(earlier - lag, earlier)
        return samples


def thousandths_up(value):
    return math.ceil(value * 1000 - 1e-6) / 1000


class Expected:
    """What must be served when the evidence is true. Each answer is a pair: the least and the greatest value.

    `query_lag` and `memory_lag` say how many seconds ago the truth behind a value may have been.
    """

    def __init__(self, evidence, now, version, target_free_gib, query_lag=QUERY_LAG, memory_lag=MEMORY_LAG):
        self.version, self.target = version, target_free_gib
        self.queries = evidence.window(now, query_lag)
        self.averaged = evidence.window(now, query_lag + AVERAGED)
        self.workers = evidence.window(now, memory_lag)
        self.memory = [s for s in evidence.window(now, memory_lag + AVERAGED) if s.workers]
        self.remembered = evidence.window(now, REMEMBERED + query_lag)
        self.recent = evidence.window(now, REMEMBERED - query_lag)

    def of(self, name):
        """Returns: (least, greatest) of an external metric or a signal, or None when the evidence says nothing."""
        numbers = getattr(self, name.replace("-", "_"))()
        return (min(numbers), max(numbers)) if numbers else None

    def waiting(self, sample):
        # Before 483 a page says only whether any query waits.
        return sample.waiting if self.version >= 483 else min(sample.waiting, 1)

    def for_queue(self, sample):
        return sample.running + sample.queued + self.waiting(sample)

    def demand(self, sample):
        demanded = 1 if sample.waiting else 0  # query-manager.required-workers
        return max(demanded, math.ceil((sample.queued + (sample.running > 0)) / 2))

    def for_memory(self, sample):
        used = sample.total - sample.free
        return math.ceil((used + self.target) * len(sample.workers) / sample.total - 1e-9)

    def over_free(self, wanted):
        return [thousandths_up(wanted / max(sample.free, 1)) for sample in self.memory]

    # ---- external metrics ----
    def trino_queued(self):
        return [sample.queued for sample in self.queries]

    def trino_running(self):
        return [sample.running for sample in self.queries]

    def trino_queued_average(self):
        return [thousandths_up(sample.queued) for sample in self.averaged]

    def trino_workers_for_queue(self):
        return [self.for_queue(sample) for sample in self.queries]

    def trino_demand_workers(self):
        # At least one worker for five minutes after the last query.
        least = {int(any(self.for_queue(s) for s in samples)) for samples in (self.remembered, self.recent)}
        return [max(self.demand(sample), number) for sample in self.queries for number in least]

    def trino_workers_for_memory(self):
        return [self.for_memory(sample) for sample in self.workers if sample.workers]

    def trino_memory_pressure_index(self):
        return self.over_free(1)

    def trino_memory_headroom_ratio(self):
        return self.over_free(self.target)

    def trino_workers_wanted(self):
        queries = [max(self.for_queue(sample), self.demand(sample)) for sample in self.queries]
        memory = self.trino_workers_for_memory()
        if not queries or not memory:
            return queries
        without_any = [sample for sample in self.workers if not sample.workers]
        return [min(queries) if without_any else max(min(queries), min(memory)), max(max(queries), max(memory))]

    # ---- signals ----
    def trino_waiting(self):
        return [self.waiting(sample) for sample in self.queries]

    def trino_workers_active(self):
        return [sum(worker.state == "ACTIVE" for worker in sample.workers) for sample in self.workers]

    def trino_draining_workers(self):
        return [sum(worker.state != "ACTIVE" for worker in sample.workers) for sample in self.workers]

    def trino_pool_workers(self):
        return [len(sample.workers) for sample in self.workers]

    def trino_total_gib(self):
        return [sample.total for sample in self.workers]

    def trino_free_gib(self):
        return [sample.free for sample in self.workers]
