"""The rows of TraceTrack: built once inside the server as a template database, which `run_database` clones.

A comment on its schema marks a template. A database without that mark was not created by the workbench and is left
alone.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from workbench.errors import UsageError, UserError
from workbench.paths import REPOSITORY

from . import progress
from .services import DatabaseServer
from .subprocesses import deferred_signals

SEED = 20251014
SALT = "tracetrackworkbe"
LAST_DAY = "2025-10-14T00:00:00Z"
CHILDREN_PER_PARENT = 30
BAGS_PER_S = 120_000  # a rough speed of building, for the progress bar
MADE_BY = "tracetrack-workbench"
SCHEMA = REPOSITORY / "reference_app" / "schema"
PARTS = ("tables", "constraints", "btree", "trigram")  # of a schema that every template is made of
OTHER = "tracetrack_other_"  # begins the names of templates with the schema of another checkout
ROWS = Path(__file__).with_name("dataset.sql")
TABLES = ("user", "bag", "link", "bill", "bill_bag", "scan")


@dataclass(frozen=True)
class Scale:
    """The size of the data: numbers of rows."""

    users: int
    bags: int
    scans: int
    bills: int

    @property
    def parents(self) -> int:
        return -(-self.bags // (CHILDREN_PER_PARENT + 1))

    @property
    def children(self) -> int:
        return self.bags - self.parents

    def counts(self) -> dict[str, int]:
        """Rows by table."""
        return {
            "user": self.users, "bag": self.bags, "link": self.children,
            "bill": self.bills, "bill_bag": 10 * self.bills, "scan": self.scans,
        }  # fmt: skip


SCALES = {
    "small": Scale(users=100, bags=20_000, scans=5_500, bills=50),
    "production": Scale(users=100, bags=1_800_000, scans=500_000, bills=5_000),
}


def find_scale(name: str) -> Scale:
    """The scale of this name. Raises `UserError` for an unknown name."""
    if name not in SCALES:
        raise UsageError(f"there is no scale {name!r}; choose one of {', '.join(SCALES)}")
    return SCALES[name]


def ensure_template(server: DatabaseServer, scale: str, indexes: str, schema: Path = SCHEMA) -> str:
    """Build the template database for a scale and a set of indexes, unless it exists; return its name.

    `schema` is the folder of the SQL files that make its tables: that of the workbench, or of another checkout. Raises
    `UserError` where a database or schema of that name is not the workbench's own, or the rows do not fit its tables.
    """
    rows = find_scale(scale)
    _refuse_foreign_schema(server)
    prefix = f"tracetrack_{scale}_{indexes}_" if schema == SCHEMA else f"{OTHER}{scale}_{indexes}_"
    name = f"{prefix}{fingerprint(scale, schema)}"
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        if _exists(cursor, name):
            if not _mark(server, name):
                raise UserError(
                    f"database {name} exists and was not created by the workbench; rename it, nothing was changed"
                )
            return name
        if schema == SCHEMA:
            _drop_outdated(server, cursor, prefix)
        building = f"{name}_building"
        if indexes == "btree":
            _create_database(cursor, building, "template0")
            _build(server, building, scale, rows, schema)
        else:
            _create_database(cursor, building, ensure_template(server, scale, "btree", schema))
            (_add_trigram if indexes == "trigram" else _drop_indexes)(server, building, scale, schema)
        cursor.execute(f'ALTER DATABASE "{building}" RENAME TO "{name}"')
    return name


def template_counts(server: DatabaseServer, template: str) -> dict[str, int]:
    """The numbers of rows by table that a template was built with, and that its clones have."""
    return (_mark(server, template) or {}).get("counts", {})


def counts(server: DatabaseServer, database: str) -> dict[str, int]:
    """The current numbers of rows by table."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        return _count(cursor)


def _count(cursor: Cursor) -> dict[str, int]:
    counted = {}
    for table in TABLES:
        cursor.execute(f'SELECT count(*) FROM tracetrack."{table}"')
        ((counted[table],),) = cursor.fetchall()
    return counted


@cache
def fingerprint(scale: str, schema: Path = SCHEMA) -> str:
    """A digest of everything that the rows and the schema of a scale depend on."""
    content = ROWS.read_text() + _schema_text(schema, PARTS)
    return hashlib.sha256(f"{SEED} {asdict(SCALES[scale])} {content}".encode()).hexdigest()[:8]


def schema_digest(schema: Path = SCHEMA) -> str:
    """A digest of all SQL files of a schema."""
    content = "".join(f"{path.name} {path.read_text()}" for path in sorted(schema.glob("*.sql")))
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def _schema_text(schema: Path, parts: Iterable[str]) -> str:
    """The text of the files of a schema; an older checkout may lack some of them."""
    paths = (schema / f"{part}.sql" for part in parts)
    return "".join(path.read_text() for path in paths if path.is_file())


