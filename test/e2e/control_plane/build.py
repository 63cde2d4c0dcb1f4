# SPDX-License-Identifier: Apache-2.0
"""Builds the control plane from published Go modules into .cache/control-plane; what is built already is skipped.

go/MODULE pins the versions, with checksums. A first build takes some eleven minutes of processor time, an adapter of
others (adapter, prometheus) half as much again: it is built for those who name it.
usage: build.py [MODULE...]
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
CACHE = os.path.join(ROOT, ".cache", "control-plane")
KUBERNETES = "k8s.io/kubernetes"
# Module folder, and the programs that are built of it.
MODULES = {
    "etcd": {"etcd": "go.etcd.io/etcd/server/v3"},
    "kubernetes": {name: f"{KUBERNETES}/cmd/{name}" for name in ("kube-apiserver", "kube-controller-manager", "kubectl")},
}
# Other people's adapters, and what they read from.
ADAPTERS = {
    "adapter": {"prometheus-adapter": "sigs.k8s.io/prometheus-adapter/cmd/adapter"},
    "prometheus": {"prometheus": "github.com/prometheus/prometheus/cmd/prometheus"},
}
TAGS = {"prometheus": ["-tags=remove_all_sd"]}  # static targets are enough
# Custom resources that the manifests use, and where their modules keep them.
RESOURCES = {
    "github.com/cert-manager/cert-manager": [f"deploy/crds/cert-manager.io_{name}.yaml" for name in ("certificates", "issuers")],
    "github.com/kedacore/keda/v2": [f"config/crd/bases/{name}.yaml" for name in (
        "eventing.keda.sh_cloudeventsources", "eventing.keda.sh_clustercloudeventsources", "keda.sh_clustertriggerauthentications",
        "keda.sh_scaledjobs", "keda.sh_scaledobjects", "keda.sh_triggerauthentications")],
    "github.com/prometheus-operator/prometheus-operator": [
        f"example/prometheus-operator-crd/monitoring.coreos.com_{name}.yaml" for name in ("podmonitors", "prometheusrules")],
}


def run(command, **options):
    print("+ " + " ".join(command), flush=True)
    return subprocess.run(command, check=True, **options)


def environment():
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false " + os.environ.get("GOFLAGS", "")}


def text(*path):
    with open(os.path.join(*path), encoding="utf-8") as source:
        return source.read()


def stamp_of(module):
    """What a build is of: another text means that it has to be built again."""
    folder = os.path.join(HERE, "go", module)
    compiler = subprocess.run(["go", "env", "GOVERSION"], cwd=folder, env=environment(), capture_output=True, text=True, check=True).stdout
    parts = [compiler, text(folder, "go.mod"), text(folder, "go.sum"), version_flags(folder)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def version_flags(folder):
    """Kubernetes asks its own version of variables that its release build sets."""
    version = re.search(rf"{KUBERNETES} (v1\.(\d+)\.\d+)", text(folder, "go.mod"))
    flags = ["-s", "-w"]
    if version:
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
            flags += [f"-X={package}.gitVersion={version[1]}", f"-X={package}.gitMajor=1", f"-X={package}.gitMinor={version[2]}"]
    return " ".join(flags)


def build(module):
    folder = os.path.join(HERE, "go", module)
    stamp = stamp_of(module)
    for name, package in {**MODULES, **ADAPTERS}[module].items():
        program = os.path.join(CACHE, name)
        stamp_file = program + ".stamp"
        if os.path.exists(program) and os.path.exists(stamp_file) and text(stamp_file) == stamp:
            continue
        start = time.monotonic()
        run(["go", "build", "-trimpath", *TAGS.get(module, []), "-ldflags", version_flags(folder), "-o", program, package],
            cwd=folder, env=environment())
        with open(stamp_file, "w", encoding="utf-8") as out:
            out.write(stamp)
        print(f"built {name} in {time.monotonic() - start:.0f} s", flush=True)


def fetch_resources():
    """The definitions, in a folder for each module: crds/prometheus-operator/..."""
    folder = os.path.join(HERE, "go", "resources")
    for module, files in RESOURCES.items():
        into = os.path.join(CACHE, "crds", module.split("/")[2])
        os.makedirs(into, exist_ok=True)
        if all(os.path.exists(os.path.join(into, os.path.basename(file))) for file in files):
            continue
        told = run(["go", "mod", "download", "-json", module], cwd=folder, env=environment(), capture_output=True, text=True)
        for file in files:
            shutil.copyfile(os.path.join(json.loads(told.stdout)["Dir"], file), os.path.join(into, os.path.basename(file)))


def main(names=()):
    os.makedirs(CACHE, exist_ok=True)
    for module in names or MODULES:
        build(module)
    fetch_resources()


if __name__ == "__main__":
    main(sys.argv[1:])
