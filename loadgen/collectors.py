"""Readings beside the requests: processes, pools and the database, at an interval and as deltas around the run."""

import itertools
import socket
import threading
import time
from contextlib import closing
from pathlib import Path

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq

from reference_app import waiting
from reference_app.readings import POOL_FIELDS, Readings

from .processes import INTERVAL_S, SLOW_INTERVAL_S, ProcessReader
from .services import DatabaseServer

POOL_INTERVAL_S = 0.05  # of the pools, which cost next to nothing to read and change fast
LONGEST_ANSWER_S = 20.0
PATIENCE_S = 1.0

DATABASE_SCHEMA = pa.schema(
    [
        ("at_us", pa.int64()),
        ("source", pa.string()),  # activity (a reading) | database | statement (deltas over the run)
        ("name", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
    ]
)

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

ACTIVITY = """
    SELECT coalesce(state, 'unknown'), coalesce(wait_event_type, 'none'), count(*) FROM pg_stat_activity
    WHERE datname = %s AND application_name = 'tracetrack'
      AND backend_type = 'client backend' -- a query's parallel workers carry its name too, and are no connections
    GROUP BY 1, 2
"""
DATABASE = """
    SELECT sessions, xact_commit, xact_rollback, blks_hit, blks_read, tup_returned, temp_bytes
    FROM pg_stat_database WHERE datname = %s
"""
STATEMENTS = """
    SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 200), sum(calls), sum(total_exec_time), sum(rows)
    FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = %s) GROUP BY 1
"""


class Collector:
    """Counts the database's work in its block, and reads in a thread of its own from `begin` on.

    `write` leaves the Parquet files in a run's directory. Leave the block after the application has ended: its
    backends report their last figures then.
    """

    def __init__(self, server: DatabaseServer, database: str, started_ns: int, pool: Readings):
        self._database = database
        self._processes = ProcessReader({}, started_ns)
        self._started_ns = started_ns
        self._connection = server.connect()
        self.failure = ""  # why the database no longer answers
        self._database_rows: list[dict] = []
        self._pool = pool
        self._pool_rows: list[dict] = []
        self._server_connections = 0
        self._cost = {"cpu_ms": 0.0, "readings": 0, "longest_ms": 0.0}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read_until_stopped, name="collector", daemon=True)

    def __enter__(self):
        self._has_statements = self._enable_statements()
        self._before = self._totals()
        return self

    def __exit__(self, *exception):
        self.finish()
        with closing(self._connection):
            if not self.failure:
                self._add_deltas()

    def begin(self, roots: dict[str, int | None]) -> None:
        """Read these processes (role to id) with their children, and the connections, from now on; once at once.

        No child may be started after this: forking beside a thread is asking for trouble.
        """
        self._processes = ProcessReader(roots, self._started_ns)
        self._read_all(slow=True)
        self._thread.start()

    def finish(self) -> None:
        """Read a last time and no more: call it while the application is still there."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=PATIENCE_S)
            if self._thread.is_alive():
                self._cut_off()

    def _cut_off(self):
        """End the thread's waiting for a database that is silent: nobody is interested in its answer any more."""
        with socket.fromfd(self._connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as wire:
            wire.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def cost(self) -> dict[str, float]:
        """What the readings took of this process: CPU in ms, how many there were, and the longest, in ms."""
        return dict(self._cost)

    def write(self, directory: Path) -> None:
        self._processes.write(directory)
        for name, rows, schema in (
            ("database", self._database_rows, DATABASE_SCHEMA),
            ("pool", self._pool_rows, POOL_SCHEMA),
        ):
            pq.write_table(pa.Table.from_pylist(rows, schema=schema), directory / f"{name}.parquet", compression="zstd")

    def _read_until_stopped(self):
        every = round(INTERVAL_S / POOL_INTERVAL_S)
        slow_every = round(SLOW_INTERVAL_S / POOL_INTERVAL_S)
        for turn in itertools.count(1):
            if self._stop.wait(POOL_INTERVAL_S):
                break
            if turn % every == 0:
                self._read_all(slow=turn % slow_every == 0)
            else:
                self._read_pool()
        self._read_all(slow=True)
        self._cost["cpu_ms"] = 1000 * time.thread_time()

    def _read_all(self, slow=False):
        began_s = time.perf_counter()
        self._processes.read(slow)
        self._read_activity(self._now_us())
        self._read_pool()
        self._cost["readings"] += 1
        self._cost["longest_ms"] = max(self._cost["longest_ms"], 1000 * (time.perf_counter() - began_s))

    def _now_us(self):
        return (time.monotonic_ns() - self._started_ns) // 1000

    def _read_activity(self, at_us):
        total = 0
        for state, wait, number in self._ask(ACTIVITY):
            row = {"at_us": at_us, "source": "activity", "name": state, "metric": wait, "value": number}
            self._database_rows.append(row)
            total += number
        self._server_connections = total

    def _read_pool(self):
        at_us = self._now_us()
        for worker, reading in self._pool.read().items():
            row = {name: reading[name] for name in POOL_FIELDS}
            row |= {"at_us": at_us, "worker": worker, "server_connections": self._server_connections}
            row["idle"] = reading["open"] - reading["checked_out"]
            row["overflow"] = max(0, reading["open"] - reading["size"])
            self._pool_rows.append(row)

    def _enable_statements(self):
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
                cursor.execute("SELECT 1 FROM pg_stat_statements LIMIT 1")
        except psycopg2.Error:
            return False
        return True

    def _totals(self):
        totals = {}
        for row in self._ask(DATABASE):
            names = (
                "sessions",
                "commits",
                "rollbacks",
                "blocks_hit",
                "blocks_read",
                "rows_returned",
                "temp_bytes",
            )
            totals |= {("database", "all", name): float(value) for name, value in zip(names, row, strict=True)}
        for query, calls, total_ms, rows in self._ask(STATEMENTS) if self._has_statements else ():
            for metric, value in (("calls", calls), ("total_ms", total_ms), ("rows", rows)):
                totals["statement", query, metric] = float(value)
        return totals

    def _add_deltas(self):
        at_us = self._now_us()
        for (source, name, metric), value in self._totals().items():
            delta = value - self._before.get((source, name, metric), 0.0)
            if delta:
                row = {"at_us": at_us, "source": source, "name": name, "metric": metric, "value": delta}
                self._database_rows.append(row)

    def _ask(self, query):
        """The rows, or none: that a database has died is for the run to say."""
        try:
            with waiting.Limit(LONGEST_ANSWER_S), self._connection.cursor() as cursor:
                cursor.execute(query, (self._database,))
                return cursor.fetchall()
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            self.failure = str(error).strip().split("\n")[0]
        except psycopg2.Error:
            pass  # not every role may read everything
        return []
