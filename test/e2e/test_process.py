# SPDX-License-Identifier: Apache-2.0
"""The process: verbs and exit codes, reload, and a prompt end in every phase."""
import json
import os
import signal
import tempfile
import threading
import unittest

from harness import ROOT, Plimsoll, Target, eventually, free_tcp_port_without_listener, page, run, write

EVERY_WRONG_TYPE = """
global: {scrape_interval: often, external_labels: [a], evaluation_interval: {a: b}}
rule_files: 7
params: {x: yes please}
scrape_configs:
  - job_name: [a]
    scrape_interval: -1
    metrics_path: {a: b}
    honor_labels: maybe
    sample_limit: many
    static_configs: {targets: x}
    relabel_configs: [{action: explode, regex: "("}]
signals: {name: x}
external_metrics:
  - {name: UPPER, type: Median, query: "sum(", max_age: soon, round: sideways, several: all, valid: 3}
remote_write: [{url: "http://x"}]
scrape_confgs: []
"""


class Verbs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def test_the_example_of_the_documentation_passes_the_check(self):
        done = run("check", "config", "docs/plimsoll.example.yml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("window", done.stdout)

    def test_a_config_with_every_wrong_type_names_each_with_its_place(self):
        path = write(self.folder.name, "bad.yml", EVERY_WRONG_TYPE)
        done = run("check", "config", path)
        self.assertEqual(done.returncode, 1)
        for line, words in [(2, "scrape_interval"), (3, "rule_files"), (4, "x"), (6, "job_name"), (9, "honor_labels"),
                            (10, "sample_limit"), (12, "explode"), (13, "signals"), (16, "remote_write"),
                            (17, "scrape_configs")]:
            with self.subTest(words):
                self.assertTrue(any(text.startswith(f"{path}:{line}:") and words in text for text in done.stderr.splitlines()),
                                done.stderr)

    def test_a_rule_file_that_is_half_written_is_an_error_with_a_place(self):
        path = write(self.folder.name, "half.rules.yml", "groups:\n  - name: a\n    rules:\n      - record: x\n        expr: sum(")
        done = run("check", "rules", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{path}:", done.stderr)

    def test_once_prints_the_page_and_says_when_a_target_is_down(self):
        target = Target(page("queued 3\n"))
        self.addCleanup(target.close)
        text = """
scrape_configs: [{job_name: engine, static_configs: [{targets: ["%s"]}]}]
signals: [{name: queued, help: Queries that wait., type: gauge}]
"""
        done = run("--once", "--config.file", write(self.folder.name, "up.yml", text % target.address))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("\nqueued{", done.stdout)
        dead = run("--once", "--config.file", write(self.folder.name, "down.yml", text % free_tcp_port_without_listener()))
        self.assertEqual(dead.returncode, 3)
        self.assertIn("refused", dead.stderr)

    def test_eval_answers_over_recorded_history(self):
        history = write(self.folder.name, "h.jsonl",
                        '{"metric":{"__name__":"x","a":"1"},"values":[[0,"1"],[60,"2"],[120,"stale"]]}\n')
        done = run("eval", "--data", history, "--time", "60", "x * 2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, '{"status":"success","data":{"resultType":"vector","result":'
                                      '[{"metric":{"a":"1"},"value":[60,"4"]}]}}\n')
        lines = run("eval", "--data", history, "-", stdin='{"expr":"x","time":120}\n{"expr":"sum(","time":1}\n')
        self.assertEqual(lines.stdout.splitlines()[0], '{"status":"success","data":{"resultType":"vector","result":[]}}')
        self.assertIn('"errorType":"bad_data"', lines.stdout.splitlines()[1])
        om = write(self.folder.name, "h.om", "# TYPE y gauge\ny 5 60\n# EOF\n")
        self.assertIn('"5"', run("eval", "--data", om, "--time", "60", "y").stdout)

    def test_eval_reads_an_empty_history_and_takes_more_of_it_line_by_line(self):
        empty = write(self.folder.name, "empty.jsonl", "")
        more = json.dumps({"history": '{"metric":{"__name__":"x"},"values":[[60,"7"]]}'})
        wrong = json.dumps({"history": '{"metric":{"__name__":"x"},"values":[60]}'})
        done = run("eval", "--data", empty, "-",
                   stdin='{"expr":"x","time":60}\n%s\n{"expr":"x","time":60}\n%s\n{"parse":"sum(x)by(a)"}\n{"parse":"sum("}\n' % (more, wrong))
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], '{"status":"success","data":{"resultType":"vector","result":[]}}')
        self.assertEqual(lines[1], '{"status":"success"}')
        self.assertIn('"value":[60,"7"]', lines[2])
        self.assertIn("history:1", lines[3])
        self.assertEqual(lines[4], '{"status":"success","data":{"expr":"sum by (a) (x)","type":"instant vector"}}')
        self.assertIn("1:5: parse error: unclosed left parenthesis", lines[5])

    def test_wrong_usage_exits_with_two_and_help_with_zero(self):
        self.assertEqual(run().returncode, 2)
        self.assertEqual(run("--no-such-flag").returncode, 2)
        self.assertEqual(run("--help").returncode, 0)
        for words in ([], ["demo"], ["test", "rules"]):
            usage = run(*words, "--help").stdout.splitlines()[1]
            self.assertTrue(usage.startswith(" ".join(["Usage: plimsoll", *words, "[OPTIONS]"])), usage)
        self.assertEqual(run("version").returncode, 0)
        self.assertEqual(run("--config.file", "/no/such/file").returncode, 1)

    def test_the_preset_is_printed_and_loads_again(self):
        printed = run("config", "--engine", "trino", "--target", "coordinator:8080")
        self.assertEqual(printed.returncode, 0, printed.stderr)
        self.assertIn("coordinator:8080", printed.stdout)
        done = run("check", "config", write(self.folder.name, "trino.yml", printed.stdout))
        self.assertEqual(done.returncode, 0, done.stderr)


