# SPDX-License-Identifier: Apache-2.0
"""Reads of external metrics as kube-apiserver makes them: TLS with a client certificate, kept alive; and a
watch that reads every metric twice a second for as long as a run lasts."""
import calendar
import http.client
import json
import re
import ssl
import threading
import time
from dataclasses import dataclass

PAUSE = 0.5
TEXT = re.compile(r"external metric (\S+) in namespace (\S+) has no value \((\w+)\): ")


@dataclass
class Read:
    time: float
    metric: str
    status: int
    value: float = None  # of a 200
    source: float = None  # its timestamp, in seconds since 1970
    message: str = ""  # of a 503

    @property
    def reason(self):
        match = TEXT.match(self.message)
        return match.group(3) if match and match.group(1) == self.metric else None

    def text(self):
        if self.status == 200:
            return f"{self.value:g}"
        return f"{self.status} {self.reason}"


def number(quantity):
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


class Reader:
    def __init__(self, pki, port, certificate="hpa", headers=None):
        self.context = ssl.create_default_context(cafile=pki.file("ca.crt"))
        if certificate:
            self.context.load_cert_chain(pki.file(certificate + ".crt"), pki.file(certificate + ".key"))
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, context=self.context, timeout=20)
        self.headers = headers or {}

    def get(self, path):
        try:
            self.connection.request("GET", path, headers=self.headers)
            response = self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.connection.close()  # it was idle for too long
            self.connection.request("GET", path, headers=self.headers)
            response = self.connection.getresponse()
        return response.status, json.loads(response.read())

    def read(self, metric):
        status, body = self.get(f"/apis/external.metrics.k8s.io/v1beta1/namespaces/default/{metric}")
        read = Read(time.monotonic(), metric, status)
        if status == 200:
            (item,) = body["items"]
            read.value = number(item["value"])
            read.source = float(calendar.timegm(time.strptime(item["timestamp"][:19], "%Y-%m-%dT%H:%M:%S")))
        else:
            read.message = body.get("message", "")
        return read


class Watch(threading.Thread):
    def __init__(self, pki, port, metrics):
        super().__init__(daemon=True)
        self.reader, self.metrics = Reader(pki, port), metrics
        self.reads, self.ended, self.failure = [], threading.Event(), None

    def run(self):
        try:
            while not self.ended.is_set():
                for metric in self.metrics:
                    self.reads.append(self.reader.read(metric))
                self.ended.wait(PAUSE)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has failed
            self.failure = f"{type(error).__name__}: {error}"

    def of(self, metric, since=0.0):
        return [read for read in list(self.reads) if read.metric == metric and read.time >= since]
