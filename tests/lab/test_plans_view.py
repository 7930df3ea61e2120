"""The plans of a run in the lab: statements, plans, the scans that are worth a look, and runs without them."""

import json

import pytest

from lab.lab_run import LabRun
from tests.lab.shown_parts import fallback, parts
from workbench.statement_plans import FILE

SCAN = {"depth": 0, "Node Type": "Seq Scan", "Relation Name": "bag", "Filter": "(name ~~ '<b>'::text)"}
PLANS = [
    {"statement": "SELECT name FROM bag", "calls": 4, "total_ms": 8.0, "nodes": [SCAN], "failure": ""},
    {"statement": "SELECT '<i>'", "calls": 1, "total_ms": 1.0, "nodes": [], "failure": "column does not exist"},
]


@pytest.fixture
def run(builder):
    return LabRun(builder.experiment(builder.run("tuned")).runs[0])


def with_plans(run, plans):
    (run.recorded.directory / FILE).write_text(json.dumps({"plans": plans}))
    return run.plans()


def test_each_statement_has_its_plan_and_large_scans_are_named(run):
    run.recorded.record["dataset"]["counts"] = {"bag": 1_800_000}
    shown = with_plans(run, PLANS)
    assert list(shown.table["mean_ms"]) == [2.0, 1.0]
    assert shown.table["plan"].iloc[0].startswith("Seq Scan on bag")
    assert shown.sentences[1] == "SELECT name FROM bag reads bag (1,800,000 rows) by a sequential scan."
    assert "1 statement could not be planned" in shown.sentences[2]
    assert "not planned: column does not exist" in repr(shown)
    html = fallback(shown)
    assert "Filter: (name ~~ &#x27;&lt;b&gt;&#x27;::text)" in html
    assert "<p>SELECT &#x27;&lt;i&gt;&#x27;</p>" in html
    assert "<i>" not in html
    assert len(parts(shown)[-1].children) == 2


def test_an_executed_plan_has_actual_rows_and_its_share_of_the_time_of_requests(builder):
    executed = {**PLANS[0], "share": 0.5, "execution_ms": 2.0, "values": {}, "not_executed": "", "executed_in": ""}
    executed["nodes"] = [SCAN | {"Actual Rows": 3.0, "Actual Loops": 1}]
    generic = [PLANS[0] | {"not_executed": "no values"}, PLANS[0] | {"executed_in": "1-01-tuned-reads"}]
    files = builder.run("tuned")
    files.plans = [executed, *generic]
    run = LabRun(builder.experiment(files, name="executed").runs[0])
    shown = run.plans()
    assert list(shown.table["kind"]) == ["executed", "generic (no values)", "generic (executed in 1-01-tuned-reads)"]
    assert "rows=3.00 loops=1" in shown.table["plan"].iloc[0]
    total_ms = run.recorded.requests["app_ms"].sum()
    assert shown.table["of_requests"].iloc[0] == pytest.approx(8.0 / total_ms)
    assert "SELECT name FROM bag was not executed: no values." in shown.sentences
    assert "SELECT name FROM bag was executed in 1-01-tuned-reads." in shown.sentences


def test_without_a_large_scan_that_is_said(run):
    run.recorded.record["dataset"]["counts"] = {"bag": 100}
    assert "None of these plans reads a table of 10,000 rows" in with_plans(run, PLANS[:1]).sentences[1]


def test_an_older_run_says_that_it_has_no_plans(run):
    shown = run.plans()
    assert "No plan was recorded" in shown.sentences[0]
    assert fallback(shown)


def test_a_file_of_another_shape_is_one_line(run):
    shown = with_plans(run, [{}])
    (line,) = shown.sentences
    assert "has no plans of statements" in line
    assert shown.table.empty
    assert fallback(shown)
