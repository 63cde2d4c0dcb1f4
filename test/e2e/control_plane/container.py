# SPDX-License-Identifier: Apache-2.0
"""One container as its pod describes it: our binary with its arguments, its volumes at their paths, its user.

It sees a root of its own in which only its volumes can be written. All pods share one network, so an address of
all interfaces becomes the pod's.
"""
import os
import shlex
import signal
import subprocess

from cluster import ADDRESS, PORT
from harness import BINARY, ROOT
from volumes import field

NOBODY = 65534


def _script(root, container, volumes, user):
    """A shell script that makes the root and becomes the program."""
    lines = [f"mount -t tmpfs -o size=16m,mode=755 tmpfs {root}", f"cd {root}",
             "mkdir usr dev proc etc", "mount --rbind /usr usr", "mount --rbind /dev dev", "mount --rbind /proc proc",
             "for link in bin lib lib64 sbin; do ln -s usr/$link $link; done",
             "echo '127.0.0.1 localhost' >etc/hosts", "echo 'hosts: files' >etc/nsswitch.conf",
             f"touch plimsoll && mount --bind {shlex.quote(os.path.abspath(os.path.join(ROOT, BINARY)))} plimsoll"]
    for mount in container.get("volumeMounts", []):
        source = volumes.path(mount["name"])
        if mount.get("subPath"):
            source = os.path.join(source, mount["subPath"])
        inside = shlex.quote(mount["mountPath"].strip("/"))
        lines += [f"mkdir -p {inside}", f"mount --bind {shlex.quote(source)} {inside}"]
        if mount.get("readOnly"):
            lines.append(f"mount -o remount,bind,ro {inside}")
    if container.get("securityContext", {}).get("readOnlyRootFilesystem"):
        lines.append(f"mount -o remount,ro {root}")
    lines.append(f'exec chroot {root} setpriv --reuid={user} --regid={user} --clear-groups --no-new-privs '
                 '--bounding-set=-all --inh-caps=-all /plimsoll "$@"')
    return "\n".join(lines)


def user_of(pod, container):
    for context in (container.get("securityContext", {}), pod["spec"].get("securityContext", {})):
        if "runAsUser" in context:
            return context["runAsUser"]
    return NOBODY


class Container:
    """A started container; start() again after it has left is a restart."""

    def __init__(self, pod, container, volumes, address, folder, log):
        self.pod, self.container, self.volumes, self.address = pod, container, volumes, address
        self.root, self.log = os.path.join(folder, "root-" + container["name"]), log
        os.makedirs(self.root, exist_ok=True)
        self.restarts = -1
        self.stopping = False
        self.start()

    def arguments(self):
        given = [argument.replace("0.0.0.0:", self.address + ":") for argument in self.container.get("args", [])]
        named = [argument.replace("$(POD_IP)", self.address) for argument in given]
        if any(argument.startswith("--secure-port") for argument in named) and not any(
                argument.startswith("--bind-address") for argument in named):
            named.append("--bind-address=" + self.address)
        return named

    def environment(self):
        values = {"KUBERNETES_SERVICE_HOST": ADDRESS, "KUBERNETES_SERVICE_PORT": str(PORT), "PATH": "/usr/sbin:/usr/bin"}
        values.update({name: os.environ[name] for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ})
        for entry in self.container.get("env", []):
            if "value" in entry:
                values[entry["name"]] = entry["value"]
            else:
                values[entry["name"]] = field(self.pod, entry["valueFrom"]["fieldRef"]["fieldPath"])
        return values

    def start(self):
        user = user_of(self.pod, self.container)
        script = _script(self.root, self.container, self.volumes, user)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", *self.arguments()],
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self.environment())
        self.restarts += 1

    def stop(self, grace):
        """As kubelet: SIGTERM, then SIGKILL when the grace is over."""
        self.stopping = True
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=grace)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.wait()

    def kill(self):
        self.process.kill()
