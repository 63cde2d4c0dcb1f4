# SPDX-License-Identifier: Apache-2.0
"""A process seen from outside: its CPU time and memory, and ports for what is started."""
import os
import socket

TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    """User and system time in seconds, over all threads, in steps of 10 ms."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident(pid, field="VmRSS"):
    """MiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


def forget_peak(pid):
    """From here on VmHWM is the most that is resident from now on."""
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as clear:
        clear.write("5")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
