"""Executed plans on a real PostgreSQL: of what the application may do, and nothing of it stays."""

from contextlib import closing

import pytest

from loadgen import plan_execution
from loadgen.plan_execution import executor
from loadgen.statement_executions import Execution

TABLES = ("bag", "scan", "link", "bill", '"user"')
SCAN = """
    INSERT INTO tracetrack.scan (bag_id, user_id, parent_id, idempotency_key) VALUES (%(bag)s, %(user)s, NULL, %(key)s)
    ON CONFLICT (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING id, scanned_at
"""


@pytest.fixture
def executing(server, database):
    with executor(server, database) as opened:
        yield opened


@pytest.fixture
def content(server, database):
    """A function that returns the number of rows and a digest of each table."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:

        def read():
            result = {}
            for table in TABLES:
                cursor.execute(
                    f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM tracetrack.{table} t"
                )
                result[table] = cursor.fetchone()
            return result

        yield read


def execution(statement, **values):
    return Execution(statement, values, frozenset(), 1)


def test_a_read_has_actual_rows_time_and_buffers(executing):
    search = execution("SELECT * FROM tracetrack.bag WHERE qr_id ILIKE %(word)s LIMIT %(limit)s", word="%SB%", limit=5)
    executed = executing.execute(search)
    node = executed.plan["Plans"][0]
    assert (executed.plan["Node Type"], executed.plan["Actual Rows"]) == ("Limit", 5)
    assert node["Shared Hit Blocks"] + node["Shared Read Blocks"] > 0
    assert "'%SB%'" in node["Filter"]
    assert executed.execution_ms > 0


@pytest.mark.parametrize(
    "write",
    [
        execution(SCAN, bag=1, user=1, key="of a test"),
        execution("UPDATE tracetrack.bag SET parent_id = %(parent)s WHERE id = %(child)s", parent=None, child=2),
        execution('UPDATE tracetrack."user" SET password_hash = %(new)s WHERE id = %(id)s', new="x", id=1),
        execution(
            "WITH stored AS (INSERT INTO tracetrack.link (parent_id, child_id) VALUES (%(parent)s, %(child)s) "
            "ON CONFLICT (child_id) DO UPDATE SET child_id = excluded.child_id RETURNING 1) SELECT * FROM stored",
            parent=1, child=20_000,
        ),
    ],
)  # fmt: skip
def test_a_write_is_rolled_back(executing, content, write):
    before = content()
    assert executing.execute(write).plan
    assert content() == before


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELECT * FROM tracetrack.nothing", "does not exist"),
        ("DELETE FROM tracetrack.scan", "permission denied"),
        ("COPY tracetrack.bag TO STDOUT", "syntax error"),
        ("CREATE TABLE tracetrack.other (id int)", "syntax error"),
        ("SELECT id FROM tracetrack.ba", "does not exist"),
        ("SELECT id FROM tracetrack.bag WHERE (id", "syntax error"),
        ("SELECT 1; COMMIT; SELECT 2", "transaction commands"),
        ("SELECT %(absent)s", "do not fit"),
        ("SELECT %d", "do not fit"),
    ],
)
def test_what_cannot_be_executed_has_its_reason_and_the_next_is_executed(executing, content, statement, reason):
    before = content()
    failed = executing.execute(execution(statement, id=1))
    assert failed.plan is None
    assert reason in failed.failure
    assert executing.execute(execution("SELECT 1")).plan
    assert content() == before


def test_a_second_statement_in_a_text_stores_nothing(executing, content):
    before = content()
    scan = "INSERT INTO tracetrack.scan (bag_id, user_id) VALUES (1, 1)"
    executing.execute(execution(f"SELECT 1; {scan}"))
    assert content() == before


def test_a_statement_that_takes_too_long_is_ended(server, database, monkeypatch):
    monkeypatch.setattr(plan_execution, "MAX_EXECUTION_MS", 50)
    with executor(server, database) as opened:
        assert "statement timeout" in opened.execute(execution("SELECT pg_sleep(20)")).failure


def test_a_statement_is_identified_as_the_statistics_do(server, database, executing):
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        cursor.execute("SELECT name FROM tracetrack.bag WHERE id = 7 AND weight_kg > 0.5")
        cursor.execute(
            "SELECT queryid FROM pg_stat_statements WHERE query LIKE 'SELECT name FROM tracetrack.bag WHERE id%'"
        )
        ((number,),) = cursor.fetchall()
    with_other_values = execution(
        "SELECT name FROM tracetrack.bag WHERE id = %(id)s AND weight_kg > %(kg)s", id=9, kg=1.5
    )
    assert executing.query_id(with_other_values) == number
    assert executing.query_id(execution("SELECT FROM")) is None


def test_the_log_of_the_server_has_no_value_of_a_statement_that_fails(server, database, executing):
    executing.execute(execution("SELECT %(secret)s::int", secret="not-for-the-log"))
    assert "not-for-the-log" not in server.child.log.read_text()
