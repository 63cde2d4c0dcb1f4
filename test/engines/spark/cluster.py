# SPDX-License-Identifier: Apache-2.0
"""A small standalone Spark cluster on loopback: its processes, and what its drivers are told to do.

A process, with the executors that it started, is stopped by the object that started it, and by nothing else. What it writes
lies in a folder of the run.
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
OPENED = ["lang", "lang.invoke", "lang.reflect", "io", "net", "nio", "util", "util.concurrent", "util.concurrent.atomic"]
PROPERTIES = """*.sink.prometheusServlet.class=org.apache.spark.metrics.sink.PrometheusServlet
*.sink.prometheusServlet.path=/metrics/prometheus
driver.source.jvm.class=org.apache.spark.metrics.source.JvmSource
"""
LOGGING = """rootLogger.level = info
rootLogger.appenderRef.stdout.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
"""


def find_java():
    """Returns: the program `java` of a JDK 17 to 21; None when there is none."""
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
    """Returns: status, content type and body; raises OSError or HTTPException when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type", ""), response.read().decode("utf-8", "replace")
    finally:
        connection.close()


class Cluster:
    def __init__(self, home, folder, java, scala):
        self.home, self.folder, self.java, self.scala = home, folder, java, scala
        self.rpc = free_port()
        self.ports = {}      # name of a process to its web port, kept when it is started again
        self.processes = {}
        os.makedirs(folder, exist_ok=True)
        for name, text in (("metrics.properties", PROPERTIES), ("log4j2.properties", LOGGING)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(text)

    def place(self, *parts):
        return os.path.join(self.folder, *parts)

    def start(self, name, heap, main, *arguments):
        os.makedirs(self.place(name, "told"), exist_ok=True)
        opened = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in OPENED]
        opened += [f"--add-opens=java.base/sun.{package}=ALL-UNNAMED" for package in ("nio.ch", "nio.cs", "security.action", "util.calendar")]
        command = [self.java, f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+IgnoreUnrecognizedVMOptions",
                   "--add-modules=jdk.incubator.vector", *opened, "-Djdk.reflect.useDirectMethodHandle=false",
                   f"-Dspark.metrics.conf={self.place('metrics.properties')}",
                   f"-Dlog4j2.configurationFile=file:{self.place('log4j2.properties')}", "-Dspark.decommission.enabled=true",
                   "-Dspark.worker.timeout=20", "-cp", os.path.join(self.home, "jars", "*"), main, *arguments]
        environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": self.home, "SPARK_NO_DAEMONIZE": "1",
                       "SPARK_SCALA_VERSION": self.scala, "JAVA_HOME": os.path.dirname(os.path.dirname(self.java))}
        with open(self.place(name, "log"), "ab") as log:
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.place(name),
                                                    env=environment, start_new_session=True)
        self.wait(lambda: self.answers(name), f"{name} to answer")

    def port(self, name):
        return self.ports.setdefault(name, free_port())

    def start_master(self):
        self.start("master", "300M", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(self.rpc),
                   "--webui-port", str(self.port("master")))

    def start_worker(self, name):
        self.start(name, "300M", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "700m",
                   "--webui-port", str(self.port(name)), "--work-dir", self.place(name, "work"), f"spark://127.0.0.1:{self.rpc}")

    def start_driver(self, name, **settings):
        """`settings` have _ for the dots behind "spark."."""
        conf = {"app.name": f"load of {name}", "ui.port": self.port(name), "driver.host": "127.0.0.1", "driver.bindAddress": "127.0.0.1",
                "ui.prometheus.enabled": "true", "executor.memory": "512m", "executor.cores": 1,
                "metrics.conf": self.place("metrics.properties"), "decommission.enabled": "true",
                "executor.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
                **{key.replace("_", "."): value for key, value in settings.items()}}
        arguments = [word for key, value in conf.items() for word in ("--conf", f"spark.{key}={value}")]
        os.makedirs(self.place(name), exist_ok=True)
        with open(self.place(name, "commands"), "w", encoding="utf-8"):
            pass
        self.start(name, "600M", "org.apache.spark.deploy.SparkSubmit", "--master", f"spark://127.0.0.1:{self.rpc}", "--deploy-mode",
                   "client", *arguments, "--class", "LoadDriver", os.path.join(self.home, "driver.jar"), self.place(name, "commands"),
                   self.place(name, "told"))

    def tell(self, name, line):
        with open(self.place(name, "commands"), "a", encoding="utf-8") as out:
            out.write(line + "\n")

    def done(self, name, job):
        """Tasks of a job that have ended at least once: they left a file."""
        return len(glob.glob(self.place(name, "told", job + "-*")))

    def executors(self, name):
        """As Spark's own status tracker says in the driver."""
        try:
            with open(self.place(name, "told", "executors"), encoding="utf-8") as told:
                return int(told.read())
        except (OSError, ValueError):
            return None

    def alive(self, name):
        return name in self.processes and self.processes[name].poll() is None

    def answers(self, name):
        path = "/api/v1/applications" if name.startswith("driver") else "/json/"
        answer = self.get(name, path)
        return answer is not None and answer != []

    def get(self, name, path):
        """Returns: the JSON that a process answers; None when it does not."""
        try:
            status, _, body = fetch(self.ports[name], path)
            return json.loads(body) if status == 200 else None
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return None

    def signal(self, name, number):
        self.processes[name].send_signal(number)

    def kill(self, name):
        """Ends a process and the executors that it started, as the loss of their machine would."""
        process = self.processes.pop(name)
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def stop(self):
        for name in list(self.processes):
            self.kill(name)

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
