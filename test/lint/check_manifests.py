#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Manifests are whole, agree with one another and ask for no right too many; checked without a cluster and a network.

usage: check_manifests.py SOURCE_ROOT [--self-test]

Checked: one object a file; the fields that an API server requires of each kind; every file and folder is named by a
kustomization, exists, and is there once in the topologies below; ports, volumes, selectors, roles, certificates and
flags that one object names exist in another; roles without wildcards, and writing by name alone; configurations that
are copies are equal. With kubectl in the PATH the topologies are built, with promtool the alerts are tried.
"""
import pathlib
import re
import shutil
import subprocess
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
    "Deployment": ("apps/v1", True, ["spec.selector.matchLabels", "spec.template.metadata.labels", "spec.template.spec.containers"]),
    "HorizontalPodAutoscaler": ("autoscaling/v2", True, ["spec.scaleTargetRef.kind", "spec.scaleTargetRef.name",
                                                         "spec.scaleTargetRef.apiVersion", "spec.maxReplicas", "spec.metrics"]),
    "Issuer": ("cert-manager.io/v1", True, ["spec"]),
    "Namespace": ("v1", False, []),
    "NetworkPolicy": ("networking.k8s.io/v1", True, ["spec.podSelector.matchLabels", "spec.policyTypes", "spec.ingress"]),
    "PodDisruptionBudget": ("policy/v1", True, ["spec.selector.matchLabels"]),
    "Pod": ("v1", True, ["spec.containers"]),
    "PodMonitor": ("monitoring.coreos.com/v1", True, ["spec.selector.matchLabels", "spec.podMetricsEndpoints"]),
    "PrometheusRule": ("monitoring.coreos.com/v1", True, ["spec.groups"]),
    "Role": ("rbac.authorization.k8s.io/v1", True, ["rules"]),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", True, ["roleRef.apiGroup", "roleRef.kind", "roleRef.name", "subjects"]),
    "ScaledObject": ("keda.sh/v1alpha1", True, ["spec.scaleTargetRef.name", "spec.maxReplicaCount", "spec.triggers"]),
    "Secret": ("v1", True, ["type"]),
    "Service": ("v1", True, ["spec.selector", "spec.ports"]),
    "ServiceAccount": ("v1", True, []),
}
WITHOUT_LABELS = {"HorizontalPodAutoscaler", "ScaledObject"}  # parts of a user's own application
BUILT_IN_ROLES = {("ClusterRole", "system:auth-delegator"), ("Role", "extension-apiserver-authentication-reader")}
WRITING = {"create", "update", "patch", "delete", "deletecollection"}
HUB = ("plimsoll", "plimsoll")  # namespace and name of its service account and Deployment
# What users bring: Deployment -> labels of its pods that our selectors rely on.
TRINO = {"app.kubernetes.io/name": "trino", "app.kubernetes.io/component": "coordinator"}
WORKER = {"app.kubernetes.io/name": "trino", "app.kubernetes.io/component": "worker"}
BROUGHT = {("trino", "trino-coordinator"): TRINO, ("trino", "trino-worker"): WORKER,
           ("trino", "trino-worker-spot"): WORKER, ("trino", "trino-worker-on-demand"): WORKER, ("flink", "flink-jobmanager"): {},
           ("flink", "flink-taskmanager"): {}, ("spark", "spark-connect"): {}, ("spark", "spark-placeholder"): {},
           ("spark", "spark-worker"): {}}
SLOW = 120  # seconds that a worker takes to start and to count in a minute's average
# Metrics that have a cool-down in them.
COOLED = {"trino-workers-until-idle", "trino-workers-spot", "trino-workers-on-demand"}
SINGLE = {"hpa", "helm", "keda", "alerts", "network-policy", "pod-templates"}  # folders whose files are applied one by one
# Folders that are used together.
TOPOLOGIES = [
    ["components/standalone"], ["components/standalone", "components/standalone-cert-manager"], ["base"],
    ["components/standalone", "components/trino-nodes"], ["base", "components/trino", "components/trino-nodes"],
    ["base"] + ["components/" + name for name in ("trino", "flink", "spark", "pravega")],
    ["base"] + ["components/" + name for name in ("all-namespaces", "cert-manager", "trino", "flink", "spark", "pravega")],
]


def at(document, path):
    for key in path.split("."):
        if not isinstance(document, dict) or key not in document:
            return None
        document = document[key]
    return document


def key_of(document):
    return (document["kind"], at(document, "metadata.namespace"), at(document, "metadata.name"))


class Tree:
    """Every object under manifests/, patches apart."""

    def __init__(self, root):
        self.root = root = root.resolve()
        self.found = []
        self.objects = []  # (path, document, is patch)
        for path in sorted(root.glob("manifests/**/*.yaml")):
            if path.name == "kustomization.yaml" or path.parent.name == "helm":
                continue  # values of a chart are no objects
            documents = [d for d in yaml.safe_load_all(path.read_text()) if d is not None]
            if len(documents) != 1:
                self.say(path, f"{len(documents)} objects, one a file is the rule")
            self.objects += [(path, document, path.name.endswith(".patch.yaml")) for document in documents]

    def say(self, path, text):
        self.found.append(f"{path.relative_to(self.root)}: {text}")

    def of(self, *kinds):
        """What is added or changed; not what a component takes away."""
        return [(path, document) for path, document, _ in self.objects
                if document.get("kind") in kinds and "$patch" not in document]


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
            if kind not in WITHOUT_LABELS and at(document, "metadata.labels") is None:
                tree.say(path, "metadata.labels are missing")


def check_kustomizations(tree):
    used = set()
    for path in sorted(tree.root.glob("manifests/**/kustomization.yaml")):
        document = yaml.safe_load(path.read_text())
        named = document.get("resources", []) + [patch["path"] for patch in document.get("patches", [])]
        there = {p.name for p in path.parent.glob("*.yaml")} - {"kustomization.yaml"}
        for name in sorted(set(named) - there):
            tree.say(path, f"names '{name}', which is not there")
        for name in sorted(there - set(named)):
            tree.say(path, f"does not name '{name}'")
        for name in document.get("components", []):
            if not (path.parent / name / "kustomization.yaml").exists():
                tree.say(path, f"names '{name}', which is not there")
        if "namespace" in document:
            tree.say(path, "`namespace` would move the RoleBinding of kube-system")
        base = path.parent.name == "base"
        if document.get("kind") != ("Kustomization" if base else "Component"):
            tree.say(path, f"kind is '{document.get('kind')}'")
    for folders in TOPOLOGIES:
        used |= set(check_topology(tree, folders))
    for path in sorted({p.parent for p in tree.root.glob("manifests/**/*.yaml")}):
        name = str(path.relative_to(tree.root / "manifests"))
        if name not in SINGLE and path not in used:
            tree.say(path, "no topology uses it")


def check_topology(tree, folders):
    """Puts folders together as kustomize does: what is there once, and what is patched that is not there."""
    there, visited, ordered = set(), [], []

    def visit(folder):
        folder = folder.resolve()
        if folder in visited or not (folder / "kustomization.yaml").exists():
            return
        visited.append(folder)
        document = yaml.safe_load((folder / "kustomization.yaml").read_text())
        for name in document.get("components", []):
            visit(folder / name)
        ordered.append((folder, document))

    for name in folders:
        visit(tree.root / "manifests" / name)
    for folder, document in ordered:
        where = tree.root / folder.relative_to(tree.root) / "kustomization.yaml"
        for name in document.get("resources", []):
            if not (folder / name).is_file():
                continue  # said already
            key = key_of(yaml.safe_load((folder / name).read_text()))
            if key in there:
                tree.say(where, f"{' '.join(map(str, key))} is there twice in {' + '.join(folders)}")
            there.add(key)
        for patch in document.get("patches", []):
            if not (folder / patch["path"]).is_file():
                continue
            changed = yaml.safe_load((folder / patch["path"]).read_text())
            key = key_of(changed)
            if key not in there and key[1:] not in BROUGHT:
                tree.say(where, f"{patch['path']} patches {' '.join(map(str, key))}, which {' + '.join(folders)} has not")
            if changed.get("$patch") == "delete":
                there.discard(key)
    return visited


def pods(tree):
    """(path, Deployment or patch, our container, labels of the pods)"""
    for path, document in tree.of("Deployment"):
        labels = dict(BROUGHT.get(key_of(document)[1:], {}))
        labels.update(at(document, "spec.template.metadata.labels") or {})
        for container in at(document, "spec.template.spec.containers") or []:
            if container["name"] == "plimsoll":
                yield path, document, container, labels
    for path, document in tree.of("Pod"):
        for container in at(document, "spec.initContainers") or []:
            if container["name"] == "plimsoll":
                yield path, document, container, document["metadata"]["labels"]


def full_pods(tree):
    """Those that bring a whole container; a patch of our own Deployment changes a few of its fields."""
    return [pod for pod in pods(tree) if "image" in pod[2]]


def check_pods(tree):
    flags = set(re.findall(r'"(--[a-z][a-z0-9.-]*)', (tree.root / "exporter/app/options.cc").read_text()))
    namespaces = lambda kind: {key_of(document)[1:] for _, document in tree.of(kind)}  # noqa: E731
    config_maps = namespaces("ConfigMap")
    secrets = namespaces("Secret") | {(d["metadata"]["namespace"], d["spec"]["secretName"]) for _, d in tree.of("Certificate")}
    for path, document, container, _ in pods(tree):
        namespace = document["metadata"]["namespace"]
        for argument in container.get("args", []):
            if argument.split("=", 1)[0] not in flags:
                tree.say(path, f"plimsoll has no flag '{argument.split('=', 1)[0]}'")
            if argument.startswith("--engine=") and not (tree.root / "rules" / argument[9:] / "preset.yml").exists():
                tree.say(path, f"there is no pack '{argument[9:]}'")
        for volume in at(document, "spec.template.spec.volumes") or []:
            if "configMap" in volume and (namespace, volume["configMap"]["name"]) not in config_maps:
                tree.say(path, f"no ConfigMap '{volume['configMap']['name']}' in {namespace}")
            if "secret" in volume and (namespace, volume["secret"]["secretName"]) not in secrets:
                tree.say(path, f"nothing makes the Secret '{volume['secret']['secretName']}' in {namespace}")
    for path, document, container, _ in full_pods(tree):
        check_container(tree, path, document, container)


def check_container(tree, path, document, container):
    beside = document["kind"] == "Pod" or key_of(document)[1:] in BROUGHT
    if document["kind"] == "Pod" and container.get("restartPolicy") != "Always":
        tree.say(path, "an init container that does not restart keeps the engine from its start")
    if beside and "readinessProbe" in container:
        tree.say(path, "a readiness probe could take the engine out of its Service")
    if not beside and "readinessProbe" not in container:
        tree.say(path, "nothing says when it is ready")
    ports = {port["name"] for port in container["ports"]}
    for name in ports:
        if len(name) > 15:
            tree.say(path, f"the name of port '{name}' is longer than 15 characters")
    for probe in ("livenessProbe", "readinessProbe"):
        port = at(container, probe + ".httpGet.port") or at(container, probe + ".tcpSocket.port")
        if probe in container and port not in ports:
            tree.say(path, f"the port '{port}' of its {probe} is none of the container's")
    if "livenessProbe" not in container:
        tree.say(path, "nothing says whether it lives")
    volumes = {volume["name"] for volume in at(document, "spec.template.spec.volumes") or []}
    for mount in container.get("volumeMounts", []):
        if mount["name"] not in volumes:
            tree.say(path, f"no volume '{mount['name']}'")
    security = container.get("securityContext", {})
    for key, value in (("runAsNonRoot", True), ("readOnlyRootFilesystem", True), ("allowPrivilegeEscalation", False),
                       ("capabilities", {"drop": ["ALL"]}), ("seccompProfile", {"type": "RuntimeDefault"})):
        if security.get(key) != value:
            tree.say(path, f"securityContext.{key} is not {str(value).lower() if isinstance(value, bool) else value}")
    for field in ("requests.cpu", "requests.memory", "limits.memory"):
        if at(container, "resources." + field) is None:
            tree.say(path, f"resources.{field} is missing")
    arguments = dict((a.split("=", 1) + [""])[:2] for a in container["args"])
    if "--web.config.file" in arguments and at(container, "livenessProbe.httpGet.port") == "plimsoll-http":
        tree.say(path, "kubelet has no user and no certificate: with --web.config.file the livenessProbe is a tcpSocket")
    if "--engine" in arguments and "--storage.max-bytes" not in arguments:
        tree.say(path, "a preset keeps up to 256 MiB: --storage.max-bytes has to fit the memory limit")
    by_number = {str(port["containerPort"]) for port in container["ports"]}
    for flag in ("--web.listen-address", "--secure-port"):
        number = arguments.get(flag, "").rsplit(":", 1)[-1]
        if number not in by_number and (flag, number) != ("--secure-port", "0"):
            tree.say(path, f"{flag}={arguments.get(flag)} is no port of the container")


def selected(tree, document, selector):
    """Our containers in the pods that a selector of this object's namespace matches."""
    return [container for _, owner, container, labels in full_pods(tree)
            if owner["metadata"]["namespace"] == document["metadata"]["namespace"] and selector.items() <= labels.items()]


