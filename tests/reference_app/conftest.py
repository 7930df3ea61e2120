"""Fixtures of several tests of the application: databases to migrate."""

from contextlib import closing

import pytest

from reference_app import migrate
from tests.reference_app.migration_target import DATABASE, ROWS, MigrationTarget


@pytest.fixture(scope="module")
def target(server):
    """A database for the tests of one module."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}")
        with closing(server.connect(DATABASE)) as inside:
            yield MigrationTarget(server.url_of(DATABASE), inside)
        cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


@pytest.fixture
def empty(target):
    """The database without the schema."""
    yield target
    target.clear()


@pytest.fixture
def complete(empty):
    """The database with the schema as the files create it, with B-tree indexes and rows."""
    empty.build(*migrate.CORE_FILES, "btree")
    empty.execute(ROWS)
    return empty


@pytest.fixture
def own_rows(server, database):
    """Runs a statement in the tests' database, as its administrator; the rows that it returns."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:

        def execute(statement, *parameters):
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

        yield execute
