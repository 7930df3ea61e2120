"""Brings a database to the schema of `schema/`: creates what is missing, and leaves what exists as it is.

The files are the only description of the schema: they are executed under a scratch name, their result is read from the
catalogs and rolled back, and compared with the catalogs of the real schema. Tables, columns, constraints, indexes and
extensions are compared; storage options, functions, triggers, views and rows are not. A file besides those of the
tables, constraints and indexes is an optional part, which only some deployments need: it is executed as a whole, or
not at all.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from .schema_catalog import (
    SCHEMA,
    Catalog,
    Column,
    ColumnKey,
    qualified,
    read_catalog,
    read_extensions,
    read_object_names,
)
from .service_urls import DATABASE_EXAMPLE, redacted

FILES = Path(__file__).with_name("schema")
CORE_FILES = ("tables", "constraints")
INDEXES = {"none": (), "btree": ("btree",), "trigram": ("btree", "trigram")}
OPTIONAL_PARTS = tuple(sorted({path.stem for path in FILES.glob("*.sql")} - {*CORE_FILES, *INDEXES["trigram"]}))
SCRATCH_SCHEMA = "tracetrack_wanted"
OLD_TABLES = {f"{name}s": name for name in ("user", "bag", "link", "bill", "bill_bag", "scan")}
OLD_COLUMNS = {("scan", "timestamp"): "scanned_at"}
# A migration that waits for a table makes all later readers of it wait too: better to give up than to stop the
# application.
LOCK_TIMEOUT_MS = 10_000


class MigrationError(Exception):
    """A migration that failed; the message is the reason, in one line."""


class Step(NamedTuple):
    """One change: a verb, the object that it changes, and its SQL."""

    verb: str
    target: str
    statement: str


class Expected(NamedTuple):
    """The result of the files: a catalog, extensions that the database lacks, and the objects of each optional part."""

    catalog: Catalog
    extensions: set[str]
    parts: dict[str, set[str]]


def migrate(url: str, indexes: str = "btree", parts: Sequence[str] = (), dry_run: bool = False) -> list[str]:
    """Create what the database lacks; one line for each change. A dry run does the same and rolls it back.

    `indexes` is one of `INDEXES`, `parts` are some of `OPTIONAL_PARTS`. A second migration at the same time waits for
    the first. Raises `MigrationError` if a change is impossible, and then nothing was changed.
    """
    lines = []
    with closing(_connect(url)) as connection, connection.cursor() as cursor:
        with _migration_errors("the schemas cannot be compared"):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('tracetrack migrate'))")
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            for verb, target, statement in _steps(cursor, (*CORE_FILES, *INDEXES[indexes]), parts):
                with _migration_errors(f"cannot {verb} {target}"):
                    cursor.execute(statement)
                lines.append(f"would {verb} {target}" if dry_run else f"{verb}d {target}")
        if not dry_run:
            with _migration_errors("the commit was not confirmed", "run it again to see whether the changes were kept"):
                connection.commit()
    return lines


def _connect(url: str) -> Connection:
    try:
        libpq_url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        connection = psycopg2.connect(libpq_url, connect_timeout=5, application_name="tracetrack-migrate")
    except (ArgumentError, ValueError):
        raise MigrationError(f"the database URL does not look like {DATABASE_EXAMPLE}") from None
    except psycopg2.Error as error:
        raise MigrationError(f"the database {redacted(url)} does not answer: {_reason(error)}") from None
    # In this isolation a migration that waited for the lock sees the changes of the other one.
    connection.set_session(isolation_level="READ COMMITTED", readonly=False)
    return connection


@contextmanager
def _migration_errors(problem: str, outcome: str = "nothing was changed") -> Iterator[None]:
    """Turn an error of PostgreSQL into a `MigrationError` that names the problem and the outcome."""
    try:
        yield
    except psycopg2.Error as error:
        raise MigrationError(f"{problem}: {_reason(error)}; {outcome}") from None


def _reason(error: psycopg2.Error) -> str:
    parts = (error.diag.message_primary or str(error), error.diag.message_detail)
    return ": ".join(" ".join(part.split()) for part in parts if part)


def _steps(cursor: Cursor, files: Sequence[str], parts: Sequence[str]) -> Iterator[Step]:
    """The steps to what the files make; each must be executed before the next is requested."""
    expected = _read_expected(cursor, files, parts)
    # First, because the schema of an extension depends on the existing ones: the same as for the scratch schema.
    for name in sorted(expected.extensions):
        yield Step("create", f"extension {name}", f'CREATE EXTENSION "{name}"')
    cursor.execute("SELECT to_regnamespace(%s)", (SCHEMA,))
    if cursor.fetchone() == (None,):
        yield Step("create", f"schema {SCHEMA}", f"CREATE SCHEMA {SCHEMA}")
    yield from _table_renames(expected.catalog, read_catalog(cursor, SCHEMA))
    yield from _column_renames(expected.catalog, read_catalog(cursor, SCHEMA))
    present = read_catalog(cursor, SCHEMA)
    _require_possible(cursor, expected.catalog, present)
    for missing in (_missing_tables, _missing_columns, _missing_properties, _missing_constraints_and_indexes):
        yield from missing(expected.catalog, present)
    yield from _missing_parts(expected.parts, read_object_names(cursor, SCHEMA))


def _read_expected(cursor: Cursor, files: Sequence[str], parts: Sequence[str]) -> Expected:
    """Execute the files under the scratch name, read their result, and roll them back."""
    extensions = read_extensions(cursor)
    cursor.execute("SAVEPOINT untouched")
    for name in files:
        cursor.execute(_sql(name, SCRATCH_SCHEMA))
    catalog, added = read_catalog(cursor, SCRATCH_SCHEMA), read_extensions(cursor) - extensions
    expected = Expected(catalog, added, {part: _objects_of_part(cursor, part) for part in parts})
    cursor.execute("ROLLBACK TO SAVEPOINT untouched")
    return expected


def _objects_of_part(cursor: Cursor, part: str) -> set[str]:
    existing = read_object_names(cursor, SCRATCH_SCHEMA)
    cursor.execute(_sql(part, SCRATCH_SCHEMA))
    return read_object_names(cursor, SCRATCH_SCHEMA) - existing


def _sql(name: str, schema: str = SCHEMA) -> str:
    return re.sub(rf"\b{SCHEMA}\b", schema, (FILES / f"{name}.sql").read_text())


def _table_renames(expected: Catalog, present: Catalog) -> Iterator[Step]:
    for old, new in OLD_TABLES.items():
        if old in present.tables and new in expected.tables and new not in present.tables:
            yield Step("rename", f"table {old} to {new}", f'ALTER TABLE {qualified(old)} RENAME TO "{new}"')


def _column_renames(expected: Catalog, present: Catalog) -> Iterator[Step]:
    for (table, old), new in OLD_COLUMNS.items():
        if (table, old) in present.columns and (table, new) in expected.columns.keys() - present.columns.keys():
            statement = f'ALTER TABLE {qualified(table)} RENAME COLUMN "{old}" TO "{new}"'
            yield Step("rename", f"column {table}.{old} to {new}", statement)


def _require_possible(cursor: Cursor, expected: Catalog, present: Catalog) -> None:
    """Raise `MigrationError` for a column of another type, and for one that the rows of its table cannot get."""
    for key, column in expected.columns.items():
        existing = present.columns.get(key)
        if existing:
            _require_type(key, column, existing)
        elif key[0] in present.tables:
            _require_addable(cursor, key, column)


def _require_type(key: ColumnKey, column: Column, existing: Column) -> None:
    if existing.type != column.type:
        name = ".".join(key)
        raise MigrationError(f"column {name} is {existing.type}, expected is {column.type}; nothing was changed")


def _require_addable(cursor: Cursor, key: ColumnKey, column: Column) -> None:
    # A generated column would have every row rewritten.
    needs_empty_table = column.value.startswith("GENERATED") if column.value else column.not_null
    if not needs_empty_table:
        return
    cursor.execute(f"SELECT EXISTS (SELECT FROM {qualified(key[0])})")
    if cursor.fetchone() == (True,):
        name = f"column {'.'.join(key)} {column.definition}"
        raise MigrationError(f"{name} is missing, and the table has rows without a value; nothing was changed")


def _missing_tables(expected: Catalog, present: Catalog) -> Iterator[Step]:
    for table in expected.tables:
        if table not in present.tables:
            keys = [key for key in expected.columns if key[0] == table]
            columns = [f'"{key[1]}" {expected.columns[key].definition}' for key in keys]
            yield Step("create", f"table {table}", f"CREATE TABLE {qualified(table)} ({', '.join(columns)})")


def _missing_columns(expected: Catalog, present: Catalog) -> Iterator[Step]:
    for (table, name), column in expected.columns.items():
        if table in present.tables and (table, name) not in present.columns:
            target = f"column {table}.{name} {column.definition}"
            yield Step("create", target, f'ALTER TABLE {qualified(table)} ADD COLUMN "{name}" {column.definition}')


def _missing_properties(expected: Catalog, present: Catalog) -> Iterator[Step]:
    """The properties that existing columns lack; another default is not replaced."""
    for (table, name), existing in present.columns.items():
        column = expected.columns.get((table, name), existing)
        target, alter = f"column {table}.{name} to", f'ALTER TABLE {qualified(table)} ALTER COLUMN "{name}"'
        if column.not_null and not existing.not_null:
            yield Step("change", f"{target} NOT NULL", f"{alter} SET NOT NULL")
        if column.value and not existing.value:
            yield Step("change", f"{target} {column.value}", f"{alter} {_value_clause(table, name, column.value)}")


def _value_clause(table: str, name: str, value: str) -> str:
    if not value.endswith("AS IDENTITY"):
        return f"SET {value}"
    # New numbers continue after those that the rows have.
    sequence = f"pg_get_serial_sequence('{qualified(table)}', '{name}')"
    return f'ADD {value}; SELECT setval({sequence}, greatest(max("{name}"), 0) + 1, false) FROM {qualified(table)}'


def _missing_constraints_and_indexes(expected: Catalog, present: Catalog) -> Iterator[Step]:
    for definition, (description, statement) in expected.constraints_and_indexes.items():
        if definition not in present.constraints_and_indexes:
            yield Step("create", description.replace(f"{SCHEMA}.", ""), statement)


def _missing_parts(parts: Mapping[str, set[str]], existing: set[str]) -> Iterator[Step]:
    for part, objects in parts.items():
        if not objects & existing:
            yield Step("create", f"{part}: {', '.join(sorted(objects))}", _sql(part))
        elif lacking := sorted(objects - existing):
            raise MigrationError(f"{part} exists only in part, without {', '.join(lacking)}; nothing was changed")
