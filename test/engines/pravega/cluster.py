# SPDX-License-Identifier: Apache-2.0
"""A small Pravega on loopback: a standalone one and a client.

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

STARTS_WITHIN = 180
OPENED = ["java.lang", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util", "java.util.concurrent", "sun.nio.ch"]
LOGGING = """<configuration><appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder>
<pattern>%d %-5level %logger{20} %msg%n</pattern></encoder></appender>
<root level="WARN"><appender-ref ref="OUT"/></root><logger name="io.pravega.local" level="INFO"/></configuration>
"""


def find_java():
    """Returns: the program `java` of a JDK 11 to 17; None when there is none."""
    for home in [os.environ.get("JAVA_HOME", "-"), *sorted(glob.glob("/usr/lib/jvm/*"))]:
        try:
            with open(os.path.join(home, "release"), encoding="utf-8") as release:
                major = int(re.search(r'JAVA_VERSION="(\d+)', release.read()).group(1))
        except (OSError, AttributeError):
            continue
        if 11 <= major <= 17 and os.path.exists(os.path.join(home, "bin", "javac")):
            return os.path.join(home, "bin", "java")
    return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(port, path, timeout=10, method="GET", body=None):
    """Returns: status and body; raises OSError or HTTPException when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    finally:
        connection.close()


class Cluster:
    def __init__(self, home, folder, java):
        self.home, self.folder, self.java = home, folder, java
        self.rest, self.second_rest = free_port(), free_port()  # nobody ever listens on the second
        self.processes, self.client = {}, None
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "logback.xml"), "w", encoding="utf-8") as out:
            out.write(LOGGING)

    def command(self, heap, main, *flags):
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
        classes = os.path.join(self.home, "classes") + ":" + os.path.join(self.home, "lib", "*")
        return [self.java, f"-Xmx{heap}", "-XX:MaxDirectMemorySize=512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *opened,
                "-Dio.netty.tryReflectionSetAccessible=true", f"-Dlogback.configurationFile={self.folder}/logback.xml", *flags,
                "-cp", classes, main]

    def log(self, name):
        return os.path.join(self.folder, name + ".log")

    def start(self, name, command):
        with open(self.log(name), "wb") as log:
            self.processes[name] = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start_standalone(self):
        self.rpc, zookeeper, store = free_port(), free_port(), free_port()
        lines = {"zk.port": zookeeper, "segmentStore.port": store, "controller.rpc.port": self.rpc,
                 "controller.rest.port": self.rest, "admin.gateway.enable": "false", "metrics.enable": "true",
                 "metrics.prometheus.enable": "true", "security.auth.enable": "false", "security.tls.enable": "false"}
        path = os.path.join(self.folder, "standalone.properties")
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(f"singlenode.{key}={value}\n" for key, value in lines.items())
        self.start("standalone", self.command("1g", "io.pravega.local.LocalPravegaEmulator",
                                              f"-Dsinglenode.configurationFile={path}"))
        self.wait(lambda: self.answers(self.rest), "the controller to answer")
        self.client = subprocess.Popen(self.command("256m", "Streams") + [f"tcp://127.0.0.1:{self.rpc}"], text=True, bufsize=1,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    @staticmethod
    def answers(port):
        """Whether it can say something that lies in a segment store."""
        try:
            return fetch(port, "/v1/scopes/_system/streams", timeout=5)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def ask(self, *words):
        """One line to the client; its answer."""
        self.client.stdin.write(" ".join(map(str, words)) + "\n")
        for line in self.client.stdout:
            if line.startswith("= "):
                return line[2:].strip()
        raise RuntimeError("the client is gone")

    def create(self, scope, stream, segments):
        fetch(self.rest, "/v1/scopes", method="POST", body={"scopeName": scope})
        status, text = fetch(self.rest, f"/v1/scopes/{scope}/streams", method="POST", body={
            "streamName": stream, "scalingPolicy": {"type": "FIXED_NUM_SEGMENTS", "minSegments": segments}})
        if status != 201:
            raise RuntimeError(f"creating {scope}/{stream}: {status} {text}")

    def delete(self, scope, stream):
        path = f"/v1/scopes/{scope}/streams/{stream}"
        fetch(self.rest, path + "/state", method="PUT", body={"streamState": "SEALED"})
        status, text = fetch(self.rest, path, method="DELETE")
        if status != 204:
            raise RuntimeError(f"deleting {scope}/{stream}: {status} {text}")

    def gauges(self, port=None):
        """The controllers' own count, by "scope/stream", internal ones included."""
        page = fetch(port or self.rest, "/prometheus")[1]
        found = re.findall(r'^pravega_controller_segments_count\{.*?scope="([^"]*)",stream="([^"]*)".*?\} (\S+)$', page, re.M)
        return {f"{scope}/{stream}": float(value) for scope, stream, value in found}

    def cpu_seconds(self, name):
        with open(f"/proc/{self.processes[name].pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self, name):
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def close_client(self):
        if self.client is not None:
            self.client.kill()
            self.client.wait()
            self.client = None

    def stop(self):
        self.close_client()
        for name in list(self.processes):
            self.kill(name)

    def wait(self, condition, what, seconds=STARTS_WITHIN):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} left: see {self.log(name)}")
            if condition():
                return
            time.sleep(0.25)
        raise RuntimeError(f"waited {seconds} s for {what}")
