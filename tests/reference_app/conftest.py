"""Fixtures of several tests of the application: its framework, databases to migrate."""

from contextlib import ExitStack, closing

import pytest

from reference_app import migrate
from tests.conftest import application
from tests.loop_served import loop_served
from tests.reference_app.migration_target import DATABASE, ROWS, MigrationTarget


def pytest_generate_tests(metafunc):
    """Let the tests of a module with `FRAMEWORKS` run on each of them."""
    frameworks = getattr(metafunc.module, "FRAMEWORKS", ())
    if frameworks and "framework" in metafunc.fixturenames:
        metafunc.parametrize("framework", frameworks)


@pytest.fixture
def framework():
    return "flask"


@pytest.fixture
def make_app(framework):
    """Applications with settings of the test's own, on the framework of the test."""
    with ExitStack() as stack:
        serve = {"flask": application, "quart": loop_served}[framework]
        yield lambda settings: stack.enter_context(serve(settings))


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
