"""The resources that a soak watches: where their readings are, and which growth over a run would matter.

The margin of a resource is the growth over the examined part of a run that counts as none: an absolute one for what is
counted in single pieces, a share of the level for what fluctuates. Each has its reason beside it.
"""

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from workbench.recording import Run

MIB = 2**20


class Margin(NamedTuple):
    """The largest growth that counts as none: `pieces` in the unit of the resource, plus `share` of its mean."""

    pieces: float
    share: float
    reason: str

    def of(self, mean: float) -> float:
        """The margin of a resource with this mean."""
        return self.pieces + self.share * abs(mean)


class Resource(NamedTuple):
    """One resource: its name in ids of findings, what it is called, the form of its values, its readings, its margin.

    `read` returns the values of a run by the second since its start; empty where they were not read. `applies` says
    whether the set-up of a run has the resource at all.
    """

    name: str
    label: str
    form: str
    read: Callable[[Run], pd.Series]
    margin: Margin
    applies: Callable[[Run], bool] = lambda run: True


def _of_process(role: str, column: str, unit: float = 1.0) -> Callable[[Run], pd.Series]:
    def read(run: Run) -> pd.Series:
        return _series(run.process[run.process["role"] == role], column, unit)

    return read


def _of_resources(column: str, unit: float = 1.0) -> Callable[[Run], pd.Series]:
    return lambda run: _series(run.resources, column, unit)


def _connections(run: Run) -> pd.Series:
    """The mean of each second: pools are read many times a second."""
    values = _series(run.pool, "server_connections")
    return values.groupby(values.index.astype(int)).mean()


def _series(readings: pd.DataFrame, column: str, unit: float = 1.0) -> pd.Series:
    if column not in readings:  # a recording from before it was read
        return pd.Series(dtype=float)
    known = readings[["at_us", column]].dropna()
    return pd.Series(known[column].to_numpy(float) / unit, index=known["at_us"].to_numpy(float) / 1e6)


def _uses_store(run: Run) -> bool:
    """Whether sessions or cached answers are in the store."""
    settings = run.record["deployment"]["settings"]
    return settings.get("cache") == "shared" or settings.get("sessions") in ("flask-session-redis", "shared")


_MEMORY = "what an allocator keeps varies by this much"
_PIECES = "a leak at each replaced connection or ended session makes dozens in three minutes"
RESOURCES = (
    Resource("memory", "memory of the application (MiB)", "{:z,.1f}", _of_resources("application_bytes", MIB),
             Margin(0.0, 0.03, f"{_MEMORY}; a leak of 200 bytes a request makes more in 30 minutes")),
    Resource("backends", "memory of PostgreSQL's processes (MiB)", "{:z,.1f}", _of_resources("backend_bytes", MIB),
             Margin(2.0, 0.05, "a backend that replaces another begins small, which makes a saw of 2 MiB")),
    Resource("store", "memory of the store (MiB)", "{:z,.1f}", _of_resources("store_bytes", MIB),
             Margin(0.25, 0.05, f"{_MEMORY}; sessions that are never removed make more in 30 minutes"), _uses_store),
    Resource("connections", "connections at PostgreSQL", "{:z,.1f}", _connections, Margin(1.0, 0.0, _PIECES)),
    Resource("descriptors", "file descriptors of the application", "{:z,.1f}", _of_resources("descriptors"),
             Margin(10.0, 0.0, f"{_PIECES}; connections to the store are as many as were ever in use at once")),
    Resource("threads", "threads of the application", "{:z,.1f}", _of_process("server", "threads"),
             Margin(4.0, 0.0, "a pool starts one when more requests than ever come at once")),
    Resource("sessions", "sessions kept (files or keys)", "{:z,.1f}", _of_resources("sessions"),
             Margin(0.0, 0.25, "logins come at random; sessions that are never removed become five times as many")),
    Resource("temporary-files", "temporary files of the application", "{:z,.1f}", _of_resources("temporary_files"),
             Margin(1.0, 0.0, "a file for each request, or each login, makes hundreds in three minutes")),
    Resource("log", "size of the application's log (KiB)", "{:z,.1f}", _of_resources("log_bytes", 1024),
             Margin(16.0, 0.0, "a line a minute; a line a request makes twenty times as much in three minutes")),
)  # fmt: skip
