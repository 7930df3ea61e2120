"""Readings of the database server: states and waits of its sessions, and its work as differences over the run."""

import socket
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psutil
import psycopg2

from instrumentation import deadlines
from workbench.columns import arrow_schema
from workbench.errors import UserError
from workbench.polling import attempts
from workbench.reading_schema import DATABASE
from workbench.statement_plans import MIN_SHARE

from ..services import DatabaseServer
from ..services.application_role import ROLE
from .sample_file import SampleFile

MAX_QUERY_S = 20.0
MAX_ABSENCE_S = 20.0
SESSIONS_END_TIMEOUT_S = 2.0  # after the application that they belong to

SCHEMA = arrow_schema(DATABASE)

ACTIVITY = """
    SELECT coalesce(state, 'unknown'), coalesce(wait_event_type || ':' || wait_event, 'none'), count(*)
    FROM pg_stat_activity
    WHERE datname = %s AND application_name = 'tracetrack'
      AND backend_type = 'client backend' -- a query's parallel workers carry its name too, and are no connections
    GROUP BY 1, 2
"""
DATABASE_TOTALS = """
    SELECT sessions, xact_commit, xact_rollback, blks_hit, blks_read, tup_returned, temp_bytes
    FROM pg_stat_database WHERE datname = %s
"""
DATABASE_METRICS = ("sessions", "commits", "rollbacks", "blocks_hit", "blocks_read", "rows_returned", "temp_bytes")
STATEMENTS = """
    SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 200), sum(calls), sum(total_exec_time), sum(rows)
    FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = %s) GROUP BY 1
"""
STATEMENT_METRICS = ("calls", "total_ms", "rows")
MAX_TOP_STATEMENTS = 10
TOP_STATEMENTS = f"""
    SELECT query, calls, total_exec_time, share, queryid
    FROM (
        SELECT *, coalesce(total_exec_time / nullif(sum(total_exec_time) OVER (), 0), 0) AS share
        FROM pg_stat_statements
        WHERE toplevel AND dbid = (SELECT oid FROM pg_database WHERE datname = %s)
          AND userid = (SELECT oid FROM pg_roles WHERE rolname = '{ROLE}')
    ) AS of_the_application
    WHERE share >= {MIN_SHARE}
       OR query LIKE '%%tracetrack.%%' AND query ~* '^\\s*(select|insert|update|delete)\\M'
    ORDER BY total_exec_time DESC LIMIT {MAX_TOP_STATEMENTS}
"""
# Calls of the statements about the application's tables, which its requests need; the server may have forgotten some
# statements in between (dealloc), or not show them to this role.
APPLICATION_STATEMENTS = """
    SELECT coalesce(sum(calls) FILTER (WHERE query LIKE '%%tracetrack.%%'), 0),
           count(*) FILTER (WHERE query = '<insufficient privilege>'),
           (SELECT dealloc FROM pg_stat_statements_info)
    FROM pg_stat_statements WHERE toplevel AND dbid = (SELECT oid FROM pg_database WHERE datname = %s)
"""


class TopStatement(NamedTuple):
    """A statement of the application: its text with `$1` for a parameter, its calls, and the time that they took.

    `share` is its part of the time of all of the application's statements, `query_id` the server's number for it.
    """

    text: str
    calls: int
    total_ms: float
    share: float = 0.0
    query_id: int | None = None


