# SPDX-License-Identifier: Apache-2.0
"""A network of its own for one control plane.

A test program starts itself again in new network, mount and process namespaces: there is loopback alone, every address
of 10.89.0.0/16 belongs to it, and what was started ends with it. kube-apiserver refuses endpoints on 127/8, and two
pods need two addresses; nothing outside is ever addressed.
"""
import os
import subprocess
import sys

INSIDE = "PLIMSOLL_CONTROL_PLANE_INSIDE"
SUBNET = "10.89"


def enter():
    """Returns inside the namespaces; outside the process becomes the one that waits, with whose end everything ends."""
    if os.environ.get(INSIDE):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "route", "add", "local", f"{SUBNET}.0.0/16", "dev", "lo"], check=True)
        return
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True)
    if tried.returncode:
        sys.exit(f"{' '.join(command)}: {tried.stderr.strip()}\n"
                 "The end-to-end tests need root and the right to make namespaces.")
    os.execvpe(command[0], [*command, sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
