# SPDX-License-Identifier: Apache-2.0
"""A restart with --storage.window-file: what was known is known again, whatever ended the process."""
import hashlib
import os
import signal
import subprocess
import tempfile
import unittest

from harness import BINARY, ROOT, Pki, Plimsoll, Target, eventually, page, write


class WindowFile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = Pki()

    @classmethod
    def tearDownClass(cls):
        cls.pki.remove()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = os.path.join(self.folder.name, "window.jsonl")
        self.value = 3
        self.engine = Target(page(lambda: f"queued {self.value}\n"))
        self.addCleanup(self.engine.close)
        self.config = write(self.folder.name, "plimsoll.yml", f"""
global: {{scrape_interval: 1s}}
rule_files: [a.rules.yml]
scrape_configs: [{{job_name: engine, static_configs: [{{targets: ["{self.engine.address}"]}}]}}]
external_metrics:
  - {{name: queued, type: AverageValue, query: queued:sum, max_age: 1s, namespaces: [n], when_stale: {{hold: 1h}}}}
""")
        write(self.folder.name, "a.rules.yml",
              "groups: [{name: g, rules: [{record: 'queued:sum', expr: sum(queued)}]}]\n")

    def start(self, file=None):
        plimsoll = Plimsoll("--config.file", self.config, "--web.listen-address=127.0.0.1:0",
                            "--storage.window-file", file or self.file, *self.pki.flags(), api=True)
        self.addCleanup(plimsoll.stop)
        return plimsoll

    def served(self, plimsoll):
        answer = plimsoll.external(self.pki, "n", "queued")
        return answer.json()["items"][0]["value"] if answer.status == 200 else answer.json()["message"]

    def samples(self, plimsoll, series):
        found = plimsoll.query(f"count_over_time({series}[1h])")
        return found[0][1] if found else 0

    def test_killed_and_without_its_engine_it_goes_on_where_it_was(self):
        first = self.start()
        eventually(lambda: self.samples(first, "queued:sum") >= 3, "three results of the rule")
        eventually(lambda: first.metric("plimsoll_window_file_last_save_timestamp_seconds"), "a save")
        known = self.samples(first, "queued:sum")
        for _ in range(2):  # the second save began when these samples were there
            last = first.metric("plimsoll_window_file_last_save_timestamp_seconds")
            eventually(lambda: first.metric("plimsoll_window_file_last_save_timestamp_seconds") > last, "a save")
        self.engine.close()
        first.stop(signal.SIGKILL)

        second = self.start()
        self.assertEqual(self.served(second), "3")
        self.assertGreaterEqual(self.samples(second, "queued:sum"), known)
        held = 'plimsoll_external_metric_state{metric="queued",namespace="n",state="held"}'
        eventually(lambda: second.metric(held) == 1, "the hold")
        self.assertEqual(self.served(second), "3")
        self.assertTrue(any("samples of" in line and "restored" in line for line in second.log), second.log)

    def test_an_orderly_end_loses_nothing(self):
        first = self.start()
        eventually(lambda: self.samples(first, "queued") >= 2, "two scrapes")
        known = self.samples(first, "queued")
        self.assertEqual(first.stop()[0], 0)
        self.engine.close()
        self.assertGreaterEqual(self.samples(self.start(), "queued"), known)

    def test_what_it_keeps_can_be_asked_afterwards(self):
        first = self.start()
        eventually(lambda: self.samples(first, "queued:sum") >= 1, "a result of the rule")
        self.assertEqual(first.stop()[0], 0)
        done = subprocess.run([BINARY, "eval", "--data", self.file, "max_over_time(queued:sum[1h])"],
                              capture_output=True, text=True, cwd=ROOT, check=True)
        self.assertIn('"3"]', done.stdout)

    def test_a_file_of_somebody_else_is_refused_and_stays(self):
        other = write(self.folder.name, "precious.yml", "a: 1\n")
        done = subprocess.run([BINARY, "--config.file", self.config, "--storage.window-file", other],
                              capture_output=True, text=True, cwd=ROOT, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{other}:1: is no window file", done.stderr)
        with open(other, encoding="utf-8") as kept:
            self.assertEqual(kept.read(), "a: 1\n")

    def test_a_window_that_is_not_understood_is_set_aside_and_scaling_goes_on(self):
        lines = '{"window":1}\n{"metric":7}\n'
        text = lines + '{"sealed":"%s"}\n' % hashlib.md5(lines.encode()).hexdigest()
        write(self.folder.name, "window.jsonl", text)
        plimsoll = self.start()
        eventually(lambda: self.served(plimsoll) == "3", "the value")
        self.assertTrue(any(f"{self.file}:2: expected" in line for line in plimsoll.log), plimsoll.log)
        self.assertEqual(plimsoll.metric('plimsoll_window_file_failures_total{reason="restore"}'), 1)
        with open(self.file + ".refused", encoding="utf-8") as kept:
            self.assertEqual(kept.read(), text)
        eventually(lambda: plimsoll.metric("plimsoll_window_file_bytes"), "a save")

    def test_a_disk_that_is_not_there_is_said_once_and_counted_and_scaling_goes_on(self):
        plimsoll = self.start(os.path.join(self.folder.name, "nowhere", "window.jsonl"))
        failures = 'plimsoll_window_file_failures_total{reason="disk"}'
        eventually(lambda: (plimsoll.metric(failures) or 0) >= 3, "three failures")
        eventually(lambda: self.served(plimsoll) == "3", "the value")
        said = [line for line in plimsoll.log if "the window is not saved" in line]
        self.assertEqual(len(said), 1, said)
        os.mkdir(os.path.join(self.folder.name, "nowhere"))
        eventually(lambda: plimsoll.metric("plimsoll_window_file_bytes"), "a save after all")


if __name__ == "__main__":
    os.chdir(ROOT)
    unittest.main()
