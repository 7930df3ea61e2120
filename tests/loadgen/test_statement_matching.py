"""Which recorded execution belongs to which statement: by the server's number, otherwise by the text."""

import pytest

from loadgen.collectors.database_reader import TopStatement
from loadgen.plan_execution import executor
from loadgen.statement_executions import Execution
from loadgen.statement_matching import MatchedExecutions, normal_text

SEARCH = Execution(
    "SELECT id FROM tracetrack.bag\n  WHERE qr_id || '' ILIKE %(word)s AND weight_kg > 0.5 LIMIT %(limit)s",
    {"word": "%SB%", "limit": 5}, frozenset(), 1,
)  # fmt: skip
OTHER = Execution("SELECT id FROM tracetrack.bag WHERE name = %(name)s", {"name": "Ann"}, frozenset(), 1)


@pytest.fixture
def matched(server, database):
    with executor(server, database) as opened:
        yield MatchedExecutions(opened, [SEARCH, OTHER]), opened


def test_the_number_of_the_server_decides(matched):
    executions, opened = matched
    assert executions.find(TopStatement("another text", 1, 1.0, 0.5, opened.query_id(OTHER))) is OTHER


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM tracetrack.bag WHERE qr_id || $1 ILIKE $2 AND weight_kg > $3 LIMIT $4",
        "SELECT id FROM tracetrack.bag WHERE qr_id || '' ILIKE $1::VARCHAR AND weight_kg > 0.5 LIMIT $2",
    ],
)
def test_a_driver_that_sends_values_apart_is_matched_by_the_text(matched, text):
    assert matched[0].find(TopStatement(text, 1, 1.0, 0.5, 17)) is SEARCH
    assert matched[0].find(TopStatement(text, 1, 1.0)) is SEARCH


def test_what_was_not_recorded_has_no_execution(matched):
    assert matched[0].find(TopStatement("SELECT id FROM tracetrack.bag WHERE id = $1", 1, 1.0, 0.5, 17)) is None


def test_names_with_digits_are_no_values():
    assert (
        normal_text("SELECT t1.a2 FROM t1 WHERE b = 'x''y' AND c = 1.5") == "SELECT t1.a2 FROM t1 WHERE b = ? AND c = ?"
    )
