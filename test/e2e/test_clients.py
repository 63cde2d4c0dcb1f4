# SPDX-License-Identifier: Apache-2.0
"""What Grafana, KEDA and prometheus-adapter ask the query API, in their order and with their headers; every body is
compared as a whole. The page carries its own times, so that the answers are known in advance."""
import gzip
import http.client
import json
import re
import tempfile
import time
import unittest
import urllib.parse
import zlib

from harness import Plimsoll, Target, eventually, page, run, write

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def good(data):
    return json.dumps({"status": "success", "data": data}, separators=(",", ":"))


def bad(message):
    return json.dumps({"status": "error", "errorType": "bad_data", "error": message}, separators=(",", ":"))


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.now = now = int(time.time())
        lines = ["# HELP queued_splits Splits that wait.", "# TYPE queued_splits gauge"]
        for age in (30, 15, 0):
            lines += [f'queued_splits{{pool="{pool}"}} {value - age} {(now - age) * 1000}' for pool, value in (("a", 40), ("b", 50))]
        lines += ["# TYPE ratio gauge", f"ratio +Inf {now * 1000}"]
        cls.target = Target(page("\n".join(lines) + "\n"))
        cls.folder = tempfile.TemporaryDirectory()
        rules = write(cls.folder.name, "rules.yml", """
groups: [{name: g, interval: 1h, rules: [{record: "pool:queued:sum", expr: "sum(queued_splits)"}]}]
""")
        config = write(cls.folder.name, "plimsoll.yml", f"""
global: {{scrape_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: engine
    basic_auth: {{username: reader, password: open-sesame}}
    http_headers: {{X-Token: {{secrets: [open-sesame]}}}}
    static_configs: [{{targets: ["{cls.target.address}"]}}]
""")
        cls.plimsoll = Plimsoll("--config.file", config, "--web.listen-address=127.0.0.1:0", "--secure-port=0")
        eventually(lambda: cls.plimsoll.query("queued_splits"), "the first page")
        cls.labels = {"instance": cls.target.address, "job": "engine"}

    @classmethod
    def tearDownClass(cls):
        cls.plimsoll.stop()
        cls.target.close()
        cls.folder.cleanup()

    def get(self, path, headers=None, **parameters):
        return self.ask("GET", path + "?" + urllib.parse.urlencode(parameters, doseq=True), headers)

    def post(self, path, headers=None, **parameters):
        return self.ask("POST", path, {**FORM, **(headers or {})}, urllib.parse.urlencode(parameters, doseq=True))

    def ask(self, method, path, headers, body=None):
        answer = self.plimsoll.get(path, headers, method, body)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        return answer.status, answer.body

    def series(self, pool):
        return {"__name__": "queued_splits", **self.labels, "pool": pool}

    def test_grafana(self):
        # Save & test, then what a dashboard with a variable and a panel asks.
        self.assertEqual(self.post("/api/v1/query", query="1+1", time=4), (200, good({"resultType": "scalar", "result": [4, "2"]})))
        status, body = self.get("/api/v1/status/buildinfo")
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(body)["data"]["version"], "3.15.0")
        self.assertEqual(self.get("/api/v1/query_exemplars", query="test", start=self.now - 1800, end=self.now), (200, good([])))
        self.assertEqual(self.get("/api/v1/metadata", limit=40000), (200, good({
            "queued_splits": [{"type": "gauge", "unit": "", "help": "Splits that wait."}], "ratio": [{"type": "gauge", "unit": "", "help": ""}]})))
        span = {"start": self.now - 60, "end": self.now}
        self.assertEqual(self.post("/api/v1/labels", **{"match[]": "queued_splits"}, **span),
                         (200, good(["__name__", "instance", "job", "pool"])))
        self.assertEqual(self.get("/api/v1/label/pool/values", **{"match[]": 'queued_splits{job="engine"}'}, **span), (200, good(["a", "b"])))
        self.assertEqual(self.get("/api/v1/label/__name__/values", **{"match[]": '{job="engine",__name__!~"up|scrape_.*"}'}, limit=40000, **span),
                         (200, good(["queued_splits", "ratio"])))
        self.assertEqual(self.post("/api/v1/series", **{"match[]": "queued_splits"}, **span), (200, good([self.series("a"), self.series("b")])))
        groups = json.loads(self.get("/api/v1/rules")[1])["data"]["groups"]
        self.assertEqual([(rule["name"], rule["query"], rule["type"]) for rule in groups[0]["rules"]],
                         [("pool:queued:sum", "sum(queued_splits)", "recording")])
        self.assertEqual(self.get("/api/v1/alerts"), (200, good({"alerts": []})))
        matrix = good({"resultType": "matrix", "result": [
            {"metric": {"pool": "a"}, "values": [[self.now - 30, "10"], [self.now - 15, "25"], [self.now, "40"]]},
            {"metric": {"pool": "b"}, "values": [[self.now - 30, "20"], [self.now - 15, "35"], [self.now, "50"]]}]})
        panel = {"query": "sum by(pool) (queued_splits)", "start": self.now - 30, "end": self.now, "step": 15}
        self.assertEqual(self.post("/api/v1/query_range", **panel), (200, matrix))
        # Its proxy asks for gzip; a long answer comes compressed and says the same.
        long = {**panel, "query": 'label_replace(queued_splits, "long", "' + "x" * 2000 + '", "", "")'}
        plain = self.post("/api/v1/query_range", **long)[1]
        for coding, decompress in (("gzip", gzip.decompress), ("deflate", zlib.decompress)):
            answer = self.raw_post("/api/v1/query_range", coding, long)
            self.assertEqual(decompress(answer).decode(), plain)
        # The table panel and the query builder.
        self.assertEqual(self.post("/api/v1/query", query="ratio", time=self.now), (200, good(
            {"resultType": "vector", "result": [{"metric": {"__name__": "ratio", **self.labels}, "value": [self.now, "+Inf"]}]})))
        self.assertEqual(self.get("/api/v1/format_query", query="sum by(pool)(queued_splits)"), (200, good("sum by (pool) (queued_splits)")))
        self.assertEqual(self.post("/api/v1/query", query="sum(", time=self.now), (400, bad(
            'invalid parameter "query": 1:5: parse error: unclosed left parenthesis')))

    def raw_post(self, path, coding, parameters):
        connection = http.client.HTTPConnection("127.0.0.1", self.plimsoll.ops, timeout=60)
        try:
            connection.request("POST", path, body=urllib.parse.urlencode(parameters), headers={**FORM, "Accept-Encoding": coding})
            response = connection.getresponse()
            self.assertEqual(response.headers["Content-Encoding"], coding)
            return response.read()
        finally:
            connection.close()

    def test_the_configuration_is_shown_without_its_secrets(self):
        for path in ("/api/v1/status/config", "/api/v1/scrape_pools/config"):
            status, body = self.get(path, scrapePool="engine")
            self.assertEqual(status, 200)
            self.assertNotIn("open-sesame", body)
            yaml = json.loads(body)["data"]["yaml"]
            self.assertIn("reader", yaml)
            self.assertEqual(yaml.count("<secret>"), 2)

    def test_every_flag_is_shown(self):
        flags = json.loads(self.get("/api/v1/status/flags")[1])["data"]
        listed = set(re.findall(r"^ +(?:-\w,)?--([a-z.-]+)", run("--help").stdout, re.M)) - {"help", "version"}
        self.assertEqual(set(flags), listed)
        self.assertEqual(flags["web.listen-address"], "127.0.0.1:0")
        self.assertEqual(flags["query.lookback-delta"], "5m")

    def test_keda(self):
        # The scaler sends GET alone, times in RFC 3339, and reads value[1] of at most one element.
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now))

        def ask(query):
            return self.get("/api/v1/query", {"X-Scope-OrgID": "team"}, query=query, time=when)

        def vector(*values):
            return (200, good({"resultType": "vector", "result": [{"metric": {}, "value": [self.now, value]} for value in values]}))

        self.assertEqual(ask("sum(queued_splits)"), vector("90"))
        self.assertEqual(ask("sum(nobody)"), vector())
        self.assertEqual(ask("sum(nobody) or vector(0)"), vector("0"))
        self.assertEqual(ask("max(ratio)"), vector("+Inf"))
        self.assertEqual(ask("vector(0)/0"), vector("NaN"))
        self.assertEqual(ask("sum(queued_splits) / 7"), vector("12.857142857142858"))
        self.assertEqual(ask("vector(1e-7)"), vector("1e-07"))
        self.assertEqual(ask("scalar(sum(queued_splits))"), (200, good({"resultType": "scalar", "result": [self.now, "90"]})))
        self.assertEqual(ask("sum(queued_splits"), (400, bad(
            'invalid parameter "query": 1:18: parse error: unclosed left parenthesis')))
        status, body = ask("queued_splits * on() queued_splits")
        self.assertEqual((status, json.loads(body)["errorType"]), (422, "execution"))

    def test_prometheus_adapter(self):
        # It lists what exists, then asks for one value with a time-out; 2xx, 400, 422 and 503 are answers to it.
        self.assertEqual(self.get("/api/v1/series", **{"match[]": '{__name__=~"^queued_.*"}', "start": f"{self.now - 60}.123"}),
                         (200, good([self.series("a"), self.series("b")])))
        self.assertEqual(self.get("/api/v1/query", query='sum(queued_splits{pool=~"a|b"}) by (pool)', time=f"{self.now}.500", timeout="30s"), (
            200, good({"resultType": "vector", "result": []}).replace("[]", json.dumps(
                [{"metric": {"pool": pool}, "value": "V"} for pool in "ab"], separators=(",", ":")))
            .replace('"V"', f'[{self.now}.500,"40"]', 1).replace('"V"', f'[{self.now}.500,"50"]', 1)))
        self.assertEqual(self.post("/api/v1/query", query="sum(queued_splits)", time=self.now)[0], 200)
        self.assertEqual(self.get("/api/v1/series"), (400, bad("no match[] parameter provided")))
        self.assertEqual(self.get("/api/v1/query", query="1", timeout="x"), (400, bad(
            'invalid parameter "timeout": cannot parse "x" to a valid duration')))


