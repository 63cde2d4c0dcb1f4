# SPDX-License-Identifier: Apache-2.0
"""What the README shows is what happens: its curl lines run against the demo, and the answers are the ones it
prints, numbers and times aside."""
import os
import re
import shlex
import subprocess
import unittest

from harness import BINARY, ROOT, eventually


def console_blocks():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as readme:
        blocks = re.findall(r"```console\n(.*?)```", readme.read(), re.S)
    for block in blocks:
        command, expected = None, []
        for line in block.splitlines():
            if line.startswith("$ "):
                if command:
                    yield command, expected
                command, expected = line[2:], []
            else:
                expected.append(line)
        if command:
            yield command, expected


def shape(text):
    """The text without what changes from second to second."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME", text)
    text = re.sub(r"\d{9,}(\.\d+)?", "SECONDS", text)
    return re.sub(r'(?<=[" ])\d+(?=("|$))', "N", text)


class Readme(unittest.TestCase):
    def setUp(self):
        self.demo = subprocess.Popen([BINARY, "demo", "--plain", "--web.listen-address=127.0.0.1:0"], cwd=ROOT, text=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(self.demo.stdout.close)
        self.addCleanup(self.demo.wait)
        self.addCleanup(self.demo.terminate)
        for line in self.demo.stdout:
            port = re.search(r"127\.0\.0\.1:(\d+)/metrics", line)
            if port:
                self.port = port.group(1)
                break

    def run_line(self, command):
        command = command.replace("127.0.0.1:7546", f"127.0.0.1:{self.port}")
        self.assertTrue(all(part.split()[0] in ("curl", "grep") for part in command.split("|")), command)
        shlex.split(command)
        return subprocess.run(["sh", "-c", command], capture_output=True, text=True).stdout.splitlines()

    def test_each_curl_line_prints_what_the_readme_says(self):
        commands = list(console_blocks())
        self.assertGreaterEqual(len(commands), 3)
        for command, expected in commands:
            with self.subTest(command):
                wanted = [shape(line) for line in expected]
                eventually(lambda: [shape(line) for line in self.run_line(command)] == wanted,
                           f"{command} printed {self.run_line(command)}, the README says {expected}")

    def test_the_signals_of_the_demo_change(self):
        seen = set()
        for line in self.demo.stdout:
            seen.add(re.sub(r"^\S+ ", "", line))
            if len(seen) > 3:
                return


if __name__ == "__main__":
    unittest.main()
