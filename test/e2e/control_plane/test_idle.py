# SPDX-License-Identifier: Apache-2.0
"""Nobody reads anything for three minutes: what kube-apiserver asks by itself is all answered well, and nobody complains."""
import re
import time

from cluster import API_SERVICE
from harness import Target, eventually, page
from scene import Scene, main
from standalone import Standalone
from test_install import QUEUED

MINUTES = 3


class Idle(Scene):
    @classmethod
    def setUpClass(cls):
        cls.start("idle")
        with open(QUEUED, encoding="utf-8") as source:
            cls.trino = Target(page(source.read(), "application/openmetrics-text; version=1.0.0; charset=utf-8"), port=8080)
        cls.standalone = Standalone(cls.cluster)
        cls.standalone.available()
        cls.cluster.kubectl("-n", "trino", "delete", "hpa", "trino-worker")

    def requests(self):
        """Requests to the API listener by code."""
        lines = re.findall(r'plimsoll_http_requests_total\{code="(\d+)",listener="api"\} (\S+)', self.plimsoll().page("/metrics"))
        return {code: float(count) for code, count in lines}

    def test_the_aggregator_is_answered_and_nobody_writes_an_error(self):
        # The first round of discovery and schemas belongs to the installation; in it the one question after /openapi/v3.
        eventually(lambda: self.requests().get("304", 0) >= 1 and self.requests().get("404", 0) >= 1,
                   "discovery is repeated, and schemas are asked for", within=180)
        before, server, ours = self.requests(), len(self.cluster.log("kube-apiserver")), len(self.plimsoll().log())
        end = time.monotonic() + 60 * MINUTES
        eventually(lambda: time.monotonic() > end, "the time is over", within=60 * MINUTES + 60)
        after = self.requests()
        counted = {code: count - before.get(code, 0) for code, count in after.items()}
        print("requests in three idle minutes, by code:", counted, flush=True)
        self.assertGreaterEqual(sum(counted.values()), 30)
        self.assertLessEqual({code for code, count in counted.items() if count}, {"200", "304"})
        self.assertEqual([line for line in self.cluster.log("kube-apiserver")[server:].splitlines() if API_SERVICE in line], [])
        self.assertEqual([line for line in self.plimsoll().log()[ours:].splitlines() if "error" in line or "warn" in line], [])


if __name__ == "__main__":
    main()
