# SPDX-License-Identifier: Apache-2.0
"""Every object under manifests/ is taken by kube-apiserver, with the definitions of the custom resources beside it.

Server-side dry-run with strict validation: defaults, validation and admission of the real API server; nothing is kept.
"""
import json
import os
import pathlib
import sys
import tempfile

import yaml

from harness import ROOT, write
from scene import Scene, main
from standalone import define

sys.path.insert(0, os.path.join(ROOT, "test", "lint"))
import check_manifests  # noqa: E402

MANIFESTS = os.path.join(ROOT, "manifests")
DRY = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-o", "json")


def brought(namespace, name):
    """A Deployment as users bring it."""
    labels = {"app": name, **check_manifests.BROUGHT[namespace, name]}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace}, "spec": {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": name, "image": "engine"}]}}}}


class Manifests(Scene):
    @classmethod
    def setUpClass(cls):
        # hpa/trino-worker-from-zero.yaml says that it needs this one.
        cls.start("manifests", "HPAScaleToZero=true")
        cls.tree = check_manifests.Tree(pathlib.Path(ROOT))
        for module in ("cert-manager", "keda", "prometheus-operator"):
            define(cls.cluster, module)
        # A dry run is refused where its namespace is missing.
        for namespace in sorted({namespace for namespace, _ in check_manifests.BROUGHT}):
            cls.cluster.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        with open(os.path.join(MANIFESTS, "base", "namespace.yaml"), encoding="utf-8") as source:
            cls.cluster.create("/api/v1/namespaces", yaml.safe_load(source))
        cls.taken = set()

    def dry_run(self, text):
        """Tries the objects of a text. Returns: their (kind, namespace, name)."""
        told = self.cluster.kubectl(*DRY, "-f", "-", stdin=text)
        self.assertEqual(told.stderr, "")
        answer = json.loads(told.stdout)
        keys = {check_manifests.key_of(each) for each in answer.get("items", [answer])}
        self.assertEqual(keys, {check_manifests.key_of(each) for each in yaml.safe_load_all(text) if each})
        return keys

    def built(self, folders):
        """What kustomize makes of folders and of the Deployments that they patch."""
        with tempfile.TemporaryDirectory(dir=self.cluster.folder) as folder:
            for key in check_manifests.BROUGHT:
                write(folder, f"{key[1]}.yaml", json.dumps(brought(*key)))
            paths = {name: os.path.relpath(os.path.join(MANIFESTS, name), os.path.realpath(folder)) for name in folders}
            write(folder, "kustomization.yaml", json.dumps({
                "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                "resources": [f"{name}.yaml" for _, name in check_manifests.BROUGHT] + [paths[name] for name in folders if name == "base"],
                "components": [paths[name] for name in folders if name != "base"]}))
            return self.cluster.kubectl("kustomize", folder).stdout

    def test_1_every_topology(self):
        for folders in check_manifests.TOPOLOGIES:
            with self.subTest(folders=folders):
                self.taken |= self.dry_run(self.built(folders))

    def test_2_every_object_that_is_applied_alone(self):
        for folder in sorted(check_manifests.SINGLE - {"helm"}):  # values of a chart are no objects
            for path in sorted(pathlib.Path(MANIFESTS, folder).glob("*.yaml")):
                with self.subTest(path=path.name):
                    self.taken |= self.dry_run(path.read_text(encoding="utf-8"))

    def test_3_none_was_left_out(self):
        objects = {check_manifests.key_of(document) for _, document, patch in self.tree.objects if not patch}
        self.assertEqual(objects - self.taken, set())
        print(f"{len(objects)} objects", flush=True)

    def test_4_a_field_that_does_not_exist_is_refused(self):
        for path, text, wrong in (("base/network-policy.yaml", "policyTypes:", "policyType:"),
                                  ("base/pod-monitor.yaml", "interval:", "intervall:"),
                                  ("keda/scaled-object-json.yaml", "pollingInterval:", "polingInterval:")):
            with open(os.path.join(MANIFESTS, path), encoding="utf-8") as source:
                broken = source.read().replace(text, wrong)
            told = self.cluster.kubectl(*DRY, "-f", "-", stdin=broken, check=False)
            self.assertIn("field not declared in schema", told.stderr)
            self.assertNotEqual(told.returncode, 0)


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
