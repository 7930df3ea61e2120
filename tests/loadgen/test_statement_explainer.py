"""Plans after a load: of what the server can plan, with a reason for the rest, and never an error of the run."""

import json
from dataclasses import replace

import pytest

from loadgen import statement_explainer
from loadgen.collectors.database_reader import TopStatement
from loadgen.earlier_plans import EarlierPlans
from loadgen.plan_execution import executor
from loadgen.statement_executions import Execution
from loadgen.statement_explainer import NONE, record_plans
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


@pytest.mark.parametrize("command", ["COPY tracetrack.bag TO STDOUT", "create table tracetrack.t ()", "ROLLBACK"])
def test_a_command_without_a_plan_is_named(plan_of, command):
    assert plan_of(command).failure == f"PostgreSQL makes no plan for {command.split()[0].upper()}"


def test_a_text_that_is_cut_off_has_the_reason_of_the_server(plan_of):
    assert plan_of("SELECT id FROM tracetrack.bag WHERE (").failure == "syntax error at end of input"


BY_ID = Execution("SELECT * FROM tracetrack.bag WHERE id = %(id)s", {"id": 7}, frozenset(), 1)
BY_WEIGHT = Execution("SELECT * FROM tracetrack.bag WHERE weight_kg > %(kg)s", {"kg": 1}, frozenset({"kg"}), 1)
BROKEN = Execution("SELECT name::int FROM tracetrack.bag WHERE name <> %(name)s", {"name": "Ann"}, frozenset(), 1)


@pytest.fixture
def plans_of(server, database, tmp_path):
    """A function that records statements with a share each, and returns their plans."""

    def recorded(*shares, executions=(BY_ID, BY_WEIGHT, BROKEN), earlier=NONE):
        with executor(server, database) as opened:
            numbers = [opened.query_id(execution) for execution in (BY_ID, BY_WEIGHT, BROKEN)]
        texts = [execution.statement.split("%")[0] + "$1" for execution in (BY_ID, BY_WEIGHT, BROKEN)]
        statements = [
            TopStatement(text, 3, 1.0, share, number)
            for text, share, number in zip(texts, shares, numbers, strict=False)
        ]
        record_plans(server, database, statements, tmp_path, executions, earlier)
        return statement_plans.read(tmp_path)

    return recorded


def test_what_took_a_twentieth_of_the_time_is_executed_with_the_values_of_the_load(plans_of):
    by_id, by_weight = plans_of(0.05, 0.04)
    assert by_id.is_executed
    assert by_id.nodes[0]["Actual Rows"] == 1
    assert by_id.nodes[0]["Index Cond"] == "(id = :id)"
    assert (by_id.values, by_id.not_executed) == ({"id": "***"}, "")
    assert not by_weight.is_executed
    assert by_weight.nodes
    assert by_weight.not_executed == ""


def test_a_statement_is_executed_once_for_a_deployment(plans_of):
    (plan,) = plans_of(0.9, earlier=EarlierPlans({BY_ID.statement.split("%")[0] + "$1": "1-01-tuned-reads"}))
    assert not plan.is_executed
    assert (plan.executed_in, plan.not_executed) == ("1-01-tuned-reads", "")


def test_what_was_executed_for_another_deployment_is_executed_with_the_same_values(plans_of):
    text = BY_WEIGHT.statement.split("%")[0] + "$1"
    _, plan = plans_of(0.9, 0.01, earlier=EarlierPlans(values={text: {"kg": "7", "more": "x"}}))
    assert plan.is_executed
    assert "'7'::" in plan.nodes[0]["Filter"]
    assert plan.values == {"kg": "7"}


def test_without_recorded_values_the_generic_plan_stays(plans_of):
    (plan,) = plans_of(0.9, executions=())
    assert (plan.not_executed, plan.is_executed) == ("no values of its parameters were recorded", False)
    assert plan.nodes


def test_an_execution_that_fails_leaves_its_reason_without_a_value(plans_of):
    plans = plans_of(0.3, 0.3, 0.3)
    assert [plan.is_executed for plan in plans] == [True, True, False]
    assert "invalid input syntax for type integer" in plans[2].not_executed
    assert "Ann" not in plans[2].not_executed


def test_a_plan_that_is_too_large_stays_generic(plans_of, monkeypatch):
    (generic,) = plans_of(0.01)
    monkeypatch.setattr(statement_explainer, "MAX_PLAN_BYTES", len(json.dumps(generic.nodes)))
    (plan,) = plans_of(0.9)
    assert plan.nodes == generic.nodes
    assert (plan.is_executed, plan.not_executed) == (False, "its plan has more than 0 KiB")


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
