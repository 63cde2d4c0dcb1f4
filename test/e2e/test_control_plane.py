# SPDX-License-Identifier: Apache-2.0
"""The binary before a Kubernetes API server: whom the cluster's ConfigMap trusts, tokens and access by review,
readiness, rotation of every certificate while connections stay open, and a shutdown that costs no read."""
import http.client
import os
import shutil
import signal
import ssl
import tempfile
import threading
import unittest

from authentication_api import ApiServer
from fake_api import authentication
from harness import PATIENCE, Pki, Plimsoll, Target, eventually, page, run, write

API = "/apis/external.metrics.k8s.io/v1beta1"
READ = API + "/namespaces/default/queued"


def text(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


class ControlPlane(unittest.TestCase):
    def setUp(self):
        self.pki = Pki()
        self.addCleanup(self.pki.remove)
        self.pki._ca("proxy-ca")
        client = "extendedKeyUsage=clientAuth"
        self.pki.leaf("proxy", "proxy-ca", "front-proxy-client", client)
        self.pki.leaf("wrong-name", "proxy-ca", "somebody-else", client)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.target = Target(page("queued 3\n"))
        self.addCleanup(self.target.close)
        self.config = write(self.folder, "plimsoll.yml", f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: engine
    static_configs: [{{targets: ["{self.target.address}"]}}]
external_metrics:
  - {{name: queued, type: AverageValue, query: queued, namespaces: [default], max_age: 1h}}
""")
        self.server = ApiServer(self.pki, authentication(self.pki))
        self.addCleanup(self.server.close)
        self.server.allowed = lambda spec: spec["user"] in ("hpa", "reader")
        self.server.tokens = {"good-token": "reader", "other-token": "stranger"}
        self.kubeconfig = self.server.kubeconfig(self.folder, "our-own-secret")

    def start(self, *more):
        self.plimsoll = Plimsoll(
            "--config.file", self.config, "--web.listen-address=127.0.0.1:0", "--secure-port=-1", "--bind-address=127.0.0.1",
            "--tls-cert-file", self.pki.file("serving.crt"), "--tls-private-key-file", self.pki.file("serving.key"),
            "--authentication-kubeconfig", self.kubeconfig, "--authorization-kubeconfig", self.kubeconfig, *more, api=True)
        self.addCleanup(self.plimsoll.stop)

    def ready(self):
        eventually(lambda: self.plimsoll.get("/-/ready").status == 200, "ready")
        eventually(lambda: self.ask("proxy", user="root", group="system:masters").status == 200, "the first value")

    def ask(self, certificate=None, path=READ, user=None, group=None, token=None):
        headers = {"Accept": "application/json"}
        headers.update({name: value for name, value in [
            ("X-Remote-User", user), ("X-Remote-Group", group), ("Authorization", token and "Bearer " + token)] if value})
        return self.plimsoll.external(self.pki, None, None, certificate=certificate, headers=headers, path=path)

    def message(self, answer):
        return answer.json()["message"]

    def test_every_identity_gets_what_the_reference_adapter_gave_it(self):
        self.start()
        self.ready()
        forbidden = ('queued.external.metrics.k8s.io is forbidden: User "{}" cannot list resource "queued" in API group '
                     '"external.metrics.k8s.io" in the namespace "default"')
        for what, more, status, message in [
                ("front proxy, system:masters", dict(certificate="proxy", user="root", group="system:masters"), 200, None),
                ("front proxy, who may read", dict(certificate="proxy", user="hpa"), 200, None),
                ("front proxy, nobody special", dict(certificate="proxy", user="joe"), 403, forbidden.format("joe")),
                ("front proxy, no user", dict(certificate="proxy"), 401, "Unauthorized"),
                ("front proxy, discovery", dict(certificate="proxy", user="system:kube-aggregator", path=API), 200, None),
                ("name not allowed", dict(certificate="wrong-name", user="root", group="system:masters"), 401, "Unauthorized"),
                ("unknown authority", dict(certificate="stranger", user="root", group="system:masters"), 401, "Unauthorized"),
                ("no certificate", dict(user="root", group="system:masters"), 403, forbidden.format("system:anonymous")),
                ("no certificate, health", dict(path="/healthz"), 200, None),
                ("no certificate, /apis", dict(path="/apis"), 403,
                 'forbidden: User "system:anonymous" cannot get path "/apis"'),
                ("no certificate, /metrics", dict(path="/metrics"), 403,
                 'forbidden: User "system:anonymous" cannot get path "/metrics"'),
                ("client certificate", dict(certificate="hpa"), 403, forbidden.format("hpa-controller")),
                ("garbage token", dict(token="garbage"), 401, "Unauthorized"),
                ("token of who may read", dict(token="good-token"), 200, None),
                ("token of who may not", dict(token="other-token"), 403, forbidden.format("stranger"))]:
            with self.subTest(what):
                answer = self.ask(**more)
                self.assertEqual(answer.status, status, answer.body)
                if message:
                    self.assertEqual(self.message(answer), message)
        self.assertEqual({authorization for _, authorization, _ in self.server.reviews}, {"Bearer our-own-secret"})
        for page_ in ("/metrics", "/api/v1/status/config", "/api/v1/status/flags"):
            body = self.plimsoll.get(page_).body
            for secret in ("our-own-secret", "good-token", "garbage"):
                self.assertNotIn(secret, body)
        for secret in ("our-own-secret", "good-token", "garbage"):
            self.assertNotIn(secret, "".join(self.plimsoll.log))

    def test_what_was_reviewed_is_not_asked_again(self):
        self.start()
        self.ready()
        for _ in range(5):
            self.assertEqual(self.ask(token="good-token").status, 200)
        self.assertEqual(self.server.count("tokenreviews"), 1)
        self.assertEqual(self.server.count("subjectaccessreviews"), 1)

    def test_it_is_unready_until_the_configmap_was_read_and_says_why(self):
        self.server.breaks(True)
        self.start()
        unready = eventually(lambda: (lambda a: "out of order" in a.body and a)(self.plimsoll.get("/readyz")), "unready")
        self.assertEqual(unready.status, 503)
        self.assertIn("kube-system/extension-apiserver-authentication was not read yet", unready.body)
        self.assertEqual(self.plimsoll.get("/livez").status, 200)
        self.assertEqual(self.ask("proxy", user="root", group="system:masters").status, 401)
        self.assertEqual(self.plimsoll.metric("plimsoll_authentication_config_loaded"), 0)
        self.server.breaks(False)
        self.ready()
        eventually(lambda: self.plimsoll.metric("plimsoll_authentication_config_loaded") == 1, "it is loaded")

    def test_a_lookup_that_fails_may_be_tolerated(self):
        self.server.breaks(True)
        self.start("--authentication-tolerate-lookup-failure")
        self.assertEqual(self.plimsoll.get("/readyz").status, 200)

    def test_an_api_server_that_is_down_is_told_and_never_a_yes(self):
        self.start()
        self.ready()
        self.server.breaks(True)
        answer = self.ask("proxy", user="hpa")
        self.assertEqual(answer.status, 503)
        self.assertIn("the API server answered 500: out of order", self.message(answer))
        self.assertIsNone(answer.headers.get("Retry-After"))
        self.assertEqual(self.ask("proxy", user="root", group="system:masters").status, 200)
        self.server.breaks(False)
        self.assertEqual(self.ask("proxy", user="hpa").status, 200)

    def test_flags_win_over_the_configmap(self):
        self.pki._ca("other-ca")
        self.pki.leaf("other-proxy", "other-ca", "other-name", "extendedKeyUsage=clientAuth")
        self.start("--requestheader-client-ca-file", self.pki.file("other-ca.crt"),
                   "--requestheader-allowed-names=other-name", "--requestheader-username-headers=X-Other-User")
        eventually(lambda: self.plimsoll.metric("plimsoll_authentication_config_loaded") == 1, "the ConfigMap")
        answer = self.plimsoll.external(self.pki, None, None, certificate="other-proxy", path=API,
                                        headers={"X-Other-User": "joe", "Accept": "application/json"})
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.ask("proxy", user="root", group="system:masters").status, 401)

    def connection(self, certificate):
        context = ssl.create_default_context(cafile=self.pki.file("ca.crt"))
        context.load_cert_chain(self.pki.file(certificate + ".crt"), self.pki.file(certificate + ".key"))
        connection = http.client.HTTPSConnection("127.0.0.1", self.plimsoll.api, context=context, timeout=PATIENCE)
        self.addCleanup(connection.close)

        def read():
            connection.request("GET", READ, headers={"X-Remote-User": "root", "X-Remote-Group": "system:masters"})
            response = connection.getresponse()
            response.read()
            self.assertIsNotNone(connection.sock, "the connection was closed")
            return response.status

        return read

    def test_a_rotated_front_proxy_authority_loses_no_read(self):
        self.start()
        self.ready()
        shutil.copy(self.pki.file("proxy-ca.crt"), self.pki.file("old-ca.crt"))
        old = self.connection("proxy")
        self.assertEqual(old(), 200)
        self.pki._ca("proxy-ca")  # the same name, another key
        self.pki.leaf("next-proxy", "proxy-ca", "front-proxy-client", "extendedKeyUsage=clientAuth")
        new = self.connection("next-proxy")
        self.assertEqual(new(), 401)
        both = text(self.pki.file("old-ca.crt")) + text(self.pki.file("proxy-ca.crt"))
        self.server.change(requestheader_client_ca_file=both)
        eventually(lambda: new() == 200, "the new authority")
        self.assertEqual(old(), 200)
        self.server.change(requestheader_client_ca_file=text(self.pki.file("proxy-ca.crt")))
        eventually(lambda: old() == 401, "the end of the old authority")
        self.assertEqual(new(), 200)
        self.server.change(requestheader_client_ca_file="not a certificate")
        eventually(lambda: self.plimsoll.metric("plimsoll_authentication_config_errors_total"), "a counted refusal")
        self.assertEqual(new(), 200)

    def test_a_renewed_serving_certificate_is_used_without_being_told(self):
        self.start()
        self.ready()
        before = self.connection("proxy")
        self.assertEqual(before(), 200)

        def served():
            context = ssl.create_default_context(cafile=self.pki.file("ca.crt"))
            connection = http.client.HTTPSConnection("127.0.0.1", self.plimsoll.api, context=context, timeout=PATIENCE)
            try:
                connection.connect()
                return connection.sock.getpeercert()["serialNumber"]
            finally:
                connection.close()

        first = served()
        self.pki.leaf("renewed", "ca", "plimsoll", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth")
        for suffix in (".key", ".crt"):  # for a moment they do not fit each other
            os.replace(self.pki.file("renewed" + suffix), self.pki.file("serving" + suffix))
        eventually(lambda: served() != first, "the new certificate")
        self.assertEqual(before(), 200)

    def test_shutdown_is_unready_first_and_serves_on(self):
        self.start("--shutdown-delay-duration=60s")
        self.ready()
        read = self.connection("proxy")
        self.assertEqual(read(), 200)
        self.plimsoll.send(signal.SIGTERM)
        eventually(lambda: self.plimsoll.get("/readyz").status == 503, "unready")
        self.assertIn("shutting down", self.plimsoll.get("/readyz").body)
        self.assertEqual(self.plimsoll.get("/livez").status, 200)
        self.assertEqual(read(), 200)
        code, _ = self.plimsoll.stop()  # a second signal does not wait
        self.assertEqual(code, 0)

    def test_many_readers_ask_once_and_slow_reviews_keep_nobody_else_waiting(self):
        self.start()
        self.ready()
        going = threading.Event()
        self.server.allowed = lambda spec: going.wait(PATIENCE) and True
        answers = []
        readers = [threading.Thread(target=lambda: answers.append(self.ask("proxy", user="hpa").status)) for _ in range(20)]
        for reader in readers:
            reader.start()
        eventually(lambda: self.server.count("subjectaccessreviews") == 1, "the question")
        self.assertEqual(self.ask("proxy", user="root", group="system:masters").status, 200)
        going.set()
        for reader in readers:
            reader.join()
        # Who came before the answer has joined. 503 only where the machine was slower than a review's deadline.
        self.assertEqual(len(answers), 20)
        self.assertLessEqual(set(answers), {200, 503})
        self.assertEqual(self.ask("proxy", user="hpa").status, 200)

    def test_a_kubeconfig_that_cannot_be_used_is_named(self):
        bad = write(self.folder, "bad", text(self.kubeconfig).replace("{tokenFile: token}", "{exec: {command: aws}}"))
        ended = run("--config.file", self.config, "--web.listen-address=127.0.0.1:0", "--authentication-kubeconfig", bad)
        self.assertEqual(ended.returncode, 1)
        self.assertIn(f"{bad}:7:", ended.stderr)
        self.assertIn("'exec' is not supported", ended.stderr)
        gone = os.path.join(self.folder, "gone")
        ended = run("--config.file", self.config, "--web.listen-address=127.0.0.1:0", "--authorization-kubeconfig", gone)
        self.assertEqual(ended.returncode, 3)
        self.assertIn(f"--authorization-kubeconfig: cannot read kubeconfig {gone}", ended.stderr)


if __name__ == "__main__":
    unittest.main()