def check_services(tree):
    services = {}
    for path, document in tree.of("Service"):
        services[key_of(document)[1:]] = document
        containers = selected(tree, document, document["spec"]["selector"])
        if not containers:
            tree.say(path, "selects no pod of ours")
        ports = {port["name"] for container in containers for port in container["ports"]}
        for port in document["spec"]["ports"]:
            if containers and port["targetPort"] not in ports:
                tree.say(path, f"targetPort '{port['targetPort']}' is no port of its pods")
        beside = document["spec"]["selector"] == TRINO
        if bool(document["spec"].get("publishNotReadyAddresses")) != beside:
            tree.say(path, "publishNotReadyAddresses is not true: an engine that is down would take the API with it" if beside
                     else "publishNotReadyAddresses: a hub that is not ready would be asked")
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
    for path, document in tree.of("APIService"):
        source = at(document, "metadata.annotations") or {}
        wanted = source.get("cert-manager.io/inject-ca-from")
        if wanted and wanted not in {"/".join(key_of(d)[1:]) for _, d in tree.of("Certificate")}:
            tree.say(path, f"no Certificate '{wanted}'")


def check_selectors(tree):
    for path, document in tree.of("PodMonitor"):
        containers = selected(tree, document, document["spec"]["selector"]["matchLabels"])
        if not containers:
            tree.say(path, "selects no pod of ours")
        for endpoint in document["spec"]["podMetricsEndpoints"]:
            if containers and endpoint["port"] not in {port["name"] for c in containers for port in c["ports"]}:
                tree.say(path, f"port '{endpoint['port']}' is no port of its pods")
            if endpoint.get("honorLabels") is not False:
                tree.say(path, "honorLabels is not false: a page could say that it is of another namespace")
    for path, document in tree.of("PodDisruptionBudget"):
        if not selected(tree, document, document["spec"]["selector"]["matchLabels"]):
            tree.say(path, "selects no pod of ours")
    for path, document in tree.of("NetworkPolicy"):
        containers = selected(tree, document, document["spec"]["podSelector"]["matchLabels"])
        if not containers:
            tree.say(path, "selects no pod of ours")
        open_ports = set()
        for rule in document["spec"]["ingress"]:
            ports = rule.get("ports", [])
            others = bool(ports) and all("endPort" in port for port in ports)  # the engine's own stay open
            if not ports or not (rule.get("from") or others):
                tree.say(path, "a rule without `from` or `ports` opens everything")
            for container in containers:
                for number in (port["containerPort"] for port in container["ports"]):
                    if any(port["port"] <= number <= port["endPort"] for port in ports
                           if "endPort" in port and port["protocol"] == "TCP"):
                        tree.say(path, f"port {number} of ours is open to everybody")
            open_ports |= {port["port"] for port in ports if "endPort" not in port}
        for container in containers:
            for name in sorted({port["name"] for port in container["ports"]} ^ open_ports):
                tree.say(path, f"port '{name}' is not both the container's and open to somebody")