class DatabaseReader:
    """Reads over a connection of its own; `close` leaves `database.parquet` in the directory.

    A server may lose all of its connections and come back, as PostgreSQL does when one of its processes was killed for
    want of memory. `disconnections` counts that, and the differences are left out, because the server's counts start
    anew. `failure` is the reason for which a server that stays away cannot be read.
    """

    def __init__(self, server: DatabaseServer, database: str, directory: Path):
        self.failure = ""
        self.disconnections = 0
        self._server = server
        self._database = database
        self._file = SampleFile(directory / "database.parquet", SCHEMA)
        self._connection = server.connect()
        self._absent_since_s: float | None = None
        self._has_statements = self._enable_statements()
        self._before = self._totals()

    def read(self, at_us: int) -> int:
        """Take one reading; returns the number of the application's connections."""
        total = 0
        for state, wait, number in self._query(ACTIVITY):
            self._file.add({"at_us": at_us, "source": "activity", "name": state, "metric": wait, "value": number})
            total += number
        return total

    def add_deltas(self, at_us: int) -> None:
        """Write the server's work since the start, once its sessions have ended: they report their last counts then."""
        for _ in attempts(SESSIONS_END_TIMEOUT_S, 0.005):
            if not self._query(ACTIVITY):
                break
        totals = self._totals()
        if self.disconnections or self.failure:
            return
        for (source, name, metric), value in totals.items():
            if delta := value - self._before.get((source, name, metric), 0.0):
                self._file.add({"at_us": at_us, "source": source, "name": name, "metric": metric, "value": delta})

    def application_statements(self) -> tuple[int, int] | None:
        """The calls of the application's statements so far, and how often the server has forgotten some.

        None where the server does not count or show them.
        """
        rows = self._query(APPLICATION_STATEMENTS) if self._has_statements else []
        return (int(rows[0][0]), int(rows[0][2])) if rows and not rows[0][1] else None

    def top_statements(self) -> list[TopStatement]:
        """The application's statements that took the most time so far, the first `MAX_TOP_STATEMENTS` of them."""
        rows = self._query(TOP_STATEMENTS) if self._has_statements else []
        return [
            TopStatement(text.strip(), int(calls), float(total_ms), float(share), query_id)
            for text, calls, total_ms, share, query_id in rows
        ]

    def cpu_ms(self) -> float | None:
        """CPU time that our connection has taken of the server so far; None for a server on another machine."""
        if self._server.pid is None:
            return None
        try:
            times = psutil.Process(self._connection.info.backend_pid).cpu_times()
        except psutil.Error:
            return None
        return 1000 * (times.user + times.system)

    def abort_query(self) -> None:
        """End the query of another thread, which waits for a server that does not respond."""
        with socket.fromfd(self._connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as wire:
            wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Finish the file and close the connection."""
        with closing(self._connection):
            self._file.close()

    def _enable_statements(self) -> bool:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
                cursor.execute("SELECT 1 FROM pg_stat_statements LIMIT 1")
        except psycopg2.Error:
            return False
        return True

    def _totals(self) -> dict[tuple[str, str, str], float]:
        """The server's counts so far, by source, name and metric."""
        totals = {}
        for row in self._query(DATABASE_TOTALS):
            for metric, value in zip(DATABASE_METRICS, row, strict=True):
                totals["database", "all", metric] = float(value)
        for query, *values in self._query(STATEMENTS) if self._has_statements else ():
            for metric, value in zip(STATEMENT_METRICS, values, strict=True):
                totals["statement", query, metric] = float(value)
        return totals

    def _query(self, sql: str) -> list[tuple]:
        """The rows of a query about the database; none if it fails."""
        start_s = time.monotonic()
        try:
            if self._connection.closed:
                self._connection = self._server.connect()
            with deadlines.Deadline(MAX_QUERY_S), self._connection.cursor() as cursor:
                cursor.execute(sql, (self._database,))
                rows = cursor.fetchall()
        except (psycopg2.OperationalError, psycopg2.InterfaceError, UserError) as error:
            self._note_absence(start_s, error)
            return []
        except psycopg2.Error:
            return []  # not every role may read everything
        self._absent_since_s, self.failure = None, ""
        return rows

    def _note_absence(self, since_s: float, error: Exception) -> None:
        if self._absent_since_s is None:
            self._absent_since_s = since_s
            self.disconnections += 1
        self._connection.close()
        if time.monotonic() - self._absent_since_s >= MAX_ABSENCE_S:
            self.failure = str(error).strip().split("\n")[0]
