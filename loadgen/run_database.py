"""The database of a run: cloned from a template, set up for its deployment, and dropped after the run.

The server takes some tenths of a second to clone and to drop. It does both while this process does something else, and
never while a load is running.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, Self

import psycopg2
from psycopg2.extensions import cursor as Cursor

from instrumentation import deadlines
from reference_app import role_grants
from reference_app.passwords import hash_password
from reference_app.settings import Settings
from workbench.errors import UserError

from . import dataset
from .accounts import PASSWORD
from .app_code import OWN, AppCode
from .dataset import SALT, SCHEMA
from .services import DatabaseServer, SentStatement
from .subprocesses import deferred_signals

MAX_CREATE_S, MAX_DROP_S = 300.0, 30.0
PREFIX = "tracetrack_run_"


class Template(NamedTuple):
    """The name of a template, and its numbers of rows by table, which its clones have too."""

    name: str
    counts: dict[str, int]


class RunDatabase:
    """The database of one run, which the server may still be cloning; `name` is known from the start."""

    def __init__(self, databases: "RunDatabases", name: str, settings: Settings, code: AppCode):
        self.name = name
        self.server = databases.server
        self._databases = databases
        self._settings = settings
        self._code = code

    def prepare(self) -> None:
        """Wait until it is cloned, set it up for the deployment's hash and queries, and load its tables into memory."""
        self._databases.finish_cloning(self.name)
        _prepare_clone(self.server, self.name, self._settings, self._code)

    def begin_next(self, run: str, scale: str, indexes: str, schema: Path = SCHEMA) -> None:
        """Have the server clone the database of the next run, and do not wait."""
        self._databases.begin_cloning(run, self._databases.template(scale, indexes, schema).name)

    def require_quiet_server(self) -> None:
        """Wait until the server has dropped the databases of earlier runs: no load may run beside that."""
        self._databases.finish_dropping()


class RunDatabases:
    """The databases of the runs of one command on one server. After its block all of them are dropped."""

    def __init__(self, server: DatabaseServer):
        self.server = server
        self._templates: dict[tuple[str, str, Path], Template] = {}
        self._cloning: dict[str, SentStatement] = {}
        self._dropping: dict[str, SentStatement] = {}
        self._in_use: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with deferred_signals():
            for name in list(self._cloning):
                self._drop(name)
            self.finish_dropping()

    def template(self, scale: str, indexes: str, schema: Path = SCHEMA) -> Template:
        """The template of a scale, a set of indexes and a schema, which is looked up or built at the first call.

        While the server clones it, it accepts no connection.
        """
        key = scale, indexes, schema
        if key not in self._templates:
            name = dataset.ensure_template(self.server, scale, indexes, schema)
            self._templates[key] = Template(name, dataset.template_counts(self.server, name))
        return self._templates[key]

    def begin_cloning(self, run: str, template: str) -> str:
        """Have the server clone a template for a run, and do not wait; returns the name of the database.

        Databases that killed runs have left on the workbench's own server are dropped before.
        """
        name = f"{PREFIX}{run}".replace("-", "_")[:63]
        # A server completes what it was sent before a signal: the database would exist after it was dropped.
        with deferred_signals():
            if name not in self._cloning:
                with closing(self.server.connect()) as connection, connection.cursor() as cursor:
                    self._drop_left_over(cursor, name)
                statement = f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'
                self._cloning[name] = self.server.send(statement)
        return name

    def finish_cloning(self, name: str) -> None:
        """Wait until the server has cloned. Raises `UserError` with its reason if it could not."""
        try:
            with deadlines.Deadline(MAX_CREATE_S):
                self._cloning[name].wait()
        except psycopg2.Error as error:
            raise UserError(f"a database could not be created: {str(error).strip().splitlines()[0]}") from None
        self._cloning.pop(name).close()

    @contextmanager
    def clone(self, run: str, template: str, settings: Settings, code: AppCode = OWN) -> Iterator[RunDatabase]:
        """Provide the database of a run for the block; after it the server drops the database.

        `code` is that of the application which uses it.
        """
        name = self.begin_cloning(run, template)
        self._in_use.add(name)
        try:
            yield RunDatabase(self, name, settings, code)
        finally:
            self._in_use.discard(name)
            self._drop(name)

    def finish_dropping(self) -> None:
        """Wait until the server has dropped the databases of earlier runs."""
        with deferred_signals(), deadlines.Deadline(MAX_DROP_S):
            while self._dropping:
                _, statement = self._dropping.popitem()
                with suppress(psycopg2.Error), closing(statement):
                    statement.wait()

    def _drop(self, name: str) -> None:
        """Have the server drop a database, also if a signal comes; where it does not answer, a later run does that."""
        with deferred_signals(), suppress(UserError, psycopg2.Error), deadlines.Deadline(MAX_DROP_S):
            if cloning := self._cloning.pop(name, None):
                with suppress(psycopg2.Error), closing(cloning):
                    cloning.wait()
            self._dropping[name] = self.server.send(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _drop_left_over(self, cursor: Cursor, name: str) -> None:
        own = {*self._cloning, *self._dropping, *self._in_use}
        names = {name}
        if self.server.pid is not None:
            cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (PREFIX,))
            names |= {left_over for (left_over,) in cursor.fetchall()}
        for left_over in names - own:
            cursor.execute(f'DROP DATABASE IF EXISTS "{left_over}" WITH (FORCE)')


@contextmanager
def clone(server: DatabaseServer, template: str, run: str, settings: Settings) -> Iterator[str]:
    """Clone a template for the block; yields the name of the database, which is set up."""
    with RunDatabases(server) as databases, databases.clone(run, template, settings) as database:
        database.prepare()
        yield database.name


def change(server: DatabaseServer, database: str, sql: str) -> None:
    """Run the SQL of a scenario in the database of a run."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)


def _prepare_clone(server: DatabaseServer, name: str, settings: Settings, code: AppCode) -> None:
    """Set password hashes, optional parts of the schema and the application's rights, and load all tables into memory.

    The accounts share one hash: to compute a hundred would take longer than the run, and to verify costs the same.
    """
    with closing(server.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute('UPDATE tracetrack."user" SET password_hash = %s', (_stored_hash(settings.password_hash),))
        for part in settings.schema_parts:
            cursor.execute((code.schema / f"{part}.sql").read_text())
        if server.application_role:
            role_grants.grant(cursor, server.application_role, code.grants)
        try:
            cursor.execute("CREATE EXTENSION pg_prewarm")
        except psycopg2.Error:
            return  # it needs a superuser; without it the first requests read from disk
        cursor.execute(
            "SELECT pg_prewarm(c.oid) FROM pg_class c WHERE relnamespace = to_regnamespace('tracetrack') "
            "AND relkind IN ('r', 'i')"
        )
        cursor.execute("DROP EXTENSION pg_prewarm")


@cache
def _stored_hash(scheme: Literal["scrypt", "argon2id"]) -> str:
    return hash_password(PASSWORD, scheme, SALT)