def check_roles(tree):
    roles = {(document["kind"], document["metadata"]["name"]) for _, document in tree.of("ClusterRole", "Role")}
    for path, document in tree.of("ClusterRole", "Role"):
        for rule in document["rules"]:
            for field in ("apiGroups", "resources", "verbs"):
                if any("*" in value for value in rule[field]):
                    tree.say(path, f"a wildcard in {field}")
            if WRITING & set(rule["verbs"]) and not rule.get("resourceNames"):
                tree.say(path, f"{', '.join(sorted(WRITING & set(rule['verbs'])))} without resourceNames")
            if "secrets" in rule["resources"] and not rule.get("resourceNames"):
                tree.say(path, "every Secret may be read")
    for path, document in tree.of("ClusterRoleBinding", "RoleBinding"):
        role = (document["roleRef"]["kind"], document["roleRef"]["name"])
        if role not in roles | BUILT_IN_ROLES:
            tree.say(path, f"no role '{role[1]}'")
        for subject in document["subjects"]:
            if subject["kind"] == "ServiceAccount" and "namespace" not in subject:
                tree.say(path, "a service account has a namespace")
            elif (subject["namespace"], subject["name"]) != HUB and path.parent.name != "standalone":
                tree.say(path, f"rights for {subject['namespace']}/{subject['name']}: a sidecar has none beside a hub")


