# SPDX-License-Identifier: Apache-2.0
"""Requests of every kind at both listeners: who may read, what malformed ones get, and that no answer ever
invites a client to retry."""
import os
import tempfile
import threading
import unittest

from harness import Pki, Plimsoll, Target, eventually, page, write

API = "/apis/external.metrics.k8s.io/v1beta1"


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = Pki()
        cls.folder = tempfile.TemporaryDirectory()
        cls.alive = threading.Event()
        cls.alive.set()

        def respond(handler):
            page("queued{pool=\"a\"} 3\nqueued{pool=\"b\"} 4\nnan NaN\nnegative -1\n", status=200 if cls.alive.is_set() else 500)(handler)

        cls.target = Target(respond)
        metric = "{{name: {0}, type: AverageValue, query: '{1}', namespaces: [default], max_age: {2}}}"
        config = write(cls.folder.name, "plimsoll.yml", f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: engine
    static_configs: [{{targets: ["{cls.target.address}"]}}]
external_metrics:
  - {metric.format("queued", "queued", "1h")}
  - {metric.format("queued-sum", "sum(queued)", "1h")}
  - {metric.format("missing", "missing", "1h")}
  - {metric.format("nan", "nan", "1h")}
  - {metric.format("negative", "negative", "1h")}
  - {metric.format("young", "sum(queued)", "3s")}
""")
        cls.plimsoll = Plimsoll("--config.file", config, "--web.listen-address=127.0.0.1:0", *cls.pki.flags(),
                                "--requestheader-client-ca-file", cls.pki.file("ca.crt"),
                                "--requestheader-allowed-names", "front-proxy-client", api=True)
        eventually(lambda: cls.plimsoll.external(cls.pki, "default", "queued-sum").status == 200, "the first value")

    @classmethod
    def tearDownClass(cls):
        cls.plimsoll.stop()
        cls.target.close()
        cls.folder.cleanup()
        cls.pki.remove()

    def read(self, name, **more):
        answer = self.plimsoll.external(self.pki, "default", name, **more)
        self.assertIsNone(answer.headers.get("Retry-After"))
        self.assertTrue(answer.headers.get("Content-Type"))
        return answer

    def test_a_value_has_one_item_with_its_source_time(self):
        items = self.read("queued-sum").json()["items"]
        self.assertEqual([item["value"] for item in items], ["7"])
        self.assertRegex(items[0]["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")

    def test_a_selector_chooses_and_several_series_are_an_error(self):
        self.assertEqual(self.read("queued", selector="pool in (a)").json()["items"][0]["value"], "3")
        several = self.read("queued")
        self.assertEqual(several.status, 503)
        self.assertEqual(several.json()["reason"], "ServiceUnavailable")
        self.assertIn("several", several.json()["message"])

    def test_a_malformed_selector_is_400_with_a_status_body(self):
        for selector in ["a in (", "=x", "a==b==c", "a in b", "!", "x>one"]:
            with self.subTest(selector):
                answer = self.read("queued", selector=selector)
                self.assertEqual(answer.status, 400)
                self.assertEqual(answer.json()["kind"], "Status")

    def test_a_known_metric_without_a_value_is_503_and_an_unknown_one_404(self):
        for name, reason in [("missing", "empty"), ("nan", "not_finite"), ("negative", "out_of_range")]:
            with self.subTest(name):
                answer = self.read(name)
                self.assertEqual(answer.status, 503)
                self.assertIn(reason, answer.json()["message"])
        self.assertEqual(self.read("nobody-knows").status, 404)
        self.assertEqual(self.plimsoll.external(self.pki, "elsewhere", "queued").status, 404)

    def test_who_may_read(self):
        self.assertEqual(self.read("queued-sum", certificate=None).status, 403)
        self.assertEqual(self.read("queued-sum", certificate="stranger").status, 401)
        proxied = {"X-Remote-User": "system:serviceaccount:kube-system:hpa", "X-Remote-Group": "system:authenticated"}
        self.assertEqual(self.read("queued-sum", certificate="proxy", headers=proxied).status, 200)
        # A header alone makes nobody.
        self.assertEqual(self.read("queued-sum", certificate=None, headers=proxied).status, 403)
        self.assertEqual(self.plimsoll.external(self.pki, "", "", certificate=None, path="/healthz").status, 200)

    def test_discovery_is_what_an_aggregator_needs(self):
        resources = self.plimsoll.external(self.pki, "", "", path=API).json()["resources"]
        self.assertEqual(len(resources), 1)
        openapi = self.plimsoll.external(self.pki, "", "", path="/openapi/v2")
        self.assertEqual(openapi.status, 200)
        again = self.plimsoll.external(self.pki, "", "", path="/openapi/v2", headers={"If-None-Match": openapi.headers["ETag"]})
        self.assertEqual(again.status, 304)

    def test_a_url_of_a_hundred_kilobytes_is_refused_and_the_next_request_is_served(self):
        for listener in ("ops", "api"):
            with self.subTest(listener):
                path = "/" + "x" * 100_000
                if listener == "ops":
                    status = self.plimsoll.get(path).status
                else:
                    status = self.plimsoll.external(self.pki, "", "", path=path).status
                self.assertIn(status, (414, 431))
        self.assertEqual(self.plimsoll.get("/-/healthy").status, 200)
        self.assertEqual(self.read("queued-sum").status, 200)

    def test_queries_that_make_no_sense_are_named(self):
        answer = self.plimsoll.get("/api/v1/query?query=sum(")
        self.assertEqual((answer.status, answer.json()["errorType"]), (400, "bad_data"))
        self.assertIn("parse error", answer.json()["error"])
        self.assertEqual(self.plimsoll.get("/api/v1/query_range?query=1&start=0&end=1e6&step=1").status, 400)
        self.assertEqual(self.plimsoll.get("/nowhere").status, 404)
        self.assertEqual(self.plimsoll.get("/-/reload", method="POST").status, 403)

    def test_a_dead_engine_turns_young_values_into_errors_and_back(self):
        self.alive.clear()
        self.addCleanup(self.wait_until_it_is_back)
        eventually(lambda: (a := self.read("young")).status == 503 and "has failed since" in a.body and "500" in a.body,
                   "an error for the old value that says why")
        self.assertEqual(self.read("queued-sum").status, 200)  # an hour old is young enough here

    def wait_until_it_is_back(self):
        self.alive.set()
        eventually(lambda: self.read("young").status == 200, "the value is back")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    unittest.main()
