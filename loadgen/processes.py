"""Readings of processes with all that they started: CPU four times a second, memory and new children once a second."""

import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

INTERVAL_S = 0.25
SLOW_INTERVAL_S = 1.0  # of what is dear: a share of memory is a walk over its pages, a family one over all processes

SCHEMA = pa.schema(
    [
        ("at_us", pa.int64()),
        ("role", pa.string()),
        ("processes", pa.int32()),
        ("cpu_us", pa.int64()),  # user and system since the start of the readings, ended processes included
        ("pss_bytes", pa.int64()),
        ("threads", pa.int32()),
    ]
)


class ProcessReader:
    """Reads the processes of each role (role to id; without one it is left out). `write` leaves `process.parquet`."""

    def __init__(self, roots: Mapping[str, int | None], started_ns: int):
        self._roots = {role: pid for role, pid in roots.items() if pid is not None}
        self._started_ns = started_ns
        self._families: dict[str, list[psutil.Process]] = {}
        self._first_cpu_us: dict[tuple[str, int], int] = {}
        self._last_cpu_us: dict[tuple[str, int], int] = {}
        self._rows: list[dict] = []
        self._due_s = self._slow_due_s = 0.0

    def read_when_due(self) -> None:
        """Read if it is time to: for those who come by often."""
        now_s = time.monotonic()
        if now_s >= self._due_s:
            slow = now_s >= self._slow_due_s
            self._due_s = now_s + INTERVAL_S
            self._slow_due_s = now_s + SLOW_INTERVAL_S if slow else self._slow_due_s
            self.read(slow=slow)

    def read(self, slow: bool = False) -> None:
        """One reading of each role; a slow one looks for new children and at the memory."""
        at_us = (time.monotonic_ns() - self._started_ns) // 1000
        first = not self._families
        for role, pid in self._roots.items():
            if first or slow:
                self._families[role] = _family(pid)
            self._read_role(at_us, role, first, slow)

    def write(self, directory: Path) -> None:
        table = pa.Table.from_pylist(self._rows, schema=SCHEMA)
        pq.write_table(table, directory / "process.parquet", compression="zstd")

    def _read_role(self, at_us, role, first, memory):
        pss_bytes = threads = present = 0
        for process in self._families[role]:
            try:
                times = process.cpu_times()
                threads += process.num_threads()
            except psutil.Error:
                continue
            present += 1
            pss_bytes += _pss_bytes(process.pid) if memory else 0
            key, cpu_us = (role, process.pid), round(1e6 * (times.user + times.system))
            # A process that was there at the first reading has a past that is not this run's.
            self._first_cpu_us.setdefault(key, cpu_us if first else 0)
            self._last_cpu_us[key] = cpu_us
        if not present:
            return
        spent_us = sum(last - self._first_cpu_us[key] for key, last in self._last_cpu_us.items() if key[0] == role)
        self._rows.append(
            {
                "at_us": at_us, "role": role, "processes": present,
                "cpu_us": spent_us, "pss_bytes": pss_bytes or None, "threads": threads,
            }
        )  # fmt: skip


def _family(pid):
    """A process and all that it started."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _pss_bytes(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0
