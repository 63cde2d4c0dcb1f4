# SPDX-License-Identifier: Apache-2.0
"""Fourteen bad answers of an upstream. Each stands where a good one was: the HPA must neither scale in nor out."""
import threading

from autoscaler import UNABLE, Autoscaler, external, make_namespace
from harness import Target, eventually, page
from scene import Scene, config, main, metric, standalone

CLOSING = threading.Event()  # lets answers that never come end with the test


def hang(handler):
    CLOSING.wait()


# Name, the answer, the reason, and how the explanation begins.
ANSWERS = [
    ("nan", page("v NaN\n"), "not_finite", "its query gives NaN"),
    ("infinite", page("v +Inf\n"), "not_finite", "its query gives +Inf"),
    ("minus-infinite", page("v -Inf\n"), "not_finite", "its query gives -Inf"),
    ("minus-one", page("v -1\n"), "out_of_range", "its query gives -1, and only 0 to 9200000000000000 is valid"),
    ("wraps-negative", page("v 9.3e15\n"), "out_of_range", "its query gives 9300000000000000, and only 0 to "),
    ("wraps-to-zero", page("v 1e18\n"), "out_of_range", "its query gives 1000000000000000000, and only 0 to "),
    ("null", page("v null\n"), "empty", "its query gives no series"),
    ("gone", page("w 1\n"), "empty", "its query gives no series"),
    ("no-bytes", page(""), "empty", "its query gives no series"),
    ("cut", page("w 1\nv{a=\"1"), "empty", "its query gives no series"),
    ("html", page("<html>v 0</html>", "text/html"), "empty", "its query gives no series"),
    ("unavailable", page("v 0\n", status=503), "empty", "its query gives no series"),
    ("not-found", page("v 0\n", status=404), "empty", "its query gives no series"),
    ("hanging", hang, "empty", "its query gives no series"),
]


class Upstream:
    """Answers well, 20, until it is told otherwise."""

    def __init__(self):
        self.answer = page("v 20\n")
        self.target = Target(lambda handler: self.answer(handler))
        self.address = self.target.address


class BadUpstream(Scene):
    @classmethod
    def setUpClass(cls):
        cls.start("bad-upstream")
        cls.upstreams = {name: Upstream() for name, *_ in ANSWERS}
        jobs = {name.replace("-", "_"): upstream for name, upstream in cls.upstreams.items()}
        lines = "".join(metric(name, "'v{job=\"%s\"}'" % name.replace("-", "_"), max_age="2s") for name in cls.upstreams)
        lines += "".join(metric("ratio-" + name, "'v{job=\"%s\"}'" % name.replace("-", "_"), type="Value", max_age="2s")
                         for name in cls.upstreams)
        standalone(cls, config(lines, **jobs))
        make_namespace(cls.cluster, "bad")
        cls.scalers = {}
        for name in cls.upstreams:
            cls.scalers[name] = Autoscaler(cls.cluster, "bad", name, [external(name, "AverageValue", 5)], replicas=4)
            cls.scalers["ratio-" + name] = Autoscaler(cls.cluster, "bad", "ratio-" + name,
                                                      [external("ratio-" + name, "Value", 20)], replicas=4)
        for scaler in cls.scalers.values():
            scaler.becomes("True", "ValidMetricFound")
        for name, answer, _, _ in ANSWERS:
            cls.upstreams[name].answer = answer

    @classmethod
    def tearDownClass(cls):
        CLOSING.set()

    def test_each_stands_still_and_says_why(self):
        for name, _, reason, why in ANSWERS:
            for metric_name in (name, "ratio-" + name):
                with self.subTest(metric_name):
                    scaler = self.scalers[metric_name]
                    wanted = (f"{UNABLE}unable to get external metric bad/{metric_name}/nil: unable to fetch metrics from "
                              f"external metrics API: external metric {metric_name} in namespace bad has no value ({reason}): {why}")
                    eventually(lambda: scaler.condition()[2].startswith(wanted), lambda: wanted + "\n" + scaler.describe())
                    self.assertEqual(scaler.condition()[:2], ("False", "FailedGetExternalMetric"))
                    self.assertEqual(scaler.replicas(), 4)
        for scaler in self.scalers.values():
            with self.subTest(scaler.name):
                eventually(lambda: scaler.events("FailedGetExternalMetric")[0] >= 3, "three looks")
                self.assertEqual(scaler.replicas(), 4)
                self.assertEqual(scaler.events("SuccessfulRescale")[0], 0)

    def test_then_a_real_zero_scales_in(self):
        for upstream in self.upstreams.values():
            upstream.answer = page("v 0\n")
        CLOSING.set()
        for scaler in self.scalers.values():
            with self.subTest(scaler.name):
                scaler.reaches(1)


if __name__ == "__main__":
    main()
