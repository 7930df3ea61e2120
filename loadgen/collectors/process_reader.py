"""Readings of processes with all their descendants.

CPU is read four times a second; memory, threads and new children, which are expensive to find out, once a second.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from workbench.columns import arrow_schema
from workbench.reading_schema import PROCESS

from ..memory import process_memory
from ..memory.process_memory import ProcessMemory
from .machine_reader import CoreTimes, ProcessTime, busiest, read_cores, read_processes
from .memory_reader import MemoryReader
from .process_clock import cpu_ns
from .reading_cost import ReadingCost
from .resource_reader import ResourceReader
from .sample_file import SampleFile

INTERVAL_S = 0.25
SLOW_INTERVAL_S = 1.0  # memory is a walk over a process's pages, the children one over all processes

SERVER, DATABASE = "server", "database"  # the roles of the application and of PostgreSQL
MACHINE = "machine"  # the role of values of the whole machine

SCHEMA = arrow_schema(PROCESS)


class ProcessReader:
    """Reads the processes of each role; `roots` are their first processes by role, and roles without one are left out.

    `close` leaves `process.parquet` in the directory. Times count from `started_ns` (monotonic ns). `is_whole` says
    that every process of the run on this machine has a role: what neither they nor this process use is used by others.
    `memory` takes the memory of the processes of the role `server`, one by one, `resources` what else they have in use.
    """

    def __init__(
        self,
        roots: Mapping[str, int | None],
        started_ns: int,
        directory: Path,
        *,
        is_whole: bool = True,
        memory: MemoryReader | None = None,
        resources: ResourceReader | None = None,
    ):
        self.cost = ReadingCost()
        self._roots = {role: pid for role, pid in roots.items() if pid is not None}
        self._started_ns = started_ns
        self._families: dict[str, list[psutil.Process]] = {}
        self._known: dict[int, psutil.Process] = {}
        self._past_cpu_us: dict[str, int] = {}
        self._cpu_us: dict[str, int] = {}  # by role, since the first reading
        self._is_whole = is_whole
        self._memory, self._resources = memory, resources
        self._last_memory: dict[str, dict[int, ProcessMemory]] = {}  # by role and process, of a slow reading
        self._past_cores: CoreTimes | None = None
        self._past_own_ns = 0
        self._past_processes: dict[int, ProcessTime] = {}
        self._file = SampleFile(directory / "process.parquet", SCHEMA)
        self._due_s = self._slow_due_s = 0.0

    def read_when_due(self) -> None:
        """Read if the interval is over, for a caller that calls more often."""
        now_s = time.monotonic()
        if now_s >= self._due_s:
            slow = now_s >= self._slow_due_s
            self._due_s = now_s + INTERVAL_S
            self._slow_due_s = now_s + SLOW_INTERVAL_S if slow else self._slow_due_s
            with self.cost.measured():
                self.read(slow=slow)

    def read(self, slow: bool = False) -> None:
        """Read each role once; a slow reading also looks for new children, and reads memory and threads."""
        at_us = (time.monotonic_ns() - self._started_ns) // 1000
        first = not self._families
        if first and self._is_whole:
            self._past_processes = read_processes()
        for role, pid in self._roots.items():
            if first or slow:
                family = map(self._process, (pid, *_descendants(pid)))
                self._families[role] = [process for process in family if process]
            self._read_role(at_us, role, first, slow)
        if slow and self._resources:
            self._resources.add(at_us, self._last_memory.get(SERVER, {}), self._last_memory.get(DATABASE))
        machine = {"stalled_us": _stalled_us(), **self._cores()}
        if any(value is not None for value in machine.values()):
            self._file.add({"at_us": at_us, "role": MACHINE, **machine})

    def replace_root(self, role: str, pid: int) -> None:
        """Read a role from this process on: it was started in the place of one that has ended."""
        self._roots[role] = pid

    def busiest_others(self) -> list[dict]:
        """The processes without a role that used most CPU since the first reading, see `machine_reader.busiest`."""
        if not self._past_processes:
            return []
        return busiest(self._past_processes, read_processes(), {os.getpid(), *self._known})

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def _cores(self) -> dict[str, int]:
        """The times of the cores since the readings began, and how much of them others used; empty if not known."""
        cores = read_cores()
        if cores is None:
            return {}
        if self._past_cores is None:
            self._past_cores, self._past_own_ns = cores, time.process_time_ns()
        times = cores.since(self._past_cores)
        own_us = (time.process_time_ns() - self._past_own_ns) // 1000
        others = {"others_us": times.busy_us - sum(self._cpu_us.values()) - own_us} if self._is_whole else {}
        return {**times._asdict(), **others}

    def _process(self, pid: int) -> psutil.Process | None:
        """The psutil object, created once as that costs more than a reading; None where the process has ended."""
        if pid not in self._known:
            with suppress(psutil.NoSuchProcess):
                self._known[pid] = psutil.Process(pid)
        return self._known.get(pid)

    def _read_role(self, at_us: int, role: str, first: bool, slow: bool) -> None:
        threads = present = cpu_us = 0
        memory: dict[int, ProcessMemory] = {}
        for process in self._families[role]:
            try:
                times = process.cpu_times()
                threads += process.num_threads() if slow else 0
            except psutil.Error:
                continue
            present += 1
            if slow and (read := process_memory.read(process.pid)):
                memory[process.pid] = read
            exact_ns = cpu_ns(process.pid)
            cpu_us += round(1e6 * (times.user + times.system)) if exact_ns is None else exact_ns // 1000
            # The time of ended children is included: many a backend comes and goes between two slow readings.
            cpu_us += round(1e6 * (times.children_user + times.children_system))
        if not present:
            return
        if slow:
            self._last_memory[role] = memory
            if self._memory and role == SERVER:
                self._memory.add(at_us, memory)
        if first:
            # The processes of the first reading have a past that is not part of this run.
            self._past_cpu_us[role] = cpu_us
        cpu_us -= self._past_cpu_us.get(role, 0)
        self._cpu_us[role] = max(cpu_us, self._cpu_us.get(role, 0))  # a process that has ended is not counted any more
        self._file.add(
            {
                "at_us": at_us, "role": role, "processes": present, "cpu_us": cpu_us,
                "pss_bytes": sum(of.pss for of in memory.values()) or None, "threads": threads or None,
            }
        )  # fmt: skip


def _descendants(pid: int) -> Iterator[int]:
    """All descendants of a process, by the kernel's own lists where it has them.

    psutil looks through all processes of the machine for them, at six times the cost.
    """
    if not os.path.exists(f"/proc/{pid}/task/{pid}/children"):
        with suppress(psutil.NoSuchProcess):
            yield from (child.pid for child in psutil.Process(pid).children(recursive=True))
        return
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with suppress(OSError):  # a thread or the process has ended
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                children += map(int, file.read().split())
    return children


def _stalled_us() -> int | None:
    """The kernel's count of pressure stall information for the CPU; None where it has none."""
    try:
        with open("/proc/pressure/cpu") as lines:
            return int(lines.readline().rpartition("total=")[2])
    except (OSError, ValueError):
        return None
