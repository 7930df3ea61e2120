"""Reads of one statement by itself, with and without a transaction."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from instrumentation import server_timing
from reference_app import database

STATEMENT = text("SELECT id, username FROM tracetrack.\"user\" WHERE username LIKE :pattern || '%' ORDER BY id LIMIT 2")


@pytest.fixture(params=["transaction", "autocommit"])
def app(request, make_app, settings):
    return make_app(replace(settings, reads=request.param))


def test_read_returns_the_rows_as_dictionaries(app):
    with app.app_context():
        first, second = database.read(STATEMENT, pattern="user00")
    assert (first["username"], second["username"]) == ("user001", "user002")
    assert list(first) == ["id", "username"]


def test_read_with_a_failed_statement_raises_and_leaves_a_usable_connection(app):
    with app.app_context():
        with pytest.raises(ProgrammingError):
            database.read(text("SELECT * FROM no_such_table"))
        assert len(database.read(STATEMENT, pattern="user00")) == 2


def test_read_counts_a_failed_statement(app):
    timing = server_timing.Timing(0, None)
    token = server_timing._current.set(timing)
    try:
        with app.app_context(), pytest.raises(DBAPIError):
            database.read(text("SELECT 1 / 0"))
    finally:
        server_timing._current.reset(token)
    assert (timing.db_calls, timing.failed_calls) == (1, 1)
