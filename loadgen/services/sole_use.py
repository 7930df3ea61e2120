"""Locks on a database server: two commands at a time would share the machine, and each would measure the other."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from psycopg2.extensions import connection as Connection

from workbench.errors import UserError
from workbench.redaction import redacted

from .resources import make_private


@contextmanager
def of_folder(directory: Path) -> Iterator[None]:
    """Hold a lock on the folder of a server for the block. Raises `UserError` if another command holds it."""
    make_private(directory)
    with (directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another command"
            raise UserError(f"{holder} is using {directory}; wait until it has ended, or stop it") from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()} ({redacted(' '.join(sys.argv[1:3]))})")
        lock.flush()
        yield
        lock.truncate(0)


@contextmanager
def of_server(opened: Connection) -> Iterator[None]:
    """The same by a lock in a server of the user's; it goes with the connection, however this process ends."""
    with closing(opened) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('tracetrack-workbench'))")
        ((is_locked,),) = cursor.fetchall()
        if not is_locked:
            raise UserError("another command is using the server of DATABASE_URL; wait until it has ended, or stop it")
        yield