def external_metrics(root):
    """name -> types, of the packs and of the ConfigMaps."""
    texts = [path.read_text() for path in sorted(root.glob("rules/*/preset.yml"))]
    for path in sorted(root.glob("manifests/**/config-map.yaml")):
        texts += yaml.safe_load(path.read_text())["data"].values()
    known = {}
    for text in texts:
        for metric in yaml.safe_load(text).get("external_metrics", []):
            known.setdefault(metric["name"], set()).add(metric["type"])
    return known


def check_nodes(tree):
    """Where pods may run is said of labels that pods have; what the chart is given is what the components patch."""
    for path, document in tree.of("Deployment"):
        affinity = at(document, "spec.template.spec.affinity") or {}
        for kind in ("podAffinity", "podAntiAffinity"):
            for term in affinity.get(kind, {}).get("requiredDuringSchedulingIgnoredDuringExecution", []):
                if term["labelSelector"]["matchLabels"] not in BROUGHT.values():
                    tree.say(path, f"{kind} selects no pod")
    path = tree.root / "manifests/helm/trino-values.yaml"
    values = yaml.safe_load(path.read_text())
    folder = tree.root / "manifests/components"
    load = lambda name: yaml.safe_load((folder / name).read_text())["spec"]["template"]  # noqa: E731
    sidecar = load("trino/coordinator-sidecar.patch.yaml")
    coordinator, worker = load("trino-nodes/coordinator-nodes.patch.yaml"), load("trino-nodes/worker-nodes.patch.yaml")
    for key, given, wanted in (
            ("sidecarContainers.coordinator", values["sidecarContainers"]["coordinator"], sidecar["spec"]["containers"]),
            ("coordinator.labels", values["coordinator"]["labels"], sidecar["metadata"]["labels"]),
            ("coordinator.annotations", values["coordinator"]["annotations"], coordinator["metadata"]["annotations"]),
            ("coordinator.affinity", values["coordinator"]["affinity"], coordinator["spec"]["affinity"]),
            ("worker.affinity", values["worker"]["affinity"], worker["spec"]["affinity"]),
            ("worker.tolerations", values["worker"]["tolerations"], worker["spec"]["tolerations"]),
            ("worker.terminationGracePeriodSeconds", values["worker"]["terminationGracePeriodSeconds"],
             load("trino-workers/worker-shutdown.patch.yaml")["spec"]["terminationGracePeriodSeconds"])):
        if given != wanted:
            tree.say(path, f"{key} differs from what the components patch")
    grace = values["worker"]["gracefulShutdown"]
    if not grace["enabled"] or values["worker"]["terminationGracePeriodSeconds"] < 2 * grace["gracePeriodSeconds"]:
        tree.say(path, "terminationGracePeriodSeconds is below two graces of a worker")
    if values["server"]["autoscaling"]["enabled"] or values["server"]["keda"]["enabled"]:
        tree.say(path, "two autoscalers would own the workers")


