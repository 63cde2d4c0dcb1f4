#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Manifests are whole and agree with one another, checked without a cluster and without a network.

usage: check_manifests.py SOURCE_ROOT [--self-test]

Checked: one object a file; the fields that an API server requires of each kind; every file is named in its
kustomization and the reverse; ports, volumes, selectors, roles and certificates that one object names
exist in another; and the configuration of the ConfigMap is the preset's, but for the target and params.
"""
import pathlib
import shutil
import sys
import tempfile

import yaml

# kind -> (apiVersion, namespaced, required paths)
KINDS = {
    "APIService": ("apiregistration.k8s.io/v1", False, ["spec.group", "spec.version", "spec.groupPriorityMinimum",
                                                        "spec.versionPriority", "spec.service.name", "spec.service.namespace"]),
    "Certificate": ("cert-manager.io/v1", True, ["spec.secretName", "spec.dnsNames", "spec.issuerRef.name"]),
    "ClusterRole": ("rbac.authorization.k8s.io/v1", False, ["rules"]),
    "ClusterRoleBinding": ("rbac.authorization.k8s.io/v1", False, ["roleRef.apiGroup", "roleRef.kind", "roleRef.name", "subjects"]),
    "ConfigMap": ("v1", True, ["data"]),
    "Deployment": ("apps/v1", True, ["spec.template.spec.containers"]),
    "HorizontalPodAutoscaler": ("autoscaling/v2", True, ["spec.scaleTargetRef.kind", "spec.scaleTargetRef.name",
                                                         "spec.scaleTargetRef.apiVersion", "spec.maxReplicas", "spec.metrics"]),
    "Issuer": ("cert-manager.io/v1", True, ["spec"]),
    "PodMonitor": ("monitoring.coreos.com/v1", True, ["spec.selector.matchLabels", "spec.podMetricsEndpoints"]),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", True, ["roleRef.apiGroup", "roleRef.kind", "roleRef.name", "subjects"]),
    "Service": ("v1", True, ["spec.selector", "spec.ports"]),
}
BUILT_IN_ROLES = {"system:auth-delegator", "extension-apiserver-authentication-reader"}


def at(document, path):
    for key in path.split("."):
        if not isinstance(document, dict) or key not in document:
            return None
        document = document[key]
    return document


class Tree:
    """Every object under manifests/, patches apart."""

    def __init__(self, root):
        self.root = root
        self.found = []
        self.objects = []  # (path, document, is patch)
        for path in sorted(root.glob("manifests/**/*.yaml")):
            if path.name == "kustomization.yaml":
                continue
            documents = [d for d in yaml.safe_load_all(path.read_text()) if d is not None]
            if len(documents) != 1:
                self.say(path, f"{len(documents)} objects, one a file is the rule")
            self.objects += [(path, document, path.name.endswith(".patch.yaml")) for document in documents]

    def say(self, path, text):
        self.found.append(f"{path.relative_to(self.root)}: {text}")

    def of(self, kind):
        return [(path, document) for path, document, _ in self.objects if document.get("kind") == kind]


def check_required(tree):
    for path, document, patch in tree.objects:
        kind = document.get("kind")
        if kind not in KINDS:
            tree.say(path, f"unknown kind '{kind}'")
            continue
        version, namespaced, required = KINDS[kind]
        if document.get("apiVersion") != version:
            tree.say(path, f"apiVersion is '{document.get('apiVersion')}', expected '{version}'")
        if not at(document, "metadata.name"):
            tree.say(path, "metadata.name is missing")
        if namespaced != bool(at(document, "metadata.namespace")):
            tree.say(path, "metadata.namespace is missing" if namespaced else "a cluster's object has no namespace")
        if not patch:
            for field in required:
                if at(document, field) is None:
                    tree.say(path, f"{field} is missing")
            if kind != "HorizontalPodAutoscaler" and at(document, "metadata.labels") is None:
                tree.say(path, "metadata.labels are missing")


def check_kustomizations(tree):
    for path in sorted(tree.root.glob("manifests/**/kustomization.yaml")):
        document = yaml.safe_load(path.read_text())
        named = set(document.get("resources", [])) | {patch["path"] for patch in document.get("patches", [])}
        there = {p.name for p in path.parent.glob("*.yaml")} - {"kustomization.yaml"}
        for name in sorted(named - there):
            tree.say(path, f"names '{name}', which is not there")
        for name in sorted(there - named):
            tree.say(path, f"does not name '{name}'")
        if "namespace" in document:
            tree.say(path, "`namespace` would move the RoleBinding of kube-system")


def sidecars(tree):
    for path, document in tree.of("Deployment"):
        for container in at(document, "spec.template.spec.containers"):
            if container["name"] == "plimsoll":
                yield path, document, container


def check_sidecars(tree):
    config_maps = {document["metadata"]["name"] for _, document in tree.of("ConfigMap")}
    secrets = {document["spec"]["secretName"] for _, document in tree.of("Certificate")}
    for path, document, container in sidecars(tree):
        if "readinessProbe" in container:
            tree.say(path, "a readiness probe could take the engine out of its Service")
        ports = {port["name"] for port in container["ports"]}
        for name in ports:
            if len(name) > 15:
                tree.say(path, f"the name of port '{name}' is longer than 15 characters")
        probe = at(container, "livenessProbe.httpGet.port")
        if probe is not None and probe not in ports:
            tree.say(path, f"the probe's port '{probe}' is none of the container's")
        volumes = {volume["name"]: volume for volume in at(document, "spec.template.spec.volumes") or []}
        for mount in container["volumeMounts"]:
            if mount["name"] not in volumes:
                tree.say(path, f"no volume '{mount['name']}'")
        for volume in volumes.values():
            if "configMap" in volume and volume["configMap"]["name"] not in config_maps:
                tree.say(path, f"no ConfigMap '{volume['configMap']['name']}'")
            if "secret" in volume and volume["secret"]["secretName"] not in secrets:
                tree.say(path, f"no Certificate makes the Secret '{volume['secret']['secretName']}'")
        security = container.get("securityContext", {})
        for key, value in (("runAsNonRoot", True), ("readOnlyRootFilesystem", True), ("allowPrivilegeEscalation", False)):
            if security.get(key) is not value:
                tree.say(path, f"securityContext.{key} is not {str(value).lower()}")
        arguments = dict(a.split("=", 1) for a in container["args"])
        by_number = {str(port["containerPort"]) for port in container["ports"]}
        for flag in ("--web.listen-address", "--secure-port"):
            if arguments.get(flag, "").rsplit(":", 1)[-1] not in by_number:
                tree.say(path, f"{flag}={arguments.get(flag)} is no port of the container")


def check_services(tree):
    ports = {port["name"] for _, _, container in sidecars(tree) for port in container["ports"]}
    services = {}
    for path, document in tree.of("Service"):
        services[(document["metadata"]["namespace"], document["metadata"]["name"])] = document
        if document["spec"].get("publishNotReadyAddresses") is not True:
            tree.say(path, "publishNotReadyAddresses is not true: an engine that is down would take the API with it")
        for port in document["spec"]["ports"]:
            if port["targetPort"] not in ports:
                tree.say(path, f"targetPort '{port['targetPort']}' is no port of the sidecar")
    for path, document in tree.of("APIService"):
        service = at(document, "spec.service")
        if service is None:
            continue  # a patch
        key = (service["namespace"], service["name"])
        if key not in services:
            tree.say(path, f"no Service {key[0]}/{key[1]}")
        elif service.get("port", 443) not in {port["port"] for port in services[key]["spec"]["ports"]}:
            tree.say(path, f"port {service.get('port', 443)} is none of the Service's")
        if document["metadata"]["name"] != f"{document['spec']['version']}.{document['spec']['group']}":
            tree.say(path, "the name is not <version>.<group>")
        dns = {name for _, certificate in tree.of("Certificate") for name in certificate["spec"]["dnsNames"]}
        if f"{service['name']}.{service['namespace']}.svc" not in dns:
            tree.say(path, "no Certificate has the DNS name that kube-apiserver asks for")
    selectors = [document["spec"]["selector"] for _, document in tree.of("Service")]
    for path, document in tree.of("PodMonitor"):
        if at(document, "spec.selector.matchLabels") not in selectors:
            tree.say(path, "selects other pods than the Service")
        for endpoint in document["spec"]["podMetricsEndpoints"]:
            if endpoint["port"] not in ports:
                tree.say(path, f"port '{endpoint['port']}' is no port of the sidecar")


def check_roles(tree):
    roles = {document["metadata"]["name"] for _, document in tree.of("ClusterRole")} | BUILT_IN_ROLES
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for path, document in tree.of(kind):
            if document["roleRef"]["name"] not in roles:
                tree.say(path, f"no role '{document['roleRef']['name']}'")
            for subject in document["subjects"]:
                if subject["kind"] == "ServiceAccount" and "namespace" not in subject:
                    tree.say(path, "a service account has a namespace")


def check_autoscalers(tree):
    deployments = {(d["metadata"]["namespace"], d["metadata"]["name"]) for _, d in tree.of("Deployment")}
    for path, document in tree.of("HorizontalPodAutoscaler"):
        spec = document["spec"]
        if (document["metadata"]["namespace"], spec["scaleTargetRef"]["name"]) not in deployments:
            tree.say(path, f"scales '{spec['scaleTargetRef']['name']}', which no manifest knows")
        if spec.get("minReplicas", 1) > spec["maxReplicas"]:
            tree.say(path, "minReplicas is above maxReplicas")
        for metric in spec["metrics"]:
            target = at(metric, "external.target") or {}
            field = {"AverageValue": "averageValue", "Value": "value"}.get(target.get("type"))
            if field is None or not isinstance(target.get(field), str):
                tree.say(path, f"target {target}: a type and its value as text")


def check_configuration(tree):
    preset = yaml.safe_load((tree.root / "rules/trino/preset.yml").read_text())
    preset["scrape_configs"][0]["static_configs"][0]["targets"] = ["localhost:8080"]
    for path, document in tree.of("ConfigMap"):
        config = yaml.safe_load(document["data"]["plimsoll.yml"])
        if set(config) != set(preset):
            tree.say(path, f"other sections than the preset: {sorted(set(config) ^ set(preset))}")
        for section in sorted(set(config) & set(preset)):
            same = set(config[section]) == set(preset[section]) if section == "params" else config[section] == preset[section]
            if not same:
                tree.say(path, f"`{section}` differs from rules/trino/preset.yml")


def problems(root):
    tree = Tree(root)
    check_required(tree)
    if not tree.found:  # the rest relies on whole objects
        for check in (check_kustomizations, check_sidecars, check_services, check_roles, check_autoscalers, check_configuration):
            check(tree)
    return tree.found


def self_test(root):
    """Each kind of mistake is found in a copy of the tree."""
    mistakes = [
        ("service.yaml", "spec:", "specification:", "spec.selector is missing"),
        ("service.yaml", "publishNotReadyAddresses: true", "publishNotReadyAddresses: false", "publishNotReadyAddresses"),
        ("service.yaml", "targetPort: plimsoll-https", "targetPort: https", "targetPort 'https'"),
        ("service.yaml", "component: coordinator", "component: worker", "selects other pods"),
        ("api-service.yaml", "name: plimsoll,", "name: other,", "no Service trino/other"),
        ("auth-reader.yaml", "authentication-reader}", "reader}", "no role"),
        ("horizontal-pod-autoscaler.yaml", "name: trino-worker}", "name: worker}", "no manifest knows"),
        ("coordinator-sidecar.patch.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"),
        ("coordinator-sidecar.patch.yaml", "livenessProbe", "readinessProbe", "readiness probe"),
        ("coordinator-sidecar.patch.yaml", "--secure-port=6443", "--secure-port=7443", "no port of the container"),
        ("config-map.yaml", "scrape_interval: 15s", "scrape_interval: 16s", "`global` differs"),
        ("kustomization.yaml", "  - service.yaml\n", "", "does not name 'service.yaml'"),
    ]
    for file, right, wrong, expected in mistakes:
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder)
            for part in ("manifests", "rules"):
                shutil.copytree(root / part, copy / part)
            path = copy / "manifests/standalone" / file
            text = path.read_text()
            assert right in text, f"{file} has no '{right}'"
            path.write_text(text.replace(right, wrong))
            found = problems(copy)
            assert any(expected in problem for problem in found), (file, wrong, found)
    print("finds what it should")


def main():
    root = pathlib.Path(sys.argv[1])
    if "--self-test" in sys.argv:
        self_test(root)
        return 0
    found = problems(root)
    print("\n".join(found) or "manifests agree")
    return 1 if found else 0


sys.exit(main())