class Life(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.release = threading.Event()
        self.addCleanup(self.release.set)
        self.value = "3"
        self.healthy = Target(page(lambda: f"queued {self.value}\n"))
        self.addCleanup(self.healthy.close)
        self.hanging = Target(lambda handler: self.release.wait())
        self.addCleanup(self.hanging.close)

    def config(self, address, more="", name="plimsoll.yml", interval="1s"):
        return write(self.folder.name, name, f"""
global: {{scrape_interval: {interval}}}
scrape_configs: [{{job_name: engine, static_configs: [{{targets: ["{address}"]}}]}}]
signals: [{{name: queued, help: Queries that wait., type: gauge}}]
{more}
""")

    def start(self, config, *more):
        plimsoll = Plimsoll("--config.file", config, "--web.listen-address=127.0.0.1:0", *more)
        self.addCleanup(plimsoll.stop)
        return plimsoll

    def assert_ends(self, plimsoll, number=signal.SIGTERM):
        code, took = plimsoll.stop(number)
        self.assertEqual(code, 0, "".join(plimsoll.log))
        self.assertLess(took, 8)  # far below what it waits for below: 30 s

    def test_it_ends_promptly_when_idle_and_by_ctrl_c_too(self):
        plimsoll = self.start(self.config(self.healthy.address))
        eventually(lambda: plimsoll.metric('queued{instance="%s",job="engine"}' % self.healthy.address), "a scrape")
        self.assert_ends(plimsoll, signal.SIGINT)

    def test_it_ends_promptly_right_after_its_start(self):
        self.assert_ends(self.start(self.config(self.healthy.address)))

    def test_it_ends_promptly_while_a_target_hangs(self):
        plimsoll = self.start(self.config(self.hanging.address, interval="30s"))
        eventually(lambda: self.hanging.requests, "a scrape under way")
        self.assert_ends(plimsoll)

    def test_it_ends_promptly_while_a_query_runs(self):
        plimsoll = self.start(self.config(self.healthy.address))
        eventually(lambda: plimsoll.query("up"), "a sample")
        long_query = "/api/v1/query?query=" + "count_over_time((sum_over_time(up[1h:1s]))[30d:1s])"
        asked = threading.Thread(target=lambda: self._ignore(plimsoll, long_query), daemon=True)
        asked.start()
        eventually(lambda: asked.is_alive(), "a query under way")
        self.assert_ends(plimsoll)

    def _ignore(self, plimsoll, path):
        try:
            plimsoll.get(path)
        except OSError:
            pass

    def test_it_ends_promptly_while_a_client_dawdles(self):
        import socket

        plimsoll = self.start(self.config(self.healthy.address))
        with socket.create_connection(("127.0.0.1", plimsoll.ops)) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
            self.assert_ends(plimsoll)

    def test_the_command_line_bounds_the_window_of_a_preset(self):
        target = Target(page("".join(f"trino_memory_{i} 1\n" for i in range(1000))))
        self.addCleanup(target.close)
        for size, bounded in (("1KB", True), ("64MB", False)):
            plimsoll = Plimsoll("--engine=trino", "--target", target.address, f"--storage.max-bytes={size}",
                                "--web.listen-address=127.0.0.1:0", "--secure-port=0")
            self.addCleanup(plimsoll.stop)
            eventually(lambda: plimsoll.metric("plimsoll_tick_duration_seconds_count"), "a tick")
            refused = plimsoll.metric('plimsoll_store_refused_total{reason="max_bytes"}') or 0
            self.assertEqual(refused > 0, bounded)
            self.assertEqual(plimsoll.get("/api/v1/status/flags").json()["data"]["storage.max-bytes"],
                             f"{1024 if bounded else 64 << 20}B")
        wrong = run("--engine=trino", "--target=localhost:1", "--storage.max-bytes=much")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("--storage.max-bytes", wrong.stderr)

    def test_a_reload_takes_the_new_file_whole_or_not_at_all(self):
        config = self.config(self.healthy.address)
        plimsoll = self.start(config, "--web.enable-lifecycle")
        series = 'queued{instance="%s",job="engine"}' % self.healthy.address
        eventually(lambda: plimsoll.metric(series) == 3, "the first value")

        self.config(self.healthy.address, "nonsense: 1")
        answer = plimsoll.get("/-/reload", method="POST")
        self.assertEqual(answer.status, 500)
        self.assertIn("nonsense", answer.body)
        self.assertEqual(plimsoll.metric("plimsoll_config_last_reload_successful"), 0)
        self.assertEqual(plimsoll.metric(series), 3)

        self.config(self.healthy.address, "params: {limit: 5}")
        plimsoll.send(signal.SIGHUP)
        eventually(lambda: plimsoll.query('plimsoll_param{name="limit"}'), "the new parameter")
        eventually(lambda: plimsoll.metric("plimsoll_config_last_reload_successful") == 1, "a good reload")
        self.assertEqual(plimsoll.metric(series), 3)

    def test_secrets_are_not_printed(self):
        config = write(self.folder.name, "secret.yml", f"""
scrape_configs:
  - job_name: engine
    basic_auth: {{username: u, password: hunter2}}
    static_configs: [{{targets: ["{self.healthy.address}"]}}]
""")
        plimsoll = self.start(config)
        eventually(lambda: self.healthy.requests, "a scrape")
        self.assertIn("Authorization", self.healthy.requests[0][1])
        self.assertNotIn("hunter2", run("config", "--config.file", config).stdout)
        self.assertNotIn("hunter2", plimsoll.get("/api/v1/targets").body)
        plimsoll.stop()
        self.assertNotIn("hunter2", "".join(plimsoll.log))


if __name__ == "__main__":
    os.chdir(ROOT)
    unittest.main()
