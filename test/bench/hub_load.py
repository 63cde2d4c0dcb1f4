# SPDX-License-Identifier: Apache-2.0
"""What a hub and a sidecar of the manifests need: CPU and memory at the manifests' intervals, for so many sidecars.

The sidecar reads a Trino coordinator's own page every 15 s, as its preset does. The hub scrapes that sidecar's page,
under so many addresses, every 5 s and keeps what the manifests keep.
"""
import os
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
from harness import Plimsoll, Target, eventually, page, write  # noqa: E402
from process import cpu, resident  # noqa: E402

SIDECARS = (2, 10, 100, 500)


def config(address, sidecars):
    targets = "".join(f'\n      - {{targets: ["{address}"], labels: {{__metrics_path__: /{i}, engine: trino, '
                      f'__meta_kubernetes_namespace: team-{i}}}}}' for i in range(sidecars))
    return f"""
global: {{scrape_interval: 5s, scrape_timeout: 2s}}
hub: {{jobs: [sidecars]}}
scrape_configs:
  - job_name: sidecars
    static_configs:{targets}
    metric_relabel_configs: [{{source_labels: [__name__], action: keep, regex: plimsoll_exported_.*}}]
limits: {{max_bytes: 64MB}}
"""


def used(name, process, seconds=20):
    pid = process.process.pid
    before = cpu(pid)
    threading.Event().wait(seconds)
    print(f"| {name} | {1000 * (cpu(pid) - before) / seconds:.1f} | {resident(pid):.1f} | {resident(pid, 'VmHWM'):.1f} |", flush=True)


def hub(trino, pki):
    """`trino(pki)` makes a coordinator; see measure.py."""
    print("| Who | CPU, thousandths of a core | Resident MiB | Peak MiB |\n|---|--:|--:|--:|")
    _, target, _ = trino(pki)
    sidecar = Plimsoll("--engine=trino", "--target", target.address, "--storage.max-bytes=64MB", "--web.listen-address=127.0.0.1:0",
                       "--secure-port=0")
    eventually(lambda: "plimsoll_exported_metric_value" in sidecar.get("/metrics").body, "a value")
    used("sidecar, Trino preset, every 15 s", sidecar)
    text = sidecar.get("/metrics").body
    sidecar.stop()
    target.close()
    pages = Target(page(text))
    for sidecars in SIDECARS:
        with tempfile.TemporaryDirectory() as folder:
            written = write(folder, "plimsoll.yml", config(pages.address, sidecars))
            begun = len(pages.requests)
            process = Plimsoll("--config.file", written, "--web.listen-address=127.0.0.1:0", "--secure-port=0")
            eventually(lambda: len(pages.requests) >= begun + 3 * sidecars, "three scrapes of each")
            used(f"hub, {sidecars} sidecars, every 5 s", process)
            process.stop()
    pages.close()
    pki.remove()
