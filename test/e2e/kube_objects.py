# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API server as far as managed certificates ask it: objects by collection and name, listed by name, watched,
read, and changed by merge patches that name a version. Reviews are answered, too."""
import base64
import copy
import urllib.parse

from fake_api import FakeApi, Handler

SECRETS = "/api/v1/namespaces/default/secrets"
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
MAPS = "/api/v1/namespaces/kube-system/configmaps"
SERVICE_NAME = "v1beta1.external.metrics.k8s.io"


class KubeObjects(FakeApi):
    def __init__(self, pki):
        self.objects = {}    # (collection, name): object
        self.history = []    # (version, collection, type, object)
        self.refused = {}    # "METHOD collection": status
        self.calls = []      # (method, path, authorization)
        self.conflicts = 0
        self.allowed = lambda spec: True
        outer = self

        class Methods(Handler):
            def do_GET(self):
                outer.get(self)

            def do_PATCH(self):
                outer.patch(self, self.document())

            def do_POST(self):
                review = self.document()
                review["status"] = {"allowed": bool(outer.allowed(review["spec"]))}
                self.answer(201, review)

        super().__init__(Methods, pki)
        self.begin()

    def refuses(self, handler, collection):
        self.calls.append((handler.command, handler.path, handler.headers.get("Authorization")))
        status = 500 if self.broken else self.refused.get(f"{handler.command} {collection}")
        if status:
            handler.answer(status, {"kind": "Status", "message": "refused by the test"})
        return bool(status)

    def get(self, handler):
        path, _, query = handler.path.partition("?")
        fields = urllib.parse.parse_qs(query)
        if "fieldSelector" not in fields:
            collection, _, name = path.rpartition("/")
            if self.refuses(handler, collection):
                return
            with self.changed:
                found = copy.deepcopy(self.objects.get((collection, name)))
            return handler.answer(200 if found else 404, found or {"kind": "Status", "message": f"{name} not found"})
        if self.refuses(handler, path):
            return
        name = fields["fieldSelector"][0].partition("=")[2]
        if "watch" in fields:
            return self.watch(handler, lambda seen: [
                {"type": kind, "object": thing} for version, place, kind, thing in self.history
                if version > seen and place == (path, name)], int(fields["resourceVersion"][0]))
        with self.changed:
            items = [copy.deepcopy(self.objects[key]) for key in self.objects if key == (path, name)]
            version = self.version
        handler.answer(200, {"metadata": {"resourceVersion": str(version)}, "items": items})

    def patch(self, handler, patch):
        collection, _, name = handler.path.rpartition("/")
        if self.refuses(handler, collection):
            return
        with self.changed:
            found = self.objects.get((collection, name))
            if found is None:
                return handler.answer(404, {"message": f"{name} not found"})
            if patch["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
                self.conflicts += 1
                return handler.answer(409, {"message": "the object has been modified"})
            merged = copy.deepcopy(found)
            for section, values in patch.items():
                if section != "metadata":
                    merged.setdefault(section, {}).update(values)
            self._put(collection, name, merged)
            done = copy.deepcopy(merged)
        handler.answer(200, done)

    def _put(self, collection, name, thing):
        self.version += 1
        thing["metadata"]["resourceVersion"] = str(self.version)
        kind = "MODIFIED" if (collection, name) in self.objects else "ADDED"
        self.objects[(collection, name)] = thing
        self.history.append((self.version, (collection, name), kind, copy.deepcopy(thing)))
        self.changed.notify_all()

    def put(self, collection, name, **sections):
        kind = {SECRETS: "Secret", SERVICES: "APIService", MAPS: "ConfigMap"}[collection]
        with self.changed:
            self._put(collection, name, {"kind": kind, "metadata": {"name": name}, **sections})

    def put_secret(self, data=None):
        self.put(SECRETS, "plimsoll-serving-cert", data={key: base64.b64encode(text.encode()).decode()
                                                         for key, text in (data or {}).items()})

    def put_service(self, name="plimsoll", bundle=""):
        self.put(SERVICES, SERVICE_NAME, spec={"service": {"namespace": "default", "name": name, "port": 443},
                                               "caBundle": base64.b64encode(bundle.encode()).decode()})

    def bundle(self):
        with self.changed:
            return base64.b64decode(self.objects[(SERVICES, SERVICE_NAME)]["spec"].get("caBundle", "")).decode()

    def secret(self):
        with self.changed:
            data = self.objects[(SECRETS, "plimsoll-serving-cert")].get("data", {})
            return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def count(self, method, collection):
        return sum(1 for each, path, _ in self.calls if each == method and path.startswith(collection))
