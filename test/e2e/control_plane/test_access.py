# SPDX-License-Identifier: Apache-2.0
"""Who may read: kube-apiserver's own RBAC before us, and ours by its reviews for those who come to the Service directly."""
import http.client
import json
import ssl

from autoscaler import UNABLE, Autoscaler, external, make_namespace
from certificates import CLIENT
from cluster import EXTERNAL
from harness import PATIENCE, eventually
from scene import Numbers, Scene, config, main, metric, standalone

FORBIDDEN = ('queued.external.metrics.k8s.io is forbidden: User "{}" cannot list resource "queued" in API group '
             '"external.metrics.k8s.io" in the namespace "{}"')


class Access(Scene):
    """joe and the service account reader may read `queued` in namespace work; kate and stranger nothing."""

    @classmethod
    def setUpClass(cls):
        cls.start("access")
        for user in ("joe", "kate"):
            cls.cluster.certificates.leaf(user, "ca", f"/CN={user}", CLIENT)
        cls.cluster.certificates.leaf("impostor", "serving-ca", "/O=system:masters/CN=admin", CLIENT)
        cls.cluster.certificates.leaf("somebody-else", "front-proxy-ca", "/CN=somebody-else", CLIENT)
        make_namespace(cls.cluster, "work")
        for account in ("reader", "stranger"):
            cls.cluster.create("/api/v1/namespaces/work/serviceaccounts", {"metadata": {"name": account}})
        standalone(cls, config(metric("queued", namespaces="[work, trino]"), engine=Numbers(queued=10)))
        rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/work"
        cls.cluster.create(rbac + "/roles", {"metadata": {"name": "queued"}, "rules": [
            {"apiGroups": ["external.metrics.k8s.io"], "resources": ["queued"], "verbs": ["list", "get"]}]})
        cls.cluster.create(rbac + "/rolebindings", {"metadata": {"name": "queued"}, "subjects": [
            {"kind": "User", "name": "joe", "apiGroup": "rbac.authorization.k8s.io"},
            {"kind": "ServiceAccount", "name": "reader", "namespace": "work"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "queued"}})
        eventually(lambda: cls.cluster.value("work", "queued") == "10", "the first value")

    def through(self, user, namespace="work"):
        connection = self.cluster.connection(user)
        self.addCleanup(connection.close)
        connection.request("GET", f"{EXTERNAL}/namespaces/{namespace}/queued", headers={"Accept": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def directly(self, certificate=None, path=f"{EXTERNAL}/namespaces/work/queued", **headers):
        """Asks our port, as a pod of the cluster can."""
        context = ssl.create_default_context(cafile=self.cluster.certificates.file("serving-ca.crt"))
        context.check_hostname = False
        if certificate:
            context.load_cert_chain(*(self.cluster.certificates.file(f"{certificate}.{part}") for part in ("crt", "key")))
        connection = http.client.HTTPSConnection(self.plimsoll().address, 6443, context=context, timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers={"Accept": "application/json", **{
            name.replace("_", "-"): value for name, value in headers.items()}})
        response = connection.getresponse()
        body = response.read()
        self.assertIsNone(response.headers["Retry-After"])
        return response.status, json.loads(body) if body.startswith(b"{") else body.decode()

    def token(self, account):
        answer = self.cluster.create(f"/api/v1/namespaces/work/serviceaccounts/{account}/token", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
        return "Bearer " + answer["status"]["token"]

    def test_through_the_api_server_rbac_decides(self):
        self.assertEqual(self.through("joe")[0], 200)
        for user, namespace in (("joe", "trino"), ("kate", "work")):
            status, document = self.through(user, namespace)
            self.assertEqual((status, document["message"]), (403, FORBIDDEN.format(user, namespace)))

    def test_directly_a_client_certificate_is_reviewed(self):
        self.assertEqual(self.directly("joe")[0], 200)
        status, document = self.directly("kate")
        self.assertEqual((status, document["message"]), (403, FORBIDDEN.format("kate", "work")))
        self.assertEqual(self.directly("admin")[0], 200)

    def test_directly_a_token_is_reviewed(self):
        self.assertEqual(self.directly(Authorization=self.token("reader"))[0], 200)
        status, document = self.directly(Authorization=self.token("stranger"))
        self.assertEqual((status, document["message"]), (403, FORBIDDEN.format("system:serviceaccount:work:stranger", "work")))
        self.assertEqual(self.directly(Authorization="Bearer nobody's")[0], 401)

    def test_only_the_front_proxy_speaks_for_others(self):
        names = {"X_Remote_User": "root", "X_Remote_Group": "system:masters"}
        self.assertEqual(self.directly("front-proxy-client", **names)[0], 200)
        self.assertEqual(self.directly("front-proxy-client", X_Remote_User="kate")[0], 403)
        self.assertEqual(self.directly("front-proxy-client")[0], 401)
        self.assertEqual(self.directly("somebody-else", **names)[0], 401)
        self.assertEqual(self.directly("impostor", **names)[0], 401)
        status, document = self.directly(**names)
        self.assertEqual((status, document["message"]), (403, FORBIDDEN.format("system:anonymous", "work")))
        self.assertEqual(self.directly("kate", **names)[0], 403)

    def test_without_identity_only_health_is_read(self):
        for path in ("/healthz", "/livez", "/readyz"):
            self.assertEqual(self.directly(path=path)[0], 200, path)
        for path in ("/apis", EXTERNAL, "/metrics", "/openapi/v2", "/"):
            self.assertEqual(self.directly(path=path)[0], 403, path)

    def test_an_autoscaler_whose_controller_may_not_read_stands_still(self):
        role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:controller:horizontal-pod-autoscaler"
        rules = self.cluster.get(role)["rules"]
        scaler = Autoscaler(self.cluster, "work", "scaler", [external("queued", "AverageValue", 5)], replicas=4)
        scaler.reaches(2)
        self.cluster.patch(role, {"rules": [rule for rule in rules if rule.get("apiGroups") != ["external.metrics.k8s.io"]]}, "merge-patch")
        message = scaler.becomes("False", "FailedGetExternalMetric")
        wanted = ("unable to get external metric work/queued/nil: unable to fetch metrics from external metrics API: "
                  + FORBIDDEN.format("system:serviceaccount:kube-system:horizontal-pod-autoscaler", "work"))
        self.assertEqual(message, UNABLE + wanted)
        self.assertEqual(scaler.told(3), wanted)
        self.assertEqual(scaler.replicas(), 2)
        self.cluster.patch(role, {"rules": rules}, "merge-patch")
        scaler.becomes("True", "ValidMetricFound")

    def test_no_secret_is_in_the_log_or_on_a_page(self):
        reader = self.token("reader")
        self.assertEqual(self.directly(Authorization=reader)[0], 200)
        pod = self.plimsoll()
        own = pod.volumes.token.decode()
        texts = [pod.log(), *(pod.page(path) for path in (
            "/metrics", "/api/v1/status/config", "/api/v1/status/flags", "/api/v1/status/runtimeinfo", "/api/v1/targets", "/"))]
        for secret in (own, reader.removeprefix("Bearer "), self.cluster.certificates.text("serving.key").splitlines()[1]):
            for text in texts:
                self.assertNotIn(secret, text)


if __name__ == "__main__":
    main()
