# SPDX-License-Identifier: Apache-2.0
"""What nobody may learn: every secret that a configuration, a flag's file or a caller can give is looked for in all that the
process says - log, pages, answers, errors, printed configuration - and callers without a right get nothing but health."""
import base64
import http.client
import os
import ssl
import tempfile
import unittest

from fake_api import authentication
from harness import PATIENCE, Pki, Plimsoll, Target, eventually, page, run, write
from kube_objects import MAPS, KubeObjects

API = "/apis/external.metrics.k8s.io/v1beta1"
SECRETS = {name: f"hush-{name}-{number:04d}" for number, name in enumerate([
    "password", "password-file", "bearer", "bearer-file", "header", "own-token", "caller-token", "web-password", "url"])}
WEB_HASH = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"  # of "secret"


def read_file(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


class Secrets(unittest.TestCase):
    def setUp(self):
        self.pki = Pki()
        self.addCleanup(self.pki.remove)
        self.pki._ca("proxy-ca")
        self.pki.leaf("front", "proxy-ca", "front-proxy-client", "extendedKeyUsage=clientAuth")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.target = Target(page("queued 3\n"))
        self.addCleanup(self.target.close)
        self.cluster = KubeObjects(self.pki)
        self.addCleanup(self.cluster.close)
        self.cluster.put(MAPS, "extension-apiserver-authentication", data=authentication(self.pki))
        self.cluster.allowed = lambda spec: False
        write(self.folder, "password", SECRETS["password-file"] + "\n")
        write(self.folder, "bearer", SECRETS["bearer-file"] + "\n")
        self.kubeconfig = self.cluster.kubeconfig(self.folder, SECRETS["own-token"])
        key = read_file(self.pki.file("hpa.key")).replace("\n", "\n        ")
        self.text = f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: password
    basic_auth: {{username: u, password: {SECRETS["password"]}}}
    static_configs: [{{targets: ["{self.target.address}"]}}]
  - job_name: password-file
    basic_auth: {{username: u, password_file: password}}
    static_configs: [{{targets: ["{self.target.address}"]}}]
  - job_name: bearer
    authorization: {{credentials: {SECRETS["bearer"]}}}
    http_headers: {{X-Key: {{secrets: [{SECRETS["header"]}]}}}}
    tls_config:
      cert: |
        {read_file(self.pki.file("hpa.crt")).replace(chr(10), chr(10) + "        ")}
      key: |
        {key}
    static_configs: [{{targets: ["{self.target.address}", "127.0.0.1:1"]}}]
  - job_name: bearer-file
    authorization: {{credentials_file: bearer}}
    static_configs: [{{targets: ["{self.target.address}"]}}]
external_metrics:
  - {{name: queued, type: AverageValue, query: 'max(queued)', namespaces: [default], max_age: 1h}}
"""
        self.config = write(self.folder, "plimsoll.yml", self.text)
        self.web = write(self.folder, "web.yml", f"basic_auth_users: {{ann: {WEB_HASH}}}\n")
        self.ann = {"Authorization": "Basic " + base64.b64encode(b"ann:secret").decode()}
        self.wrong = {"Authorization": "Basic " + base64.b64encode(b"ann:" + SECRETS["web-password"].encode()).decode()}

    def start(self, *more):
        self.plimsoll = Plimsoll(
            "--config.file", self.config, "--web.listen-address=127.0.0.1:0", "--secure-port=-1", "--bind-address=127.0.0.1",
            "--log.level=debug", "--web.config.file", self.web, "--web.enable-lifecycle",
            "--tls-cert-file", self.pki.file("serving.crt"), "--tls-private-key-file", self.pki.file("serving.key"),
            "--authentication-kubeconfig", self.kubeconfig, "--authorization-kubeconfig", self.kubeconfig, *more, api=True)
        self.addCleanup(self.plimsoll.stop)
        eventually(lambda: self.plimsoll.get("/readyz", self.ann).status == 200, "ready")
        eventually(lambda: self.plimsoll.external(self.pki, None, None, certificate="front", path=API + "/namespaces/default/queued",
                                                  headers={"X-Remote-User": "root", "X-Remote-Group": "system:masters"}).status == 200,
                   "the first value")

    def test_no_secret_is_in_anything_that_the_process_says(self):
        self.start()
        said = []
        for path in ("/", "/metrics", "/federate?match[]={__name__!=''}", "/api/v1/targets", "/api/v1/targets/metadata", "/api/v1/status/config",
                     "/api/v1/status/flags", "/api/v1/status/runtimeinfo", "/api/v1/status/tsdb", "/api/v1/rules", "/api/v1/series?match[]=up",
                     "/api/v1/query?query=up", "/api/v1/query?query=sum(", "/nowhere?token=" + SECRETS["url"], "/readyz", "/api/v1/scrape_pools"):
            for headers in (self.ann, self.wrong, {}):
                answer = self.plimsoll.get(path, headers)
                said.append(answer.body + str(answer.headers))
        for certificate, headers in [(None, {"Authorization": "Bearer " + SECRETS["caller-token"]}), ("front", {"X-Remote-User": "joe"}),
                                     ("stranger", {}), (None, {})]:
            answer = self.plimsoll.external(self.pki, None, None, certificate=certificate, path=API + "/namespaces/default/queued", headers=headers)
            self.assertIn(answer.status, (401, 403))
            said.append(answer.body + str(answer.headers))
        # Failures speak, too: the API server away, a reload that fails, a web configuration that is broken.
        self.cluster.breaks(True)
        said.append(self.plimsoll.external(self.pki, None, None, certificate=None, path=API,
                                           headers={"Authorization": "Bearer " + SECRETS["caller-token"] + "x"}).body)
        write(self.folder, "plimsoll.yml", self.text + "nonsense: 1\n")
        reload = self.plimsoll.get("/-/reload", self.ann, method="POST")
        self.assertEqual(reload.status, 500)
        said.append(reload.body)
        write(self.folder, "web.yml", f"basic_auth_users: {{ann: {SECRETS['web-password']}}}\n")
        eventually(lambda: "plimsoll_web_config_last_reload_successful 0" in self.plimsoll.get("/metrics", self.ann).body, "the refusal")
        for arguments in (["config", "--config.file", self.config], ["check", "config", self.config], ["check", "web-config", self.web]):
            done = run(*arguments)
            said.append(done.stdout + done.stderr)
        write(self.folder, "plimsoll.yml", self.text)
        done = run("config", "--config.file", self.config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("<secret>", done.stdout)
        said.append(done.stdout)
        self.plimsoll.stop()
        said.append("".join(self.plimsoll.log))
        everything = "\n".join(said)
        self.assertIn("queued", everything)
        key = read_file(self.pki.file("hpa.key")).splitlines()[1]
        serving = read_file(self.pki.file("serving.key")).splitlines()[1]
        encoded = [header["Authorization"].split()[1] for header in (self.ann, self.wrong)]
        for secret in [*SECRETS.values(), key, serving, WEB_HASH, *encoded]:
            if secret == SECRETS["url"]:
                continue  # a path is no secret; it is here to see that it stays out of the log
            self.assertNotIn(secret, everything)
        self.assertNotIn(SECRETS["url"], "".join(self.plimsoll.log))
        # They were used all the same.
        sent = str(self.target.requests)
        for name in ("bearer", "bearer-file", "header"):
            self.assertIn(SECRETS[name], sent)

    def test_who_has_no_right_reads_nothing_but_health(self):
        self.start()
        paths = [API + "/namespaces/default/queued", API, "/apis", "/apis/external.metrics.k8s.io", "/openapi/v2", "/openapi/v3", "/metrics", "/",
                 "/api/v1/query?query=up", "/version", "/livez/../metrics", "/healthz/", "//healthz", "/readyz/x", API + "/namespaces/default/queued/healthz"]
        masters = {"X-Remote-User": "root", "X-Remote-Group": "system:masters"}
        cases = [("nobody", None, {}), ("headers alone", None, masters), ("a stranger's certificate", "stranger", masters),
                 ("a client certificate with a front proxy's headers", "hpa", masters),
                 ("a front proxy of another authority", "proxy", masters), ("a serving certificate", "serving", masters),
                 ("a token that is nobody's", None, {"Authorization": "Bearer nobody"}),
                 ("no token", None, {"Authorization": "Bearer "}), ("Basic", None, self.ann),
                 ("a front proxy without a user", "front", {"X-Remote-Group": "system:masters"}),
                 ("a front proxy with an empty user", "front", {"X-Remote-User": "", "X-Remote-Group": "system:masters"}),
                 ("a user of nobody's group", "front", {"X-Remote-User": "joe", "X-Remote-Group": "system:authenticated"})]
        for what, certificate, headers in cases:
            for path in paths:
                constant = what == "a user of nobody's group" and (path in (API, "/apis", "/apis/external.metrics.k8s.io") or path.startswith("/openapi"))
                with self.subTest(what + " " + path):
                    answer = self.plimsoll.external(self.pki, None, None, certificate=certificate, path=path, headers={"Accept": "*/*", **headers})
                    if constant:  # kube-apiserver has authorised already; these documents say nothing
                        self.assertIn(answer.status, (200, 404))
                    else:
                        # /healthz/ is open as /healthz is, and there is nothing.
                        self.assertIn(answer.status, (401, 403, 404) if path == "/healthz/" else (401, 403), answer.body)
                    self.assertNotIn('"value"', answer.body)
                    self.assertNotIn("queued 3", answer.body)
            for path in ("/healthz", "/livez", "/readyz"):
                answer = self.plimsoll.external(self.pki, None, None, certificate=None, path=path)
                self.assertEqual((answer.status, answer.body), (200, "ok"))
        for path in ("/", "/metrics", "/api/v1/query?query=queued", "/federate?match[]=queued", "/-/reload", "/livez"):
            for headers in ({}, self.wrong, {"Authorization": "Bearer x"}):
                answer = self.plimsoll.get(path, headers)
                self.assertEqual((answer.status, answer.body), (401, "Unauthorized\n"))

    def test_a_method_or_a_form_of_the_path_opens_nothing(self):
        self.start()
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"):
            for path in (API + "/namespaces/default/queued", "/%61pis/external.metrics.k8s.io/v1beta1/namespaces/default/queued",
                         "/apis//external.metrics.k8s.io/v1beta1/namespaces/default/queued", "/livez%2f..%2f" + API.lstrip("/")):
                context = ssl.create_default_context(cafile=self.pki.file("ca.crt"))
                connection = http.client.HTTPSConnection("127.0.0.1", self.plimsoll.api, context=context, timeout=PATIENCE)
                connection.request(method, path, headers={"X-Remote-User": "root", "X-Remote-Group": "system:masters"})
                response = connection.getresponse()
                body = response.read().decode()
                connection.close()
                with self.subTest(method + " " + path):
                    self.assertIn(response.status, (401, 403, 404, 405), body)
                    self.assertNotIn('"value"', body)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    unittest.main()
