"""Readings of all workers: taken several times a second, kept for a minute."""

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from ..monitor_file import MonitorFile, WorkerRequests, companion
from ..worker_metrics import WorkerMetrics, WorkerValues
from .liveness import is_alive

INTERVAL_S = 0.2  # between readings of the pools, which change fast
SNAPSHOT_S = 1.0
WINDOW_S = 60.0


@dataclass(frozen=True)
class Reading:
    """What all workers have counted until `at_s`, a monotonic time; by worker."""

    at_s: float
    counters: dict[int, WorkerValues]
    requests: dict[int, WorkerRequests]


@dataclass
class PoolPeak:
    """The most connections that were in use at once, and the most callers that waited, since the last snapshot."""

    used: int = 0
    pending: int = 0

    def take(self, counters: dict[int, WorkerValues]) -> None:
        """Take one more reading into account."""
        self.used = max(self.used, sum(values["checked_out"] for values in counters.values()))
        self.pending = max(self.pending, sum(values["pending"] for values in counters.values()))


class Readings:
    """Reads the files of the workers' metrics, and keeps the readings of the last minute."""

    def __init__(self, metrics_file: str):
        """Raises `MetricsFileError`, `MonitorFileError` or `OSError` for files that cannot be read."""
        self.metrics = WorkerMetrics.open_declared(Path(metrics_file))
        self.monitor = MonitorFile.open(companion(metrics_file))
        # What was counted before the first reading counts as of the first minute: the monitor starts with the workers.
        self._window = deque([Reading(time.monotonic(), {}, {})])
        self._peak = PoolPeak()

    def read_pools(self) -> None:
        """Look at the pools between two snapshots."""
        self._peak.take(self.metrics.read())

    def read(self) -> Reading:
        """A reading of now, of the workers that are alive."""
        counters = {worker: values for worker, values in self.metrics.read().items() if is_alive(values["pid"])}
        requests = {worker: values for worker, values in self.monitor.read().items() if worker in counters}
        return Reading(time.monotonic(), counters, requests)

    def advance(self) -> tuple[Reading, Reading, Reading, PoolPeak]:
        """Take a reading: the oldest of the last minute, the one before, the new one, and the peak since the last."""
        new = self.read()
        window = self._window
        while len(window) > 1 and window[0].at_s < new.at_s - WINDOW_S:
            window.popleft()
        oldest, before = window[0], window[-1]
        window.append(new)
        peak, self._peak = self._peak, PoolPeak()
        peak.take(new.counters)
        return oldest, before, new, peak

    def registered_workers(self) -> list[int]:
        """The process ids of the workers that have a slot; one that has ended may have it still."""
        return [values["pid"] for values in self.metrics.read().values()]
