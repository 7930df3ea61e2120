"""Faults of PostgreSQL: sessions that end, a server that goes away, and sessions of others that hold it up."""

import os
import signal
import threading
import time
from contextlib import closing, suppress
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from workbench.errors import UserError

from ..fault_scenarios import FAST_FUNCTION, SLOW_FUNCTION
from ..services import database_url
from .injector import FaultTarget, Injector

APPLICATION_SESSIONS = """
    FROM pg_stat_activity
    WHERE datname = %(database)s AND application_name = 'tracetrack' AND backend_type = 'client backend'
"""
TERMINATE_IDLE = f"SELECT pg_terminate_backend(pid) {APPLICATION_SESSIONS} AND state = 'idle'"
TERMINATE_BUSY = f"SELECT pg_terminate_backend(pid) {APPLICATION_SESSIONS} AND state <> 'idle'"
TERMINATE_ALL = f"SELECT pg_terminate_backend(pid) {APPLICATION_SESSIONS}"
LAST_USED = f"SELECT pid {APPLICATION_SESSIONS} ORDER BY state_change DESC NULLS LAST LIMIT 1"
LOCK_BAGS = "LOCK TABLE tracetrack.bag IN ACCESS EXCLUSIVE MODE"
LOCK_TIMEOUT_MS = 5_000
MAX_OTHERS = 1_000  # connections that others take at most
MAX_ROUNDS = 50
QUIET_ROUNDS, ROUND_S = 3, 0.1  # without a session of the application, so far apart
STOP_TIMEOUT_S = 20.0  # then it is killed


def execute(target: FaultTarget, sql: str) -> list[tuple]:
    """The rows of a statement of ours in the database of the run. Raises `UserError` where it fails."""
    try:
        with closing(target.server.connect(target.database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, {"database": target.database})
            return cursor.fetchall() if cursor.description else []
    except psycopg2.Error as error:
        raise UserError(f"PostgreSQL refused a statement of the fault: {str(error).strip().splitlines()[0]}") from None


class IdleBackendsTerminated(Injector):
    """The sessions that wait for a statement end, all at once."""

    def begin(self) -> None:
        if not execute(self.target, TERMINATE_IDLE):
            raise UserError("no session of the application was idle")


class BagsLocked(Injector):
    """A transaction of ours locks the table of bags."""

    _connection: Connection | None = None

    def begin(self) -> None:
        self._connection = self.target.server.connect(self.target.database)
        self._connection.autocommit = False
        with self._connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = %s", (LOCK_TIMEOUT_MS,))
            try:
                cursor.execute(LOCK_BAGS)
            except psycopg2.Error as error:
                raise UserError(f"the table of bags could not be locked: {str(error).splitlines()[0]}") from None

    def end(self) -> None:
        if self._connection:
            self._connection.close()


class BusyBackendsTerminated(BagsLocked):
    """A lock makes sessions busy; at its end those end that wait for it."""

    def end(self) -> None:
        with suppress(UserError):  # a server that is gone has no sessions
            if not execute(self.target, TERMINATE_BUSY + " AND pid <> pg_backend_pid()"):
                self.problem = "no session of the application waited for the lock"
        super().end()


class DatabaseStopped(Injector):
    """PostgreSQL is stopped at once, without a checkpoint, and started again at the end."""

    stop_signal = signal.SIGQUIT

    def begin(self) -> None:
        if not self.target.server.child:
            raise UserError("the server of DATABASE_URL is not the workbench's to stop")
        os.kill(self.target.server.child.pid, self.stop_signal)

    def end(self) -> None:
        child = self.target.server.child
        if not child:
            return
        child.wait(STOP_TIMEOUT_S)
        child.kill()
        with self.target.paused_readings():
            self.target.server.restart()
        self.target.note_database(child.pid)

    def is_over(self) -> bool:
        try:
            psycopg2.connect(self.target.server.url, connect_timeout=1).close()
        except psycopg2.OperationalError:
            return False
        return True


class Failover(DatabaseStopped):
    """PostgreSQL ends its sessions and stops in order."""

    stop_signal = signal.SIGINT


class BackendFrozen(Injector):
    """The process of the session that was used last stands still."""

    needs_freezer = True
    _pid = 0

    def begin(self) -> None:
        if not self.target.server.child:
            raise UserError("the processes of the server of DATABASE_URL are not the workbench's to freeze")
        if not (rows := execute(self.target, LAST_USED)):
            raise UserError("the application has no session")
        ((self._pid,),) = rows
        self.freeze(self._pid)

    def end(self) -> None:
        if self._pid:
            self.thaw(self._pid)


class ConnectionsUsedUp(Injector):
    """Others take every connection that the role of the application may have, and those of the application first.

    They go on taking until the end: an application that is about to get a connection has a place at the server, and no
    name yet to find it by.
    """

    def __init__(self, target: FaultTarget):
        super().__init__(target)
        self._others: list[Connection] = []
        self._is_over = threading.Event()
        self._taking = threading.Thread(target=self._go_on_taking, daemon=True)

    def begin(self) -> None:
        quiet_rounds = 0
        for _ in range(MAX_ROUNDS):  # the application may be faster with a place that has become free
            until_s = time.monotonic() + ROUND_S
            while time.monotonic() < until_s:  # a place is free some time after its session was ended
                self._take_all()
            quiet_rounds = 0 if execute(self.target, TERMINATE_ALL) else quiet_rounds + 1
            if quiet_rounds == QUIET_ROUNDS:
                self._taking.start()
                return
        raise UserError(f"the application still had connections after {MAX_ROUNDS} rounds of taking them")

    def end(self) -> None:
        self._is_over.set()
        if self._taking.ident is not None:
            self._taking.join()
        for connection in self._others:
            connection.close()

    def _go_on_taking(self) -> None:
        while not self._is_over.wait(ROUND_S):
            self._take_all()
            with suppress(UserError):  # the server may go away in the meantime
                execute(self.target, TERMINATE_ALL)

    def _take_all(self) -> None:
        """Take every connection that is free."""
        while len(self._others) < MAX_OTHERS and self._take():
            pass

    def _take(self) -> bool:
        """Take a connection; returns whether there was one."""
        parameters: dict[str, Any] = database_url.parameters(
            self.target.server.application_url_of(self.target.database)
        )
        try:
            self._others.append(psycopg2.connect(**parameters, application_name="others", connect_timeout=2))
        except psycopg2.OperationalError:
            return False
        return True


class SlowStatement(Injector):
    """One scan at a time is slow in PostgreSQL, by a trigger that the scenario has made."""

    def begin(self) -> None:
        execute(self.target, SLOW_FUNCTION)

    def end(self) -> None:
        with suppress(UserError):
            execute(self.target, FAST_FUNCTION)
