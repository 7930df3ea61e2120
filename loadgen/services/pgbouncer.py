"""PgBouncer between application and database, for one run: Debian's program, in transaction mode.

A connection of the application gets one of the pool's for a transaction, and gives it back at the end of that.
"""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extras import RealDictCursor
from sqlalchemy import URL, make_url

from workbench.errors import UserError
from workbench.polling import attempts
from workbench.temporary_folder import temporary_folder

from ..subprocesses import Child, start
from . import database_url
from .postgres_user import prepare_for
from .resources import free_port, make_private

HOST = "127.0.0.1"
START_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 2
ADMINISTRATION = "pgbouncer"  # the name of its own database, and of the user that reads from it
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin")  # which are not in the path of an ordinary user
MISSING = "pgbouncer is not installed"
APOSTROPHE = "'"
NAMES = ("database", "user")  # in its answers
READINGS = {"pools": "SHOW POOLS", "stats": "SHOW STATS"}


@dataclass(frozen=True)
class PoolerSettings:
    """What the pooler allows: connections to the server, those of clients, and the wait of a client for one.

    `statement_timeout_ms` is set on each connection to the server: clients cannot, neither at their start nor later.
    """

    size: int
    max_clients: int
    wait_s: float
    statement_timeout_ms: int = 0


@dataclass(frozen=True)
class Pooler:
    """A PgBouncer that is up. `url` leads through it to the database, password included."""

    child: Child
    url: str = field(repr=False)
    admin_url: str = field(repr=False)
    version: str
    database: str

    def readings(self) -> dict[str, Any]:
        """Its version, and what it counted for the run's database since its start: `pools` and `stats`.

        The names are its own; times are in µs. Raises `UserError` if it does not answer.
        """
        try:
            with closing(psycopg2.connect(self.admin_url, connect_timeout=CONNECT_TIMEOUT_S)) as connection:
                connection.autocommit = True  # it knows no transactions
                with connection.cursor(cursor_factory=RealDictCursor) as cursor:
                    return {"version": self.version, **{name: self._rows(cursor, READINGS[name]) for name in READINGS}}
        except psycopg2.Error as error:
            reason = str(error).strip().split("\n")[0]
            raise UserError(f"PgBouncer does not answer: {reason}\nIts log is {self.child.log}") from None

    def _rows(self, cursor: RealDictCursor, command: str) -> list[dict[str, Any]]:
        cursor.execute(command)
        return [
            {name: value if isinstance(value, str) else int(value) for name, value in row.items() if name not in NAMES}
            for row in cursor.fetchall()
            if row["database"] == self.database
        ]


def is_installed() -> bool:
    """True if this machine has PgBouncer."""
    return _program() is not None


def _program() -> str | None:
    return shutil.which("pgbouncer", path=os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS)))


@contextmanager
def pooler(url: str, settings: PoolerSettings, log: Path) -> Iterator[Pooler]:
    """Run a PgBouncer before the database of `url` for the block, on a free port of 127.0.0.1.

    Its configuration and the password of the URL are in a folder that only the owner may enter, and are gone after the
    block. Raises `UserError` if it is not installed or does not start.
    """
    if not (program := _program()):
        raise UserError(f"{MISSING}; install Debian's package pgbouncer, or choose a deployment without a pooler")
    if "options" in make_url(url).query:
        raise UserError(
            "DATABASE_URL has options, which PgBouncer does not pass on; leave them out, or choose a deployment "
            "without a pooler"
        )
    with temporary_folder("pooler") as folder:
        directory = folder / "pgbouncer"
        make_private(directory)
        port, password = free_port(), secrets.token_urlsafe(24)
        configuration = _write_configuration(directory, url, settings, port, password)
        prepare = prepare_for(directory, Path(program).parent, "PgBouncer")
        with start(
            "PgBouncer", [program, str(configuration)], log, stop_signal=signal.SIGTERM, prepare=prepare
        ) as child:
            admin_url = f"postgresql://{ADMINISTRATION}:{password}@{HOST}:{port}/{ADMINISTRATION}"
            _wait_until_ready(child, admin_url, port)
            yield Pooler(child, _through(url, port), admin_url, _version(program), make_url(url).database or "")


def _write_configuration(directory: Path, url: str, settings: PoolerSettings, port: int, password: str) -> Path:
    """Write the configuration and the file of its users, closed to others before anything is in them."""
    parsed = make_url(url)
    logins = {str(parsed.username): parsed.password or "", ADMINISTRATION: password}
    users = _write(directory / "users.txt", (f"{_quoted(name)} {_quoted(word)}" for name, word in logins.items()))
    sections: dict[str, Mapping[Any, Any]] = {
        "databases": {parsed.database: _connection(parsed, url, settings)},
        "pgbouncer": {
            "listen_addr": HOST,
            "listen_port": port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": users,
            "stats_users": ADMINISTRATION,
            "pool_mode": "transaction",
            "default_pool_size": settings.size,
            "max_client_conn": settings.max_clients,
            "query_wait_timeout": max(1, round(settings.wait_s)),
            "server_tls_sslmode": parsed.query.get("sslmode", "prefer"),
            "log_connections": 0,
            "log_disconnections": 0,
        },
    }
    lines = (line for name, values in sections.items() for line in (f"[{name}]", *_lines(values)))
    return _write(directory / "pgbouncer.ini", lines)


def _write(path: Path, lines: Iterable[str]) -> Path:
    path.touch(mode=0o600)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def _lines(values: Mapping[Any, Any]) -> Iterator[str]:
    return (f"{name} = {value}" for name, value in values.items())


def _connection(parsed: URL, url: str, settings: PoolerSettings) -> str:
    """How the pooler reaches the server; a Unix socket by its folder."""
    address = database_url.address(url)
    host, port = address if isinstance(address, tuple) else (parsed.query["host"], parsed.query["port"])
    parts = {"host": host, "port": port, "dbname": parsed.database}
    if settings.statement_timeout_ms:
        parts["connect_query"] = f"SET statement_timeout = {settings.statement_timeout_ms}"
    return " ".join(f"{name}={_quoted(value, APOSTROPHE)}" for name, value in parts.items())


def _quoted(text: object, quote: str = '"') -> str:
    return f"{quote}{str(text).replace(quote, 2 * quote)}{quote}"


def _through(url: str, port: int) -> str:
    """The URL for the application; the way to the pooler is not encrypted, it never leaves the machine."""
    target = make_url(database_url.through(url, (HOST, port)))
    return target.update_query_dict({"sslmode": "disable"}).render_as_string(hide_password=False)


def _wait_until_ready(child: Child, admin_url: str, port: int) -> None:
    reason = "it does not answer"
    for _ in attempts(START_TIMEOUT_S, 0.01):
        if child.ended():
            reason = child.last_line().rpartition("] ")[2] or f"it ended with code {child.process.returncode}"
            if "nowhere to listen" in reason:
                reason = f"port {port} of {HOST} is in use"
            break
        try:
            psycopg2.connect(admin_url, connect_timeout=CONNECT_TIMEOUT_S).close()
            return
        except psycopg2.OperationalError:
            continue
    raise UserError(f"PgBouncer did not start: {reason}\nIts log is {child.log}")


@cache
def _version(program: str) -> str:
    """`PgBouncer 1.18.0`."""
    finished = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=10)
    return (finished.stdout.splitlines() or ["PgBouncer"])[0]
