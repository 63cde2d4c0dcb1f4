# SPDX-License-Identifier: Apache-2.0
"""Callers who read one external metric all the time, and what became of their reads."""
import http.client
import ssl
import threading
import time

from cluster import EXTERNAL
from harness import PATIENCE


class Reader(threading.Thread):
    """Reads on a kept-alive connection at most so often a second; a connection that failed or is told to is made anew.

    `open` makes a connection. Everything but 200 with the metric's value is a failed read.
    """

    def __init__(self, open_connection, path, rate, value, headers=None):
        super().__init__(daemon=True)
        self.open, self.path, self.rate, self.value = open_connection, path, rate, value
        self.headers = {"Accept": "application/json", **(headers or {})}
        self.good, self.failures = 0, []
        self.stopping, self.anew = threading.Event(), threading.Event()
        self.begun = time.monotonic()

    def run(self):
        connection = None
        while not self.stopping.wait(1 / self.rate):
            if self.anew.is_set() and connection:
                self.anew.clear()
                connection.close()
                connection = None
            try:
                connection = connection or self.open()
                connection.request("GET", self.path, headers=self.headers)
                response = connection.getresponse()
                body = response.read().decode("utf-8", "replace")
                if response.status == 200 and f'"value":"{self.value}"' in body:
                    self.good += 1
                else:
                    self.failures.append(f"{response.status} {body}")
            except (OSError, http.client.HTTPException, ssl.SSLError) as error:
                self.failures.append(repr(error))
                connection = None


class Readers:
    """Several readers through kube-apiserver, each with the certificate of `user`."""

    def __init__(self, cluster, namespace, metric, value, through=4, rate=25):
        path = f"{EXTERNAL}/namespaces/{namespace}/{metric}"
        self.user = "admin"
        self.through = [Reader(lambda: cluster.connection(self.user), path, rate, value) for _ in range(through)]
        for reader in self.through:
            reader.start()

    def failures(self):
        return [failure for reader in self.through for failure in reader.failures]

    def good(self):
        return sum(reader.good for reader in self.through)

    def rate(self):
        return sum(reader.good / (time.monotonic() - reader.begun) for reader in self.through)

    def reconnect(self):
        for reader in self.through:
            reader.anew.set()

    def stop(self):
        for reader in self.through:
            reader.stopping.set()
        for reader in self.through:
            reader.join(PATIENCE)


def direct(cluster, address, certificate, authority="serving-ca", headers=None, path=None):
    """One read at the pod itself on a new connection. Returns: the status, or None when no connection came about."""
    context = ssl.create_default_context(cafile=cluster.certificates.file(authority + ".crt"))
    context.check_hostname = False
    context.load_cert_chain(*(cluster.certificates.file(f"{certificate}.{part}") for part in ("crt", "key")))
    connection = http.client.HTTPSConnection(address, 6443, context=context, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Accept": "application/json", **(headers or {})})
        return connection.getresponse().status
    except (OSError, ssl.SSLError):
        return None
    finally:
        connection.close()
