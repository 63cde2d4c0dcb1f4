# SPDX-License-Identifier: Apache-2.0
"""Real HPAs on external metrics that have a value: out and in, both target types, tolerance, names, selectors."""
from autoscaler import AT_ONCE, Autoscaler, external, make_namespace
from harness import eventually
from scene import Numbers, Scene, config, main, metric, standalone

FOUND = "the HPA was able to successfully calculate a replica count from external metric "


class Scaling(Scene):
    @classmethod
    def setUpClass(cls):
        cls.start("scaling")
        cls.engine = Numbers(average=10, ratio=30, twenty=20, busy=40, other=10, mine=10, crowd=1, both=10)
        cls.engine['clusters{cluster="a"}'] = 15
        cls.engine['clusters{cluster="b"}'] = 40
        names = ["average", "twenty", "busy", "other", "clusters", "crowd"]
        lines = "".join(metric(name) for name in names)
        lines += metric("ratio", type="Value")
        lines += metric("mine", namespaces="[first]") + metric("both", namespaces="[first, second]")
        standalone(cls, config(lines, engine=cls.engine))
        for namespace in ("first", "second"):
            make_namespace(cls.cluster, namespace)
        eventually(lambda: cls.cluster.value("first", "average") == "10", "the first value")

    def scaler(self, name, *metrics, namespace="first", **more):
        made = Autoscaler(self.cluster, namespace, name, list(metrics), **more)
        self.addCleanup(made.delete)
        return made

    def test_an_average_value_is_divided_among_the_replicas_out_and_in(self):
        scaler = self.scaler("average", external("average", "AverageValue", 5))
        for value, replicas in ((40, 8), (15, 3), (55, 11), (100, 20), (5, 1)):
            with self.subTest(value):
                self.engine["average"] = value
                scaler.reaches(replicas)
        self.assertEqual(scaler.becomes("True", "ValidMetricFound"), FOUND + "average(nil)")
        last = "New size: 1; reason: All metrics below target"
        eventually(lambda: scaler.events("SuccessfulRescale")[1] == last, lambda: scaler.events("SuccessfulRescale"))

    def test_a_value_multiplies_the_replicas_until_the_maximum_and_halves_them(self):
        scaler = self.scaler("ratio", external("ratio", "Value", 10), replicas=2, most=50)
        seen = []

        def look(last):
            if not seen or seen[-1] != scaler.replicas():
                seen.append(scaler.replicas())
            return seen[-1] == last

        eventually(lambda: look(50), "the maximum")
        eventually(lambda: scaler.status().get("readyReplicas") == 50, "all are ready")
        eventually(lambda: scaler.condition("ScalingLimited")[:2] == ("True", "TooManyReplicas"), scaler.describe)
        # Later steps multiply the pods that are ready by then, so only the first is known exactly.
        self.assertEqual(seen[:2], [2, 6])
        self.assertEqual(seen, sorted(seen))
        del seen[:]
        self.engine["ratio"] = 5
        eventually(lambda: look(1), "one replica")
        self.assertEqual(seen[:2], [50, 25])
        self.assertEqual(seen, sorted(seen, reverse=True))
        self.assertEqual(scaler.becomes("True", "ValidMetricFound"), FOUND + "ratio(nil)")

    def test_twenty_stays_twenty_at_twenty_one_unless_the_tolerance_is_zero(self):
        exact = {**AT_ONCE, "scaleUp": {**AT_ONCE["scaleUp"], "tolerance": "0"}}
        default = self.scaler("default", external("twenty", "AverageValue", 1), most=30)
        zero = self.scaler("zero", external("twenty", "AverageValue", 1), most=30, behavior=exact)
        default.reaches(20)
        zero.reaches(20)
        self.engine["twenty"] = 21
        zero.reaches(21)
        # The other has seen 21, too, as its status says, and stays.
        eventually(lambda: self.current(default) == "1050m", "21 / 20 in the status")
        self.assertEqual(default.replicas(), 20)

    def current(self, scaler):
        entry = self.cluster.get(scaler.hpa)["status"]["currentMetrics"][0]
        return entry.get("external", {}).get("current", {}).get("averageValue")

    def test_an_unknown_metric_freezes_and_says_which_one_may_be_meant(self):
        scaler = self.scaler("unknown", external("avarage", "AverageValue", 5), replicas=3)
        message = scaler.becomes("False", "FailedGetExternalMetric")
        wanted = ("unable to get external metric first/avarage/nil: unable to fetch metrics from external metrics API: "
                  "the server could not find the metric avarage in the namespace first; did you mean average?")
        self.assertEqual(message, "the HPA was unable to compute the replica count: " + wanted)
        self.assertEqual(scaler.told(3), wanted)
        self.assertEqual(scaler.replicas(), 3)

    def test_of_two_metrics_the_unknown_one_stops_scale_in_and_not_scale_out(self):
        self.engine["busy"] = 40
        scaler = self.scaler("two", external("nowhere", "AverageValue", 5), external("busy", "AverageValue", 5), replicas=2)
        scaler.reaches(8)
        self.assertEqual(scaler.becomes("True", "ValidMetricFound"), FOUND + "busy(nil)")
        self.engine["busy"] = 10
        message = scaler.becomes("False", "FailedGetExternalMetric")
        self.assertIn("the server could not find the metric nowhere in the namespace first", message)
        scaler.told(3)
        self.assertEqual(scaler.replicas(), 8)

    def test_an_upper_case_name_arrives_in_lower_case(self):
        scaler = self.scaler("upper", external("Other", "AverageValue", 5))
        scaler.reaches(2)
        self.assertEqual(scaler.becomes("True", "ValidMetricFound"), FOUND + "Other(nil)")

    def test_a_selector_chooses_one_series(self):
        chosen = self.scaler("chosen", external("clusters", "AverageValue", 5, {
            "matchLabels": {"cluster": "a"}, "matchExpressions": [
                {"key": "job", "operator": "In", "values": ["engine", "another"]},
                {"key": "instance", "operator": "Exists"}, {"key": "region", "operator": "DoesNotExist"},
                {"key": "tier", "operator": "NotIn", "values": ["test"]}]}))
        chosen.reaches(3)
        everyone = self.scaler("everyone", external("clusters", "AverageValue", 5), replicas=2)
        message = everyone.becomes("False", "FailedGetExternalMetric")
        self.assertIn("has no value (several): 2 series match and none of them was asked for alone: ", message)
        everyone.told(3)
        self.assertEqual(everyone.replicas(), 2)
        nobody = self.scaler("nobody", external("clusters", "AverageValue", 5, {"matchLabels": {"cluster": "c"}}), replicas=2)
        self.assertIn("has no value (empty): its query gives no series for this selector",
                      nobody.becomes("False", "FailedGetExternalMetric"))
        self.assertEqual(nobody.replicas(), 2)

    def test_a_namespace_reads_its_own_metrics_only(self):
        self.scaler("mine", external("mine", "AverageValue", 5)).reaches(2)
        self.scaler("both", external("both", "AverageValue", 5), namespace="second").reaches(2)
        other = self.scaler("mine", external("mine", "AverageValue", 5), namespace="second", replicas=3)
        self.assertIn("the server could not find the metric mine in the namespace second",
                      other.becomes("False", "FailedGetExternalMetric"))
        self.assertEqual(other.replicas(), 3)

    def test_a_hundred_autoscalers_follow_at_once(self):
        self.engine["crowd"] = 1
        crowd = [self.scaler(f"crowd-{i}", external("crowd", "AverageValue", 1)) for i in range(100)]
        for scaler in crowd:
            scaler.becomes("True", "ValidMetricFound")
        self.engine["crowd"] = 2
        for scaler in crowd:
            scaler.reaches(2)


if __name__ == "__main__":
    main()
