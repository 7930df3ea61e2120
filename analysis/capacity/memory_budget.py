"""What fits into a memory limit: the memory of a deployment from what its parts cost, calibrated from a recorded run.

    peak = master + workers · (worker + growth + hashes · hash) + connections · connection      (bytes)

`master` and `worker` are the anonymous memory that these processes have for themselves when they are ready, with their
part of the kernel's own memory in the group; what processes share after a fork counts once, with `master`. `growth` is
what a worker has more after the load, without what its connections cost, and `connection` that cost: the least-squares
line of growth over open connections. `hash` is the working memory of one password hash, by its scheme's formula. Memory
of files is left out: the kernel takes it back before anything fails.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.recording import Run

MIB = 2**20
LIMITS_MIB = (512, 1024, 2048, 4096)
PARTS = ("master", "worker", "growth", "connection")
MIN_CONNECTION_COUNTS = 3  # different numbers of open connections, for a line through the workers


@dataclass(frozen=True)
class MemoryCosts:
    """Costs in bytes, calibrated from the run `base`; `connection` is 0 where the run does not show it apart."""

    base: str
    master: float
    worker: float
    growth: float
    connection: float

    def peak_bytes(self, workers: int, hashes: int, hash_bytes: int, connections: int) -> float:
        """The predicted peak with so many hashes in flight in each worker, and connections of all together."""
        return self.master + workers * self._worker_bytes(hashes, hash_bytes) + connections * self.connection

    def workers_in(self, limit_bytes: float, hashes: int, hash_bytes: int, connections: int) -> int:
        """The largest number of workers that fit, each with so many hashes in flight and connections of its own."""
        each = self._worker_bytes(hashes, hash_bytes) + connections * self.connection
        return max(0, int((limit_bytes - self.master) / each))

    def _worker_bytes(self, hashes: int, hash_bytes: int) -> float:
        return self.worker + self.growth + hashes * hash_bytes


def calibrate(run: Run) -> MemoryCosts | None:
    """The costs by a run; None where its memory was not read, a process was ended, or it is not complete."""
    memory = run.memory
    recorded = run.record.get("memory") or {}
    if run.status != "complete" or not run.has_load or memory.empty or recorded.get("kills"):
        return None
    first, last = (memory[memory["at_us"] == at_us] for at_us in (memory["at_us"].min(), memory["at_us"].max()))
    ready, ended = _of_workers(first), _of_workers(last)
    growth = (ended - ready).dropna().clip(lower=0.0)
    master = float(_private_bytes(first[first["process"] == "master"]).sum())
    if growth.empty or not master:
        return None
    kernel = _kernel_bytes(first)
    growth_bytes, connection_bytes = _line(growth, _connections(run))
    return MemoryCosts(
        base=run.name,
        master=master + _shared_bytes(first) + kernel,
        worker=float(ready.mean()) + kernel,
        growth=growth_bytes,
        connection=connection_bytes,
    )


def mean_costs(costs: Sequence[MemoryCosts]) -> MemoryCosts | None:
    """The mean costs of several runs, the first of them as the base; None without any."""
    if not costs:
        return None
    means = {name: sum(getattr(each, name) for each in costs) / len(costs) for name in PARTS}
    return MemoryCosts(base=costs[0].base, **means)


def _of_workers(readings: pd.DataFrame) -> pd.Series:
    """Anonymous memory of its own by the number of the worker."""
    workers = readings[readings["process"] == "worker"].dropna(subset="worker")
    return _private_bytes(workers).groupby(workers["worker"]).sum()


def _private_bytes(readings: pd.DataFrame) -> pd.Series:
    """The anonymous memory of each process that no other has: pages of files may be private too, but not more."""
    return readings[["private_bytes", "anonymous_bytes"]].min(axis=1)


def _shared_bytes(readings: pd.DataFrame) -> float:
    """The anonymous memory that processes share, counted once: the sum of their proportional parts."""
    processes = readings[readings["process"] != "group"]
    return float((processes["anonymous_bytes"] - _private_bytes(processes)).sum())


def _kernel_bytes(readings: pd.DataFrame) -> float:
    """What the kernel has in the group for each of its processes, beside their own memory; 0 without a group."""
    group = readings[readings["process"] == "group"]
    if group.empty or len(readings) < 2:
        return 0.0
    outside = float((group["usage_bytes"] - group["anonymous_bytes"]).iloc[0])
    return max(0.0, outside) / (len(readings) - 1)


def _connections(run: Run) -> pd.Series:
    """The largest number of open connections by worker."""
    return run.pool.groupby("worker")["open"].max()


def _line(growth: pd.Series, connections: pd.Series) -> tuple[float, float]:
    """Growth without connections, and growth by connection (bytes), neither below 0."""
    opened = connections.reindex(growth.index).fillna(0.0)
    if opened.nunique() < MIN_CONNECTION_COUNTS:
        return float(growth.mean()), 0.0
    slope = max(0.0, float(np.polyfit(opened, growth, 1)[0]))
    return max(0.0, float((growth - slope * opened).mean())), slope


def hashes_in_flight(settings: Mapping[str, Any]) -> int:
    """How many hashes a worker computes at once at most.

    Without a limit a gevent worker computes one, as that stops its loop, and the others one in each thread.
    """
    threads = settings["threads"] if settings["server"] == "gthread" else 1
    return settings["hash_limit"] or threads


def connections_of(settings: Mapping[str, Any]) -> int:
    """The connections that a worker may open, as far as it serves requests at once."""
    at_once = {"gthread": settings["threads"], "gevent": settings["worker_connections"]}.get(settings["server"], 1)
    return min(at_once, settings["pool_size"] + settings["pool_max_overflow"])
