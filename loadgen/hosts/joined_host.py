"""A worker that has joined a run, as the run knows it."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from ..stream_tail import RequestTail
from .clock_relation import ClockRelation, error_ns
from .host_messages import SILENCE_S
from .received_files import ReceivedFiles

JOINED, READY, RUNNING, COMPLETE, LOST = "joined", "ready", "running", "complete", "lost"


def stream_name(process: int) -> str:
    """The file with the rows of a process on another host, in the folder of the run."""
    return f"requests-host-{process}.arrows"


def summary_name(process: int) -> str:
    """The summary of a process."""
    return f"generator-{process}.json"


def log_name(process: int) -> str:
    """The log of a process."""
    return f"locust-{process}.log"


def readings_name(host: int) -> str:
    """The readings of the processes of a host."""
    return f"process-host-{host}.parquet"


def file_names(host: int, processes: range) -> list[str]:
    """The names of all files that a host may send."""
    by_process = [named(process) for process in processes for named in (stream_name, summary_name, log_name)]
    return [*by_process, readings_name(host)]


@dataclass
class JoinedHost:
    """A worker: `name` and `pid` by its own account, `address` by that of its connection.

    `number` counts the hosts of the run from 0, `processes` are the numbers of its processes of Locust; both are known
    once the load begins. `status` goes from `JOINED` to `READY` (its clock is related), `RUNNING`, and `COMPLETE` (all
    of its files are there) or `LOST`, for the reason `lost`.
    """

    identity: bytes
    name: str
    address: str
    pid: int
    wall_difference_s: float
    status: str = JOINED
    number: int = 0
    processes: range = range(0)
    begin_clock: ClockRelation | None = None
    end_clock: ClockRelation | None = None
    lost: str = ""
    files: ReceivedFiles | None = None
    heard_s: float = field(default_factory=time.monotonic)

    @property
    def text(self) -> str:
        """The worker in a message."""
        return f"host {self.name} ({self.address}, process {self.pid})"

    @property
    def is_silent(self) -> bool:
        """True if nothing came from it for too long."""
        return time.monotonic() - self.heard_s > SILENCE_S

    def record(self, directory: Path) -> dict[str, Any]:
        """The entry of `run.json`; what was received is counted in the folder of the run."""
        begin, end = self.begin_clock, self.end_clock
        rows, last_us = received_rows(directory, self.processes)
        clock_error_ns = begin and error_ns(begin, end)
        return {
            "name": self.name,
            "address": self.address,
            "processes": list(self.processes),
            "status": self.status,
            "lost": self.lost,
            "rows": rows,
            "last_send_us": last_us,
            "wall_difference_s": round(self.wall_difference_s, 3),
            "clock": begin and begin._asdict(),
            "clock_at_end": end and end._asdict(),
            "clock_error_ms": None if clock_error_ns is None else clock_error_ns / 1e6,
        }


def received_rows(directory: Path, processes: range) -> tuple[int, int | None]:
    """The rows of some processes that have arrived, and the last send among them (µs); None without rows."""
    rows, last_us = 0, None
    for process in processes:
        tail = RequestTail(directory / stream_name(process))
        for flushed in tail.new():
            rows += flushed.rows.num_rows
            newest_us = pc.max(flushed.rows.column("start_us")).as_py()
            last_us = max(filter(None, (last_us, newest_us)), default=None)
        tail.close()
    return rows, last_us