def check_autoscalers(tree):
    known = external_metrics(tree.root)
    for path, document in tree.of("HorizontalPodAutoscaler"):
        spec = document["spec"]
        if (document["metadata"]["namespace"], spec["scaleTargetRef"]["name"]) not in BROUGHT:
            tree.say(path, f"scales '{spec['scaleTargetRef']['name']}', which no manifest knows")
        if spec.get("minReplicas", 1) > spec["maxReplicas"]:
            tree.say(path, "minReplicas is above maxReplicas")
        for direction in ("scaleUp", "scaleDown"):
            if not at(spec, f"behavior.{direction}.policies"):
                tree.say(path, f"behavior.{direction} has no policies")
        for metric in spec["metrics"]:
            if metric["type"] != "External":
                continue
            name, target = metric["external"]["metric"]["name"], at(metric, "external.target") or {}
            field = {"AverageValue": "averageValue", "Value": "value"}.get(target.get("type"))
            if field is None or not isinstance(target.get(field), str):
                tree.say(path, f"target {target}: a type and its value as text")
            if target.get("type") not in known.get(name, set()):
                tree.say(path, f"no pack and no ConfigMap has '{name}' as {target.get('type')}")
            slow = all(p["periodSeconds"] >= SLOW for p in at(spec, "behavior.scaleUp.policies") or [])
            if target.get("type") == "Value" and not slow:
                tree.say(path, f"'{name}' multiplies the replicas: a step out in less than {SLOW} s counts the last one twice")
        window = at(spec, "behavior.scaleDown.stabilizationWindowSeconds")
        cooled = {m["external"]["metric"]["name"] for m in spec["metrics"] if m["type"] == "External"} <= COOLED
        if window is None or (window < 300 and not cooled):
            tree.say(path, f"scaleDown.stabilizationWindowSeconds is {window}: a cool-down is 300 s at least")
    for path, document in tree.of("ScaledObject"):
        if (document["metadata"]["namespace"], document["spec"]["scaleTargetRef"]["name"]) not in BROUGHT:
            tree.say(path, f"scales '{document['spec']['scaleTargetRef']['name']}', which no manifest knows")
        services = {f"{d['metadata']['name']}.{d['metadata']['namespace']}.svc:{port['port']}"
                    for _, d in tree.of("Service") for port in d["spec"]["ports"]}
        for trigger in document["spec"]["triggers"]:
            check_trigger(tree, path, trigger, services, known)


