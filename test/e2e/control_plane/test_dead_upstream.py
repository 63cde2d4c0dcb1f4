# SPDX-License-Identifier: Apache-2.0
"""The upstream dies: an HPA stands still, or holds, or falls back as configured, and never scales in by that."""
import re

from autoscaler import UNABLE, Autoscaler, external, make_namespace
from harness import eventually
from scene import Numbers, Scene, config, main, metric, standalone

HPA = "unable to get external metric work/{}/nil: unable to fetch metrics from external metrics API: "


class DeadUpstream(Scene):
    """Four metrics of one upstream are 40, for eight replicas each, when it begins to refuse connections."""

    @classmethod
    def setUpClass(cls):
        cls.start("dead-upstream")
        cls.dying, cls.living = Numbers(queued=40), Numbers(alive=10)
        lines = metric("frozen", "queued", max_age="1s")
        lines += metric("held", "queued", max_age="1s", when_stale="{hold: 1h}")
        lines += metric("fallen", "queued", max_age="1s", when_stale="{hold: 2s, then: 3}")
        lines += metric("more", "queued", max_age="1s", when_stale="{hold: 2s, then: 50}")
        lines += metric("ratio", "queued", type="Value", max_age="1s")
        lines += metric("alive", max_age="10s")
        standalone(cls, config(lines, dying=cls.dying, living=cls.living))
        make_namespace(cls.cluster, "work")
        cls.scalers = {name: Autoscaler(cls.cluster, "work", name, [external(name, "AverageValue", 5)])
                       for name in ("frozen", "held", "fallen", "more")}
        cls.scalers["ratio"] = Autoscaler(cls.cluster, "work", "ratio", [external("ratio", "Value", 40)], replicas=8)
        cls.scalers["two"] = Autoscaler(cls.cluster, "work", "two",
                                        [external("frozen", "AverageValue", 5), external("alive", "AverageValue", 5)])
        for scaler in cls.scalers.values():
            scaler.reaches(8)
        cls.dying.close()

    def state(self, name):
        for state in ("fresh", "held", "fallback", "error"):
            if self.plimsoll().metric(f'plimsoll_external_metric_state{{metric="{name}",namespace="*",state="{state}"}}') == 1:
                return state
        return None

    def reads(self, count, code=200):
        """Waits until the HPAs have read so many values, or errors, more."""
        series = f'plimsoll_http_requests_total{{code="{code}",listener="api"}}'
        before = self.plimsoll().metric(series) or 0
        eventually(lambda: self.plimsoll().metric(series) >= before + count, f"{count} reads")

    def refused(self, name):
        """What the message says of a dead upstream; its times are those of the machine."""
        time = r"[0-9T:.-]+Z"
        return re.compile(
            rf"external metric {name} in namespace work has no value \(empty\): its query gives no series; "
            rf"the last good value was 40, of {time}; dying http://{self.dying.address}/metrics has failed since {time}, "
            rf'last error: Get "http://{self.dying.address}/metrics": '
            rf"connect: dial tcp {self.dying.address}: connect: Connection refused")

    def test_without_a_policy_it_stands_still_and_says_which_target_is_dead(self):
        scaler = self.scalers["frozen"]
        message = scaler.becomes("False", "FailedGetExternalMetric")
        start = UNABLE + HPA.format("frozen")
        self.assertEqual(message[:len(start)], start)
        self.assertRegex(message[len(start):], self.refused("frozen"))
        self.reads(9, code=503)  # three of each HPA that gets none
        self.assertEqual(scaler.replicas(), 8)

    def test_a_ratio_stands_still(self):
        scaler = self.scalers["ratio"]
        self.assertRegex(scaler.becomes("False", "FailedGetExternalMetric"), self.refused("ratio"))
        self.reads(9, code=503)  # three of each HPA that gets none
        self.assertEqual(scaler.replicas(), 8)

    def test_held_it_has_its_last_value_and_the_controller_notices_nothing(self):
        eventually(lambda: self.state("held") == "held", "the hold")
        self.assertEqual(self.cluster.value("work", "held"), "40")
        self.reads(20)
        self.assertEqual(self.scalers["held"].condition()[:2], ("True", "ValidMetricFound"))
        self.assertEqual(self.scalers["held"].replicas(), 8)

    def test_a_fallback_below_what_runs_never_scales_in(self):
        eventually(lambda: self.state("fallen") == "fallback", "the fallback")
        self.assertEqual(self.cluster.value("work", "fallen"), "40")
        self.reads(20)
        self.assertEqual(self.scalers["fallen"].replicas(), 8)

    def test_a_fallback_above_what_runs_scales_out_to_it(self):
        self.scalers["more"].reaches(10)
        self.assertEqual(self.cluster.value("work", "more"), "50")

    def test_of_two_metrics_the_living_one_still_scales_out_and_nothing_scales_in(self):
        scaler = self.scalers["two"]
        self.assertRegex(scaler.becomes("False", "FailedGetExternalMetric"), self.refused("frozen"))
        self.reads(9, code=503)  # three of each HPA that gets none
        self.assertEqual(scaler.replicas(), 8)
        self.living["alive"] = 60
        scaler.reaches(12)
        scaler.becomes("True", "ValidMetricFound")


if __name__ == "__main__":
    main()