class TwoTargets(unittest.TestCase):
    def test_metadata_is_that_of_each_target(self):
        pages = ("# HELP shared What both show.\n# TYPE shared gauge\nshared 1\n# HELP one_total Of the first.\n# TYPE one_total counter\none_total 1\n",
                 "# HELP shared What both show.\n# TYPE shared gauge\nshared 2\n# TYPE other_seconds summary\nother_seconds_sum 1\n")
        targets = sorted((Target(page(text)) for text in pages), key=lambda target: target.address)
        with tempfile.TemporaryDirectory() as folder:
            config = write(folder, "plimsoll.yml", f"""
global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: engine, static_configs: [{{targets: [{", ".join(repr(target.address) for target in targets)}]}}]}}]
""")
            plimsoll = Plimsoll("--config.file", config, "--web.listen-address=127.0.0.1:0", "--secure-port=0")
            try:
                def shown_by_both():
                    entries = json.loads(plimsoll.get("/api/v1/targets/metadata").body)["data"]
                    return entries if len({entry["target"]["instance"] for entry in entries}) == 2 else None

                answer = eventually(shown_by_both, "both pages")
                every = {"shared": [{"type": "gauge", "unit": "", "help": "What both show."}],
                         "one_total": [{"type": "counter", "unit": "", "help": "Of the first."}], "other_seconds": [{"type": "summary", "unit": "", "help": ""}]}
                self.assertEqual(json.loads(plimsoll.get("/api/v1/metadata").body)["data"], every)
                shown = {}
                for entry in answer:
                    self.assertEqual(entry["target"]["job"], "engine")
                    self.assertEqual({key: entry[key] for key in ("type", "unit", "help")}, every[entry["metric"]][0])
                    shown.setdefault(entry["target"]["instance"], []).append(entry["metric"])
                self.assertEqual(sorted(shown.values()), [["one_total", "shared"], ["other_seconds", "shared"]])
            finally:
                plimsoll.stop()
                for target in targets:
                    target.close()


if __name__ == "__main__":
    unittest.main()
