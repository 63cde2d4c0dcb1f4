# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API server as far as an extension API server asks it who a caller is and what it may do."""
import urllib.parse

from fake_api import OUT_OF_ORDER, FakeApi, Handler


class ApiServer(FakeApi):
    """One ConfigMap, listed and watched, and reviews. Tokens are user names that `tokens` knows; `allowed` is called with
    a SubjectAccessReview's spec."""

    def __init__(self, pki, data):
        self.data = dict(data)
        self.tokens = {}
        self.allowed = lambda spec: False
        self.reviews = []
        outer = self

        class Methods(Handler):
            def do_GET(self):
                if outer.broken:
                    self.answer(500, OUT_OF_ORDER)
                elif "watch=1" in self.path:
                    seen = int(urllib.parse.parse_qs(self.path.partition("?")[2])["resourceVersion"][0])
                    outer.watch(self, lambda _: [{"type": "MODIFIED", "object": outer.object()}], seen)
                else:
                    self.answer(200, {"kind": "ConfigMapList", "metadata": {"resourceVersion": str(outer.version)},
                                      "items": [outer.object()]})

            def do_POST(self):
                review = self.document()
                outer.reviews.append((self.path, self.headers.get("Authorization"), review))
                if outer.broken:
                    self.answer(500, OUT_OF_ORDER)
                elif self.path.endswith("/tokenreviews"):
                    user = outer.tokens.get(review["spec"]["token"])
                    review["status"] = {"authenticated": True, "user": {"username": user}} if user else {"error": "invalid"}
                    self.answer(201, review)
                else:
                    review["status"] = {"allowed": bool(outer.allowed(review["spec"]))}
                    self.answer(201, review)

        super().__init__(Methods, pki)
        self.begin()

    def object(self):
        return {"kind": "ConfigMap", "data": self.data, "metadata": {
            "name": "extension-apiserver-authentication", "namespace": "kube-system", "resourceVersion": str(self.version)}}

    def change(self, **data):
        with self.changed:
            self.data.update({name.replace("_", "-"): value for name, value in data.items()})
            self.version += 1
            self.changed.notify_all()

    def count(self, kind):
        return sum(1 for path, _, _ in self.reviews if path.endswith(kind))
