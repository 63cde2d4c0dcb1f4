# SPDX-License-Identifier: Apache-2.0
"""Certificates and authorities are replaced while values are read all the time: no read fails. Nor do any under slow clients."""
import shutil
import socket
import ssl
import time

from certificates import CLIENT, SERVER
from cluster import EXTERNAL
from harness import eventually
from readers import Readers, direct
from scene import Numbers, Scene, config, main, metric, standalone
from standalone import NAMES

PATH = f"{EXTERNAL}/namespaces/trino/queued"
MASTERS = {"X-Remote-User": "root", "X-Remote-Group": "system:masters"}
READS = 50  # a second, at least
TIMES = 3


class Rotation(Scene):
    @classmethod
    def setUpClass(cls):
        cls.start("rotation")
        standalone(cls, config(metric("queued", namespaces="[trino]", max_age="1m"), engine=Numbers(queued=10)))
        eventually(lambda: cls.cluster.value("trino", "queued") == "10", "the first value")

    def setUp(self):
        self.certificates = self.cluster.certificates
        self.address = self.plimsoll().address
        self.readers = Readers(self.cluster, "trino", "queued", "10", through=8)
        self.addCleanup(self.readers.stop)

    def finish(self):
        """Enough reads, and none that failed."""
        before = self.readers.good()
        eventually(lambda: self.readers.failures() or self.readers.good() >= before + READS, "reads go on")
        self.assertEqual(self.readers.failures(), [])
        self.assertGreaterEqual(self.readers.rate(), READS)

    def served(self):
        """The serial number of the certificate that is served."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((self.address, 6443)) as plain, context.wrap_socket(plain) as secure:
            return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True))

    def own(self, certificate, **more):
        return direct(self.cluster, self.address, certificate, self.standalone.authorities[-1], path=PATH, **more)

    def test_the_serving_pair_and_its_authority(self):
        for round_ in range(TIMES):
            old, new = self.standalone.authorities[-1], f"serving-ca-{round_}"
            self.certificates.authority(new)
            self.certificates.leaf(f"serving-{round_}", new, "/CN=plimsoll", SERVER, NAMES)
            self.standalone.authorities = [old, new]
            self.standalone.apply()
            self.standalone.serving = f"serving-{round_}"
            self.standalone.apply()
            self.plimsoll().refresh()
            wanted = self.certificates.text(f"serving-{round_}.crt")
            eventually(lambda: self.served() == wanted, "the new certificate is served")
            self.standalone.authorities = [new]
            self.standalone.apply()
            self.readers.reconnect()
        self.finish()

    def swap(self, name, new):
        """Replaces a pair of files; for a moment they do not fit each other, which their readers know."""
        for part in ("key", "crt"):
            shutil.copy(self.certificates.file(f"{new}.{part}"), self.certificates.file(f"{name}.{part}.new"))
            shutil.move(self.certificates.file(f"{name}.{part}.new"), self.certificates.file(f"{name}.{part}"))

    def test_the_authority_of_the_front_proxy(self):
        for round_ in range(TIMES):
            authority, pair = f"proxy-ca-{round_}", f"proxy-{round_}"
            self.certificates.authority(authority)
            self.certificates.leaf(pair, authority, "/CN=front-proxy-client", CLIENT)
            self.assertEqual(self.own(pair, headers=MASTERS), 401)
            both = self.certificates.text("front-proxy-ca.crt") + self.certificates.text(authority + ".crt")
            self.certificates.write("front-proxy-ca.crt", both)
            eventually(lambda: self.own(pair, headers=MASTERS) == 200, "the new authority is trusted", within=180)
            self.swap("front-proxy-client", pair)
            line = 'Loaded a new cert/key pair" name="aggregator-proxy-cert'
            eventually(lambda: self.cluster.log("kube-apiserver").count(line) > round_ + 1, "the new certificate is in use", within=180)
            self.certificates.write("front-proxy-ca.crt", self.certificates.text(authority + ".crt"))
            self.readers.reconnect()
        self.finish()

    def test_the_authority_of_clients(self):
        for round_ in range(TIMES):
            authority, pair = f"client-ca-{round_}", f"client-{round_}"
            self.certificates.authority(authority)
            self.certificates.leaf(pair, authority, "/O=system:masters/CN=admin", CLIENT)
            self.assertEqual(self.own(pair), 401)
            # The first authority stays: it is also the server's, and the controllers are its clients.
            self.certificates.write("clients.crt", self.certificates.text("clients.crt") + self.certificates.text(authority + ".crt"))
            eventually(lambda: self.own(pair) == 200, "the new authority is trusted", within=180)
            self.readers.user = pair
            self.readers.reconnect()
        self.finish()

    def test_two_hundred_slow_clients_on_each_port(self):
        slow = []
        for _ in range(200):
            for port, start in ((6443, b"\x16\x03\x01\x02\x00\x01"), (7546, b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-Slow: ")):
                client = socket.create_connection((self.address, port))
                client.sendall(start)
                slow.append(client)
        self.addCleanup(lambda: [client.close() for client in slow])
        start, before = time.monotonic(), self.readers.good()
        while time.monotonic() < start + 10 and not self.readers.failures():
            for client in slow:
                try:
                    client.send(b"\x01")
                except OSError:
                    pass  # cut off, as it should be in the end
            eventually(lambda: self.readers.good() >= before, "reads go on")
            time.sleep(0.5)
        self.readers.reconnect()
        self.finish()


if __name__ == "__main__":
    main()
