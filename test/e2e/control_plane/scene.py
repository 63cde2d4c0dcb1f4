# SPDX-License-Identifier: Apache-2.0
"""A test class with a cluster, its node, and plimsoll standalone before upstreams that answer what a test says."""
import json
import os
import sys
import unittest

import sandbox
from cluster import Cluster
from harness import Target, eventually, page
from node import Node
from standalone import Standalone


class Scene(unittest.TestCase):
    """Subclasses set up with start(); everything ends with the program."""

    cluster = node = standalone = None

    @classmethod
    def start(cls, name, gates=""):
        cls.cluster = Cluster(name, gates)
        cls.node = Node(cls.cluster)

    @classmethod
    def plimsoll(cls):
        return cls.node.pod("trino-coordinator")


class Numbers:
    """An upstream whose page is numbers by series, `numbers["queued"] = 3`; close() makes it refuse connections."""

    def __init__(self, **numbers):
        self.numbers = dict(numbers)
        # A connection for each scrape: one that is kept would be answered by a server that is closed.
        self.target = Target(page(self.text, headers=[("Connection", "close")]))
        self.address = self.target.address

    def text(self):
        return "".join(f"{name} {value}\n" for name, value in list(self.numbers.items()))

    def __setitem__(self, name, value):
        self.numbers[name] = value

    def close(self):
        self.target.close()


def config(metrics, **upstreams):
    """A configuration that reads each upstream every second. `metrics`: lines of external_metrics."""
    jobs = "".join(f'\n  - {{job_name: "{name}", static_configs: [{{targets: ["{upstream.address}"]}}]}}'
                   for name, upstream in upstreams.items())
    return f"global: {{scrape_interval: 1s, scrape_timeout: 500ms}}\nscrape_configs:{jobs}\nexternal_metrics:{metrics}\n"


def metric(name, query=None, **more):
    """One line of external_metrics; further keys in YAML."""
    keys = {"query": query or name.replace("-", "_"), "type": "AverageValue", "max_age": "10s", "namespaces": "['*']", **more}
    return f"\n  - {{name: '{name}', " + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"


def standalone(scene, text, **more):
    """Applies the manifests with this configuration and waits until they serve."""
    scene.standalone = Standalone(scene.cluster, text, **more)
    scene.standalone.available()


def main():
    """Runs the test program inside; what it counted goes to the file RESULT as [passed, failed, skipped]."""
    sandbox.enter()
    result = unittest.main(verbosity=2, exit=False, warnings="ignore").result
    failed, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    if "RESULT" in os.environ:
        with open(os.environ["RESULT"], "w", encoding="utf-8") as out:
            json.dump([max(0, result.testsRun - failed - skipped), failed, skipped], out)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


__all__ = ["Numbers", "Scene", "config", "eventually", "main", "metric", "standalone"]
