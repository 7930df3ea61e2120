"""Plans after a load: of what the server can plan, with a reason for the rest, and never an error of the run."""

from dataclasses import replace

import pytest

from loadgen import statement_explainer
from loadgen.collectors.database_reader import TopStatement
from loadgen.statement_explainer import record_plans
from workbench import statement_plans
from workbench.statement_plans import FILE


@pytest.fixture
def plan_of(server, database, tmp_path):
    """A function that returns what is recorded of one statement."""

    def recorded(text):
        record_plans(server, database, [TopStatement(text, 7, 3.5)], tmp_path)
        (plan,) = statement_plans.read(tmp_path)
        return plan

    return recorded


def test_a_statement_with_parameters_is_planned_without_their_values(plan_of):
    plan = plan_of("SELECT * FROM tracetrack.bag\n  WHERE id = $1 AND name LIKE '100%'")
    assert plan.statement == "SELECT * FROM tracetrack.bag WHERE id = $1 AND name LIKE '100%'"
    assert (plan.calls, plan.mean_ms, plan.failure) == (7, 0.5, "")
    assert [node["Relation Name"] for node in plan.nodes] == ["bag"]


def test_nothing_is_executed(plan_of, server, database):
    assert plan_of("DELETE FROM tracetrack.bill RETURNING id").nodes[0]["Operation"] == "Delete"
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) > 0 FROM tracetrack.bill")
        assert cursor.fetchone() == (True,)
    connection.close()
    # What would follow a statement is executed by a connection that may write nothing.
    refused = plan_of("SELECT 1; DELETE FROM tracetrack.bill")
    assert "read-only transaction" in refused.failure


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT FROM", "syntax error"),
        ("SELECT * FROM tracetrack.nothing", "does not exist"),
        ("SELECT date_trunc($1, $2)", "is not unique"),
    ],
)
def test_what_cannot_be_planned_has_its_reason(plan_of, text, reason):
    plan = plan_of(text)
    assert plan.nodes == ()
    assert reason in plan.failure


def test_a_plan_that_takes_too_long_or_is_too_large_is_left_out(plan_of, monkeypatch):
    monkeypatch.setattr(statement_explainer, "MAX_PLAN_BYTES", 100)
    assert "more than 0 KiB" in plan_of("SELECT 1").failure
    monkeypatch.setattr(statement_explainer, "SETTINGS", "SET statement_timeout = 1")
    folded = " || ".join(["repeat('x', 1000000)"] * 40)  # constants, which the planner computes
    assert "statement timeout" in plan_of(f"SELECT length({folded})").failure


def test_other_statements_are_planned_beside_one_that_fails(server, database, tmp_path):
    statements = [TopStatement(text, 1, 1.0) for text in ("SELECT FROM", "SELECT 1")]
    record_plans(server, database, statements, tmp_path)
    assert [len(plan.nodes) for plan in statement_plans.read(tmp_path)] == [0, 1]


def test_without_a_statement_or_a_database_of_the_workbench_nothing_is_written(server, database, tmp_path):
    statement = TopStatement("SELECT 1", 1, 1.0)
    record_plans(server, database, [], tmp_path)
    record_plans(replace(server, application_role=""), database, [statement], tmp_path)
    record_plans(server, "no_such_database", [statement], tmp_path)
    assert not (tmp_path / FILE).exists()