def check_trigger(tree, path, trigger, services, known):
    metadata = trigger["metadata"]
    url = metadata.get("url") or metadata.get("serverAddress") or ""
    scheme, _, rest = url.partition("://")
    if scheme != "http" or rest.partition("/")[0] not in services:
        tree.say(path, f"no Service answers '{url}'")
    for field, value in metadata.items():
        if not isinstance(value, str):
            tree.say(path, f"trigger metadata is text, '{field}' is {value!r}")
    if trigger["type"] == "prometheus":
        if metadata.get("ignoreNullValues") != "false":
            tree.say(path, "without ignoreNullValues: \"false\" an engine that is gone reads as 0")
    elif trigger["type"] == "metrics-api":
        match = re.fullmatch(r"/api/v1/external/([^/]+)/([^/?]+)", "/" + rest.partition("/")[2])
        if not match or trigger["metricType"] not in known.get(match[2], set()):
            tree.say(path, f"no pack and no ConfigMap has '{match and match[2]}' as {trigger['metricType']}")
    else:
        tree.say(path, f"trigger type '{trigger['type']}'")


def check_copies(tree):
    """Configurations and rules that are there twice are equal."""
    manifests = tree.root / "manifests"
    preset = yaml.safe_load((tree.root / "rules/trino/preset.yml").read_text())
    preset["scrape_configs"][0]["static_configs"][0]["targets"] = ["localhost:8080"]
    path = manifests / "components/standalone/config-map.yaml"
    config = yaml.safe_load(yaml.safe_load(path.read_text())["data"]["plimsoll.yml"])
    if set(config) != set(preset):
        tree.say(path, f"other sections than the preset: {sorted(set(config) ^ set(preset))}")
    for section in sorted(set(config) & set(preset)):
        same = set(config[section]) == set(preset[section]) if section == "params" else config[section] == preset[section]
        if not same:
            tree.say(path, f"`{section}` differs from rules/trino/preset.yml")
    pravega = yaml.safe_load((tree.root / "rules/pravega/preset.yml").read_text())
    path = manifests / "components/pravega/config-map.yaml"
    config = yaml.safe_load(yaml.safe_load(path.read_text())["data"]["plimsoll.yml"])
    for section in sorted(set(pravega) - {"scrape_configs"}):  # targets and streams are the user's
        if config.get(section) != pravega[section]:
            tree.say(path, f"`{section}` differs from rules/pravega/preset.yml")
    text = lambda name: yaml.safe_load((manifests / name).read_text())["data"]["plimsoll.yml"]  # noqa: E731
    wide = "components/all-namespaces/config-map.patch.yaml"
    if text(wide) != re.sub(r"namespaces: \{names: \[.*\]\}", 'namespaces: {names: ["*"]}', text("base/config-map.yaml")):
        tree.say(manifests / wide, "differs from base/config-map.yaml by more than the namespaces")
    rules = yaml.safe_load((manifests / "alerts/plimsoll.rules.yml").read_text())
    rule = manifests / "alerts/prometheus-rule.yaml"
    if yaml.safe_load(rule.read_text())["spec"] != rules:
        tree.say(rule, "differs from plimsoll.rules.yml")


