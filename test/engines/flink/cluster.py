# SPDX-License-Identifier: Apache-2.0
"""A small Flink cluster on loopback: its processes, and the load that arrives.

A process is stopped by the object that started it, and by nothing else. What it writes lies in a folder of the run.
"""
import glob
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time

STARTS_WITHIN = 240
MAIN = {
    "application": "org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint",
    "session": "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
    "taskmanager": "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
}
OPENED = ["lang", "lang.reflect", "net", "io", "nio", "text", "time", "util", "util.concurrent", "util.concurrent.atomic",
          "util.concurrent.locks"]
EXPORTED = ["java.base/sun.net.util", "java.rmi/sun.rmi.registry", "java.security.jgss/sun.security.krb5"]


def find_java():
    """Returns: the program `java` of a JDK 17; None when there is none."""
    for home in [os.environ.get("JAVA_HOME", "-"), *sorted(glob.glob("/usr/lib/jvm/*"))]:
        try:
            with open(os.path.join(home, "release"), encoding="utf-8") as release:
                major = int(re.search(r'JAVA_VERSION="(\d+)', release.read()).group(1))
        except (OSError, AttributeError):
            continue
        if 17 <= major <= 21 and os.path.exists(os.path.join(home, "bin", "javac")):
            return os.path.join(home, "bin", "java")
    return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(port, path, timeout=10):
    """Returns: status and body; raises OSError or HTTPException when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    finally:
        connection.close()


class Cluster:
    """`mode` is application (a reactive cluster of one job) or session."""

    def __init__(self, home, folder, java, mode, slots):
        self.home, self.folder, self.java, self.mode, self.slots = home, folder, java, mode, slots
        self.rest, self.rpc = free_port(), free_port()
        self.processes = {}
        os.makedirs(os.path.join(folder, "checkpoints"), exist_ok=True)
        self.arrivals = os.path.join(folder, "arrivals")
        self.rate(0)

    def rate(self, per_second):
        """Records that arrive from now on; what has arrived before stays."""
        now, count = time.time(), self.arrived()
        with open(self.arrivals + ".new", "w", encoding="utf-8") as out:
            out.write(f"{int(now * 1000)} {count} {per_second}\n")
        os.replace(self.arrivals + ".new", self.arrivals)

    def arrived(self):
        try:
            with open(self.arrivals, encoding="utf-8") as line:
                since, count, per_second = (int(word) for word in line.read().split())
        except OSError:
            return 0
        return count + int(max(0, time.time() * 1000 - since) * per_second / 1000)

    def write_config(self, name):
        folder = os.path.join(self.folder, name, "conf")
        os.makedirs(os.path.join(folder, "..", "tmp"), exist_ok=True)
        os.makedirs(folder, exist_ok=True)
        lines = {
            "jobmanager.rpc.address": "127.0.0.1", "jobmanager.rpc.port": self.rpc, "jobmanager.bind-host": "127.0.0.1",
            "jobmanager.memory.process.size": "700m", "rest.address": "127.0.0.1", "rest.bind-address": "127.0.0.1",
            "rest.port": self.rest, "taskmanager.host": "127.0.0.1", "taskmanager.bind-host": "127.0.0.1",
            "taskmanager.resource-id": name, "taskmanager.numberOfTaskSlots": self.slots, "taskmanager.cpu.cores": 1,
            "taskmanager.memory.framework.heap.size": "64m", "taskmanager.memory.framework.off-heap.size": "64m",
            "taskmanager.memory.task.heap.size": "128m", "taskmanager.memory.task.off-heap.size": "0m",
            "taskmanager.memory.network.min": "32m", "taskmanager.memory.network.max": "32m",
            "taskmanager.memory.managed.size": "32m", "taskmanager.memory.jvm-metaspace.size": "128m",
            "taskmanager.memory.jvm-overhead.min": "64m", "taskmanager.memory.jvm-overhead.max": "64m",
            # Small buffers: what waits shall wait in the log and not in the network.
            "taskmanager.memory.segment-size": "4kb", "taskmanager.network.memory.buffers-per-channel": 1,
            "taskmanager.network.memory.floating-buffers-per-gate": 1,
            "io.tmp.dirs": os.path.join(self.folder, name, "tmp"),
            "execution.checkpointing.dir": "file://" + os.path.join(self.folder, "checkpoints"),
        }
        if self.mode == "application":
            lines["scheduler-mode"] = "reactive"
        with open(os.path.join(folder, "config.yaml"), "w", encoding="utf-8") as out:
            out.writelines(f"{key}: {value}\n" for key, value in lines.items())
        with open(os.path.join(folder, "log4j.properties"), "w", encoding="utf-8") as out:
            out.write("rootLogger.level = INFO\nrootLogger.appenderRef.out.ref = Out\nappender.out.name = Out\n"
                      "appender.out.type = CONSOLE\nappender.out.layout.type = PatternLayout\n"
                      "appender.out.layout.pattern = %d{ISO8601} %-5p %c{1} - %m%n\n")
        return folder

    def command(self, folder, heap, main, *arguments):
        opened = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in OPENED]
        opened.append("--add-opens=java.base/sun.nio.ch=ALL-UNNAMED")
        exported = [f"--add-exports={package}=ALL-UNNAMED" for package in EXPORTED]
        return [self.java, f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *opened, *exported,
                f"-Dlog4j.configurationFile=file:{folder}/log4j.properties", "-cp",
                os.path.join(self.home, "job.jar") + ":" + os.path.join(self.home, "lib", "*"), main, *arguments]

    def start(self, name, role, *arguments):
        folder = self.write_config(name)
        command = self.command(folder, "320M", MAIN[role], "--configDir", folder, *arguments)
        with open(os.path.join(self.folder, name, "log"), "ab") as log:
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                    env={**os.environ, "FLINK_CONF_DIR": folder})

    def start_jobmanager(self, pause_ms=5):
        job = ["--job-classname", "LoadJob", self.arrivals, str(pause_ms), "load"] if self.mode == "application" else []
        self.start("jobmanager", self.mode, *job)
        self.wait(lambda: self.get("/overview") is not None, "the JobManager to answer")

    def submit(self, name, parallelism, pause_ms=5):
        folder = os.path.join(self.folder, "jobmanager", "conf")
        command = self.command(folder, "256M", "org.apache.flink.client.cli.CliFrontend", "run", "-d", "-p", str(parallelism),
                               "-c", "LoadJob", os.path.join(self.home, "job.jar"), self.arrivals, str(pause_ms), name)
        with open(os.path.join(self.folder, "submit.log"), "ab") as log:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True, timeout=120,
                           env={**os.environ, "FLINK_CONF_DIR": folder})

    def kill(self, name, number=signal.SIGTERM):
        process = self.processes.pop(name)
        process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop(self):
        for name in list(self.processes):
            self.kill(name, signal.SIGKILL)

    def get(self, path):
        """Returns: what the JobManager answers; None when it does not."""
        try:
            status, body = fetch(self.rest, path)
            return json.loads(body) if status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def job(self):
        """Returns: the first job as the list has it; {} when there is none."""
        jobs = (self.get("/jobs/overview") or {}).get("jobs", [])
        return jobs[0] if jobs else {}

    def wait(self, condition, what, seconds=STARTS_WITHIN):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} left: see {self.folder}/{name}/log")
            if condition():
                return
            time.sleep(0.25)
        raise RuntimeError(f"waited {seconds} s for {what}")
