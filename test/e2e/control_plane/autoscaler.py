# SPDX-License-Identifier: Apache-2.0
"""A Deployment of pods that do nothing and the HorizontalPodAutoscaler that scales it, and what is seen of both."""
from harness import eventually

# Everything at once, in both directions: what an HPA wants is what it does.
AT_ONCE = {direction: {"stabilizationWindowSeconds": 0, "policies": [{"type": "Pods", "value": 1000, "periodSeconds": 1}]}
           for direction in ("scaleUp", "scaleDown")}
UNABLE = "the HPA was unable to compute the replica count: "


def external(name, kind, target, selector=None):
    """One entry of spec.metrics; `kind` is AverageValue or Value."""
    metric = {"name": name, **({"selector": selector} if selector else {})}
    key = "averageValue" if kind == "AverageValue" else "value"
    return {"type": "External", "external": {"metric": metric, "target": {"type": kind, key: str(target)}}}


def make_namespace(cluster, name):
    cluster.create("/api/v1/namespaces", {"metadata": {"name": name}})
    eventually(lambda: cluster.get(f"/api/v1/namespaces/{name}/serviceaccounts/default"), f"namespace {name}")


class Autoscaler:
    def __init__(self, cluster, namespace, name, metrics=(), replicas=1, most=20, least=1, behavior=None, document=None):
        """`name` is the Deployment's; `document` is somebody's HPA as it is, in place of one with these metrics."""
        self.cluster, self.namespace, self.name = cluster, namespace, name
        document = document or {"metadata": {"name": name}, "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "minReplicas": least,
            "maxReplicas": most, "metrics": list(metrics), "behavior": behavior or AT_ONCE}}
        self.deployment = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        self.hpa = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{document['metadata']['name']}"
        labels = {"app": name}
        cluster.create(self.deployment.rsplit("/", 1)[0], {"metadata": {"name": name}, "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
                "nodeName": "node", "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False,
                "containers": [{"name": "c", "image": "none"}]}}}})
        eventually(lambda: self.status().get("readyReplicas", 0) == replicas, f"{name} has {replicas} ready replicas")
        cluster.create(self.hpa.rsplit("/", 1)[0], document)

    def replicas(self):
        return self.cluster.get(self.deployment)["spec"]["replicas"]

    def status(self):
        return self.cluster.get(self.deployment).get("status", {})

    def reaches(self, replicas):
        eventually(lambda: self.replicas() == replicas, lambda: f"{self.name} has {replicas} replicas\n{self.describe()}")

    def condition(self, kind="ScalingActive"):
        """(status, reason, message) of a condition of the HPA, or None."""
        for condition in self.cluster.get(self.hpa).get("status", {}).get("conditions", []):
            if condition["type"] == kind:
                return condition["status"], condition["reason"], condition.get("message", "")
        return None

    def becomes(self, status, reason):
        """Waits for the condition ScalingActive. Returns: its message."""
        return eventually(lambda: (self.condition() or ("",))[:2] == (status, reason) and (self.condition()[2] or " "),
                          lambda: f"{self.name} is {status}, {reason}\n{self.describe()}")

    def events(self, reason):
        """How often the controller told an event of this reason, and its last message."""
        path = f"/api/v1/namespaces/{self.namespace}/events?fieldSelector=involvedObject.name%3D{self.name}"
        found = [event for event in self.cluster.get(path)["items"] if event["reason"] == reason]
        return sum(event.get("count", 1) for event in found), found[-1]["message"] if found else ""

    def told(self, times, reason="FailedGetExternalMetric"):
        """Waits until the controller has looked so often and failed. Returns: the last event's message.

        Each failure tells an event, of which the API server gets some twenty, or changes an age in the condition's text.
        """
        before, texts = self.events(reason)[0], set()

        def looks():
            texts.add((self.condition() or ("", "", ""))[2])
            return max(self.events(reason)[0] - before, len(texts) - 1) >= times

        eventually(looks, lambda: f"{self.name}: {times} times {reason}\n{self.describe()}")
        return self.events(reason)[1]

    def describe(self):
        status = self.cluster.get(self.hpa).get("status", {})
        lines = [f"{c['type']}={c['status']} {c['reason']}: {c.get('message', '')}" for c in status.get("conditions", [])]
        return "\n".join([f"spec.replicas {self.replicas()}, metrics {status.get('currentMetrics')}", *lines])

    def delete(self):
        self.cluster.delete(self.hpa)
        self.cluster.delete(self.deployment)