def kubectl_knows_components():
    """Before 1.21 kubectl has a kustomize of 2019."""
    if not shutil.which("kubectl"):
        return False
    told = subprocess.run(["kubectl", "version", "--client", "--output=json"], capture_output=True, text=True, check=False).stdout
    match = re.search(r'"gitVersion": "v(\d+)\.(\d+)', told)
    return bool(match) and (int(match[1]), int(match[2])) >= (1, 21)


def check_with_tools(tree):
    """What others' programs say, where they are installed."""

    def run(path, *command):
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            tree.say(path, f"{' '.join(command[:3])}: {(ended.stdout + ended.stderr).strip()}")

    alerts = tree.root / "manifests/alerts"
    if shutil.which("promtool"):
        run(alerts / "plimsoll.rules.yml", "promtool", "check", "rules", str(alerts / "plimsoll.rules.yml"))
        run(alerts / "plimsoll.test.yml", "promtool", "test", "rules", str(alerts / "plimsoll.test.yml"))
    if kubectl_knows_components():
        for folders in TOPOLOGIES:
            with tempfile.TemporaryDirectory() as folder:
                there = pathlib.Path(folder)
                shutil.copytree(tree.root / "manifests", there / "manifests")
                brought = [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": namespace, "name": name},
                            "spec": {"template": {"spec": {"containers": [{"name": name, "image": "engine"}]}}}}
                           for namespace, name in BROUGHT]
                (there / "brought.yaml").write_text(yaml.safe_dump_all(brought))
                whole = {"resources": ["brought.yaml"], "components": []}
                for name in folders:
                    whole["resources" if name == "base" else "components"].append("manifests/" + name)
                (there / "kustomization.yaml").write_text(yaml.safe_dump(whole))
                run(tree.root / "manifests" / folders[-1], "kubectl", "kustomize", folder)


def problems(root, tools=False):
    tree = Tree(root)
    check_required(tree)
    if not tree.found:  # the rest relies on whole objects
        for check in (check_kustomizations, check_pods, check_services, check_selectors, check_roles, check_nodes,
                      check_autoscalers, check_copies):
            check(tree)
    if tools:
        check_with_tools(tree)
    return tree.found


