#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs `plimsoll test rules` as a process: verdicts, exit codes, flags and JUnit.

usage: check_verdicts.py PLIMSOLL VERDICTS

A test of VERDICTS whose name begins with "fails:" fails, and every other one passes.
"""
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

PLIMSOLL, VERDICTS = sys.argv[1:3]


def run(*arguments):
    return subprocess.run([PLIMSOLL, "test", "rules", *arguments], capture_output=True, text=True)


class TestRules(unittest.TestCase):
    def test_verdicts_are_those_of_the_names(self):
        with tempfile.NamedTemporaryFile(suffix=".xml") as junit:
            done = run("--junit", junit.name, VERDICTS)
            suites = xml.parse(junit.name).getroot()
        self.assertEqual(done.returncode, 1)
        suite = suites.find("testsuite")
        self.assertEqual(suite.get("name"), VERDICTS)
        failed = [case.get("name") for case in suite if case.find("failure") is not None]
        self.assertEqual(failed, [case.get("name") for case in suite if case.get("name").startswith("fails:")])
        self.assertEqual(int(suite.get("tests")), len(suite))
        self.assertGreater(len(failed), 5)

    def test_run_chooses_by_name(self):
        done = run("--run", "quoted", "--run", "^infin", VERDICTS)
        self.assertEqual((done.returncode, done.stdout), (0, f"Unit Testing:  {VERDICTS}\n  SUCCESS\n\n"))
        self.assertEqual(run("--run", "fails: a range", VERDICTS).returncode, 1)
        self.assertEqual(run("--run", "(", VERDICTS).returncode, 2)

    def test_a_file_that_is_not_there_fails(self):
        done = run("/nowhere/x.yml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/x.yml", done.stderr)

    def test_a_difference_is_readable(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write("tests:\n- name: t\n  input_series: [{series: 'x{a=\"1\"}', values: 1}, {series: y, values: 2}]\n"
                       "  promql_expr_test:\n  - expr: '{__name__=~\".\"}'\n    exp_samples: [{labels: y, value: 2},"
                       " {labels: 'x{a=\"1\"}', value: 3}]\n")
            file.flush()
            done = run("--diff", file.name)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, f"""  FAILED:
    name: t, {file.name}:5:11: expr "{{__name__=~\\".\\"}}", at 0s
      - x{{a="1"}} 3
      + x{{a="1"}} 1
      (1 more as expected)

""")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
