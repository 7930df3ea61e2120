"""What the database server tells of a run: what its connections do and wait for, and its work as deltas around it."""

import socket
import time
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2
import pyarrow as pa

from instrumentation import deadlines
from workbench.errors import UserError

from ..services import DatabaseServer
from .sample_file import SampleFile

LONGEST_ANSWER_S = 20.0
LONGEST_AWAY_S = 20.0

SCHEMA = pa.schema(
    [
        ("at_us", pa.int64()),
        ("source", pa.string()),  # activity (a reading) | database | statement (deltas over the run)
        ("name", pa.string()),  # of activity the state of the connections
        ("metric", pa.string()),  # of activity what they wait for, `type:event`
        ("value", pa.float64()),
    ]
)

ACTIVITY = """
    SELECT coalesce(state, 'unknown'), coalesce(wait_event_type || ':' || wait_event, 'none'), count(*)
    FROM pg_stat_activity
    WHERE datname = %s AND application_name = 'tracetrack'
      AND backend_type = 'client backend' -- a query's parallel workers carry its name too, and are no connections
    GROUP BY 1, 2
"""
DATABASE = """
    SELECT sessions, xact_commit, xact_rollback, blks_hit, blks_read, tup_returned, temp_bytes
    FROM pg_stat_database WHERE datname = %s
"""
DATABASE_METRICS = ("sessions", "commits", "rollbacks", "blocks_hit", "blocks_read", "rows_returned", "temp_bytes")
STATEMENTS = """
    SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 200), sum(calls), sum(total_exec_time), sum(rows)
    FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = %s) GROUP BY 1
"""
STATEMENT_METRICS = ("calls", "total_ms", "rows")


class DatabaseReader:
    """Reads over a connection of its own, and `close` leaves `database.parquet`.

    A server may lose all of its connections and come back, as it does when one of its processes was killed for want of
    memory: `lost` counts that, and the deltas are left out, as its figures began anew. `failure` says why one that
    stays away cannot be read.
    """

    def __init__(self, server: DatabaseServer, database: str, directory: Path):
        self.failure = ""
        self.lost = 0
        self._server = server
        self._database = database
        self._file = SampleFile(directory / "database.parquet", SCHEMA)
        self._connection = server.connect()
        self._away_since_s: float | None = None
        self._has_statements = self._enable_statements()
        self._before = self._totals()

    def read(self, at_us: int) -> int:
        """One reading; the application's server connections in it."""
        total = 0
        for state, wait, number in self._ask(ACTIVITY):
            self._file.add({"at_us": at_us, "source": "activity", "name": state, "metric": wait, "value": number})
            total += number
        return total

    def add_deltas(self, at_us: int) -> None:
        """The server's work since the beginning. Its backends report their last figures when they end."""
        totals = self._totals()
        if self.lost or self.failure:
            return
        for (source, name, metric), value in totals.items():
            if delta := value - self._before.get((source, name, metric), 0.0):
                self._file.add({"at_us": at_us, "source": source, "name": name, "metric": metric, "value": delta})

    def cpu_ms(self) -> float | None:
        """CPU that our connection took of the server until now; None where the server is not on this machine."""
        if self._server.pid is None:
            return None
        try:
            times = psutil.Process(self._connection.info.backend_pid).cpu_times()
        except psutil.Error:
            return None
        return 1000 * (times.user + times.system)

    def cut_off(self) -> None:
        """End another thread's waiting for a server that is silent."""
        with socket.fromfd(self._connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as wire:
            wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with closing(self._connection):
            self._file.close()

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
            for metric, value in zip(DATABASE_METRICS, row, strict=True):
                totals["database", "all", metric] = float(value)
        for query, *values in self._ask(STATEMENTS) if self._has_statements else ():
            for metric, value in zip(STATEMENT_METRICS, values, strict=True):
                totals["statement", query, metric] = float(value)
        return totals

    def _ask(self, query):
        """The rows, or none."""
        asked_s = time.monotonic()
        try:
            if self._connection.closed:
                self._connection = self._server.connect()
            with deadlines.Deadline(LONGEST_ANSWER_S), self._connection.cursor() as cursor:
                cursor.execute(query, (self._database,))
                found = cursor.fetchall()
        except (psycopg2.OperationalError, psycopg2.InterfaceError, UserError) as error:
            self._note_away(asked_s, error)
            return []
        except psycopg2.Error:
            return []  # not every role may read everything
        self._away_since_s = None
        return found

    def _note_away(self, asked_s, error):
        if self._away_since_s is None:
            self._away_since_s = asked_s
            self.lost += 1
        self._connection.close()
        if time.monotonic() - self._away_since_s >= LONGEST_AWAY_S:
            self.failure = str(error).strip().split("\n")[0]
