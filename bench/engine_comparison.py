"""The findings of an experiment from DuckDB and from Dask: time, memory, and whether they are the same."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import psutil

from workbench import engines
from workbench.paths import REPOSITORY

from . import drawn_experiment

ROWS = 10_000_000
POLL_S = 0.2
CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


class Computed(NamedTuple):
    """The content of a file of findings, the seconds it took, and the peak memory (GiB) of the process and workers."""

    findings: bytes
    duration_s: float
    peak_gib: float
    workers_gib: float = 0.0


def main() -> None:
    """Print what the findings of drawn rows take from each engine, and whether their files have the same bytes."""
    print(f"engines: findings of {ROWS:,} drawn rows, digests compared:")
    if find_spec("distributed") is None:
        print("  Dask is not installed; make scale installs it")
        return
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / drawn_experiment.NAME
        drawn_experiment.create(directory, ROWS)
        local, on_dask = _compute(directory, Path(folder), ""), _on_cluster(directory, Path(folder))
    print(f"  DuckDB: {local.duration_s:.1f} s, peak {local.peak_gib:.2f} GiB")
    memory = f"peak {on_dask.peak_gib:.2f} GiB, two workers together {on_dask.workers_gib:.2f} GiB"
    print(f"  Dask, two workers of one thread: {on_dask.duration_s:.1f} s, {memory}")
    number = len(json.loads(local.findings)["findings"])
    print(f"  {number} findings, {'the same' if local.findings == on_dask.findings else 'NOT the same'} bytes")


def _on_cluster(directory: Path, folder: Path) -> Computed:
    """The findings from a cluster of two processes, which ends with its input."""
    command = [sys.executable, "-c", CLUSTER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cluster:
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        peaks = [0]
        is_over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(cluster.pid, peaks, is_over))
        watcher.start()
        try:
            computed = _compute(directory, folder, address)
        finally:
            is_over.set()
            watcher.join()
            cluster.communicate()
    return computed._replace(workers_gib=peaks[0] / 2**30)


def _watch(pid: int, peaks: list[int], is_over: threading.Event) -> None:
    """Keep the largest sum of the resident memory of a cluster's child processes."""
    while not is_over.wait(POLL_S):
        sizes = []
        for child in psutil.Process(pid).children(recursive=True):
            try:
                sizes.append(child.memory_info().rss)
            except psutil.NoSuchProcess:
                continue
        peaks[0] = max(peaks[0], sum(sizes))


def _compute(directory: Path, folder: Path, scheduler: str) -> Computed:
    """The findings by an engine, in a process of its own."""
    file = folder / "findings.json"
    environ = {**os.environ, engines.SCHEDULER: scheduler}
    start_s = time.perf_counter()
    command = [sys.executable, "-m", "bench.engine_findings", str(directory), str(file)]
    output = subprocess.run(command, cwd=REPOSITORY, env=environ, stdout=subprocess.PIPE, text=True, check=True).stdout
    duration_s = time.perf_counter() - start_s
    return Computed(file.read_bytes(), duration_s, float(output.split()[-1]))
