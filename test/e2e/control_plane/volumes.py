# SPDX-License-Identifier: Apache-2.0
"""The volumes of a pod as kubelet makes them: folders whose files change all at once, by one symbolic link."""
import base64
import os
import stat
import tempfile


class NotYet(Exception):
    """What a volume needs does not exist yet."""


def _items(source, keys):
    """(key, path) pairs that a ConfigMap or Secret source asks for."""
    if source.get("items"):
        return [(item["key"], item["path"]) for item in source["items"]]
    return [(key, key) for key in keys]


class Volumes:
    """The volumes of one pod in a folder; `owner` may read secret ones and write empty ones."""

    def __init__(self, cluster, pod, folder, owner):
        self.cluster, self.pod, self.folder, self.owner = cluster, pod, folder, owner
        self.namespace = pod["metadata"]["namespace"]
        self.written = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def refresh(self):
        """Makes every volume what the cluster says now. Raises: NotYet."""
        for volume in self.pod["spec"].get("volumes", []):
            name = volume["name"]
            if "emptyDir" in volume:
                os.makedirs(self.path(name), exist_ok=True)
                os.chown(self.path(name), self.owner, self.owner)
                continue
            files = self._files(volume)
            if files is None:
                raise AssertionError(f"volume {name}: no kind that this kubelet knows: {sorted(volume)}")
            if self.written.get(name) != files:
                self._write(self.path(name), files)
                self.written[name] = files

    def _files(self, volume):
        """Path to (bytes, whether secret)."""
        if "configMap" in volume:
            return self._config_map(volume["configMap"], volume["configMap"]["name"])
        if "secret" in volume:
            return self._secret(volume["secret"], volume["secret"]["secretName"])
        if "projected" not in volume:
            return None
        files = {}
        for source in volume["projected"]["sources"]:
            if "configMap" in source:
                files.update(self._config_map(source["configMap"], source["configMap"]["name"]))
            elif "secret" in source:
                files.update(self._secret(source["secret"], source["secret"]["name"]))
            elif "serviceAccountToken" in source:
                files[source["serviceAccountToken"]["path"]] = (self._token(source["serviceAccountToken"]), True)
            elif "downwardAPI" in source:
                for item in source["downwardAPI"]["items"]:
                    files[item["path"]] = (field(self.pod, item["fieldRef"]["fieldPath"]).encode(), False)
        return files

    def _object(self, source, kind, name):
        found = self.cluster.get(f"/api/v1/namespaces/{self.namespace}/{kind}/{name}")
        if found is None and not source.get("optional"):
            raise NotYet(f"{kind} {name}")
        return found or {}

    def _config_map(self, source, name):
        data = self._object(source, "configmaps", name).get("data", {})
        return {path: (data[key].encode(), False) for key, path in _items(source, data)}

    def _secret(self, source, name):
        data = self._object(source, "secrets", name).get("data") or {}
        return {path: (base64.b64decode(data[key]), True) for key, path in _items(source, data)}

    def _token(self, source):
        # Kept until it is near its end, which no test lives to see.
        if not hasattr(self, "token"):
            account = self.pod["spec"]["serviceAccountName"]
            answer = self.cluster.create(f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{account}/token", {
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                "spec": {"expirationSeconds": source.get("expirationSeconds", 3600),
                         "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": self.pod["metadata"]["name"],
                                            "uid": self.pod["metadata"]["uid"]}}})
            self.token = answer["status"]["token"].encode()
        return self.token

    def _write(self, folder, files):
        os.makedirs(folder, exist_ok=True)
        data = tempfile.mkdtemp(dir=folder, prefix="..version-")
        os.chmod(data, 0o755)
        for path, (content, secret) in files.items():
            target = os.path.join(data, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as out:
                out.write(content)
            if secret:
                os.chown(target, self.owner, self.owner)
                os.chmod(target, stat.S_IRUSR)
        link = os.path.join(folder, "..data")
        os.symlink(os.path.basename(data), link + ".new")
        os.replace(link + ".new", link)
        for path in files:
            first = path.split("/")[0]
            if not os.path.islink(os.path.join(folder, first)):
                os.symlink(os.path.join("..data", first), os.path.join(folder, first))


def field(pod, path):
    """What a fieldRef names."""
    known = {"metadata.namespace": pod["metadata"]["namespace"], "metadata.name": pod["metadata"]["name"],
             "metadata.uid": pod["metadata"]["uid"], "spec.nodeName": pod["spec"].get("nodeName", ""),
             "spec.serviceAccountName": pod["spec"].get("serviceAccountName", ""),
             "status.podIP": pod.get("status", {}).get("podIP", "")}
    return known[path]
