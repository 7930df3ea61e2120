"""Readings in a thread beside a run: of processes and the database at an interval, of the pools more often."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from instrumentation.worker_metrics import POOL_FIELDS, WorkerMetrics
from workbench.columns import arrow_schema
from workbench.reading_schema import POOL

from ..memory.memory_group import MemoryGroup
from ..memory.memory_watch import Kill
from ..services import DatabaseServer
from .database_reader import DatabaseReader, TopStatement
from .live_readings import LiveReadings
from .memory_reader import MemoryReader
from .process_reader import INTERVAL_S, SERVER, SLOW_INTERVAL_S, ProcessReader
from .reading_cost import ReadingCost
from .resource_reader import ResourceReader, ResourceSources
from .sample_file import SampleFile

POOL_INTERVAL_S = 0.05  # pools cost next to nothing to read, and change fast
STOP_TIMEOUT_S = 1.0

POOL_SCHEMA = arrow_schema(POOL)


class Collector:
    """Takes readings in a thread of its own from `begin` to `finish`, and counts the database's work in its block.

    `statements` are the calls of the application's statements during the load, as the database server counts them; None
    where they are not known. `top_statements` are the statements with the most time, known after the block.

    The Parquet files are in the run's directory after the block, however it ends. The block must end after the
    application: its backends report their last counts when they end.
    """

    def __init__(self, server: DatabaseServer, database: str, directory: Path, started_ns: int, pools: WorkerMetrics):
        self._directory = directory
        self._started_ns = started_ns
        self._database = DatabaseReader(server, database, directory)
        self._processes: ProcessReader | None = None
        self._memory: MemoryReader | None = None
        self._resources: ResourceReader | None = None
        self._pools = pools
        self._pool_file = SampleFile(directory / "pool.parquet", POOL_SCHEMA)
        self._live = LiveReadings(directory)
        self._server_connections = 0
        self._cost = ReadingCost()
        self._cpu_before_ms = self._database.cpu_ms()
        self._statements_before: tuple[int, int] | None = None
        self.statements: int | None = None
        self.top_statements: list[TopStatement] = []
        self._stop = threading.Event()
        self._reading = threading.Lock()
        self._thread = threading.Thread(target=self._read_until_stopped, name="collector", daemon=True)

    @property
    def failure(self) -> str:
        """The reason for which the database cannot be read any more; empty while it can."""
        return self._database.failure

    @property
    def disconnections(self) -> int:
        """The number of times that the database server lost its connections."""
        return self._database.disconnections

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self.finish()
            self._database.add_deltas(self._now_us())
            self.top_statements = self._database.top_statements()
        finally:
            self._live.remove()
            for file in (self._pool_file, self._database, self._processes, self._memory, self._resources):
                if file:
                    file.close()

    def begin(
        self,
        roots: dict[str, int | None],
        *,
        is_whole: bool = True,
        group: MemoryGroup | None = None,
        resources: ResourceSources | None = None,
    ) -> None:
        """Take the first readings, and go on in the thread; `roots` are process ids by role, None for one elsewhere.

        `is_whole` says that every process of the run on this machine is among them or their children. `group` has the
        processes of the role `server`, `resources` says where its other resources are counted.
        No child may be started after this: a fork beside a thread may deadlock.
        """
        self._statements_before = self._database.application_statements()
        if master_pid := roots.get(SERVER):
            self._memory = MemoryReader(self._directory, group, master_pid)
        if resources:
            self._resources = ResourceReader(self._directory, resources)
        self._processes = ProcessReader(
            roots,
            self._started_ns,
            self._directory,
            is_whole=is_whole,
            memory=self._memory,
            resources=self._resources,
        )
        self._read_all(slow=True)
        self._thread.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No readings in the block: a process may be forked there, as the thread waits and holds no lock."""
        with self._reading:
            yield

    def replace_root(self, role: str, pid: int) -> None:
        """Read the processes of a role from another one on, which was started in the place of the first."""
        if self._processes:
            self._processes.replace_root(role, pid)

    def finish(self) -> None:
        """Take the last readings; call it while the application is still running."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_TIMEOUT_S)
            if self._thread.is_alive():
                self._database.abort_query()  # its result is not needed any more
                self._thread.join()
            else:
                self.statements = self._statements_since_begin()

    def _statements_since_begin(self) -> int | None:
        """The calls of the application's statements during the load; None where the server lost count of them."""
        before, after = self._statements_before, self._database.application_statements()
        if before is None or after is None or before[1] != after[1] or self.disconnections:
            return None
        return after[0] - before[0]

    def busiest_others(self) -> list[dict]:
        """The processes that belong to no role and used most CPU time, see `ProcessReader`."""
        return self._processes.busiest_others() if self._processes else []

    def peak_pss_bytes(self) -> int | None:
        """The largest sum of the proportional set sizes of the application's processes; None without readings."""
        return self._memory.peak_pss_bytes if self._memory else None

    def kills(self) -> list[Kill]:
        """The application's processes that the kernel ended for want of memory."""
        return self._memory.kills(self._now_us()) if self._memory else []

    def cost(self) -> dict[str, float | None]:
        """The cost of the readings, and the CPU time in ms that they took of the database server.

        That is None for a server on another machine, or one that lost its connections.
        """
        before_ms, after_ms = self._cpu_before_ms, self._database.cpu_ms()
        if self.disconnections or before_ms is None or after_ms is None:
            return {**self._cost.record(), "database_cpu_ms": None}
        return {**self._cost.record(), "database_cpu_ms": after_ms - before_ms}

    def _read_until_stopped(self) -> None:
        every = round(INTERVAL_S / POOL_INTERVAL_S)
        slow_every = round(SLOW_INTERVAL_S / POOL_INTERVAL_S)
        for number in itertools.count(1):
            if self._stop.wait(POOL_INTERVAL_S):
                break
            with self._reading:
                if number % every == 0:
                    self._read_all(slow=number % slow_every == 0)
                else:
                    with self._cost.measured(readings=0):
                        self._watch_memory()
                        self._read_pools()
        self._read_all(slow=True)

    def _read_all(self, slow: bool = False) -> None:
        with self._cost.measured():
            self._watch_memory()  # the readings of memory need the workers' numbers
            if self._processes:
                self._processes.read(slow)
            self._server_connections = self._database.read(self._now_us())
            self._read_pools()

    def _watch_memory(self) -> None:
        if self._memory:
            workers = {metrics["pid"]: number for number, metrics in self._pools.read().items()}
            self._memory.watch(self._now_us(), workers)

    def _read_pools(self) -> None:
        at_us, workers = self._now_us(), self._pools.read()
        self._live.add(at_us, workers.values())
        for worker, metrics in workers.items():
            row = {name: metrics[name] for name in POOL_FIELDS}
            row |= {"at_us": at_us, "worker": worker, "server_connections": self._server_connections}
            row["idle"] = metrics["open"] - metrics["checked_out"]
            row["overflow"] = max(0, metrics["open"] - metrics["size"])
            self._pool_file.add(row)

    def _now_us(self) -> int:
        return (time.monotonic_ns() - self._started_ns) // 1000
