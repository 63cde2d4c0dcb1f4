# SPDX-License-Identifier: Apache-2.0
"""One healthy target among targets that do everything wrong: each gets a named error and a counter, and the
healthy one is scraped and served as if it were alone."""
import gzip
import socket
import tempfile
import threading
import unittest

from harness import Pki, Plimsoll, Target, eventually, free_tcp_port_without_listener, page, write

CLOSING = threading.Event()  # lets endless answers end with the test


def raw(data):
    """Bytes as they are, then the connection closes."""

    def respond(handler):
        handler.wfile.write(data)
        handler.close_connection = True

    return respond


def slow_drip(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 100000\r\n\r\n")
    while not CLOSING.wait(0.05):
        handler.wfile.write(b"#")
        handler.wfile.flush()


def never_ending(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n")
    while not CLOSING.is_set():
        handler.wfile.write(b"# a comment that goes on and on\n" * 1000)


def one_gigabyte(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 1073741824\r\n\r\n")
    block = b"x 1\n" * 16384
    for _ in range(16384):
        if CLOSING.is_set():
            return
        handler.wfile.write(block)


def hang(handler):
    CLOSING.wait()


def redirect_loop(handler):
    handler.send_response(302)
    handler.send_header("Location", "/metrics?again")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


BOMB = gzip.compress(b"#" * (64 << 20))

# Job, what its target does, the reason that is counted, words of the error.
CASES = [
    ("truncated", raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 1000\r\n\r\na 1\n"),
     "connection", ""),
    ("cut_line", page("a 1\nb{x=\"1"), "parse", "2:"),
    ("binary", page(bytes(range(255, -1, -1)) * 8), "parse", "1:"),
    ("one_gigabyte", one_gigabyte, "limit", "body size limit exceeded"),
    ("gzip_bomb", page(BOMB, headers=[("Content-Encoding", "gzip")]), "limit", "body size limit exceeded"),
    ("bad_gzip", page(b"not gzip", headers=[("Content-Encoding", "gzip")]), "bad_input", "gzip"),
    ("slow_drip", slow_drip, "timeout", "context deadline exceeded"),
    ("never_ending", never_ending, "limit", "body size limit exceeded"),
    ("hang", hang, "timeout", "context deadline exceeded"),
    ("html", page("<html>hello</html>", "text/html"), "content_type", "fallback_scrape_protocol"),
    ("no_type", page("a 1\n", None), "content_type", "fallback_scrape_protocol"),
    ("identity", page("who are you?", "text/plain", 401), "http_status", "401 Unauthorized"),
    ("redirect_loop", redirect_loop, "connection", "redirect"),
    ("not_http", raw(b"SSH-2.0-OpenSSH\r\n"), "connection", ""),
    ("label_limit", page("a{" + ",".join(f'l{i}="1"' for i in range(50)) + "} 1\n"), "label_limit", "label_limit exceeded"),
    ("sample_limit", page("".join(f"a{i} 1\n" for i in range(2000))), "sample_limit", "sample limit exceeded"),
]


class BadPages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        CLOSING.clear()
        cls.pki = Pki()
        cls.folder = tempfile.TemporaryDirectory()
        cls.healthy = Target(page("queued 3\n"))
        cls.targets = {name: Target(respond) for name, respond, _, _ in CASES}
        jobs = "".join(
            f"""
  - job_name: {name}
    static_configs: [{{targets: ["{target.address}"]}}]"""
            for name, target in cls.targets.items())
        config = write(cls.folder.name, "plimsoll.yml", f"""
global: {{scrape_interval: 1s, scrape_timeout: 500ms, body_size_limit: 8MB, sample_limit: 1000, label_limit: 30}}
scrape_configs:
  - job_name: healthy
    scrape_interval: 3s
    scrape_timeout: 3s
    static_configs: [{{targets: ["{cls.healthy.address}"]}}]
  - job_name: refused
    static_configs: [{{targets: ["{free_tcp_port_without_listener()}"]}}]
  - job_name: no_such_host
    static_configs: [{{targets: ["no-such-host.invalid:80"]}}]{jobs}
signals:
  - {{name: queued, help: Queries that wait., type: gauge}}
external_metrics:
  - {{name: queued, type: AverageValue, query: queued, max_age: 30s, namespaces: [default]}}
""")
        cls.plimsoll = Plimsoll("--config.file", config, "--web.listen-address=127.0.0.1:0", *cls.pki.flags(), api=True)

    @classmethod
    def tearDownClass(cls):
        CLOSING.set()
        cls.plimsoll.stop()
        for target in [cls.healthy, *cls.targets.values()]:
            target.close()
        cls.folder.cleanup()
        cls.pki.remove()

    def last_error(self, job):
        for target in self.plimsoll.get("/api/v1/targets").json()["data"]["activeTargets"]:
            if target["scrapePool"] == job:
                return target["lastError"]
        return None

    def assert_failure(self, job, reason, words):
        counter = f'plimsoll_scrape_failures_total{{job="{job}",reason="{reason}"}}'
        eventually(lambda: (self.plimsoll.metric(counter) or 0) > 0 and words in (self.last_error(job) or ""),
                   lambda: f"{counter}; last error: {self.last_error(job)}")
        eventually(lambda: [value for _, value in self.plimsoll.query(f'up{{job="{job}"}}')] == [0], f"{job} is down")

    def test_each_bad_target_has_an_error_and_a_counter_of_its_own(self):
        for job, _, reason, words in CASES:
            with self.subTest(job):
                self.assert_failure(job, reason, words)

    def test_a_refused_connection_and_an_unknown_host_say_so(self):
        self.assert_failure("refused", "connection", "refused")
        self.assert_failure("no_such_host", "connection", "no-such-host.invalid")

    def test_the_healthy_target_is_scraped_and_served_all_the_while(self):
        eventually(lambda: len(self.healthy.requests) >= 3, "three scrapes of the healthy target")
        self.assertEqual([value for _, value in self.plimsoll.query('up{job="healthy"}')], [1])
        self.assertEqual([value for _, value in self.plimsoll.query("min_over_time(up{job=\"healthy\"}[1m])")], [1])
        answer = self.plimsoll.external(self.pki, "default", "queued")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json()["items"][0]["value"], "3")

    def test_the_page_says_nothing_twice_and_passes_its_own_check(self):
        names = [line.split()[2] for line in self.plimsoll.get("/metrics").body.splitlines() if line.startswith("# TYPE")]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    socket.setdefaulttimeout(30)
    unittest.main()
