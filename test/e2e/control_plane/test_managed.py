# SPDX-License-Identifier: Apache-2.0
"""--manage-certificates: three authorities one after the other under reads through kube-apiserver, and no read fails."""
import base64
import os
import socket
import ssl

from harness import PATIENCE, ROOT, Target, eventually, page
from hub import Hub, config
from readers import Readers
from scene import Scene, main
from test_install import QUEUED

METRIC = "trino-workers-for-queue"
SECRET = "/api/v1/namespaces/plimsoll/secrets/plimsoll-serving-cert"
API_SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io"
READS = 50  # a second, at least
TIMES = 3


class Managed(Scene):
    """The lives are short, so that an authority is seen for seconds before a pair of it is served, and leaves soon after."""

    @classmethod
    def setUpClass(cls):
        cls.start("managed")
        with open(QUEUED, encoding="utf-8") as source:
            cls.trino = Target(page(source.read(), "application/openmetrics-text; version=1.0.0; charset=utf-8"), port=8080)
        cls.hub = Hub(cls.cluster, config(["trino"]), arguments=["--certificate-lifetime=3m", "--certificate-ca-lifetime=1h"])
        cls.hub.available()
        eventually(lambda: cls.cluster.value("trino", METRIC) == "5", "the first value", within=120)

    def authorities(self):
        """Of the Secret, newest first, as one text."""
        return base64.b64decode(self.cluster.get(SECRET)["data"]["ca.crt"]).decode()

    def bundle(self):
        return base64.b64decode(self.cluster.get(API_SERVICE)["spec"]["caBundle"]).decode()

    def believed(self, address, authority):
        """Whether who believes this authority alone believes what is served."""
        context = ssl.create_default_context(cadata=authority)
        try:
            with socket.create_connection((address, 6443), timeout=PATIENCE) as plain, \
                    context.wrap_socket(plain, server_hostname="plimsoll.plimsoll.svc"):
                return True
        except ssl.SSLError:
            return False

    def replaced(self, old):
        """Whether one new authority has taken the place of the old one, in every replica and in the APIService."""
        new = self.authorities()
        return (new.count("BEGIN CERTIFICATE") == 1 and new != old and self.bundle() == new
                and all(self.believed(address, new) for address in self.hub.addresses()))

    def test_three_authorities_one_after_the_other(self):
        readers = Readers(self.cluster, "trino", METRIC, "5")
        self.addCleanup(readers.stop)
        self.assertEqual(len(self.hub.addresses()), 2)
        for _ in range(TIMES):
            old = self.authorities()
            self.cluster.patch(SECRET, {"stringData": {"ca.key": "renew"}})
            eventually(lambda: self.replaced(old), lambda: f"a new authority alone; reads that failed: {readers.failures()}", within=180)
            for address in self.hub.addresses():
                self.assertFalse(self.believed(address, old))
            self.assertEqual(readers.failures(), [])
            readers.reconnect()
        before = readers.good()
        eventually(lambda: readers.failures() or readers.good() >= before + READS, "reads go on")
        self.assertEqual(readers.failures(), [])
        self.assertGreaterEqual(readers.rate(), READS)
        print(f"{readers.good()} reads, {readers.rate():.0f} a second, none failed", flush=True)


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
