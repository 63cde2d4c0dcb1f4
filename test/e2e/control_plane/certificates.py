# SPDX-License-Identifier: Apache-2.0
"""Throw-away authorities and certificates of one cluster, made by openssl."""
import os
import subprocess

CLIENT, SERVER = "extendedKeyUsage=clientAuth", "extendedKeyUsage=serverAuth"


class Certificates:
    """Pairs NAME.crt and NAME.key in one folder."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)

    def file(self, name):
        return os.path.join(self.folder, name)

    def text(self, name):
        with open(self.file(name), encoding="utf-8") as source:
            return source.read()

    def write(self, name, text):
        """Replaces a file in one step, as those who watch it expect."""
        with open(self.file(name + ".new"), "w", encoding="utf-8") as out:
            out.write(text)
        os.replace(self.file(name + ".new"), self.file(name))

    def _openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr}")

    def authority(self, name, common_name=None):
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", f"/CN={common_name or name}", "-keyout", name + ".key", "-out", name + ".crt",
                      "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def leaf(self, name, authority, subject, usage, names=()):
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", subject, "-keyout", name + ".key", "-out", name + ".csr")
        extensions = ["basicConstraints=CA:FALSE", "keyUsage=critical,digitalSignature", usage]
        if names:
            extensions.append("subjectAltName=" + ",".join(names))
        self.write(name + ".ext", "\n".join(extensions) + "\n")
        self._openssl("x509", "-req", "-in", name + ".csr", "-CA", authority + ".crt", "-CAkey", authority + ".key",
                      "-CAcreateserial", "-days", "2", "-extfile", name + ".ext", "-out", name + ".crt")

    def signing_key(self, name):
        self._openssl("genrsa", "-out", name + ".key", "2048")
        self._openssl("rsa", "-in", name + ".key", "-pubout", "-out", name + ".pub")
