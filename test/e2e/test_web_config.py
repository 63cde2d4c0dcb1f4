# SPDX-License-Identifier: Apache-2.0
"""--web.config.file: the format of Prometheus's exporters at the ops listener, the example of the documentation, and what
happens when the file changes."""
import base64
import http.client
import os
import re
import shutil
import ssl
import tempfile
import unittest

from harness import PATIENCE, ROOT, Pki, Plimsoll, Target, eventually, page, run, write

# Of "plimsoll" and "secret", as cheap as bcrypt can be.
PLIMSOLL = "$2b$05$LoadLineForQueryEngineyP2r4h/YBnWb0iJdnAfLgBVj/5BS3eK"
SECRET = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class WebConfig(unittest.TestCase):
    def setUp(self):
        self.pki = Pki()
        self.addCleanup(self.pki.remove)
        self.pki.leaf("scraper", "ca", "scraper", "subjectAltName=DNS:prometheus.example\nextendedKeyUsage=clientAuth")
        self.pki.leaf("other", "ca", "other", "subjectAltName=DNS:other.example\nextendedKeyUsage=clientAuth")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for name, source in (("web.crt", "serving.crt"), ("web.key", "serving.key"), ("clients.crt", "ca.crt")):
            shutil.copy(self.pki.file(source), os.path.join(self.folder, name))
        self.target = Target(page("queued 3\n"))
        self.addCleanup(self.target.close)
        self.config = write(self.folder, "plimsoll.yml", f"""
scrape_configs: [{{job_name: engine, static_configs: [{{targets: ["{self.target.address}"]}}]}}]
""")

    def start(self, web):
        self.web = write(self.folder, "web.yml", web)
        self.plimsoll = Plimsoll("--config.file", self.config, "--web.listen-address=127.0.0.1:0", "--web.config.file", self.web)
        self.addCleanup(self.plimsoll.stop)

    def replace(self, web):
        write(self.folder, "next.yml", web)
        os.replace(os.path.join(self.folder, "next.yml"), self.web)

    def ask(self, path="/metrics", headers=None, certificate=None, tls=True, version=None):
        """The status, 'refused' when there was none, and the headers."""
        if tls:
            context = ssl.create_default_context(cafile=self.pki.file("ca.crt"))
            if version:
                context.minimum_version = context.maximum_version = version
            if certificate:
                context.load_cert_chain(self.pki.file(certificate + ".crt"), self.pki.file(certificate + ".key"))
            connection = http.client.HTTPSConnection("127.0.0.1", self.plimsoll.ops, context=context, timeout=PATIENCE)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.plimsoll.ops, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            self.body = response.read().decode("utf-8", "replace")
            self.headers = response.headers
            return response.status
        except (OSError, http.client.HTTPException):
            return "refused"
        finally:
            connection.close()

    def documented(self):
        with open(os.path.join(ROOT, "docs/configuration.md"), encoding="utf-8") as source:
            return re.search(r"```yaml\n(# web\.yml.*?)```", source.read(), re.S).group(1)

    def test_the_example_of_the_documentation_does_what_it_says(self):
        self.start(self.documented())
        done = run("check", "web-config", self.web)
        self.assertEqual((done.returncode, done.stdout), (0, f"{self.web} SUCCESS\n"), done.stderr)
        user = basic("scraper", "plimsoll")
        self.assertEqual(self.ask(headers=user, certificate="scraper"), 200)
        self.assertEqual(self.headers["X-Frame-Options"], "deny")
        self.assertEqual(self.headers["Strict-Transport-Security"], "max-age=31536000")
        self.assertEqual(self.ask(certificate="scraper"), 401)
        self.assertEqual(self.headers["WWW-Authenticate"], "Basic")
        self.assertEqual(self.headers["X-Frame-Options"], "deny")
        self.assertEqual(self.ask(headers=basic("scraper", "wrong"), certificate="scraper"), 401)
        self.assertEqual(self.ask(headers=basic("nobody", "plimsoll"), certificate="scraper"), 401)
        for certificate in (None, "stranger", "other"):  # none, another authority's, another name
            self.assertEqual(self.ask(headers=user, certificate=certificate), "refused")
        self.assertEqual(self.ask(headers=user, tls=False), "refused")
        self.assertEqual(self.ask(headers=user, certificate="scraper", version=ssl.TLSVersion.TLSv1_2), 200)
        for path in ("/", "/api/v1/query?query=up", "/federate", "/-/healthy", "/livez", "/nowhere"):
            with self.subTest(path):
                self.assertEqual(self.ask(path, certificate="scraper"), 401)

    def test_users_without_tls_and_changes_that_count_at_once(self):
        self.start(f"basic_auth_users: {{ann: {SECRET}}}\n")
        ann, bob = basic("ann", "secret"), basic("bob", "plimsoll")
        self.assertEqual(self.ask(tls=False), 401)
        self.assertEqual(self.ask(tls=False, headers=ann), 200)
        self.replace(f"basic_auth_users: {{bob: {PLIMSOLL}}}\nhttp_server_config: {{headers: {{X-Frame-Options: sameorigin}}}}\n")
        eventually(lambda: self.ask(tls=False, headers=bob) == 200, "the new user")
        self.assertEqual(self.headers["X-Frame-Options"], "sameorigin")
        self.assertEqual(self.ask(tls=False, headers=ann), 401)
        # What cannot be used changes nothing, and is said.
        for broken in ("basic_auth_users: {bob: hunter2}\n", "tls_server_config: {cert_file: web.crt, key_file: web.key}\n", "x: y"):
            self.replace(broken)
            eventually(lambda: self.ask(tls=False, headers=bob) == 200 and
                       "plimsoll_web_config_last_reload_successful 0" in self.body, "a refusal")
            self.assertEqual(self.ask(tls=False, headers=ann), 401)
            self.replace(f"basic_auth_users: {{bob: {PLIMSOLL}}}\n")
            eventually(lambda: self.ask(tls=False, headers=bob) == 200 and
                       "plimsoll_web_config_last_reload_successful 1" in self.body, "a recovery")
        self.assertNotIn("hunter2", "".join(self.plimsoll.log))
        self.assertNotIn(PLIMSOLL, "".join(self.plimsoll.log))

    def test_a_renewed_certificate_is_used_and_open_connections_stay(self):
        self.start("tls_server_config: {cert_file: web.crt, key_file: web.key}\n")
        context = ssl.create_default_context(cafile=self.pki.file("ca.crt"))
        kept = http.client.HTTPSConnection("127.0.0.1", self.plimsoll.ops, context=context, timeout=PATIENCE)
        self.addCleanup(kept.close)

        def read():
            kept.request("GET", "/livez")
            response = kept.getresponse()
            response.read()
            self.assertIsNotNone(kept.sock)
            return response.status

        self.assertEqual(read(), 200)
        first = ssl.get_server_certificate(("127.0.0.1", self.plimsoll.ops))
        self.pki.leaf("renewed", "ca", "plimsoll", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth")
        for suffix in (".key", ".crt"):  # for a moment they do not fit each other
            shutil.copy(self.pki.file("renewed" + suffix), os.path.join(self.folder, "new"))
            os.replace(os.path.join(self.folder, "new"), os.path.join(self.folder, "web" + suffix))
        eventually(lambda: ssl.get_server_certificate(("127.0.0.1", self.plimsoll.ops)) != first, "the new certificate")
        self.assertEqual(read(), 200)
        self.assertEqual(self.ask(), 200)
        self.assertRegex(self.body, r'plimsoll_certificate_expiry_timestamp_seconds\{certificate="web"\} 1\.\d+e\+09|'
                                    r'plimsoll_certificate_expiry_timestamp_seconds\{certificate="web"\} \d{10}')

    def test_versions_and_ciphers_are_obeyed(self):
        self.start("tls_server_config: {cert_file: web.crt, key_file: web.key, max_version: TLS12,\n"
                   "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384], curve_preferences: [CurveP256]}\n")
        self.assertEqual(self.ask(version=ssl.TLSVersion.TLSv1_3), "refused")
        self.assertEqual(self.ask(version=ssl.TLSVersion.TLSv1_2), 200)
        self.replace("tls_server_config: {cert_file: web.crt, key_file: web.key, min_version: TLS13}\n")
        eventually(lambda: self.ask(version=ssl.TLSVersion.TLSv1_3) == 200, "the new version")
        self.assertEqual(self.ask(version=ssl.TLSVersion.TLSv1_2), "refused")

    def test_a_rate_is_kept(self):
        self.start("rate_limit: {interval: 1h, burst: 3}\n")
        self.assertEqual([self.ask(tls=False) for _ in range(5)], [200, 200, 200, 429, 429])
        self.assertIsNone(self.headers.get("Retry-After"))

    def test_one_scrape_is_not_one_hash(self):
        costly = "$2b$12$" + PLIMSOLL[7:29] + "." * 31  # nobody's password
        self.start(f"basic_auth_users: {{ann: {SECRET}, bob: {costly}}}\n")
        self.assertEqual(self.ask(tls=False, headers=basic("ann", "secret")), 200)

        def cpu():
            with open(f"/proc/{self.plimsoll.process.pid}/stat", encoding="utf-8") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        self.assertEqual(self.ask(tls=False, headers=basic("bob", "x")), 401)
        before = cpu()
        for _ in range(50):
            self.assertEqual(self.ask("/-/healthy", tls=False, headers=basic("bob", "x")), 401)
        self.assertLess(cpu() - before, 5)  # fifty hashes of that cost take more

    def test_mistakes_are_named_with_their_place(self):
        for text, words in [("tls_server_config: {cert_file: web.crt}", ":1:20: missing one of key or key_file"),
                            ("basic_auth_users:\n  ann: hunter2", ":2:8: basic_auth_users: ann: expected a bcrypt hash"),
                            ("http_server_config:\n  headers: {Server: x}", ':2:13: HTTP header "Server" can not be configured'),
                            ("nonsense: 1", ":1:1: "),
                            ("tls_server_config: {cert_file: no, key_file: web.key}", "failed to read cert_file"),
                            ("tls_server_config: {cert_file: web.crt, key_file: clients.crt}", "TLS key: no usable PEM private key")]:
            with self.subTest(words):
                bad = write(self.folder, "bad.yml", text)
                for arguments in (["check", "web-config", bad],
                                  ["--config.file", self.config, "--web.listen-address=127.0.0.1:0", "--web.config.file", bad]):
                    done = run(*arguments)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn(bad, done.stderr)
                    self.assertIn(words, done.stderr)
                    self.assertNotIn("hunter2", done.stderr)


if __name__ == "__main__":
    unittest.main()