def self_test(root):
    """Each kind of mistake is found in a copy of the tree."""
    standalone, components = "components/standalone/", "components/"
    mistakes = [
        (standalone + "service.yaml", "spec:", "specification:", "spec.selector is missing"),
        (standalone + "service.yaml", "publishNotReadyAddresses: true", "publishNotReadyAddresses: false", "publishNotReadyAddresses"),
        (standalone + "service.yaml", "targetPort: plimsoll-https", "targetPort: https", "targetPort 'https'"),
        (standalone + "pod-monitor.yaml", "component: coordinator", "component: worker", "selects no pod"),
        (standalone + "api-service.yaml", "name: plimsoll,", "name: other,", "no Service trino/other"),
        (standalone + "auth-reader.yaml", "authentication-reader}", "reader}", "no role"),
        (standalone + "horizontal-pod-autoscaler.yaml", "name: trino-worker}", "name: worker}", "no manifest knows"),
        (standalone + "coordinator-sidecar.patch.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"),
        (standalone + "coordinator-sidecar.patch.yaml", "livenessProbe", "readinessProbe", "readiness probe"),
        (standalone + "coordinator-sidecar.patch.yaml", "--secure-port=6443", "--secure-port=7443", "no port of the container"),
        (standalone + "config-map.yaml", "scrape_interval: 15s", "scrape_interval: 16s", "`global` differs"),
        (standalone + "kustomization.yaml", "  - service.yaml\n", "", "does not name 'service.yaml'"),
        (standalone + "kustomization.yaml", "../trino-workers", "../workers", "names '../workers', which is not there"),
        ("base/kustomization.yaml", "  - secret.yaml\n", "  - secret.yaml\n  - gone.yaml\n", "names 'gone.yaml'"),
        ("base/discovery-role.yaml", "verbs: [list, watch]", 'verbs: ["*"]', "a wildcard in verbs"),
        ("base/discovery-role.yaml", "verbs: [list, watch]", "verbs: [list, patch]", "patch without resourceNames"),
        ("base/certificates-role.yaml", "    resourceNames: [plimsoll-serving-cert]\n", "", "every Secret may be read"),
        (components + "trino/discovery-binding.yaml", "name: plimsoll, namespace: plimsoll", "name: trino, namespace: trino",
         "a sidecar has none"),
        (components + "pravega/config-map.yaml", "hold: 1h", "hold: 2h", "`external_metrics` differs"),
        (components + "pravega/discovery-binding.yaml", "name: plimsoll-pravega-discovery", "name: plimsoll-discovery", "is there twice"),
        (components + "cert-manager/no-secret.patch.yaml", "name: plimsoll-serving-cert", "name: other", "patches Secret"),
        (components + "trino/coordinator-sidecar.patch.yaml", "--engine=trino", "--engine=nobody", "there is no pack 'nobody'"),
        (components + "trino/coordinator-sidecar.patch.yaml", "--target=", "--targets=", "has no flag '--targets'"),
        (components + "trino/coordinator-sidecar.patch.yaml", "seccompProfile: {type: RuntimeDefault}", "seccompProfile: {type: None}",
         "seccompProfile"),
        (standalone + "coordinator-sidecar.patch.yaml", "configMap: {name: plimsoll}", "configMap: {name: other}", "no ConfigMap"),
        ("pod-templates/spark-driver.yaml", "restartPolicy: Always", "restartPolicy: Never", "does not restart"),
        ("pod-templates/spark-driver.yaml", "--engine=spark", "--engine=nobody", "there is no pack 'nobody'"),
        (components + "all-namespaces/config-map.patch.yaml", "scrape_interval: 5s", "scrape_interval: 6s", "by more than"),
        ("base/deployment.yaml", "requests: {cpu: 50m, memory: 48Mi}", "requests: {cpu: 50m}", "resources.requests.memory"),
        ("base/network-policy.yaml", "{port: plimsoll-http,", "{port: other,", "port 'other'"),
        ("base/network-policy.yaml", "      ports:\n        - {port: https, protocol: TCP}\n", "", "opens everything"),
        ("network-policy/trino.yaml", "endPort: 7545", "endPort: 7546", "port 7546 of ours is open to everybody"),
        (components + "trino/coordinator-sidecar.patch.yaml", "--storage.max-bytes=64MB", "--secure-port=0", "keeps up to 256 MiB"),
        (components + "trino/coordinator-sidecar.patch.yaml", "--storage.max-bytes=64MB", "--storage.max-bytes=64MB\n            - --web.config.file=w",
         "the livenessProbe is a tcpSocket"),
        ("base/pod-disruption-budget.yaml", "component: hub", "component: club", "selects no pod"),
        ("hpa/trino-worker.yaml", "name: trino-workers-for-queue", "name: nobody", "has 'nobody' as AverageValue"),
        ("hpa/trino-worker.yaml", 'type: AverageValue, averageValue: "1"', 'type: Value, value: "1"', "as Value"),
        ("hpa/trino-worker-by-memory.yaml", "periodSeconds: 120", "periodSeconds: 60", "multiplies the replicas"),
        ("hpa/trino-worker-by-queries.yaml", "stabilizationWindowSeconds: 300", "stabilizationWindowSeconds: 60", "a cool-down is 300 s"),
        (components + "trino-nodes/worker-nodes.patch.yaml", "component: coordinator", "component: other", "podAffinity selects no pod"),
        ("helm/trino-values.yaml", "--target=localhost:8080", "--target=localhost:8081", "sidecarContainers.coordinator differs"),
        ("helm/trino-values.yaml", "gracePeriodSeconds: 60}", "gracePeriodSeconds: 400}", "below two graces"),
        ("helm/trino-values.yaml", "keda: {enabled: false}", "keda: {enabled: true}", "two autoscalers"),
        (standalone + "pod-monitor.yaml", "honorLabels: false", "honorLabels: true", "another namespace"),
        ("keda/scaled-object-prometheus.yaml", 'ignoreNullValues: "false"', 'ignoreNullValues: "true"', "reads as 0"),
        ("keda/scaled-object-json.yaml", "trino-workers-for-queue", "nobody", "has 'nobody'"),
        ("keda/scaled-object-json.yaml", "plimsoll-ops.trino.svc", "other.trino.svc", "no Service answers"),
        ("alerts/plimsoll.rules.yml", "severity: warning", "severity: page", "differs from plimsoll.rules.yml"),
    ]
    for file, right, wrong, expected in mistakes:
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder)
            for part in ("manifests", "rules"):
                shutil.copytree(root / part, copy / part)
            (copy / "exporter/app").mkdir(parents=True)
            shutil.copy(root / "exporter/app/options.cc", copy / "exporter/app/options.cc")
            path = copy / "manifests" / file
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
    found = problems(root, tools=True)
    print("\n".join(found) or "manifests agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
