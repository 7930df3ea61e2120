"""Readings beside the requests, by a thread: of processes and the database at an interval, of the pools more often."""

import itertools
import threading
import time
from pathlib import Path

import pyarrow as pa

from instrumentation.worker_metrics import POOL_FIELDS, WorkerMetrics

from ..services import DatabaseServer
from .database_reader import DatabaseReader
from .process_reader import INTERVAL_S, SLOW_INTERVAL_S, ProcessReader
from .sample_file import Cost, SampleFile

POOL_INTERVAL_S = 0.05  # of the pools, which cost next to nothing to read and change fast
PATIENCE_S = 1.0

POOL_SCHEMA = pa.schema(
    [
        ("at_us", pa.int64()),
        ("worker", pa.int16()),
        *((name, pa.int64()) for name in POOL_FIELDS),
        ("idle", pa.int64()),
        ("overflow", pa.int64()),
        ("server_connections", pa.int64()),  # of all workers, as the database server sees them
    ]
)


class Collector:
    """Counts the database's work in its block, and reads in a thread of its own from `begin` on.

    Parquet files are in the run's directory after the block, however it ends. Leave it after the application has
    ended: its backends report their last figures then.
    """

    def __init__(self, server: DatabaseServer, database: str, directory: Path, started_ns: int, pools: WorkerMetrics):
        self._directory = directory
        self._started_ns = started_ns
        self._database = DatabaseReader(server, database, directory)
        self._processes: ProcessReader | None = None
        self._pools = pools
        self._pool_file = SampleFile(directory / "pool.parquet", POOL_SCHEMA)
        self._server_connections = 0
        self._cost = Cost()
        self._cpu_before_ms = self._database.cpu_ms()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read_until_stopped, name="collector", daemon=True)

    @property
    def failure(self) -> str:
        """Why the database no longer answers; empty while it does."""
        return self._database.failure

    @property
    def lost(self) -> int:
        """How often the database server lost its connections."""
        return self._database.lost

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        try:
            self.finish()
            self._database.add_deltas(self._now_us())
        finally:
            for file in (self._pool_file, self._database, self._processes):
                if file:
                    file.close()

    def begin(self, roots: dict[str, int | None]) -> None:
        """Read these processes (role to id) with their children, and the connections, from now on; once at once.

        No child may be started after this: forking beside a thread is asking for trouble.
        """
        self._processes = ProcessReader(roots, self._started_ns, self._directory)
        self._read_all(slow=True)
        self._thread.start()

    def finish(self) -> None:
        """Read a last time and no more: call it while the application is still there."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=PATIENCE_S)
            if self._thread.is_alive():
                self._database.cut_off()  # nobody is interested in its answer any more
                self._thread.join()

    def cost(self) -> dict[str, float | None]:
        """What the readings took: CPU of this process and of the database server in ms (None of one elsewhere, or
        that lost its connections), how many there were, and the longest, in ms."""
        spent_ms = self._database.cpu_ms()
        known = not (self.lost or spent_ms is None or self._cpu_before_ms is None)
        return self._cost.record() | {"database_cpu_ms": spent_ms - self._cpu_before_ms if known else None}

    def _read_until_stopped(self):
        every = round(INTERVAL_S / POOL_INTERVAL_S)
        slow_every = round(SLOW_INTERVAL_S / POOL_INTERVAL_S)
        for turn in itertools.count(1):
            if self._stop.wait(POOL_INTERVAL_S):
                break
            if turn % every == 0:
                self._read_all(slow=turn % slow_every == 0)
            else:
                with self._cost.counted(readings=0):
                    self._read_pools()
        self._read_all(slow=True)

    def _read_all(self, slow=False):
        with self._cost.counted():
            self._processes.read(slow)
            self._server_connections = self._database.read(self._now_us())
            self._read_pools()

    def _read_pools(self):
        at_us = self._now_us()
        for worker, reading in self._pools.read().items():
            row = {name: reading[name] for name in POOL_FIELDS}
            row |= {"at_us": at_us, "worker": worker, "server_connections": self._server_connections}
            row["idle"] = reading["open"] - reading["checked_out"]
            row["overflow"] = max(0, reading["open"] - reading["size"])
            self._pool_file.add(row)

    def _now_us(self):
        return (time.monotonic_ns() - self._started_ns) // 1000
