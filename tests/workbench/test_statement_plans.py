"""`plans.json`: read as it was written, and refused in one line where it is something else."""

import json

import pytest

from workbench import statement_plans
from workbench.errors import RecordingError
from workbench.statement_plans import FILE, StatementPlan

ENTRY = {"statement": "SELECT 1", "calls": 4, "total_ms": 2.0, "nodes": [{"depth": 0}], "failure": ""}


def test_plans_are_read_as_they_were_written(tmp_path):
    (tmp_path / FILE).write_text(json.dumps({"plans": [ENTRY]}))
    (plan,) = statement_plans.read(tmp_path)
    assert plan == StatementPlan("SELECT 1", 4, 2.0, ({"depth": 0},))
    assert plan.mean_ms == 0.5


def test_an_executed_plan_has_its_share_values_and_time(tmp_path):
    executed = {"share": 0.25, "execution_ms": 1.5, "values": {"q": "***"}, "not_executed": "", "executed_in": "1-01-a"}
    (tmp_path / FILE).write_text(json.dumps({"plans": [ENTRY | executed]}))
    (plan,) = statement_plans.read(tmp_path)
    assert plan.is_executed
    assert (plan.share, plan.values, plan.executed_in) == (0.25, {"q": "***"}, "1-01-a")
    assert not StatementPlan("SELECT 1", 4, 2.0).is_executed


def test_a_run_without_plans_has_none(tmp_path):
    assert statement_plans.read(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"plans": None},
        {"plans": [{}]},
        {"plans": [ENTRY | {"calls": "4"}]},
        {"plans": [ENTRY | {"more": 1}]},
        {"plans": [ENTRY | {"share": "most"}]},
        {"plans": [ENTRY | {"values": {"q": 7}}]},
        {"plans": [ENTRY | {"nodes": [{}]}]},
        {"plans": [ENTRY | {"nodes": [{"depth": -1}]}]},
        {"plans": [ENTRY | {"nodes": [{"depth": 10**9}]}]},
        {"plans": [ENTRY | {"nodes": ["Seq Scan"]}]},
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path, content):
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(RecordingError, match="has no plans of statements"):
        statement_plans.read(tmp_path)