def drop_other_templates(server: DatabaseServer, needed: Collection[str]) -> None:
    """Drop the templates with the schemas of other checkouts, those in `needed` aside."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        _drop_outdated(server, cursor, OTHER, needed)


def _build(server: DatabaseServer, database: str, scale: str, rows: Scale, schema: Path) -> None:
    parameters = {
        **asdict(rows), "seed": SEED, "parents": rows.parents,
        "children_per_parent": CHILDREN_PER_PARENT, "last_day": LAST_DAY,
    }  # fmt: skip
    expected_s = rows.bags / BAGS_PER_S
    with progress.steps(f"dataset {scale}", expected_s) as shown, closing(server.connect(database)) as connection:
        # One transaction: no half-built template is ever visible, and new tables need no log.
        connection.autocommit = False
        with connection.cursor() as cursor:
            shown.begin(f"{rows.bags:,} bags, {rows.scans:,} scans", 0.4 * expected_s)
            cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
            with _fitting_rows(schema):
                cursor.execute((schema / "tables.sql").read_text())
                cursor.execute(ROWS.read_text(), parameters)
                shown.begin("keys", 0.35 * expected_s)
                cursor.execute((schema / "constraints.sql").read_text())
                shown.begin("indexes and statistics", 0.25 * expected_s)
                cursor.execute((schema / "btree.sql").read_text())
            counted = _count(cursor)
            if counted != rows.counts():
                raise UserError(f"the dataset came out wrong: {counted}, expected {rows.counts()}; it was discarded")
            mark = {"made_by": MADE_BY, "scale": scale, "seed": SEED, "counts": counted}
            cursor.execute("COMMENT ON SCHEMA tracetrack IS %s", (json.dumps(mark),))
        connection.commit()
        _vacuum(connection)


@contextmanager
def _fitting_rows(schema: Path) -> Iterator[None]:
    """Turn an error of the SQL of another checkout into a `UserError`."""
    try:
        yield
    except (psycopg2.Error, OSError) as error:
        if schema == SCHEMA or isinstance(error, psycopg2.OperationalError):
            raise
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"the rows of the workbench do not fit the schema of {schema}: {reason}") from None


def _add_trigram(server: DatabaseServer, database: str, scale: str, schema: Path) -> None:
    expected_s = SCALES[scale].bags / BAGS_PER_S / 3
    with progress.steps(f"dataset {scale}", expected_s) as shown, closing(server.connect(database)) as connection:
        shown.begin("trigram indexes", expected_s)
        with connection.cursor() as cursor:
            cursor.execute("SET maintenance_work_mem = '512MB'")
            try:
                cursor.execute((schema / "trigram.sql").read_text())
            except psycopg2.Error as error:
                raise UserError(f"the trigram indexes could not be created: {str(error).strip()}") from None
        _vacuum(connection)


def _drop_indexes(server: DatabaseServer, database: str, scale: str, schema: Path) -> None:
    """Drop all indexes but those of keys and the unique ones, which keep the rows correct."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
            "WHERE relnamespace = to_regnamespace('tracetrack') AND NOT indisunique"
        )
        for (index,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {index}")


def _vacuum(connection: Connection) -> None:
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def _refuse_foreign_schema(server: DatabaseServer) -> None:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), to_regnamespace('tracetrack') IS NOT NULL")
        ((database, present),) = cursor.fetchall()
    if present and not _mark(server, database):
        raise UserError(
            f"database {database} already has a schema tracetrack that the workbench did not create; nothing was "
            "changed\n"
            "Point DATABASE_URL at an empty database of a server on which databases may be created."
        )


def _mark(server: DatabaseServer, database: str) -> dict | None:
    """The mark of a template: the comment on its schema; None for another database."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regnamespace('tracetrack'), 'pg_namespace')")
        ((comment,),) = cursor.fetchall()
    try:
        mark = json.loads(comment or "null")
    except json.JSONDecodeError:
        return None
    return mark if isinstance(mark, dict) and mark.get("made_by") == MADE_BY else None


def _exists(cursor: Cursor, database: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s AND datconnlimit <> -2", (database,))
    return cursor.fetchone() is not None


def _create_database(cursor: Cursor, name: str, template: str) -> None:
    cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    try:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
    except psycopg2.Error as error:
        raise UserError(f"a database could not be created: {str(error).strip().splitlines()[0]}") from None


def _drop_outdated(server: DatabaseServer, cursor: Cursor, prefix: str, needed: Collection[str] = ()) -> None:
    """Drop the templates of earlier dataset definitions, `needed` ones aside, and those that were not completed."""
    # A limit of -2 marks a database whose dropping was cut short: it can be neither opened nor used.
    cursor.execute("SELECT datname, datconnlimit = -2 FROM pg_database WHERE starts_with(datname, %s)", (prefix,))
    for name, is_half_dropped in cursor.fetchall():
        if name in needed:
            continue
        if is_half_dropped or name.endswith("_building") or _mark(server, name):
            with deferred_signals():
                cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
